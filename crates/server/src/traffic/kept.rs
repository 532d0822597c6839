//! The row of one tenant: until when it was measured, its zone and its week, some 730 bytes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tidegate_domain::calendar::Week;
use tidegate_domain::id::{ServiceName, TenantName};
use tidegate_domain::time::Timestamp;
use tidegate_store::{Fact, FactChange, Store, StoreError};

use super::Tenant;

const KIND: &str = "traffic";

/// What is to become of a tenant's row.
pub fn change(name: &TenantName, tenant: Option<&Tenant>) -> FactChange {
    let key = name.to_string();
    let kind = KIND.to_owned();
    match tenant {
        Some(tenant) => FactChange::Put(Fact {
            kind,
            key,
            body: format!(
                "{} {} {}",
                tenant.until.0,
                tenant.zone,
                STANDARD_NO_PAD.encode(tenant.week.to_bytes())
            ),
        }),
        None => FactChange::Delete { kind, key },
    }
}

/// All rows. One that cannot be understood is left out, and measured anew.
pub async fn read(store: &Store, service: &ServiceName) -> Result<BTreeMap<TenantName, Tenant>, StoreError> {
    let facts = store.facts(service.as_str(), KIND).await?;
    let tenants = facts.into_iter().filter_map(|fact| {
        let read = tenant(&fact);
        if read.is_none() {
            tracing::warn!(
                tenant = fact.key,
                "the traffic that is kept of a tenant cannot be understood and begins anew"
            );
        }
        read
    });
    Ok(tenants.collect())
}

fn tenant(fact: &Fact) -> Option<(TenantName, Tenant)> {
    let (until, rest) = fact.body.split_once(' ')?;
    let (zone, week) = rest.split_once(' ')?;
    let tenant = Tenant {
        zone: zone.parse().ok()?,
        week: Week::from_bytes(&STANDARD_NO_PAD.decode(week).ok()?)?,
        until: Timestamp(until.parse().ok()?),
        unwritten: false,
    };
    Some((TenantName::new(fact.key.as_str()).ok()?, tenant))
}
