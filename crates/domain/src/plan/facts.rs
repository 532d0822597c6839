//! Facts from a file instead of a server: which version tenants run, and who asked to be among the first.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::assumed;
use crate::files::Project;
use crate::id::{TenantName, Version};
use crate::service::{Seat, Service};

/// What a server would know. All of it may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The version that tenants run that are not in `tenants`.
    pub version: Option<Version>,
    /// The version of a tenant, where it is another.
    pub tenants: BTreeMap<TenantName, Version>,
    /// These ask to be among the first, whatever tenants.yaml says.
    pub opt_in: BTreeSet<TenantName>,
    /// These do not.
    pub opt_out: BTreeSet<TenantName>,
}

impl Facts {
    /// What is assumed where nothing is known: everybody runs the version before.
    ///
    /// # Panics
    /// Never: the name is one.
    #[must_use]
    pub fn assumed() -> Self {
        Self {
            version: Some(Version::new("earlier").expect("a literal of the right shape")),
            ..Self::default()
        }
    }

    /// The state of the service, with every tenant of the project where the facts say it is.
    #[must_use]
    pub fn state(&self, project: &Project) -> Service {
        let mut state = Service::new(project.service.service.clone());
        let tenants = project.tenants.tenants.iter().map(|tenant| (&tenant.id, &tenant.cell));
        let broken = project.broken.iter().map(|(id, tenant)| (id, &tenant.cell));
        for (id, cell) in tenants.chain(broken) {
            let version = self.tenants.get(id).or(self.version.as_ref());
            let seat = Seat::new(cell.clone(), version.cloned(), 1);
            state.seats.insert(id.clone(), seat);
        }
        for version in self.tenants.values().chain(&self.version) {
            let release = || assumed(project, version);
            state.pinned.entry(version.clone()).or_insert_with(release);
        }
        state
    }

    /// Lets tenants take part as they asked to.
    pub fn take_part(&self, project: &mut Project) {
        for tenant in &mut project.tenants.tenants {
            if self.opt_in.contains(&tenant.id) {
                tenant.opt_in = true;
            }
            if self.opt_out.contains(&tenant.id) {
                tenant.opt_in = false;
            }
        }
    }
}
