//! Which customers are asked to try the release on an earlier wave before their tenants of a later one move.

use std::collections::BTreeSet;

use super::Clockwork;
use super::members::Members;
use crate::id::CustomerName;
use crate::plan::PlannedWave;
use crate::plan::schedule::PlannedValidation;

impl<'a> Clockwork<'a> {
    pub(super) fn validations(&self, waves: &[PlannedWave], members: &[Members<'a>]) -> Vec<PlannedValidation> {
        let mut planned = Vec::new();
        for (wave, known) in waves.iter().zip(members) {
            let Some(rule) = &wave.policy.validation else { continue };
            let Some(place) = waves.iter().position(|tried| tried.name == rule.of) else {
                continue;
            };
            let (tried, waiting) = (self.owners(&waves[place], &members[place]), self.owners(wave, known));
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
