//! Instants and spans of time, in whole milliseconds. The domain is told what time it is; it never asks.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A span of elapsed time, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration {
    millis: i64,
}

/// Text that is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration: write whole numbers with units, such as `30s`, `10m`, `24h`, `2d` or `1h 30m`")]
pub struct InvalidDuration(pub String);

impl Timestamp {
    /// RFC 3339 in UTC, to the second; an instant out of the calendar's range is printed as its milliseconds.
    #[must_use]
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Err(_) => format!("{} ms", self.0),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.rfc3339())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.millis))
    }
}

impl Sub for Timestamp {
    type Output = Duration;
    /// The time from `earlier` to `self`; zero where the clock went backwards.
    fn sub(self, earlier: Self) -> Duration {
        Duration {
            millis: self.0.saturating_sub(earlier.0).max(0),
        }
    }
}

impl Add for Duration {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            millis: self.millis.saturating_add(other.millis),
        }
    }
}

/// Units, largest first, with their milliseconds.
const UNITS: [(&str, i64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl Duration {
    pub const ZERO: Self = Self { millis: 0 };

    /// The longest duration a file may name: ten years.
    pub const MAX: Self = Self {
        millis: 3_653 * 86_400_000,
    };

    #[must_use]
    pub const fn from_millis(millis: u32) -> Self {
        Self { millis: millis as i64 }
    }

    #[must_use]
    pub const fn from_secs(secs: u32) -> Self {
        Self {
            millis: secs as i64 * 1_000,
        }
    }

    #[must_use]
    pub const fn from_hours(hours: u16) -> Self {
        Self {
            millis: hours as i64 * 3_600_000,
        }
    }

    #[must_use]
    pub const fn from_days(days: u16) -> Self {
        Self {
            millis: days as i64 * 86_400_000,
        }
    }

    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.millis
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.millis == 0
    }

    /// For the shell, which waits with the standard library's type.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.millis.unsigned_abs())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.millis == 0 {
            return f.pad("0s");
        }
        let mut rest = self.millis;
        let mut text = String::new();
        for (unit, size) in UNITS {
            if rest >= size {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(&format!("{}{unit}", rest / size));
                rest %= size;
            }
        }
        f.pad(&text)
    }
}

impl FromStr for Duration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let invalid = || InvalidDuration(text.to_owned());
        let mut millis: i64 = 0;
        let mut largest_left = UNITS.len() + 1;
        let mut parts = 0;
        for part in text.split_whitespace() {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, unit) = part.split_at(digits);
            let place = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(invalid)?;
            let number: i64 = number.parse().map_err(|_| invalid())?;
            // Each unit once, largest first: `10m 2h` is more likely a slip than meant.
            if UNITS.len() - place >= largest_left {
                return Err(invalid());
            }
            largest_left = UNITS.len() - place;
            millis = number
                .checked_mul(UNITS[place].1)
                .and_then(|m| millis.checked_add(m))
                .ok_or_else(invalid)?;
            parts += 1;
        }
        if parts == 0 || millis > Self::MAX.millis {
            return Err(invalid());
        }
        Ok(Self { millis })
    }
}

impl Serialize for Duration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(d|h|m|s|ms)( [0-9]+(h|m|s|ms))*$",
            "description": "Elapsed time: whole numbers with units, largest first, such as `30s`, `10m`, `24h`, `2d` or `1h 30m`; ten years at the most",
        })
    }
}

#[cfg(test)]
mod tests;
