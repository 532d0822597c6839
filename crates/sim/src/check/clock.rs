//! Calendars and clocks once more, by their written rules and by none of the domain's arithmetic: what the rules about time
//! compare with. `None` where these rules do not say.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use tidegate_domain::calendar::{Calendars, Period, Times, Window, WindowKind, WindowZone};
use tidegate_domain::files::TimeZoneName;
use tidegate_domain::id::CalendarName;
use tidegate_domain::policy::Gap;
use tidegate_domain::time::Timestamp;

/// By whose clocks and working days.
#[derive(Debug, Clone)]
pub struct Whose<'a> {
    pub zone: TimeZoneName,
    pub calendar: Option<&'a CalendarName>,
    pub calendars: &'a Calendars,
}

struct Clock(TimeZone);

/// What a local time stands for: the first and the last instant at which the clocks show it. One that they jump over
/// stands for the jump.
struct Shown {
    first: Timestamp,
    last: Timestamp,
}

/// Every offset of a zone is a multiple of it.
const QUARTER: i64 = 15 * 60_000;

impl Clock {
    fn of(zone: &TimeZoneName) -> Self {
        Self(TimeZoneDatabase::bundled().get(zone.as_str()).unwrap_or(TimeZone::UTC))
    }

    fn local(&self, at: Timestamp) -> DateTime {
        self.0
            .to_datetime(jiff::Timestamp::from_millisecond(at.0).unwrap_or_default())
    }

    fn shown(&self, local: DateTime) -> Shown {
        let at = |offset: Offset| {
            let at = offset.to_timestamp(local).unwrap_or_default();
            Timestamp(at.as_millisecond())
        };
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => Shown {
                first: at(offset),
                last: at(offset),
            },
            AmbiguousOffset::Fold { before, after } => Shown {
                first: at(before),
                last: at(after),
            },
            AmbiguousOffset::Gap { before, after } => {
                let (mut low, mut high) = (at(after).0, at(before).0);
                // The clocks change between the two: the first instant that shows a later time than the one asked for.
                while high - low > 1 {
                    let middle = low + (high - low) / 2;
                    if self.local(Timestamp(middle)) > local {
                        high = middle;
                    } else {
                        low = middle;
                    }
                }
                let jump = Timestamp(high);
                Shown {
                    first: jump,
                    last: jump,
                }
            }
        }
    }
}

/// The date that the clocks of a zone show.
pub fn date(zone: &TimeZoneName, at: Timestamp) -> Date {
    Clock::of(zone).local(at).date()
}

/// The first instant of a day.
pub fn midnight(zone: &TimeZoneName, date: Date) -> Timestamp {
    Clock::of(zone).shown(date.to_datetime(Time::midnight())).first
}

/// Whether a window covers an instant for somebody of this zone.
fn covers(window: &Window, zone: &TimeZoneName, at: Timestamp) -> Option<bool> {
    let clock = Clock::of(match &window.zone {
        WindowZone::Tenant => zone,
        WindowZone::Named(zone) => zone,
    });
    let between = |from, until| clock.shown(from).first <= at && at < clock.shown(until).last;
    match &window.times {
        Times::Once { from, until } => Some(between(*from, *until)),
        Times::Weekly { on, from, until } => {
            let today = clock.local(at).date();
            let begun = (-3..=1_i64).filter_map(|days| today.checked_add(days.days()).ok());
            let on_day = |day: Date| {
                let last = if until > from { day } else { day.saturating_add(1.day()) };
                between(day.to_datetime(*from), last.to_datetime(*until))
            };
            Some(begun.filter(|day| on.contains(day.weekday())).any(on_day))
        }
        Times::Recurring { .. } => None,
    }
}

/// What of the windows of somebody covers an instant.
#[derive(Debug, Default)]
pub struct Covered<'w> {
    pub freeze: Option<&'w Window>,
    pub allowing: Vec<&'w Window>,
    /// There is a window without which they do not move.
    pub needs: bool,
}

impl<'w> Covered<'w> {
    pub fn of(windows: &[&'w Window], zone: &TimeZoneName, at: Timestamp) -> Option<Self> {
        let mut covered = Self::default();
        for window in windows {
            let now = covers(window, zone, at)?;
            match window.kind {
                WindowKind::Freeze if now => covered.freeze = Some(window),
                WindowKind::Freeze => {}
                WindowKind::Allow => {
                    covered.needs = true;
                    covered.allowing.extend(now.then_some(*window));
                }
            }
        }
        Some(covered)
    }
}

impl Whose<'_> {
    /// The latest instant at which something can have happened that is so long before `start`.
    pub fn before(&self, start: Timestamp, period: Period) -> Option<Timestamp> {
        let days = match period {
            Period::Elapsed(elapsed) => return Some(Timestamp(start.0 - elapsed.as_millis())),
            Period::Days(days) | Period::WorkingDays(days) => days,
            Period::Weeks(weeks) => weeks * 7,
        };
        if days == 0 {
            return Some(start);
        }
        let clock = Clock::of(&self.zone);
        let local = clock.local(start);
        let (mut date, mut left) = (local.date(), days);
        while left > 0 {
            date = date.yesterday().ok()?;
            left -= u16::from(self.counts(date, period)?);
        }
        Some(clock.shown(date.to_datetime(local.time())).first)
    }

    fn counts(&self, date: Date, period: Period) -> Option<bool> {
        if !matches!(period, Period::WorkingDays(_)) {
            return Some(true);
        }
        let calendar = self.calendars.calendars.get(self.calendar?)?;
        if !calendar.working_days.contains(date.weekday()) {
            return Some(false);
        }
        let Some(file) = &calendar.holidays else {
            return Some(true);
        };
        let holidays = self.calendars.holidays.get(file)?;
        let known = holidays.years.contains(&date.year());
        known.then(|| !holidays.days.contains_key(&date))
    }

    /// A gap that began at `from` is over: there is a start up to now that lies so long after it.
    pub fn gap_is_over(&self, from: Timestamp, gap: Gap, now: Timestamp) -> Option<bool> {
        let period = match gap {
            Gap::Elapsed(elapsed) => return Some(from + elapsed <= now),
            Gap::Counted(period) => period,
        };
        let clock = Clock::of(&self.zone);
        let (begun, today) = (clock.local(from), clock.local(now).date());
        let mut day = begun.date();
        let mut starts = vec![now];
        while day <= today {
            for local in [
                day.to_datetime(Time::midnight()),
                day.to_datetime(begun.time()),
                day.to_datetime(begun.time()).saturating_add(1.hour()),
            ] {
                starts.push(clock.shown(local).first);
            }
            day = day.tomorrow().ok()?;
        }
        for start in starts.into_iter().filter(|start| *start <= now) {
            if self.before(start, period)? >= from {
                return Some(true);
            }
        }
        Some(false)
    }
}

/// When the first peak is over that begins at `after` or later; hours of the week by the clocks of a zone.
pub fn peak_is_over(hours: &BTreeSet<u8>, zone: &TimeZoneName, after: Timestamp) -> Option<Timestamp> {
    let clock = Clock::of(zone);
    let in_peak = |at: i64| {
        let local = clock.local(Timestamp(at));
        let hour = i16::from(local.weekday().to_monday_zero_offset()) * 24 + i16::from(local.hour());
        u8::try_from(hour).is_ok_and(|hour| hours.contains(&hour))
    };
    let first = after.0.div_euclid(QUARTER) * QUARTER;
    let quarters = |from: i64| (0..2_000).map(move |n| from + n * QUARTER);
    let begins = quarters(first).find(|at| *at >= after.0 && in_peak(*at) && !in_peak(at - 1))?;
    quarters(begins).find(|at| !in_peak(*at)).map(Timestamp)
}
