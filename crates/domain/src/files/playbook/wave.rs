//! The waves of a playbook, and whom they select.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::gate::WaveGate;
use crate::files::service::Environment;
use crate::files::text::{LabelName, Scalar};
use crate::id::{CellName, TenantName, WaveName, WindowName};
use crate::policy::{Bake, Canary, Gap, OnlyWhen, Parallel, Validation};

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
    /// Sends a share of the tenants' requests to the new version before the wave is switched. Left out, none.
    pub canary: Option<Canary>,
    /// How long the wave is watched before it is confirmed.
    #[serde(default)]
    pub bake: Bake,
    /// The least time between the confirmation of the wave before and the start of this one: elapsed (`2h`, `12 hours`), or
    /// days, weeks or working days of the playbook's calendar.
    #[serde(default)]
    pub gap: Gap,
    /// The day of the release on which the wave may start at the earliest; the first is day 1. Left out, any.
    #[schemars(range(min = 1, max = 366))]
    pub day: Option<u16>,
    /// When the wave happens at all. Left out, always.
    pub only_when: Option<OnlyWhen>,
    /// The windows, by name, that it keeps to. Left out, those of the playbook.
    pub windows: Option<Vec<WindowName>>,
    /// Whether it takes the hour of least traffic of all that are admissible. Left out, what the playbook says.
    pub quietest: Option<bool>,
    /// Checks that must pass before the wave is switched, besides the health of the service.
    #[serde(default)]
    pub gates: Vec<WaveGate>,
    /// What customers have to report of an earlier wave before their tenants of this one move. Left out, nothing.
    pub validation: Option<Validation>,
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
    /// The tenant lives in a cell of this environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
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
