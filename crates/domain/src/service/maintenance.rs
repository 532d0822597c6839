//! Tenants that are out of service while they are switched: planned, announced, and no longer than the playbook says.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::TenantName;
use crate::time::Timestamp;

/// Requests of these tenants get the maintenance page until they are moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    pub since: Timestamp,
    /// What readers of the page are told: the promised end, or the extended one.
    pub ends: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extended: bool,
    /// The first generation whose table gives them the page.
    pub generation: u64,
    pub tenants: BTreeSet<TenantName>,
}
