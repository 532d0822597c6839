//! How far tenants are with what breaking changes ask of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Member, Run, RunPhase, Service};
use crate::calendar::LocalDate;
use crate::change::OwnerName;
use crate::grouped;
use crate::id::{Actor, ChangeId, TenantName};
use crate::plan::PlannedMigration;
use crate::time::Timestamp;

/// What is known of the migrations for one change, by tenant. Of a tenant that is not here nobody has said anything, and it
/// counts as not migrated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Migrations(#[serde(with = "grouped")] pub BTreeMap<TenantName, Migration>);

/// The last word about one tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    pub state: MigrationState,
    /// Who sees to it, where it is somebody else than for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerName>,
    /// Until when it has time, where that is another day than for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<LocalDate>,
    pub at: Timestamp,
    pub by: Actor,
    pub reason: String,
}

/// How far a tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationState {
    /// Its customer has been told what to do.
    Contacted,
    /// The customer has said that it will do it.
    Acknowledged,
    /// It has done it: the change breaks nothing of it any more.
    Migrated,
    /// It does not use what the change is about.
    NotAffected,
}

impl MigrationState {
    pub const ALL: [Self; 4] = [Self::Contacted, Self::Acknowledged, Self::Migrated, Self::NotAffected];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contacted => "contacted",
            Self::Acknowledged => "acknowledged",
            Self::Migrated => "migrated",
            Self::NotAffected => "not-affected",
        }
    }

    /// By its word.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The change can come to the tenant.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        match self {
            Self::Contacted | Self::Acknowledged => false,
            Self::Migrated | Self::NotAffected => true,
        }
    }
}

impl Service {
    /// What is known of a tenant and a change.
    #[must_use]
    pub fn migration(&self, change: &ChangeId, tenant: &TenantName) -> Option<&Migration> {
        self.migrations.get(change)?.0.get(tenant)
    }

    /// The changes that would come to a member of a run and break it, in the order of the plan.
    pub fn unmigrated<'a>(
        &'a self,
        run: &'a Run,
        tenant: &'a TenantName,
    ) -> impl Iterator<Item = &'a PlannedMigration> {
        let planned = run.schedule.migrations.iter();
        planned.filter(move |planned| self.breaks(run, planned, tenant))
    }

    fn breaks(&self, run: &Run, planned: &PlannedMigration, tenant: &TenantName) -> bool {
        let mut members = run.waves.iter().filter_map(|wave| wave.members.get(tenant));
        let comes_to = members.next().is_some_and(|member| {
            let from = member.from.as_ref();
            from.is_some_and(|from| planned.from.contains(from))
        });
        // A release that patches another finds tenants where that one has brought the change already.
        let on = self.seats.get(tenant).and_then(|seat| seat.version.as_ref());
        let has = |version| {
            self.pinned
                .get(version)
                .is_some_and(|release| release.has(&planned.change))
        };
        let ready = self
            .migration(&planned.change, tenant)
            .is_some_and(|known| known.state.is_ready());
        comes_to && !ready && !on.is_some_and(has)
    }

    /// Every tenant that a release in flight, or one that has completed, has a breaking change for and that is still where the
    /// release found it, whether or not it has migrated; the newest such release counts.
    #[must_use]
    pub fn without_changes(&self) -> BTreeMap<(&ChangeId, &TenantName), Without<'_>> {
        let brings = |run: &&Run| match run.phase {
            RunPhase::Queued | RunPhase::Moving | RunPhase::Completed { .. } => true,
            RunPhase::RolledBack { .. } | RunPhase::Aborted { .. } | RunPhase::Superseded { .. } => false,
        };
        let mut without = BTreeMap::new();
        for run in self
            .runs
            .iter()
            .filter(brings)
            .filter(|run| !run.schedule.migrations.is_empty())
        {
            for (tenant, member) in run.members() {
                let on = self.seats.get(tenant).and_then(|seat| seat.version.as_ref());
                if member.place.is_on() || !member.is_moved_from(on) {
                    continue;
                }
                let comes_from =
                    |planned: &&PlannedMigration| member.from.as_ref().is_some_and(|from| planned.from.contains(from));
                for planned in run.schedule.migrations.iter().filter(comes_from) {
                    without.insert((&planned.change, tenant), Without { run, member, planned });
                }
            }
        }
        without
    }
}

/// A tenant that has not got a breaking change.
#[derive(Debug, Clone, Copy)]
pub struct Without<'a> {
    /// The release that brings it.
    pub run: &'a Run,
    pub member: &'a Member,
    pub planned: &'a PlannedMigration,
}

impl Without<'_> {
    /// The last day is over where the tenant is.
    #[must_use]
    pub fn is_over(&self, tenant: &TenantName, deadline: LocalDate, now: Timestamp) -> bool {
        let schedule = &self.run.schedule;
        let class = schedule.class_of(tenant).unwrap_or(&schedule.base);
        deadline.0 < schedule.calendars.date(class, now)
    }
}
