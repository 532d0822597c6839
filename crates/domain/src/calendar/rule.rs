//! Recurrence rules of RFC 5545, section 3.3.10, for whole days.
//!
//! Of the rule's parts these are read: FREQ of DAILY, WEEKLY, MONTHLY and YEARLY, INTERVAL, COUNT, UNTIL (a date), BYDAY,
//! BYMONTHDAY, BYMONTH, BYSETPOS and WKST. Any other is refused by its name. Where the RFC counts from DTSTART, a rule has
//! `starting`; unlike DTSTART it is a day of the rule only if the rule says so.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::LocalDate;
use super::window::WindowError;
use crate::files::written_as_text;

mod dates;
mod read;

pub(super) use dates::Dates;

/// A recurrence rule, as text that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    text: String,
    rule: Rule,
}

written_as_text!(
    RuleText,
    "^FREQ=[A-Z]+(;[A-Z]+=[A-Z0-9,+-]+)*$",
    "a recurrence rule of RFC 5545 for whole days, such as `FREQ=MONTHLY;BYDAY=-1FR`"
);

impl FromStr for RuleText {
    type Err = RuleError;
    fn from_str(text: &str) -> Result<Self, RuleError> {
        Ok(Self {
            text: text.to_owned(),
            rule: read::rule(text)?,
        })
    }
}

impl fmt::Display for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Text that is no rule for whole days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("`{0}` is not a recurrence rule: write one such as `FREQ=MONTHLY;BYDAY=-1FR`")]
    NotARule(String),
    #[error("`{0}` is no part of a rule for whole days: the parts are {PARTS}")]
    UnknownPart(String),
    #[error("`{0}` stands twice in the rule: keep one of the two")]
    Twice(&'static str),
    #[error("`{value}` is not possible for `{part}`: write {expected}")]
    Value {
        part: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error("`{0}` does not go together with `{1}`: remove one of the two")]
    Conflict(&'static str, &'static str),
    #[error("`BYSETPOS` chooses among days that no other part names: add `BYDAY`, `BYMONTHDAY` or `BYMONTH`")]
    NothingToChoose,
}

const PARTS: &str = "FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS and WKST";

/// How often the set of days begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// The parts of a rule. A set that is empty restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    frequency: Frequency,
    interval: u16,
    count: Option<u16>,
    until: Option<Date>,
    /// The weekday, and which one of its month or year; negative from the end.
    days: Vec<(Option<i8>, Weekday)>,
    /// Negative from the end of the month.
    month_days: BTreeSet<i8>,
    months: BTreeSet<i8>,
    /// Which days of each set, from 1; negative from its end.
    positions: BTreeSet<i16>,
    week_start: Weekday,
}

/// A rule with its first day: what is needed to know the days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    pub rule: RuleText,
    pub starting: Option<LocalDate>,
    /// The rule with what it takes from its first day.
    whole: Rule,
    /// The last day, where there is one.
    last: Option<Date>,
}

/// How many years after its first a rule without a day is given up. Weekdays and leap years repeat after 28 years, or
/// after 40 where a century without a leap year is between.
pub(super) const SEARCH_YEARS: i16 = 40;

impl Recurrence {
    /// The days of `rule` from `starting` on.
    ///
    /// # Errors
    /// If the rule needs a first day that is not there, or has no day at all.
    pub fn new(rule: &RuleText, starting: Option<LocalDate>) -> Result<Self, WindowError> {
        let mut whole = rule.rule.clone();
        let counts = whole.interval > 1 || whole.count.is_some();
        let names_days = !(whole.days.is_empty() && whole.month_days.is_empty());
        let takes_days = !names_days && whole.frequency != Frequency::Daily;
        let Some(first) = starting.or((!counts && !takes_days).then_some(LocalDate(dates::EPOCH))) else {
            return Err(WindowError::NoStart { rule: rule.to_string() });
        };
        if takes_days {
            whole.take_from(first.0);
        }
        let mut recurrence = Self {
            rule: rule.clone(),
            starting,
            last: whole.until,
            whole,
        };
        let end = first.0.saturating_add(SEARCH_YEARS.years());
        if recurrence.dates(first.0, end).next().is_none() {
            let last = LocalDate(recurrence.last.unwrap_or(end));
            let rule = rule.to_string();
            return Err(WindowError::NoDay { rule, last });
        }
        if let Some(count) = recurrence.whole.count {
            recurrence.last = recurrence.dates(first.0, Date::MAX).take(usize::from(count)).last();
        }
        Ok(recurrence)
    }

    /// The last day, where there is one.
    pub(crate) fn last(&self) -> Option<Date> {
        self.last
    }

    /// The days of the rule up to a last one.
    pub(crate) fn until(&self, last: Date) -> impl Iterator<Item = Date> {
        self.dates(Date::MIN, last)
    }

    /// The days of the rule from `from` to `to`, both included, in their order.
    pub(super) fn dates(&self, from: Date, to: Date) -> Dates<'_> {
        let first = self.starting.map_or(from, |starting| starting.0.max(from));
        let last = self.last.map_or(to, |last| last.min(to));
        Dates::new(&self.whole, self.starting.map(|starting| starting.0), first, last)
    }
}

impl Rule {
    /// What RFC 5545 takes from the first day where a rule names no days of its own.
    fn take_from(&mut self, first: Date) {
        match self.frequency {
            Frequency::Daily => {}
            Frequency::Weekly => self.days.push((None, first.weekday())),
            Frequency::Monthly => {
                self.month_days.insert(first.day());
            }
            Frequency::Yearly => {
                if self.months.is_empty() {
                    self.months.insert(first.month());
                }
                self.month_days.insert(first.day());
            }
        }
    }
}

#[cfg(test)]
mod tests;
