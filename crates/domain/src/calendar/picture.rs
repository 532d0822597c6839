//! The days of a class, hour by hour: what a person looks at to see why something moves when it does.

use jiff::ToSpan as _;
use jiff::civil::{Date, Time};
use serde::Serialize;

use super::zone::Clock;
use super::{CalendarError, Calendars, Class, Reason, Stretch};
use crate::time::Timestamp;

/// One day, as the clocks of a class show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    pub date: Date,
    pub from: Timestamp,
    pub until: Timestamp,
    /// From midnight to midnight by the clocks, whatever they skip or repeat.
    pub hours: [Hour; 24],
    /// Whether people work; none where the class has no calendar.
    pub working: Option<Result<bool, CalendarError>>,
    pub holiday: Option<String>,
    pub clocks: Option<ClockChange>,
    /// What holds when, without a gap.
    pub stretches: Vec<Stretch>,
}

/// What holds for an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hour {
    Open,
    Frozen,
    Closed,
    /// Open for a part of it.
    Partly,
    /// The clocks jump over it.
    Skipped,
}

/// The clocks being put forward or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockChange {
    pub at: Timestamp,
    /// What they would show then.
    pub before: Time,
    /// What they show instead.
    pub after: Time,
}

impl Calendars {
    /// The date of an instant, by the clocks of a class.
    #[must_use]
    pub fn date(&self, class: &Class, at: Timestamp) -> Date {
        Clock::of(&class.zone).local(at).date()
    }

    /// The first instant of a date, by the clocks of a class.
    #[must_use]
    pub fn midnight(&self, class: &Class, date: Date) -> Timestamp {
        Clock::of(&class.zone).first(date.to_datetime(Time::midnight()))
    }

    /// `count` days from a date on. Days after the year 9999 are left out.
    #[must_use]
    pub fn days(&self, class: &Class, from: Date, count: u16) -> Vec<Day> {
        let clock = Clock::of(&class.zone);
        let dates = (0..i64::from(count)).filter_map(|day| from.checked_add(day.days()).ok());
        dates.filter_map(|date| self.day(class, &clock, date)).collect()
    }

    fn day(&self, class: &Class, clock: &Clock, date: Date) -> Option<Day> {
        let tomorrow = date.tomorrow().ok()?;
        let (from, until) = (self.midnight(class, date), self.midnight(class, tomorrow));
        let stretches = self.stretches(class, from, until);
        let hours = std::array::from_fn(|hour| {
            let begins = |hour: usize| match i8::try_from(hour).ok().and_then(|hour| Time::new(hour, 0, 0, 0).ok()) {
                Some(time) => clock.first(date.to_datetime(time)),
                None => until,
            };
            hour_of(&stretches, begins(hour), begins(hour + 1))
        });
        let calendar = class.calendar.as_ref();
        Some(Day {
            date,
            from,
            until,
            hours,
            working: calendar.map(|calendar| self.is_working_day(calendar, date)),
            holiday: calendar
                .and_then(|calendar| self.holiday(calendar, date))
                .map(str::to_owned),
            clocks: clock.change(from, until),
            stretches,
        })
    }
}

fn hour_of(stretches: &[Stretch], from: Timestamp, until: Timestamp) -> Hour {
    if from >= until {
        return Hour::Skipped;
    }
    let within = stretches
        .iter()
        .filter(|stretch| stretch.from < until && from < stretch.until);
    let mut states = within.map(|stretch| match (&stretch.openness.reason, stretch.openness.open) {
        (_, true) => Hour::Open,
        (Reason::Frozen { .. }, false) => Hour::Frozen,
        (_, false) => Hour::Closed,
    });
    let Some(first) = states.next() else {
        return Hour::Skipped;
    };
    // An hour that is never open says what forbids it last.
    states.fold(first, |hour, state| match (hour, state) {
        (hour, state) if hour == state => hour,
        (Hour::Frozen, Hour::Closed) | (Hour::Closed, Hour::Frozen) => state,
        _ => Hour::Partly,
    })
}
