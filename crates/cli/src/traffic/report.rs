//! The closing document: what was sent, what became of it, and what the files of the service say about it.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_loyalty::audit::{self, AuditError, TenantAudit, WorkerAudit};

use super::config::{Class, Config};
use super::exchange::Sender;
use super::tally::{ClassReport, Counts, FirstFailure, Tally};

#[derive(Debug, Serialize)]
pub struct Report {
    schema_version: u32,
    /// `lost` includes writes that were acknowledged and are not in the event log.
    #[serde(flatten)]
    counts: Counts,
    /// Ids that took effect more than once.
    doubled: u64,
    /// Acknowledged writes that are not in the event log.
    missing: u64,
    /// Ids that reached the service more than once. It recognised them, but nothing here sends twice: the gateway did.
    repeated: u64,
    service_errors_by_status: BTreeMap<u16, u64>,
    gateway_errors_by_reason: BTreeMap<String, u64>,
    by_class: BTreeMap<Class, ClassReport>,
    /// Absent where no data directory was given, or there is no worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<WorkerAudit>,
    failures: Vec<FirstFailure>,
}

impl Report {
    /// # Errors
    /// The data of a tenant cannot be read.
    pub fn draw_up(config: &Config, tally: &Tally) -> Result<Report, AuditError> {
        let mut report = Report {
            schema_version: 1,
            counts: tally.counts(),
            doubled: 0,
            missing: 0,
            repeated: 0,
            service_errors_by_status: tally.service_errors().clone(),
            gateway_errors_by_reason: tally.gateway_errors().clone(),
            by_class: tally.by_class(),
            worker: None,
            failures: tally.failures().to_vec(),
        };
        for (place, tenant) in config.tenants.iter().enumerate() {
            if let Some(data) = config.data.get(&tenant.cell) {
                let audit = audit::tenant(data, &tenant.name)?;
                report.add(config, &audit, tally.acknowledged(place));
            }
        }
        report.counts.lost += report.missing;
        Ok(report)
    }

    /// Events the worker has still to book.
    pub fn unbooked(&self) -> u64 {
        self.worker.map_or(0, |worker| worker.lost)
    }

    fn add(&mut self, config: &Config, audit: &TenantAudit, acknowledged: &[u64]) {
        let missing = |number: &&u64| !audit.applied.contains_key(&Sender::id(config.seed, **number));
        self.missing += acknowledged.iter().filter(missing).count() as u64;
        self.doubled += audit.applied.values().filter(|times| **times > 1).count() as u64;
        self.repeated += audit.repeated.len() as u64;
        if config.worker {
            self.worker.get_or_insert_default().add(audit.worker);
        }
    }
}
