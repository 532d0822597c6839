//! Writes a map from many names to few distinct values as a list of (value, names).
//!
//! A service has thousands of tenants and a handful of places they can be: grouped, the state of 10,000 tenants takes
//! some 100 kB instead of a megabyte, and it is written at every turn.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::TenantName;

/// `serialize_with` for `BTreeMap<TenantName, V>`.
pub fn serialize<V, S>(map: &BTreeMap<TenantName, V>, serializer: S) -> Result<S::Ok, S::Error>
where
    V: Ord + Serialize,
    S: Serializer,
{
    let mut groups: BTreeMap<&V, Vec<&TenantName>> = BTreeMap::new();
    for (tenant, value) in map {
        groups.entry(value).or_default().push(tenant);
    }
    serializer.collect_seq(groups)
}

/// `deserialize_with` for what [`serialize`] wrote. A name that stands in two groups is refused.
pub fn deserialize<'de, V, D>(deserializer: D) -> Result<BTreeMap<TenantName, V>, D::Error>
where
    V: Clone + Deserialize<'de>,
    D: Deserializer<'de>,
{
    let groups: Vec<(V, Vec<TenantName>)> = Vec::deserialize(deserializer)?;
    let mut map = BTreeMap::new();
    for (value, tenants) in groups {
        for tenant in tenants {
            if let Some(previous) = map.insert(tenant.clone(), value.clone()) {
                drop(previous);
                return Err(serde::de::Error::custom(format!(
                    "tenant `{tenant}` stands in two groups"
                )));
            }
        }
    }
    Ok(map)
}
