//! Reads the text of a rule.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};

use super::{Frequency, Rule, RuleError};

/// The parts that are read, in the order in which a conflict is told.
const FREQ: &str = "FREQ";
const INTERVAL: &str = "INTERVAL";
const COUNT: &str = "COUNT";
const UNTIL: &str = "UNTIL";
const BYDAY: &str = "BYDAY";
const BYMONTHDAY: &str = "BYMONTHDAY";
const BYMONTH: &str = "BYMONTH";
const BYSETPOS: &str = "BYSETPOS";
const WKST: &str = "WKST";
const PARTS: [&str; 9] = [FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, WKST];

pub(super) const COUNT_MAX: u16 = 1_000;

/// The values of a rule's parts, each there once at the most.
struct Parts<'t>([Option<&'t str>; PARTS.len()]);

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Result<Self, RuleError> {
        let mut values = [None; PARTS.len()];
        for part in text.split(';') {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| RuleError::NotARule(text.to_owned()))?;
            let place = PARTS.iter().position(|known| *known == name);
            let place = place.ok_or_else(|| RuleError::UnknownPart(name.to_owned()))?;
            if values[place].replace(value).is_some() {
                return Err(RuleError::Twice(PARTS[place]));
            }
        }
        Ok(Self(values))
    }

    fn get(&self, part: &'static str) -> Option<&'t str> {
        let place = PARTS.iter().position(|known| *known == part)?;
        self.0[place]
    }

    /// The entries of a list, each read by `read`.
    fn list<T>(
        &self,
        part: &'static str,
        expected: &'static str,
        read: fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, RuleError> {
        let Some(list) = self.get(part) else {
            return Ok(Vec::new());
        };
        list.split(',')
            .map(|value| read(value).ok_or_else(|| wrong(part, value, expected)))
            .collect()
    }

    fn one<T>(
        &self,
        part: &'static str,
        expected: &'static str,
        read: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, RuleError> {
        let value = self.get(part);
        value
            .map(|value| read(value).ok_or_else(|| wrong(part, value, expected)))
            .transpose()
    }
}

fn wrong(part: &'static str, value: &str, expected: &'static str) -> RuleError {
    RuleError::Value {
        part,
        value: value.to_owned(),
        expected,
    }
}

pub(super) fn rule(text: &str) -> Result<Rule, RuleError> {
    // The first part says what the text is.
    if !text.starts_with("FREQ=") {
        return Err(RuleError::NotARule(text.to_owned()));
    }
    let parts = Parts::of(text)?;
    let frequency = parts.one(FREQ, "`DAILY`, `WEEKLY`, `MONTHLY` or `YEARLY`", frequency)?;
    let days: Vec<(Option<i8>, Weekday)> = parts.list(BYDAY, "weekdays such as `MO`, `2TU` or `-1FR`", day)?;
    let rule = Rule {
        frequency: frequency.ok_or_else(|| RuleError::NotARule(text.to_owned()))?,
        interval: parts
            .one(INTERVAL, "a whole number from 1 to 1000", |text| {
                number(text, 1..=1_000)
            })?
            .unwrap_or(1),
        count: parts.one(COUNT, "a whole number from 1 to 1000", |text| {
            number(text, 1..=COUNT_MAX)
        })?,
        until: parts.one(UNTIL, "a date without a time, such as `20261231`", date)?,
        days,
        month_days: set(parts.list(BYMONTHDAY, "days from 1 to 31, or from -31 to -1", |text| {
            signed(text, 31)
        })?),
        months: set(parts.list(BYMONTH, "months from 1 to 12", |text| number(text, 1..=12))?),
        positions: set(
            parts.list(BYSETPOS, "places from 1 to 366, or from -366 to -1", |text| {
                signed(text, 366)
            })?,
        ),
        week_start: parts
            .one(WKST, "`MO`, `TU`, `WE`, `TH`, `FR`, `SA` or `SU`", weekday)?
            .unwrap_or(Weekday::Monday),
    };
    check(&rule)?;
    Ok(rule)
}

/// What the RFC forbids together.
fn check(rule: &Rule) -> Result<(), RuleError> {
    if rule.count.is_some() && rule.until.is_some() {
        return Err(RuleError::Conflict(COUNT, UNTIL));
    }
    match rule.frequency {
        Frequency::Daily | Frequency::Weekly => {
            if let Some((Some(_), _)) = rule.days.iter().find(|(ordinal, _)| ordinal.is_some()) {
                let frequency = if rule.frequency == Frequency::Daily {
                    "FREQ=DAILY"
                } else {
                    "FREQ=WEEKLY"
                };
                return Err(RuleError::Conflict("BYDAY with a number", frequency));
            }
            if rule.frequency == Frequency::Weekly && !rule.month_days.is_empty() {
                return Err(RuleError::Conflict(BYMONTHDAY, "FREQ=WEEKLY"));
            }
        }
        Frequency::Monthly | Frequency::Yearly => {}
    }
    let names_none = rule.days.is_empty() && rule.month_days.is_empty() && rule.months.is_empty();
    if !rule.positions.is_empty() && names_none {
        return Err(RuleError::NothingToChoose);
    }
    Ok(())
}

fn set<T: Ord>(list: Vec<T>) -> BTreeSet<T> {
    list.into_iter().collect()
}

fn frequency(text: &str) -> Option<Frequency> {
    Some(match text {
        "DAILY" => Frequency::Daily,
        "WEEKLY" => Frequency::Weekly,
        "MONTHLY" => Frequency::Monthly,
        "YEARLY" => Frequency::Yearly,
        _ => return None,
    })
}

fn weekday(text: &str) -> Option<Weekday> {
    let place = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
        .iter()
        .position(|known| *known == text)?;
    Weekday::from_monday_zero_offset(i8::try_from(place).ok()?).ok()
}

/// A weekday with or without a number before it.
fn day(text: &str) -> Option<(Option<i8>, Weekday)> {
    let (ordinal, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let day = weekday(name)?;
    if ordinal.is_empty() {
        return Some((None, day));
    }
    Some((Some(signed(ordinal, 53)?), day))
}

fn date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..)?);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn number<T: FromStr + PartialOrd>(text: &str, range: std::ops::RangeInclusive<T>) -> Option<T> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && range.contains(number))
}

/// A number from 1 to `most` with or without a sign.
fn signed<T: TryFrom<i32>>(text: &str, most: i32) -> Option<T> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("-", digits) => (-1, digits),
        ("+", digits) => (1, digits),
        _ => (1, text),
    };
    T::try_from(sign * number(digits, 1..=most)?).ok()
}
