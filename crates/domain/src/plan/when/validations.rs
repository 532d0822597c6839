//! Which customers are asked to try the release on an earlier wave before their tenants of a later one move.

use std::collections::{BTreeMap, BTreeSet};

use super::Clockwork;
use crate::id::{CustomerName, TenantName};
use crate::plan::PlannedWave;
use crate::plan::schedule::PlannedValidation;

impl Clockwork<'_> {
    pub(super) fn validations(
        &self,
        waves: &[PlannedWave],
        classes: &BTreeMap<TenantName, u16>,
    ) -> Vec<PlannedValidation> {
        let mut planned = Vec::new();
        for wave in waves {
            let Some(rule) = &wave.policy.validation else { continue };
            let Some(tried) = waves.iter().find(|tried| tried.name == rule.of) else {
                continue;
            };
            let (tried, waiting) = (self.owners(tried, classes), self.owners(wave, classes));
            let customers = waiting.into_iter().filter_map(|(owner, waiting)| {
                let customer: &CustomerName = owner.ok()?;
                Some((customer, waiting, tried.get(&owner)?))
            });
            planned.extend(customers.map(|(customer, waiting, tried_on)| PlannedValidation {
                customer: customer.clone(),
                of: rule.of.clone(),
                tried_on: BTreeSet::clone(&tried_on.tenants),
                wave: wave.name.clone(),
                tenants: BTreeSet::clone(&waiting.tenants),
                when_silent: rule.when_silent,
            }));
        }
        planned
    }
}
