//! How two plans for one release differ, and what a release changes of what runs: as data, and in words.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{NoticeKey, Plan, PlannedApproval, PlannedNotice, PlannedTenant, PlannedWave};
use crate::files::TimeZoneName;
use crate::id::{ApprovalName, ComponentName, Digest, TenantName, Version, WaveName};
use crate::policy::{GateUse, NoticeKind};
use crate::release::ComponentRelease;
use crate::service::Service;
use crate::time::Timestamp;

/// What a plan decides otherwise than the last one that was made for the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinceLast {
    pub plan: Digest,
    pub planned: Timestamp,
    pub differences: Differences,
}

/// What one plan decides otherwise than another. Empty exactly where the two are the same plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Differences {
    /// These run something else.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub components: BTreeSet<ComponentName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<Moved>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<WaveDifference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<NoticeDifference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalDifference>,
    /// What is said otherwise besides.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub besides: BTreeSet<Besides>,
}

/// Tenants that one and the same thing has become of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    pub how: How,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Stand>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Stand>,
    /// That their times are told in.
    pub zone: TimeZoneName,
    pub tenants: BTreeSet<TenantName>,
}

/// Where a plan has a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stand {
    pub wave: WaveName,
    /// Not before this. `None`: as soon as what comes before is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
}

/// What has become of tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// They did not move.
    New,
    /// They do not move any more.
    Gone,
    Earlier,
    Later,
    /// They move with another wave, at no other time that is known.
    OtherWave,
    /// They run another version than they did.
    OtherVersion,
    OtherCell,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveDifference {
    pub wave: WaveName,
    pub what: WaveChange,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaveChange {
    Added,
    Dropped,
    /// By what they use. One that is told something else is dropped, and added.
    Gates {
        added: Vec<String>,
        dropped: Vec<String>,
    },
    /// Its canary, its bake, its gap, how many move at one time, or whose word it waits for.
    Rules,
}

/// Notices of one kind about one wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeDifference {
    pub wave: WaveName,
    pub kind: NoticeKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<NoticeKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<NoticeKey>,
    /// To be sent at another time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<NoticeKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalDifference {
    pub approval: ApprovalName,
    pub what: ApprovalChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalChange {
    Added,
    Dropped,
    /// Other people, more or fewer of them, or something else waits for it.
    Changed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Besides {
    /// The release says otherwise: its texts, its changes, its kind.
    Release,
    /// The rules of the playbook for the release as a whole.
    Playbook,
    /// Windows, freezes, holidays or zones.
    Calendars,
    /// Why tenants move or stay, or what notices say.
    Reasons,
}

/// What a release changes of a version that tenants run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    pub version: Version,
    /// How many tenants are moved from it.
    pub tenants: usize,
    /// The components that change. None: the release runs the same.
    pub components: BTreeMap<ComponentName, BTreeSet<Part>>,
}

/// What of a component is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// It was not there.
    New,
    /// It is there no more.
    Gone,
    Artifact,
    /// How it is run or found.
    Definition,
    Configuration,
    /// Where secrets are found, or which ones there are.
    Secrets,
}

/// What `now` decides otherwise than `before`. Tenants are looked at once.
#[must_use]
pub fn differences(before: &Plan, now: &Plan) -> Differences {
    let mut found = Differences {
        components: components(before, now),
        tenants: tenants(before, now),
        waves: waves(before, now),
        notices: notices(before, now),
        approvals: approvals(before, now),
        besides: BTreeSet::new(),
    };
    if found.components.is_empty() && before.release != now.release {
        found.besides.insert(Besides::Release);
    }
    if before.policy != now.policy {
        found.besides.insert(Besides::Playbook);
    }
    let (old, new) = (&before.schedule, &now.schedule);
    if (&old.calendars, &old.base) != (&new.calendars, &new.base) {
        found.besides.insert(Besides::Calendars);
    }
    if found.is_empty() && before != now {
        found.besides.insert(Besides::Reasons);
    }
    found
}

/// What a plan changes of each version that it moves tenants from, as far as that is kept.
#[must_use]
pub fn replaced(plan: &Plan, state: &Service) -> Vec<Replaced> {
    let mut from: BTreeMap<&Version, usize> = BTreeMap::new();
    for tenant in plan.waves.iter().flat_map(|wave| wave.tenants.values()) {
        if let Some(version) = &tenant.from {
            *from.entry(version).or_default() += 1;
        }
    }
    let kept = from.into_iter().filter_map(|(version, tenants)| {
        let old = &state.pinned.get(version)?.components;
        let new = &plan.release.components;
        let names: BTreeSet<&ComponentName> = old.keys().chain(new.keys()).collect();
        let changed = names.into_iter().filter_map(|name| {
            let parts = parts(old.get(name), new.get(name));
            (!parts.is_empty()).then(|| (name.clone(), parts))
        });
        Some(Replaced {
            version: version.clone(),
            tenants,
            components: changed.collect(),
        })
    });
    kept.collect()
}

fn parts(old: Option<&ComponentRelease>, new: Option<&ComponentRelease>) -> BTreeSet<Part> {
    let (old, new) = match (old, new) {
        (None, None) => return BTreeSet::new(),
        (None, Some(_)) => return BTreeSet::from([Part::New]),
        (Some(_), None) => return BTreeSet::from([Part::Gone]),
        (Some(old), Some(new)) => (old, new),
    };
    let differ = [
        (Part::Artifact, old.artifact.digest != new.artifact.digest),
        (Part::Definition, old.definition != new.definition),
        (Part::Configuration, old.configuration != new.configuration),
        (Part::Secrets, old.secrets != new.secrets),
    ];
    let differing = differ.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(part, _)| part).collect()
}

fn components(before: &Plan, now: &Plan) -> BTreeSet<ComponentName> {
    let (old, new) = (&before.release.components, &now.release.components);
    let names = old.keys().chain(new.keys());
    names.filter(|name| old.get(*name) != new.get(*name)).cloned().collect()
}

/// One tenant of a plan: where it stands, and what is known of it.
type Known<'p> = (&'p PlannedWave, &'p PlannedTenant);

/// What tenants of one group have in common.
type Alike<'p> = (How, Option<Stand>, Option<Stand>, &'p TimeZoneName);

fn tenants(before: &Plan, now: &Plan) -> Vec<Moved> {
    let (old, new) = (moves(before), moves(now));
    let mut groups: BTreeMap<Alike<'_>, BTreeSet<TenantName>> = BTreeMap::new();
    let names: BTreeSet<&TenantName> = old.keys().chain(new.keys()).copied().collect();
    for name in names {
        let (then, here) = (old.get(name).copied(), new.get(name).copied());
        let (stood, stands) = (
            then.map(|known| stand(before, name, known)),
            here.map(|known| stand(now, name, known)),
        );
        let plan = if here.is_some() { now } else { before };
        let zone = plan.zone_of(plan.schedule.class_index(name));
        for how in hows(then.zip(stood.as_ref()), here.zip(stands.as_ref())) {
            let group = groups.entry((how, stood.clone(), stands.clone(), zone)).or_default();
            group.insert(name.clone());
        }
    }
    let moved = groups.into_iter().map(|((how, before, now, zone), tenants)| Moved {
        how,
        before,
        now,
        zone: zone.clone(),
        tenants,
    });
    moved.collect()
}

fn hows(before: Option<(Known<'_>, &Stand)>, now: Option<(Known<'_>, &Stand)>) -> Vec<How> {
    let (((_, was), stood), ((_, is), stands)) = match (before, now) {
        (None, None) => return Vec::new(),
        (None, Some(_)) => return vec![How::New],
        (Some(_), None) => return vec![How::Gone],
        (Some(before), Some(now)) => (before, now),
    };
    let when = match stood.start.cmp(&stands.start) {
        // What is bound to no time is earlier than all that is.
        std::cmp::Ordering::Less => Some(How::Later),
        std::cmp::Ordering::Greater => Some(How::Earlier),
        std::cmp::Ordering::Equal => (stood.wave != stands.wave).then_some(How::OtherWave),
    };
    let version = (was.from != is.from).then_some(How::OtherVersion);
    let cell = (was.cell != is.cell).then_some(How::OtherCell);
    when.into_iter().chain(version).chain(cell).collect()
}

fn moves(plan: &Plan) -> BTreeMap<&TenantName, Known<'_>> {
    let waves = plan.waves.iter();
    let tenants = waves.flat_map(|wave| wave.tenants.iter().map(move |(name, planned)| (name, (wave, planned))));
    tenants.collect()
}

fn stand(plan: &Plan, name: &TenantName, (wave, _): Known<'_>) -> Stand {
    let start = wave.starts.get(&plan.schedule.class_index(name));
    Stand {
        wave: wave.name.clone(),
        start: start.and_then(|start| start.at),
    }
}

fn waves(before: &Plan, now: &Plan) -> Vec<WaveDifference> {
    let mut found = Vec::new();
    let mut tell = |wave: &PlannedWave, what| {
        found.push(WaveDifference {
            wave: wave.name.clone(),
            what,
        });
    };
    for wave in &now.waves {
        let Some(old) = before.wave(wave.name.as_str()) else {
            tell(wave, WaveChange::Added);
            continue;
        };
        let added = without(&wave.policy.gates, &old.policy.gates);
        let dropped = without(&old.policy.gates, &wave.policy.gates);
        if !added.is_empty() || !dropped.is_empty() {
            tell(wave, WaveChange::Gates { added, dropped });
        }
        let mut rules = old.policy.clone();
        rules.gates.clone_from(&wave.policy.gates);
        if rules != wave.policy {
            tell(wave, WaveChange::Rules);
        }
    }
    for wave in before
        .waves
        .iter()
        .filter(|wave| now.wave(wave.name.as_str()).is_none())
    {
        tell(wave, WaveChange::Dropped);
    }
    found
}

/// The gates of a list that are not in another.
fn without(gates: &[GateUse], others: &[GateUse]) -> Vec<String> {
    let gates = gates.iter().filter(|gate| !others.contains(gate));
    gates.map(|gate| gate.label().to_owned()).collect()
}

fn keyed(plan: &Plan) -> BTreeMap<&NoticeKey, &PlannedNotice> {
    let notices = plan.schedule.notices.iter();
    notices.map(|notice| (&notice.key, notice)).collect()
}

fn notices(before: &Plan, now: &Plan) -> Vec<NoticeDifference> {
    let (old, new) = (keyed(before), keyed(now));
    let mut found: BTreeMap<(&WaveName, NoticeKind), NoticeDifference> = BTreeMap::new();
    let keys: BTreeSet<&NoticeKey> = old.keys().chain(new.keys()).copied().collect();
    for key in keys {
        let (then, here) = (old.get(key).copied(), new.get(key).copied());
        let Some(notice) = here.or(then) else { continue };
        let moved = then
            .zip(here)
            .is_some_and(|(then, here)| (then.due, then.deadline) != (here.due, here.deadline));
        if then.is_some() && here.is_some() && !moved {
            continue;
        }
        let difference = found
            .entry((&notice.wave, notice.kind))
            .or_insert_with(|| NoticeDifference {
                wave: notice.wave.clone(),
                kind: notice.kind,
                added: Vec::new(),
                dropped: Vec::new(),
                moved: Vec::new(),
            });
        let list = if moved {
            &mut difference.moved
        } else if here.is_some() {
            &mut difference.added
        } else {
            &mut difference.dropped
        };
        list.push(key.clone());
    }
    found.into_values().collect()
}

fn approvals(before: &Plan, now: &Plan) -> Vec<ApprovalDifference> {
    let (old, new) = (&before.schedule.approvals, &now.schedule.approvals);
    let names: BTreeSet<&ApprovalName> = old.iter().chain(new).map(|approval| &approval.name).collect();
    let found = names.into_iter().filter_map(|name| {
        let what = match (named(old, name), named(new, name)) {
            (None, _) => ApprovalChange::Added,
            (_, None) => ApprovalChange::Dropped,
            (Some(old), Some(new)) if old != new => ApprovalChange::Changed,
            (Some(_), Some(_)) => return None,
        };
        Some(ApprovalDifference {
            approval: name.clone(),
            what,
        })
    });
    found.collect()
}

fn named<'p>(approvals: &'p [PlannedApproval], name: &ApprovalName) -> Option<&'p PlannedApproval> {
    approvals.iter().find(|approval| approval.name == *name)
}

impl Differences {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
