//! The days on which releases leave, and what is on board.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::{LocalDate, Period, Weekdays};
use crate::release::ReleaseKind;

/// The days on which releases leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cadence {
    /// How often: a number of weeks, such as `1 week` or `2 weeks`.
    pub every: Period,
    /// The days of the week. Left out, any day.
    pub on: Option<Weekdays>,
    /// Says that any day is a release day: with `every: 1 week`, about weekly.
    pub day: Option<AnyDay>,
    /// A day that was or will be a release day, to count the weeks from. Left out, the week of 1970-01-01.
    pub from: Option<LocalDate>,
}

/// Any day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnyDay {
    /// Whichever day suits.
    Any,
}

/// What leaves on a release day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Train {
    /// How long before the release day a release has to be planned to leave with it.
    pub cut_off: Option<Period>,
    /// The kinds of release that leave on release days only. Others leave when they are applied.
    pub boards: BTreeSet<ReleaseKind>,
}

impl Default for Train {
    fn default() -> Self {
        Self {
            cut_off: None,
            boards: BTreeSet::from([ReleaseKind::Scheduled, ReleaseKind::Configuration]),
        }
    }
}

/// How often parts of the service are replaced by upgraded ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollingPatches {
    /// A component that has run unchanged for longer is overdue.
    pub every: Period,
}
