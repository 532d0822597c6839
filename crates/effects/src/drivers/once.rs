//! What is run once to its end: work on data, or one run of a job.

use std::collections::BTreeMap;

use tidegate_domain::effect::{EffectId, JobTask, StepTask};
use tidegate_domain::id::TenantName;
use tidegate_domain::release::SlotSpec;
use tidegate_domain::time::Duration;

/// A command that is run once to its end.
#[derive(Debug, Clone, Copy)]
pub enum Once<'a> {
    Step(&'a StepTask),
    Job(&'a JobTask),
}

impl<'a> Once<'a> {
    /// Whose artifact, configuration and secrets it gets, and in which cell.
    #[must_use]
    pub const fn spec(self) -> &'a SlotSpec {
        match self {
            Self::Step(task) => &task.spec,
            Self::Job(task) => &task.spec,
        }
    }

    /// Program and arguments, with their blanks.
    #[must_use]
    pub fn command(self) -> &'a [String] {
        match self {
            Self::Step(task) => &task.command,
            Self::Job(task) => &task.spec.definition.command,
        }
    }

    #[must_use]
    pub const fn timeout(self) -> Duration {
        match self {
            Self::Step(task) => task.timeout,
            Self::Job(task) => task.timeout,
        }
    }

    /// The only tenant that it is for.
    #[must_use]
    pub const fn tenant(self) -> Option<&'a TenantName> {
        match self {
            Self::Step(_) => None,
            Self::Job(task) => task.tenant.as_ref(),
        }
    }

    /// The variables that tell it what it is, over those of its component. A tenant's own settings go before those for all.
    #[must_use]
    pub fn variables(self, id: &EffectId) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        let own = match self {
            Self::Step(task) => vec![
                ("TIDEGATE_STEP", task.step.to_string()),
                ("TIDEGATE_DATABASE", task.database.to_string()),
            ],
            Self::Job(task) => {
                let settings = task
                    .tenant
                    .as_ref()
                    .and_then(|tenant| task.spec.tenant_configuration.get(tenant));
                variables.extend(
                    settings
                        .into_iter()
                        .flatten()
                        .map(|(name, value)| (name.clone(), value.clone())),
                );
                let tenant = task.tenant.iter().map(|tenant| ("TIDEGATE_TENANT", tenant.to_string()));
                let due = task.due.iter().map(|due| ("TIDEGATE_DUE", due.to_string()));
                tenant.chain(due).collect()
            }
        };
        let id = [("TIDEGATE_EFFECT", id.to_string())];
        variables.extend(own.into_iter().chain(id).map(|(name, value)| (name.to_owned(), value)));
        variables
    }
}
