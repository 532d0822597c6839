//! One release on its way: its waves, and how far each of their members is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Approval, CompanionRun, CustomerReport, Maintenance, Notice, Override, Reservation, Seat, StepRun, Waiver,
};
use crate::event::Judgement;
use crate::grouped;
use crate::id::{Actor, CellName, CustomerName, Digest, TenantName, Version, WaveName};
use crate::plan::{NoticeKey, Schedule, Start};
use crate::policy::{Policy, WavePolicy};
use crate::release::Stage;
use crate::time::Timestamp;

/// A release on its way, or one that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub version: Version,
    pub plan: Digest,
    /// Who applied it.
    pub author: Actor,
    /// Who made the plan, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_by: Option<Actor>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// When its tenants may move, as the plan has it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// What has happened to the notices of the schedule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notices: BTreeMap<NoticeKey, Notice>,
    /// What customers have reported who are asked to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reports: BTreeMap<CustomerName, CustomerReport>,
    /// When tenants want to be moved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reservations: BTreeMap<TenantName, Reservation>,
    /// Who has opted out since it was applied: the release does not move them again once they are taken back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub opted_out: BTreeSet<TenantName>,
    /// Whom it has left because it would break them: they move after all once they have migrated.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unmigrated: BTreeSet<TenantName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    pub applied: Timestamp,
    pub policy: Policy,
    pub phase: RunPhase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The version that it repairs for those who run it: other releases wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hotfix: Option<Version>,
    /// The release that takes whom this one has not moved: what it has moved is watched to the end, and nobody follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<Version>,
    /// How far the releases of other services are that it goes together with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together: Vec<CompanionRun>,
    pub waves: Vec<WaveRun>,
    /// Its work on data: of each cell in the order in which it is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRun>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunPhase {
    /// Behind an earlier release.
    Queued,
    Moving,
    /// Every tenant of the plan is on it, or was left behind by name.
    Completed {
        at: Timestamp,
    },
    /// No tenant is on it any more.
    RolledBack {
        at: Timestamp,
    },
    /// Ended by a person.
    Aborted {
        at: Timestamp,
    },
    /// A later release has taken its place. Who is on it stays until that one moves them, and can still go back.
    Superseded {
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub by: Actor,
    pub reason: String,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveRun {
    pub name: WaveName,
    pub policy: WavePolicy,
    pub state: WaveState,
    /// Another number when the wave starts again or is resumed.
    pub attempt: u32,
    /// A person has let it go on: what had failed gets its whole time to recover.
    #[serde(default)]
    pub resumed: bool,
    #[serde(with = "grouped")]
    pub members: BTreeMap<TenantName, Member>,
    /// When its tenants move, by class of the schedule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub starts: BTreeMap<u16, Start>,
    /// While a share of its tenants' requests goes to the new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryRun>,
    /// How often its canary was over before its time because nobody could take part any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub canaries_cut_short: u8,
    /// When the last tenant was moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Timestamp>,
    /// Since when somebody of those that wait may move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted: Option<Timestamp>,
    /// When the workers that own a cell of its tenants were last handed over, by whomever, while it switched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<Timestamp>,
    /// Classes whose window lets a wave finish that has begun in it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub finishing: BTreeSet<u16>,
    /// Its tenants that are out of service now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
    /// When this attempt moved its first tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched: Option<Timestamp>,
    /// One for each gate of the policy, `None` until it has ended.
    pub gates: Vec<Option<Judgement>>,
    /// Gates that a person lets it go past, by their place, in every attempt.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overridden: BTreeMap<usize, Override>,
    /// The last judgement of the moved tenants, or of the canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Judgement>,
    /// When it was last judged so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Timestamp>,
    /// A person skipped the rest of the canary, or of the bake.
    #[serde(default)]
    pub promoted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// A canary under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryRun {
    /// Since when some tenant may take part: its time is counted from here.
    pub since: Timestamp,
    /// Whose clients are split, and since when.
    #[serde(with = "grouped")]
    pub tenants: BTreeMap<TenantName, Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaveState {
    /// Not started.
    Waiting,
    Active {
        stage: Stage,
        since: Timestamp,
    },
    Confirmed {
        at: Timestamp,
    },
    RolledBack {
        at: Timestamp,
        reason: String,
    },
    /// Never started: the release was aborted, or another one has taken its place.
    Dropped,
    /// On its way when a release that patches this one took its place.
    Superseded {
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The version that the plan moves the tenant from. Who had none and is taken back gets that of the others.
    pub from: Option<Version>,
    /// The release that this one patches, where the tenant is on that until it is moved: it goes back to `from` all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Version>,
    pub place: Place,
}

/// How far a member is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    Waiting,
    /// On the release since the routing generation.
    Moved {
        generation: u64,
    },
    /// Shall go back as soon as the slots of its earlier version are ready.
    Returning {
        reason: String,
    },
    Returned {
        generation: u64,
        reason: String,
    },
    /// Not moved by this release.
    Left {
        reason: String,
    },
    /// Moved on by a later release while this one was in flight.
    Superseded {
        generation: u64,
    },
}

/// A release that nothing makes wait needs no schedule written down.
fn is_default(schedule: &Schedule) -> bool {
    *schedule == Schedule::default()
}

impl Run {
    /// From now on the tenant waits in a later wave. It does not move before the start that was planned for it, which comes with it where
    /// that wave has none for its like, or an earlier one: no plan lets its like of a later wave move before it.
    pub fn hand_on(&mut self, tenant: &TenantName, wave: usize, into: usize) {
        if wave == into {
            return;
        }
        let Some(member) = self.waves[wave].members.remove(tenant) else {
            return;
        };
        let class = self.schedule.class_index(tenant);
        let own = self.waves[wave].starts.get(&class).cloned();
        let into = &mut self.waves[into];
        into.members.insert(tenant.clone(), member);
        let of_class = into.starts.get(&class).and_then(|start| start.at);
        if let Some(own) = own.filter(|own| own.at > of_class) {
            into.starts.insert(class, own);
        }
    }

    /// The run may still move tenants forward, or is bringing some back.
    #[must_use]
    pub fn in_flight(&self) -> bool {
        !self.phase.has_ended() || self.returning() || self.undoes_in_downtime()
    }

    #[must_use]
    pub fn returning(&self) -> bool {
        self.first_returning().is_some()
    }

    /// A tenant that has not arrived where it goes back to.
    #[must_use]
    pub fn first_returning(&self) -> Option<&TenantName> {
        let returning = |member: &Member| matches!(member.place, Place::Returning { .. });
        let mut members = self.members();
        members.find(|(_, member)| returning(member)).map(|(tenant, _)| tenant)
    }

    /// More than single tenants: a wave of it is on its way back.
    #[must_use]
    pub fn is_being_rolled_back(&self) -> bool {
        let returning = |member: &Member| matches!(member.place, Place::Returning { .. });
        let back = |wave: &&WaveRun| matches!(wave.state, WaveState::RolledBack { .. });
        let mut waves = self.waves.iter().filter(back);
        waves.any(|wave| wave.members.values().any(returning))
    }

    /// What most of the tenants that the release has moved come from, of those that `counts`.
    pub fn came_from(&self, counts: impl Fn(&TenantName) -> bool) -> Option<&Version> {
        let came = |member: &Member| member.place.is_on() || matches!(member.place, Place::Returned { .. });
        let moved = self.members().filter(|(tenant, member)| came(member) && counts(tenant));
        let mut versions: BTreeMap<&Version, usize> = BTreeMap::new();
        for from in moved.filter_map(|(_, member)| member.from.as_ref()) {
            *versions.entry(from).or_default() += 1;
        }
        let most = versions.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(version, _)| version)
    }

    /// Until when the versions that its tenants came from stay warm; `None` while it is in flight.
    #[must_use]
    pub fn warm_until(&self) -> Option<Timestamp> {
        match self.phase {
            RunPhase::Queued | RunPhase::Moving => None,
            RunPhase::Completed { at }
            | RunPhase::RolledBack { at }
            | RunPhase::Aborted { at }
            | RunPhase::Superseded { at } => Some(at + self.policy.rollback_window),
        }
    }

    pub fn members(&self) -> impl Iterator<Item = (&TenantName, &Member)> {
        self.waves.iter().flat_map(|wave| &wave.members)
    }

    /// Some tenant is on this release.
    #[must_use]
    pub fn holds_tenants(&self) -> bool {
        self.members().any(|(_, member)| member.place.is_on())
    }

    /// The wave that is on its way or next to start.
    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.waves.iter().position(WaveRun::is_open)
    }
}

impl Member {
    #[must_use]
    pub const fn waiting(from: Option<Version>) -> Self {
        Self {
            from,
            replaces: None,
            place: Place::Waiting,
        }
    }

    /// Whether a tenant on `version` is where the plan moves it from.
    #[must_use]
    pub fn is_moved_from(&self, version: Option<&Version>) -> bool {
        version == self.from.as_ref() || (self.replaces.is_some() && version == self.replaces.as_ref())
    }
}

impl Place {
    /// The tenant is on the release, if only until it can go back.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::Moved { .. } | Self::Returning { .. })
    }
}

impl WaveRun {
    /// There is something to take back: it is on its way, or tenants are on it.
    #[must_use]
    pub fn can_come_back(&self) -> bool {
        matches!(self.state, WaveState::Active { .. }) || self.holds_tenants()
    }

    /// It is on its way, or has not started yet.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, WaveState::Waiting | WaveState::Active { .. })
    }

    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        match self.state {
            WaveState::Active { stage, .. } => Some(stage),
            WaveState::Confirmed { .. } => Some(Stage::Confirm),
            WaveState::Waiting | WaveState::RolledBack { .. } | WaveState::Dropped | WaveState::Superseded { .. } => {
                None
            }
        }
    }

    /// The cells of the members that this wave moves or has moved.
    #[must_use]
    pub fn cells(&self, seats: &BTreeMap<TenantName, Seat>) -> BTreeSet<CellName> {
        let stays = |member: &Member| match member.place {
            Place::Left { .. } | Place::Returned { .. } | Place::Superseded { .. } => true,
            Place::Waiting | Place::Moved { .. } | Place::Returning { .. } => false,
        };
        self.members
            .iter()
            .filter(|(_, member)| !stays(member))
            .filter_map(|(tenant, _)| seats.get(tenant).map(|seat| seat.cell.clone()))
            .collect()
    }
}
