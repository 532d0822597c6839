//! The books of a cell checked from its files alone: which ids took effect, how often, and whether the ledger booked each event once.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::events::{EventLog, EventLogError};
use crate::ledger::{Ledger, LedgerError};
use crate::tenant::Tenant;

#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("cannot read the events of tenant `{tenant}`")]
    Events { tenant: Tenant, source: EventLogError },
    #[error("cannot read the ledger of tenant `{tenant}`")]
    Ledger { tenant: Tenant, source: LedgerError },
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantAudit {
    /// How often each idempotency id took effect.
    pub applied: BTreeMap<String, u64>,
    /// How often each id arrived again and was recognised.
    pub repeated: BTreeMap<String, u64>,
    pub worker: WorkerAudit,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WorkerAudit {
    /// Events with an effect.
    pub events: u64,
    /// Events the ledger did not book (or not yet).
    pub lost: u64,
    /// Events the ledger booked once too often.
    pub doubled: u64,
    /// Members whose total in the ledger is not the sum of their events.
    pub wrong_totals: u64,
}

impl WorkerAudit {
    pub fn add(&mut self, other: WorkerAudit) {
        self.events += other.events;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrong_totals += other.wrong_totals;
    }
}

/// Audits one tenant of the cell whose data directory is given.
///
/// # Errors
/// The event log or the ledger cannot be read.
pub fn tenant(data: &Path, tenant: &Tenant) -> Result<TenantAudit, AuditError> {
    let directory = data.join(tenant.as_str());
    // The ledger first: events that arrive meanwhile then count as not booked yet, never as doubled.
    let booked = Ledger::newest(&directory).map_err(|source| AuditError::Ledger {
        tenant: tenant.clone(),
        source,
    })?;
    let mut audit = TenantAudit::default();
    let mut expected = Ledger::default();
    let failed = |source| AuditError::Events {
        tenant: tenant.clone(),
        source,
    };
    let mut log = EventLog::open(&directory).map_err(failed)?;
    loop {
        let events = log.read().map_err(failed)?;
        if events.is_empty() {
            break;
        }
        for event in events {
            expected.book(&event);
            let counts = match event.effect.points() {
                Some(_) => &mut audit.applied,
                None => &mut audit.repeated,
            };
            *counts.entry(event.id).or_default() += 1;
        }
    }
    audit.worker = compare(&expected, &booked);
    Ok(audit)
}

fn compare(expected: &Ledger, booked: &Ledger) -> WorkerAudit {
    let mut audit = WorkerAudit {
        events: expected.events(),
        ..WorkerAudit::default()
    };
    let members: std::collections::BTreeSet<_> = expected.members.keys().chain(booked.members.keys()).collect();
    for member in members {
        let expected = expected.members.get(member).copied().unwrap_or_default();
        let booked = booked.members.get(member).copied().unwrap_or_default();
        audit.lost += expected.events.saturating_sub(booked.events);
        audit.doubled += booked.events.saturating_sub(expected.events);
        audit.wrong_totals += u64::from(expected.points != booked.points);
    }
    audit
}
