//! `tenants.yaml`: who is served, and where.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{LabelName, Scalar, TimeZoneName};
use crate::id::{CellName, CustomerName, TenantName};

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
    /// The name of the tenant, as requests give it.
    pub name: TenantName,
    /// The cell it lives in.
    pub cell: CellName,
    /// Who owns it.
    pub customer: Option<CustomerName>,
    /// Labels that waves select by.
    #[serde(default)]
    pub labels: BTreeMap<LabelName, Scalar>,
    /// Its time zone.
    pub time_zone: Option<TimeZoneName>,
    /// Whether it asked to be among the first.
    #[serde(default)]
    pub opt_in: bool,
}
