//! What counts where a playbook says nothing. Plans that were made before there was a choice have none of these fields, and what is not
//! chosen is left out of a plan, so that its digest stays what it was.

const ALPHA: f64 = 0.01;
const FALSE_ALARMS_PER_DAY: f64 = 0.01;
const MARGIN: f64 = 1.5;

pub const fn alpha() -> f64 {
    ALPHA
}

pub const fn false_alarms_per_day() -> f64 {
    FALSE_ALARMS_PER_DAY
}

pub const fn margin() -> f64 {
    MARGIN
}

pub fn is_alpha(number: &f64) -> bool {
    *number == ALPHA
}

pub fn is_false_alarms_per_day(number: &f64) -> bool {
    *number == FALSE_ALARMS_PER_DAY
}

pub fn is_margin(number: &f64) -> bool {
    *number == MARGIN
}
