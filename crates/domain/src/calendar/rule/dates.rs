//! The days of a rule. They come in sets, one for each day, week, month or year; a rule asks only what a day is by itself
//! and which place it has in its set, so that one can begin at any set.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::{Frequency, Rule};

/// A Thursday.
pub(super) const EPOCH: Date = Date::constant(1970, 1, 1);

/// The days of a rule between two days, in their order.
pub(in crate::calendar) struct Dates<'r> {
    rule: &'r Rule,
    /// The next set to look at.
    set: i64,
    /// The days of the set before, the last first.
    found: Vec<Date>,
    from: Date,
    to: Date,
}

impl<'r> Dates<'r> {
    pub(super) fn new(rule: &'r Rule, starting: Option<Date>, from: Date, to: Date) -> Self {
        let origin = rule.set_of(starting.unwrap_or(from));
        let interval = i64::from(rule.interval);
        let ahead = (rule.set_of(from) - origin).div_euclid(interval) * interval;
        Self {
            rule,
            set: origin + ahead,
            found: Vec::new(),
            from,
            to,
        }
    }
}

impl Iterator for Dates<'_> {
    type Item = Date;

    fn next(&mut self) -> Option<Date> {
        loop {
            if let Some(date) = self.found.pop() {
                if date > self.to {
                    return None;
                }
                if date >= self.from {
                    return Some(date);
                }
                continue;
            }
            let first = self.rule.first_of(self.set).filter(|first| *first <= self.to)?;
            self.found = self.rule.days_of(self.set, first);
            self.found.reverse();
            self.set += i64::from(self.rule.interval);
        }
    }
}

impl Rule {
    /// The number of the set that `date` is in.
    fn set_of(&self, date: Date) -> i64 {
        match self.frequency {
            Frequency::Daily => days_since_epoch(date),
            Frequency::Weekly => (days_since_epoch(date) + self.week_shift()).div_euclid(7),
            Frequency::Monthly => i64::from(date.year()) * 12 + i64::from(date.month()) - 1,
            Frequency::Yearly => i64::from(date.year()),
        }
    }

    /// The first day of a set; none where the calendar ends.
    fn first_of(&self, set: i64) -> Option<Date> {
        match self.frequency {
            Frequency::Daily => EPOCH.checked_add(set.days()).ok(),
            // A week that begins before the calendar does is begun with it.
            Frequency::Weekly => EPOCH.checked_add((set * 7 - self.week_shift()).days()).ok(),
            Frequency::Monthly => {
                let month = i8::try_from(set.rem_euclid(12) + 1).ok()?;
                Date::new(i16::try_from(set.div_euclid(12)).ok()?, month, 1).ok()
            }
            Frequency::Yearly => Date::new(i16::try_from(set).ok()?, 1, 1).ok(),
        }
    }

    /// How many days the epoch is after the beginning of its week.
    fn week_shift(&self) -> i64 {
        i64::from(self.week_start.until(EPOCH.weekday()))
    }

    /// The days of the set that begins with `first`, in their order.
    fn days_of(&self, set: i64, first: Date) -> Vec<Date> {
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
        let admitted: Vec<Date> = days
            .take_while(|day| self.set_of(*day) == set)
            .filter(|day| self.admits(*day))
            .collect();
        if self.positions.is_empty() {
            return admitted;
        }
        let count = i16::try_from(admitted.len()).unwrap_or(i16::MAX);
        let has_place = |place: i16| self.positions.contains(&place) || self.positions.contains(&(place - count - 1));
        (1..)
            .zip(admitted)
            .filter(|(place, _)| has_place(*place))
            .map(|(_, day)| day)
            .collect()
    }

    /// Whether every part that says something of single days admits this one.
    fn admits(&self, day: Date) -> bool {
        let from_end = day.day() - day.days_in_month() - 1;
        (self.months.is_empty() || self.months.contains(&day.month()))
            && (self.month_days.is_empty()
                || self.month_days.contains(&day.day())
                || self.month_days.contains(&from_end))
            && (self.days.is_empty() || self.days.iter().any(|named| self.is_named(*named, day)))
    }

    fn is_named(&self, (ordinal, weekday): (Option<i8>, Weekday), day: Date) -> bool {
        if day.weekday() != weekday {
            return false;
        }
        let Some(ordinal) = ordinal else { return true };
        // Numbers count within the year only where no month is named: RFC 5545, the note on BYDAY.
        let (place, length) = if self.frequency == Frequency::Yearly && self.months.is_empty() {
            (day.day_of_year(), day.days_in_year())
        } else {
            (i16::from(day.day()), i16::from(day.days_in_month()))
        };
        let from_start = (place - 1) / 7 + 1;
        let from_end = -((length - place) / 7 + 1);
        i16::from(ordinal) == from_start || i16::from(ordinal) == from_end
    }
}

fn days_since_epoch(date: Date) -> i64 {
    i64::from((date - EPOCH).get_days())
}
