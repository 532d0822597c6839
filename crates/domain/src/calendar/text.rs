//! The texts that windows, calendars and notice periods are written in.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::files::TimeZoneName;
use crate::files::written_as_text;
use crate::time::Duration;

/// Text that is no time, date, list of days, zone or period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongText {
    #[error("`{0}` is not a local time: write it as `22:00`, or with its date as `2026-11-23T22:00`")]
    Boundary(String),
    #[error("`{0}` is not a local time: write it as `02:30`")]
    LocalTime(String),
    #[error("`{0}` ends a day that does not end there: midnight is `00:00`")]
    Midnight(String),
    #[error("`{0}` names an offset: write the local time alone, and an IANA name in `time_zone`")]
    Offset(String),
    #[error("`{0}` is not a date: write it as `2026-11-23`")]
    Date(String),
    #[error("`{0}` is not a list of weekdays: write them as `mon-fri` or `mon, wed, fri`")]
    Weekdays(String),
    #[error("`{0}` names no time zone: write `tenant`, or an IANA name such as `Europe/Berlin`")]
    Zone(String),
    #[error("`{0}` is not a pair of times: write it as `09:00-17:00`, the later one last")]
    WorkingHours(String),
    #[error(
        "`{0}` is not a period: write a whole number and its unit, such as `12 hours`, `2 days`, `4 weeks` or `5 working days`, ten years at the most"
    )]
    Period(String),
}

/// Where a window begins or ends: a local time of each of its days, or a local date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    Daily(Time),
    Once(DateTime),
}

written_as_text!(
    Boundary,
    "^([0-9]{4}-[0-9]{2}-[0-9]{2}T)?([01][0-9]|2[0-3]):[0-5][0-9]$",
    "a local time such as `22:00`, or with its date as `2026-11-23T22:00`"
);

impl FromStr for Boundary {
    type Err = WrongText;

    fn from_str(text: &str) -> Result<Self, WrongText> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (Some(date), time),
            None => (None, text),
        };
        if time.starts_with("24") {
            return Err(WrongText::Midnight(text.to_owned()));
        }
        if time.ends_with('Z') || time.contains(['+', '-']) {
            return Err(WrongText::Offset(text.to_owned()));
        }
        let wrong = || WrongText::Boundary(text.to_owned());
        let time = clock_time(time).ok_or_else(wrong)?;
        Ok(match date {
            None => Self::Daily(time),
            Some(date) => Self::Once(civil_date(date).ok_or_else(wrong)?.to_datetime(time)),
        })
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daily(time) => write!(f, "{}", time.strftime("%H:%M")),
            Self::Once(instant) => write!(f, "{}", instant.strftime("%Y-%m-%dT%H:%M")),
        }
    }
}

/// A time on the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime(pub Time);

written_as_text!(
    LocalTime,
    "^([01][0-9]|2[0-3]):[0-5][0-9]$",
    "a local time such as `02:30`"
);

impl FromStr for LocalTime {
    type Err = WrongText;
    fn from_str(text: &str) -> Result<Self, WrongText> {
        let wrong = || WrongText::LocalTime(text.to_owned());
        clock_time(text).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%H:%M"))
    }
}

/// `HH:MM`.
fn clock_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    Time::new(digits(hour, 2)?, digits(minute, 2)?, 0, 0).ok()
}

/// `YYYY-MM-DD`.
fn civil_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let (month, day) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    Date::new(year, month, day).ok().filter(|_| parts.next().is_none())
}

fn digits<T: FromStr>(text: &str, count: usize) -> Option<T> {
    let are_digits = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| are_digits)
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalDate(pub Date);

written_as_text!(LocalDate, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a date such as `2026-11-23`");

impl FromStr for LocalDate {
    type Err = WrongText;
    fn from_str(text: &str) -> Result<Self, WrongText> {
        civil_date(text)
            .map(Self)
            .ok_or_else(|| WrongText::Date(text.to_owned()))
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Some days of the week, at least one. Written as `mon-fri`, as `mon, wed` or as a list of such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weekdays(u8);

/// The part of [`Weekdays`] that is one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeekdayList(Weekdays);

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WEEKDAYS_IN_FULL: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

impl Weekdays {
    pub const ALL: Self = Self(0b111_1111);
    pub const MONDAY_TO_FRIDAY: Self = Self(0b001_1111);

    #[must_use]
    pub fn only(day: Weekday) -> Self {
        Self(1 << day.to_monday_zero_offset())
    }

    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & Self::only(day).0 != 0
    }
}

impl FromStr for Weekdays {
    type Err = WrongText;

    fn from_str(text: &str) -> Result<Self, WrongText> {
        let wrong = || WrongText::Weekdays(text.to_owned());
        let place = |name: &str| {
            let mut known = WEEKDAYS.iter().zip(WEEKDAYS_IN_FULL);
            known.position(|(short, in_full)| *short == name || in_full == name)
        };
        let mut days = 0;
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first = place(first.trim()).ok_or_else(wrong)?;
            let last = place(last.trim()).ok_or_else(wrong)?;
            // `sat-mon` goes over the end of the week.
            let length = (last + 7 - first) % 7;
            days |= (0..=length).fold(0, |days, step| days | 1 << ((first + step) % 7));
        }
        Ok(Self(days))
    }
}

impl fmt::Display for Weekdays {
    /// As few parts as there are stretches of days.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        let mut day = 0;
        while day < 7 {
            let length = (day..7).take_while(|day| self.0 & (1 << day) != 0).count();
            match length {
                0 => {}
                1 => parts.push(WEEKDAYS[day].to_owned()),
                length => parts.push(format!("{}-{}", WEEKDAYS[day], WEEKDAYS[day + length - 1])),
            }
            day += length.max(1);
        }
        f.pad(&parts.join(", "))
    }
}

impl FromStr for WeekdayList {
    type Err = WrongText;
    fn from_str(text: &str) -> Result<Self, WrongText> {
        text.parse().map(Self)
    }
}

impl fmt::Display for WeekdayList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

written_as_text!(
    WeekdayList,
    "^ *[a-z]+ *(- *[a-z]+ *)?(, *[a-z]+ *(- *[a-z]+ *)?)*$",
    "days of the week such as `mon`, `mon-fri` or `mon, wed`"
);

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(WeekdayList),
    Many(#[schemars(length(min = 1))] Vec<WeekdayList>),
}

impl Serialize for Weekdays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Weekdays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(list) => list.0.0,
            OneOrMany::Many(lists) => lists.iter().fold(0, |days, list| days | list.0.0),
        };
        if days == 0 {
            return Err(serde::de::Error::custom("a list of weekdays needs at least one"));
        }
        Ok(Self(days))
    }
}

impl JsonSchema for Weekdays {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Weekdays".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        OneOrMany::json_schema(generator)
    }
}

/// Whose local time a window is in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum WindowZone {
    /// Each tenant's own.
    #[default]
    Tenant,
    Named(TimeZoneName),
}

written_as_text!(
    WindowZone,
    r"^(tenant|UTC|[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)+)$",
    "`tenant`, or an IANA name such as `Europe/Berlin`"
);

impl FromStr for WindowZone {
    type Err = WrongText;
    fn from_str(text: &str) -> Result<Self, WrongText> {
        if text == "tenant" {
            return Ok(Self::Tenant);
        }
        let zone = TimeZoneName::new(text);
        zone.map(Self::Named).map_err(|_| WrongText::Zone(text.to_owned()))
    }
}

impl fmt::Display for WindowZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.pad("tenant"),
            Self::Named(zone) => fmt::Display::fmt(zone, f),
        }
    }
}

/// The part of a working day at which people are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkingHours {
    pub from: Time,
    pub until: Time,
}

written_as_text!(
    WorkingHours,
    "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
    "two times such as `09:00-17:00`"
);

impl FromStr for WorkingHours {
    type Err = WrongText;
    fn from_str(text: &str) -> Result<Self, WrongText> {
        let wrong = || WrongText::WorkingHours(text.to_owned());
        let (from, until) = text.split_once('-').ok_or_else(wrong)?;
        let from = clock_time(from).ok_or_else(wrong)?;
        let until = clock_time(until).filter(|until| *until > from).ok_or_else(wrong)?;
        Ok(Self { from, until })
    }
}

impl fmt::Display for WorkingHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.until.strftime("%H:%M"))
    }
}

/// How long before: in elapsed time, in days of the tenant's calendar, or in its working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    Elapsed(Duration),
    Days(u16),
    Weeks(u16),
    WorkingDays(u16),
}

written_as_text!(
    Period,
    "^[1-9][0-9]{0,8} (seconds?|minutes?|hours?|days?|weeks?|working days?)$",
    "a whole number and its unit: `12 hours`, `2 days`, `4 weeks` or `5 working days`; ten years at the most"
);

/// Units of elapsed time, largest first, with their seconds.
const UNITS: [(&str, u32); 3] = [("hour", 3_600), ("minute", 60), ("second", 1)];
const DAYS_MAX: u16 = 3_653;

impl FromStr for Period {
    type Err = WrongText;

    fn from_str(text: &str) -> Result<Self, WrongText> {
        let wrong = || WrongText::Period(text.to_owned());
        let (number, unit) = text.split_once(' ').ok_or_else(wrong)?;
        let is_number = number.len() <= 9 && !number.starts_with('0') && number.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = number.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        let unit = unit.strip_suffix('s').unwrap_or(unit);
        if let Some((_, seconds)) = UNITS.iter().find(|(name, _)| *name == unit) {
            let seconds = number.checked_mul(*seconds).ok_or_else(wrong)?;
            let elapsed = Duration::from_secs(seconds);
            return if elapsed <= Duration::MAX {
                Ok(Self::Elapsed(elapsed))
            } else {
                Err(wrong())
            };
        }
        let up_to = |most: u16| {
            u16::try_from(number)
                .ok()
                .filter(|number| *number <= most)
                .ok_or_else(wrong)
        };
        match unit {
            "day" => up_to(DAYS_MAX).map(Self::Days),
            "week" => up_to(DAYS_MAX / 7).map(Self::Weeks),
            "working day" => up_to(DAYS_MAX).map(Self::WorkingDays),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self {
            Self::Days(number) => (i64::from(*number), "day"),
            Self::Weeks(number) => (i64::from(*number), "week"),
            Self::WorkingDays(number) => (i64::from(*number), "working day"),
            Self::Elapsed(elapsed) => {
                let seconds = elapsed.as_millis() / 1_000;
                let fits = |(_, size): &&(&str, u32)| seconds % i64::from(*size) == 0;
                let (unit, size) = UNITS.iter().find(fits).copied().unwrap_or(("second", 1));
                (seconds / i64::from(size), unit)
            }
        };
        f.pad(&format!("{number} {unit}{}", if number == 1 { "" } else { "s" }))
    }
}
