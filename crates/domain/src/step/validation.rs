//! What customers report who try a release on an earlier wave before their tenants of a later one move.

use std::collections::{BTreeMap, BTreeSet};

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::{CustomerName, TenantName, Version};
use crate::journal::EntryKind;
use crate::plan::PlannedValidation;
use crate::policy::WhenSilent;
use crate::service::{CustomerReport, ReportOutcome, Run};

impl Turn {
    /// The last word of a customer counts. Trouble holds the release: a person decides what becomes of it.
    pub fn report(
        &mut self,
        version: &Version,
        customer: &CustomerName,
        outcome: ReportOutcome,
        cause: &Cause,
    ) -> Result<(), Refused> {
        let index = self.moving(version)?;
        let run = &self.state.runs[index];
        let asked: Vec<&PlannedValidation> = run
            .schedule
            .validations
            .iter()
            .filter(|planned| planned.customer == *customer)
            .collect();
        let Some(first) = asked.first() else {
            return Err(Refused::NotAskedToReport {
                release: version.clone(),
                customer: customer.clone(),
            });
        };
        let tried: BTreeSet<TenantName> = asked.iter().flat_map(|planned| planned.tried_on.clone()).collect();
        let is_on = |tenant: &TenantName| {
            let seat = self.state.seats.get(tenant);
            seat.is_some_and(|seat| seat.version.as_ref() == Some(version))
        };
        if !tried.iter().any(is_on) {
            return Err(Refused::NothingToReport {
                release: version.clone(),
                customer: customer.clone(),
                wave: first.of.clone(),
            });
        }
        let report = CustomerReport {
            outcome,
            at: self.now,
            by: cause.actor.clone(),
            text: cause.reason.clone(),
        };
        self.state.runs[index].reports.insert(customer.clone(), report);
        let reason = format!("customer {customer}: {}: {}", outcome.as_str(), cause.reason);
        let said = cause.actor_says(reason);
        let tried = tried.into_iter().collect();
        self.write_about(EntryKind::CustomerReported, (version, None), tried, &said);
        if outcome == ReportOutcome::Trouble {
            self.hold_run(index, None, &said);
        }
        Ok(())
    }
}

impl Run {
    /// The tenants whose customers have not said that an earlier wave works for them, and have to: also those that a freeze has
    /// put off to the last wave.
    pub(super) fn unvalidated(&self) -> BTreeMap<&TenantName, &CustomerName> {
        let asked = self.schedule.validations.iter();
        let missing = asked.filter(|planned| match self.reports.get(&planned.customer) {
            Some(report) => report.outcome == ReportOutcome::Trouble,
            None => planned.when_silent == WhenSilent::Wait,
        });
        let tenants = missing.flat_map(|planned| planned.tenants.iter().map(|tenant| (tenant, &planned.customer)));
        tenants.collect()
    }
}
