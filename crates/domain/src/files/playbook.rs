//! `playbooks/*.yaml`: how releases move.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::text::{LabelName, Scalar};
use crate::id::{CellName, PlaybookName, TenantName, WaveName};
use crate::policy::{Bake, GateUse, OnFailure, OnInconclusive, Parallel};
use crate::time::Duration;

/// How releases move: in which waves, how long each is watched, and what happens when it hurts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookFile {
    /// The name of the playbook: the file's name without `.yaml`.
    pub name: PlaybookName,
    /// The waves, in their order. A tenant moves with the first one that selects it.
    #[schemars(length(min = 1))]
    pub waves: Vec<Wave>,
    /// How the new version is judged against the old one.
    #[serde(default)]
    pub health: Health,
    /// What is rolled back by itself when a verdict fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What happens when a bake has lasted its longest and there is no verdict.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
    /// How long starting the new version may take.
    #[serde(default = "prepare_within")]
    pub prepare_within: Duration,
    /// How long the gateways may take to confirm a switch.
    #[serde(default = "switch_within")]
    pub switch_within: Duration,
    /// How long the old version stays warm after the last wave.
    #[serde(default = "rollback_window")]
    pub rollback_window: Duration,
}

fn prepare_within() -> Duration {
    Duration::from_secs(300)
}

fn switch_within() -> Duration {
    Duration::from_secs(60)
}

fn rollback_window() -> Duration {
    Duration::from_hours(24)
}

/// A set of tenants that moves together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// The name of the wave.
    pub name: WaveName,
    /// Which tenants it moves. A list means: those that any of its entries selects.
    pub select: Select,
    /// How much of the wave moves at one time. Left out, all of it.
    #[serde(default)]
    pub max_parallel: Parallel,
    /// How long the wave is watched before it is confirmed.
    #[serde(default)]
    pub bake: Bake,
    /// The least time between the confirmation of the wave before and the start of this one.
    #[serde(default)]
    pub gap: Duration,
    /// Checks that must pass before the wave is switched, besides the health of the service.
    #[serde(default)]
    pub gates: Vec<GateUse>,
}

/// Which tenants a wave moves: those that any of these conditions selects.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Select(pub Vec<Conditions>);

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(Conditions),
    Many(#[schemars(length(min = 1))] Vec<Conditions>),
}

impl<'de> Deserialize<'de> for Select {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(conditions) => Self(vec![conditions]),
            OneOrMany::Many(conditions) => Self(conditions),
        })
    }
}

impl JsonSchema for Select {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Select".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        OneOrMany::json_schema(generator)
    }
}

/// Conditions on a tenant; all that are written must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Condition", extend("minProperties" = 1))]
pub struct Conditions {
    /// The tenant has these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<LabelName, Scalar>,
    /// The tenant asked to be among the first, or did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_in: Option<bool>,
    /// The tenant lives in this cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellName>,
    /// The tenant is one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub tenants: Option<Vec<TenantName>>,
    /// The tenant is among this share, in percent, of those that the other conditions select.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub percentage: Option<u8>,
    /// The tenant is in no earlier wave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("const" = true))]
    pub rest: Option<bool>,
}

/// How the new version is judged against the old one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// The share of requests that fail.
    pub errors: Errors,
    /// The time that answers take.
    pub latency: Latency,
    /// How often it is judged.
    pub interval: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            errors: Errors::default(),
            latency: Latency::default(),
            interval: Duration::from_secs(10),
        }
    }
}

/// The share of requests that may fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Errors {
    /// Percentage points that the new version may be worse than the old one.
    #[schemars(range(min = 0, max = 100))]
    pub margin_percent: f64,
    /// The share, in percent, that is too much whatever the old version did.
    #[schemars(range(min = 0, max = 100))]
    pub ceiling_percent: f64,
}

impl Default for Errors {
    fn default() -> Self {
        Self {
            margin_percent: 1.0,
            ceiling_percent: 5.0,
        }
    }
}

/// The time that answers may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// The quantile that is compared.
    #[schemars(range(min = 0.5, max = 0.999))]
    pub quantile: f64,
    /// How many times the old version's time is too slow.
    #[schemars(range(min = 1, max = 100))]
    pub ratio: f64,
    /// Milliseconds that are never too slow by themselves.
    #[schemars(range(max = 3_600_000))]
    pub slack_ms: u32,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            quantile: 0.95,
            ratio: 1.5,
            slack_ms: 50,
        }
    }
}
