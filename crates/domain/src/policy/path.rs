//! The other ways of a release: in an emergency, with downtime, patched, and with a customer's word before it goes on.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bake, Gap};
use crate::calendar::Period;
use crate::files::WaveGate;
use crate::id::WaveName;
use crate::time::{Duration, Timestamp};

/// How an emergency release moves. It always needs a reason, and is looked at afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmergencyPath {
    /// What it does not wait for.
    pub skips: BTreeSet<Skip>,
    /// Within which time after the last wave people look at what was done, counted in the playbook's calendar.
    pub review_within: Period,
}

impl Default for EmergencyPath {
    fn default() -> Self {
        Self {
            skips: BTreeSet::from([Skip::Cadence, Skip::Windows, Skip::Gaps, Skip::Approvals]),
            review_within: Period::Days(3),
        }
    }
}

/// What each wave of a hot-fix has instead of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HotfixPath {
    /// How long it is watched.
    pub bake: Option<Bake>,
    /// The gates before it is switched.
    pub gates: Option<Vec<WaveGate>>,
    /// The least time after the wave before.
    pub gap: Option<Gap>,
}

/// One thing that other releases wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// The next release day, and the days of waves.
    Cadence,
    /// Windows in which moving is allowed.
    Windows,
    /// Freezes.
    Freezes,
    /// The time between two waves.
    Gaps,
    /// Approvals. Who would have been asked is asked afterwards.
    Approvals,
}

/// Planned time in which tenants are out of service while they are switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Downtime {
    /// The longest that is promised to tenants.
    pub longest: Duration,
    /// How much longer it may last if need be; the extension is announced before the promised end.
    pub overrun: Duration,
    /// How long undoing takes. What is not done so long before the very end is undone.
    pub undo: Duration,
    /// How long before the promised end an extension is announced.
    pub announce: Duration,
}

impl Default for Downtime {
    fn default() -> Self {
        Self {
            longest: Duration::from_secs(600),
            overrun: Duration::ZERO,
            undo: Duration::from_secs(120),
            announce: Duration::from_secs(120),
        }
    }
}

/// When a wave happens at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnlyWhen {
    /// Only for a release that patches another one (`patches` in its file).
    Patched,
}

/// What a customer reports of the tenants that it has in an earlier wave, before those in this wave move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// The earlier wave. A customer that has no tenant in it has nothing to report.
    pub of: WaveName,
    /// What happens where nothing is reported by the time this wave starts.
    #[serde(default)]
    pub when_silent: WhenSilent,
}

/// What no word from a customer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenSilent {
    /// Its tenants wait.
    #[default]
    Wait,
    /// Its tenants move.
    Move,
}

impl Downtime {
    /// How long, to stand after "out of service for" whom it concerns.
    #[must_use]
    pub fn in_words(&self) -> String {
        let longest = self.longest;
        match self.overrun.is_zero() {
            true => format!("out of service for {longest} at the most"),
            false => format!("out of service for {longest}, {} at the most", longest + self.overrun),
        }
    }

    /// When it ends at the very latest, extended.
    #[must_use]
    pub fn very_end(&self, start: Timestamp) -> Timestamp {
        start + self.longest + self.overrun
    }

    /// The latest instant at which an extension is announced; `None` where it cannot be extended.
    #[must_use]
    pub fn announce_at(&self, start: Timestamp) -> Option<Timestamp> {
        let before = self.longest.as_millis() - self.announce.as_millis();
        (!self.overrun.is_zero()).then_some(Timestamp(start.0 + before.max(0)))
    }

    /// The latest instant at which undoing still fits: what is not done by then is undone.
    #[must_use]
    pub fn undo_at(&self, start: Timestamp) -> Timestamp {
        Timestamp((self.very_end(start).0 - self.undo.as_millis()).max(start.0))
    }
}
