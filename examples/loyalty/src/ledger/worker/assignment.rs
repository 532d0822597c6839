//! Which tenants a worker books for, and by which epoch.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ledger::{Holder, Ledger, LedgerError};
use crate::tenant::Tenant;

/// What an activation or deactivation is about: named tenants, each with an epoch, or the whole cell with one.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Tenants(BTreeMap<Tenant, u64>),
    Cell(u64),
}

#[derive(Debug, thiserror::Error)]
pub enum AssignmentError {
    #[error("epoch {epoch} of `{subject}` is outdated by epoch {by}")]
    Outdated { subject: String, epoch: u64, by: u64 },
    #[error("cannot take over the ledger of tenant `{tenant}`")]
    Ledger { tenant: Tenant, source: LedgerError },
}

#[derive(Debug, Default)]
pub struct Assignment {
    held: BTreeMap<Tenant, Holder>,
    /// Epochs that are over; none is used twice.
    released: BTreeMap<Tenant, u64>,
    cell: Option<u64>,
    cell_released: u64,
    trouble: BTreeMap<Tenant, String>,
}

#[derive(Debug, Serialize)]
pub struct Status {
    owned: BTreeMap<Tenant, u64>,
    /// Records that wait to be booked.
    lag: BTreeMap<Tenant, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cell: Option<u64>,
    /// What keeps a tenant's events from being booked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    trouble: BTreeMap<Tenant, String>,
}

impl Assignment {
    /// Nothing is taken over if any of the epochs is outdated already.
    pub fn activate(&mut self, scope: Scope, data: &Path) -> Result<(), AssignmentError> {
        match scope {
            Scope::Tenants(tenants) => {
                for (tenant, epoch) in &tenants {
                    self.check(tenant, *epoch, data)?;
                }
                tenants
                    .iter()
                    .try_for_each(|(tenant, epoch)| self.claim(tenant, *epoch, data))
            }
            Scope::Cell(epoch) => {
                refuse_below(epoch, self.cell.unwrap_or(0).max(self.cell_released + 1), "cell")?;
                let tenants = tenants_in(data);
                for tenant in &tenants {
                    self.check(tenant, epoch, data)?;
                }
                self.cell = Some(epoch);
                tenants.iter().try_for_each(|tenant| self.claim(tenant, epoch, data))
            }
        }
    }

    /// Since batches run under the same lock as this, whatever was taken is finished.
    pub fn deactivate(&mut self, scope: &Scope) -> Result<(), AssignmentError> {
        match scope {
            Scope::Tenants(tenants) => {
                for (tenant, epoch) in tenants {
                    let held = self.held.get(tenant).map_or(0, Holder::epoch);
                    refuse_below(*epoch, held, tenant.as_str())?;
                }
                for (tenant, epoch) in tenants {
                    self.release(tenant, *epoch);
                }
            }
            Scope::Cell(epoch) => {
                refuse_below(*epoch, self.cell.unwrap_or(0), "cell")?;
                self.cell = None;
                self.cell_released = self.cell_released.max(*epoch);
                for tenant in self.held.keys().cloned().collect::<Vec<_>>() {
                    self.release(&tenant, *epoch);
                }
            }
        }
        Ok(())
    }

    /// Who owns the cell also owns tenants created since.
    pub fn discover(&mut self, data: &Path) {
        let Some(epoch) = self.cell else { return };
        for tenant in tenants_in(data) {
            let over = self.released.get(&tenant).is_some_and(|over| *over >= epoch);
            if self.held.contains_key(&tenant) || over {
                continue;
            }
            if let Err(error) = self.claim(&tenant, epoch, data) {
                self.trouble.insert(tenant, told(&error));
            }
        }
    }

    pub fn next_after(&self, last: Option<&Tenant>) -> Option<Tenant> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.held.range::<Tenant, _>((from, Bound::Unbounded));
        rest.next().map(|(tenant, _)| tenant.clone())
    }

    /// Books one batch. A tenant whose epoch was outdated is let go.
    pub fn book(&mut self, tenant: &Tenant) {
        let Some(holder) = self.held.get_mut(tenant) else {
            return;
        };
        match holder.book() {
            Ok(_) => {
                self.trouble.remove(tenant);
            }
            Err(error) => {
                self.trouble.insert(tenant.clone(), told(&error));
                if let LedgerError::Fenced { epoch, .. } = error {
                    self.release(tenant, epoch);
                }
            }
        }
    }

    pub fn status(&self) -> Status {
        let lag = |holder: &Holder| holder.lag().unwrap_or(usize::MAX);
        Status {
            owned: self
                .held
                .iter()
                .map(|(tenant, holder)| (tenant.clone(), holder.epoch()))
                .collect(),
            lag: self
                .held
                .iter()
                .map(|(tenant, holder)| (tenant.clone(), lag(holder)))
                .collect(),
            cell: self.cell,
            trouble: self.trouble.clone(),
        }
    }

    fn check(&self, tenant: &Tenant, epoch: u64, data: &Path) -> Result<(), AssignmentError> {
        let held = self.held.get(tenant).map_or(0, Holder::epoch);
        let released = self.released.get(tenant).map_or(0, |epoch| epoch + 1);
        let fence = Ledger::fence(&data.join(tenant.as_str())).map_err(taking_over(tenant))?;
        refuse_below(epoch, held.max(released).max(fence), tenant.as_str())
    }

    fn claim(&mut self, tenant: &Tenant, epoch: u64, data: &Path) -> Result<(), AssignmentError> {
        if self.held.get(tenant).is_some_and(|holder| holder.epoch() == epoch) {
            return Ok(());
        }
        match Holder::claim(&data.join(tenant.as_str()), epoch) {
            Ok(holder) => {
                self.held.insert(tenant.clone(), holder);
                self.trouble.remove(tenant);
                Ok(())
            }
            Err(LedgerError::Fenced { epoch, by }) => {
                self.release(tenant, epoch);
                let subject = tenant.to_string();
                Err(AssignmentError::Outdated { subject, epoch, by })
            }
            Err(error) => Err(taking_over(tenant)(error)),
        }
    }

    fn release(&mut self, tenant: &Tenant, epoch: u64) {
        self.held.remove(tenant);
        let released = self.released.entry(tenant.clone()).or_default();
        *released = epoch.max(*released);
    }
}

fn refuse_below(epoch: u64, least: u64, subject: &str) -> Result<(), AssignmentError> {
    if epoch >= least {
        return Ok(());
    }
    Err(AssignmentError::Outdated {
        subject: subject.to_owned(),
        epoch,
        by: least,
    })
}

fn taking_over(tenant: &Tenant) -> impl FnOnce(LedgerError) -> AssignmentError + use<> {
    let tenant = tenant.clone();
    move |source| AssignmentError::Ledger { tenant, source }
}

fn told(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// The directories that are tenants; none if the data are not there yet.
fn tenants_in(data: &Path) -> Vec<Tenant> {
    let Ok(entries) = std::fs::read_dir(data) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
