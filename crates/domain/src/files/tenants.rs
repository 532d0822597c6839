//! `tenants.yaml`: who is served, and where.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::text::{LabelName, Scalar, TimeZoneName};
use crate::id::{CalendarName, CellName, CustomerName, TenantName};

/// The tenants of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantsFile {
    /// All tenants.
    pub tenants: Vec<Tenant>,
}

/// The unit of isolation and routing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// The id of the tenant, as requests give it.
    pub id: TenantName,
    /// The cell it lives in.
    pub cell: CellName,
    /// Who owns it.
    pub customer: Option<CustomerName>,
    /// Labels that waves and windows select by.
    #[serde(default, deserialize_with = "labels")]
    #[schemars(with = "Labels")]
    pub labels: BTreeMap<LabelName, Scalar>,
    /// Its time zone. Left out, that of its calendar.
    pub time_zone: Option<TimeZoneName>,
    /// Its working days and holidays.
    pub calendar: Option<CalendarName>,
    /// Whether it asked to be among the first.
    #[serde(default)]
    pub opt_in: bool,
}

/// Labels with their values, or a list of tags: `[retail]` is `{retail: true}`.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Labels {
    Valued(BTreeMap<LabelName, Scalar>),
    Tags(#[schemars(extend("uniqueItems" = true))] Vec<LabelName>),
}

pub(super) fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<LabelName, Scalar>, D::Error> {
    Ok(match Labels::deserialize(deserializer)? {
        Labels::Valued(labels) => labels,
        Labels::Tags(tags) => tags.into_iter().map(|tag| (tag, Scalar::tag())).collect(),
    })
}
