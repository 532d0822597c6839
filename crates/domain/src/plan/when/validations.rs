//! Which customers are asked to try the release on an earlier wave before their tenants of a later one move.

use std::collections::BTreeSet;

use super::Clockwork;
use crate::id::{CustomerName, TenantName};
use crate::plan::PlannedWave;
use crate::plan::schedule::PlannedValidation;

impl Clockwork<'_> {
    pub(super) fn validations(&self, waves: &[PlannedWave]) -> Vec<PlannedValidation> {
        let mut planned = Vec::new();
        for wave in waves {
            let Some(rule) = &wave.policy.validation else { continue };
            let Some(tried) = waves.iter().find(|tried| tried.name == rule.of) else {
                continue;
            };
            let (tried, waiting) = (self.owners(tried), self.owners(wave));
            let customers = waiting.into_iter().filter_map(|(owner, tenants)| {
                let customer: &CustomerName = owner.ok()?;
                Some((customer, tenants, tried.get(&owner)?))
            });
            let names =
                |tenants: &[&TenantName]| -> BTreeSet<TenantName> { tenants.iter().copied().cloned().collect() };
            planned.extend(customers.map(|(customer, tenants, tried_on)| PlannedValidation {
                customer: customer.clone(),
                of: rule.of.clone(),
                tried_on: names(tried_on),
                wave: wave.name.clone(),
                tenants: names(&tenants),
                when_silent: rule.when_silent,
            }));
        }
        planned
    }
}
