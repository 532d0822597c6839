//! A suspended tenant keeps its seat and moves with its releases; gateways serve none of its requests.

use super::Refused;
use super::turn::{Cause, Turn};
use crate::id::TenantName;
use crate::journal::EntryKind;

impl Turn {
    pub fn suspend(&mut self, tenant: &TenantName, cause: &Cause) -> Result<(), Refused> {
        self.set_suspended(tenant, true, cause)
    }

    pub fn resume_tenant(&mut self, tenant: &TenantName, cause: &Cause) -> Result<(), Refused> {
        self.set_suspended(tenant, false, cause)
    }

    /// The same word again has no effect.
    fn set_suspended(&mut self, tenant: &TenantName, suspended: bool, cause: &Cause) -> Result<(), Refused> {
        let seat = self.state.seats.get_mut(tenant);
        let seat = seat.ok_or_else(|| Refused::NoSuchTenant { tenant: tenant.clone() })?;
        if seat.suspended != suspended {
            seat.suspended = suspended;
            let kind = match suspended {
                true => EntryKind::TenantSuspended,
                false => EntryKind::TenantResumed,
            };
            self.write_tenant(kind, tenant, None, cause);
        }
        Ok(())
    }
}
