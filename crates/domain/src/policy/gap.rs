use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::calendar::Period;
use crate::time::Duration;

/// The least time between two waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Elapsed time, written as `2h`.
    Elapsed(Duration),
    /// Days, weeks or working days of a calendar, written as `2 working days`.
    Counted(Period),
}

/// Text that is no gap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a gap: write elapsed time such as `2h`, or `3 days`, `2 weeks` or `5 working days`")]
pub struct InvalidGap(String);

impl Gap {
    pub const ZERO: Self = Self::Elapsed(Duration::ZERO);

    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl Default for Gap {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<Duration> for Gap {
    fn from(elapsed: Duration) -> Self {
        Self::Elapsed(elapsed)
    }
}

impl FromStr for Gap {
    type Err = InvalidGap;

    fn from_str(text: &str) -> Result<Self, InvalidGap> {
        if let Ok(elapsed) = text.parse::<Duration>() {
            return Ok(Self::Elapsed(elapsed));
        }
        match text.parse::<Period>() {
            Ok(Period::Elapsed(elapsed)) => Ok(Self::Elapsed(elapsed)),
            Ok(counted @ (Period::Days(_) | Period::Weeks(_) | Period::WorkingDays(_))) => Ok(Self::Counted(counted)),
            Err(_) => Err(InvalidGap(text.to_owned())),
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elapsed(elapsed) => fmt::Display::fmt(elapsed, f),
            Self::Counted(period) => fmt::Display::fmt(period, f),
        }
    }
}

impl Serialize for Gap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Gap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Gap {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Gap".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([0-9]+(d|h|m|s|ms)( [0-9]+(h|m|s|ms))*|[1-9][0-9]{0,8} (seconds?|minutes?|hours?|days?|weeks?|working days?))$",
            "description": "elapsed time such as `2h`, or days of a calendar: `3 days`, `2 weeks` or `5 working days`",
        })
    }
}
