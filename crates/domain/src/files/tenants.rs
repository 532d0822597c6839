//! `tenants.yaml`: who is served, and where.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::text::{LabelName, Scalar, TimeZoneName};
use super::{Document, calendars};
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
    /// Whether none of its requests is served. Counts for `tidegate tenants sync` alone: a release does not change it.
    #[serde(default)]
    pub suspended: bool,
}

/// A tenant with a mistake, as far as it says where it lives: nobody knows when, or with whom, it may move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenTenant {
    pub cell: CellName,
    /// With its place: `tenants.yaml:12:5: …`.
    pub mistake: String,
}

/// Takes the tenants with mistakes out of a file. One whose id and cell are right does not block the others.
pub(super) fn take_broken(tenants: &mut Document<'_>) -> BTreeMap<TenantName, BrokenTenant> {
    let mut broken = BTreeMap::new();
    if tenants.report.is_full() {
        // Not every mistake is known, so nobody knows whose they are.
        return broken;
    }
    calendars::take_items(tenants, "tenants", |tenant, report| {
        let right = |name: &str| tenant.field(name).filter(|node| !report.has_errors_in(&node.span));
        let id = TenantName::new(right("id")?.text()?).ok()?;
        let cell = CellName::new(right("cell")?.text()?).ok()?;
        let mistake = report.confine(&tenant.span)?;
        broken.insert(id, BrokenTenant { cell, mistake });
        Some(())
    });
    broken
}

/// Labels with their values, or a list of tags: `[retail]` is `{retail: true}`.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Labels {
    Valued(BTreeMap<LabelName, Scalar>),
    Tags(#[schemars(extend("uniqueItems" = true))] Vec<LabelName>),
}

pub(super) fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<LabelName, Scalar>, D::Error> {
    Ok(match Labels::deserialize(deserializer)? {
        Labels::Valued(labels) => labels,
        Labels::Tags(tags) => tags.into_iter().map(|tag| (tag, Scalar::tag())).collect(),
    })
}
