//! What is sent to whom, by when, and who has to agree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::members::Members;
use super::start::Owed;
use super::{Clockwork, of_calendar};
use crate::calendar::Local;
use crate::files::{Contact, Environment};
use crate::id::{CustomerName, TenantName, WaveName};
use crate::plan::report::{About, Problem, ProblemKind};
use crate::plan::schedule::{Due, NoticeKey, PlannedApproval, PlannedNotice};
use crate::plan::{PlannedWave, Start};
use crate::policy::{ApprovalPoint, Before, NoticeKind, NoticeRule, Skip};
use crate::time::Timestamp;

/// Whose tenants a notice is about: a customer's, or one that belongs to nobody.
pub(super) type Owner<'t> = Result<&'t CustomerName, &'t TenantName>;

/// The tenants of a wave by their owners.
pub(super) type Owners<'t> = BTreeMap<Owner<'t>, Owned<'t>>;

/// What somebody has in a wave. It is found once, and all notices about it share it.
pub(super) struct Owned<'t> {
    pub(super) tenants: Arc<BTreeSet<TenantName>>,
    classes: BTreeSet<u16>,
    contacts: &'t [Contact],
}

/// A notice before it has a reader.
struct Draft<'t> {
    rule: &'t NoticeRule,
    because: &'t Arc<str>,
    wave: &'t WaveName,
    owner: Owner<'t>,
    tenants: &'t Arc<BTreeSet<TenantName>>,
    times: Times,
    validating: Validating,
}

/// When a notice about a class of tenants is sent.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    /// No earlier than this.
    due: Option<Timestamp>,
    /// No later than this.
    deadline: Option<Timestamp>,
}

impl<'a> Clockwork<'a> {
    fn applies(&self, rule: &NoticeRule, wave: &WaveName) -> bool {
        let downtime = self.release.downtime.is_some();
        (rule.releases.is_empty() || rule.releases.contains(&self.release.kind))
            && (rule.impact.is_empty() || rule.impact.contains(&self.impact))
            && rule.downtime.is_none_or(|wanted| wanted == downtime)
            && (rule.waves.is_empty() || rule.waves.contains(wave))
    }

    /// What each class of a wave must have been told before it moves.
    pub(super) fn owed(&self, wave: &PlannedWave, members: &Members<'_>) -> BTreeMap<u16, Vec<Owed>> {
        let mut owed: BTreeMap<u16, Vec<Owed>> = BTreeMap::new();
        for index in &members.classes {
            owed.insert(*index, Vec::new());
        }
        let rules = self.playbook.notices.iter();
        for rule in rules.filter(|rule| rule.is_required() && self.applies(rule, &wave.name)) {
            let Some(period) = rule.at_least else { continue };
            let told = self.told(rule, wave, members);
            for (index, owed) in &mut owed {
                let sent = told.get(index).copied().unwrap_or(self.input.now);
                let kind = rule.kind;
                owed.push(Owed { kind, period, sent });
            }
        }
        owed
    }

    /// When the last tenant of a class was told, by the proofs of an earlier run of the release. A class of which not
    /// everybody was told is not here: it moves as one, and waits for those.
    fn told(&self, rule: &NoticeRule, wave: &PlannedWave, members: &Members<'_>) -> BTreeMap<u16, Timestamp> {
        let mut told: BTreeMap<u16, Option<Timestamp>> = BTreeMap::new();
        if self.proofs.is_empty() {
            return BTreeMap::new();
        }
        let mut known: BTreeMap<Owner<'_>, Option<Timestamp>> = BTreeMap::new();
        for (name, it) in members.of(wave) {
            let owner = it.customer.ok_or(name);
            let proven = *known.entry(owner).or_insert_with(|| self.proven(rule, wave, owner));
            told.entry(it.class)
                .and_modify(|last| *last = last.zip(proven).map(|(last, proven)| last.max(proven)))
                .or_insert(proven);
        }
        told.into_iter().filter_map(|(class, at)| Some((class, at?))).collect()
    }

    /// When the last contact of an owner was told. `None`: not all of them are proven to be.
    fn proven(&self, rule: &NoticeRule, wave: &PlannedWave, owner: Owner<'_>) -> Option<Timestamp> {
        let contacts = self.contacts(rule, owner);
        let people = contacts.iter().map(|contact| Some(&contact.name));
        let keys = people.chain(contacts.is_empty().then_some(None));
        let key = |contact| NoticeKey::new(&self.release.version, &wave.name, rule.kind, owner, contact);
        let proofs = keys.map(|contact| self.proofs.get(&key(contact)).copied());
        proofs.reduce(|last, proof| last.zip(proof).map(|(last, proof)| last.max(proof)))?
    }

    /// What is sent, in the order of the keys. Where two rules lead to one key, the later one counts.
    pub(super) fn notices(&mut self, waves: &[PlannedWave], members: &[Members<'a>]) -> Vec<PlannedNotice> {
        let mut planned: Vec<PlannedNotice> = Vec::new();
        let known = waves.iter().zip(members);
        let owners: Vec<Owners<'_>> = known.map(|(wave, members)| self.owners(wave, members)).collect();
        for (place, rule) in self.playbook.notices.iter().enumerate() {
            let because: Arc<str> = self.because(rule).into();
            let mut unreachable = BTreeSet::new();
            for ((wave, members), owned) in waves.iter().zip(members).zip(&owners) {
                if !self.applies(rule, &wave.name) {
                    continue;
                }
                let times = self.times(rule, place, wave, members);
                for (owner, owned) in owned {
                    let draft = Draft {
                        rule,
                        because: &because,
                        wave: &wave.name,
                        owner: *owner,
                        tenants: &owned.tenants,
                        times: earliest(&owned.classes, &times),
                        validating: validating(&wave.name, *owner, waves, &owners),
                    };
                    let known = planned.len();
                    let readers = owned.contacts.iter().filter(|contact| reads(rule, contact));
                    planned.extend(readers.map(|contact| self.addressed(&draft, Some(contact))));
                    if planned.len() == known {
                        unreachable.insert(owner.map_or_else(TenantName::as_str, CustomerName::as_str).to_owned());
                        planned.push(self.addressed(&draft, None));
                    }
                }
            }
            self.tell_unreachable(rule, place, &unreachable);
        }
        planned.sort_by(|a, b| a.key.cmp(&b.key));
        planned.dedup_by(|later, earlier| {
            let is_same = later.key == earlier.key;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        planned
    }

    fn contacts(&self, rule: &NoticeRule, owner: Owner<'_>) -> Vec<&'a Contact> {
        let Ok(customer) = owner else { return Vec::new() };
        let contacts = self.contacts.get(customer).copied().unwrap_or_default().iter();
        contacts.filter(|contact| reads(rule, contact)).collect()
    }

    pub(super) fn owners<'w>(&self, wave: &'w PlannedWave, members: &Members<'a>) -> Owners<'w>
    where
        'a: 'w,
    {
        let known = members.of(wave);
        let mut known: Vec<(Owner<'w>, &TenantName, u16)> = known
            .map(|(name, it)| (it.customer.ok_or(name), name, it.class))
            .collect();
        // Tenants of one customer stand close together more often than not, and come out in the order of their names.
        known.sort_by_key(|(owner, ..)| *owner);
        let contacts = |owner: &Owner<'w>| owner.ok().and_then(|customer| self.contacts.get(customer).copied());
        let owned = known.chunk_by(|(a, ..), (b, ..)| a == b).filter_map(|known| {
            let (owner, ..) = known.first()?;
            let owned = Owned {
                classes: known.iter().map(|(_, _, class)| *class).collect(),
                tenants: Arc::new(known.iter().map(|(_, name, _)| (*name).clone()).collect()),
                contacts: contacts(owner).unwrap_or_default(),
            };
            Some((*owner, owned))
        });
        owned.collect()
    }

    /// When a notice is sent to the classes of a wave. One that is late is told, and so is what then moves.
    fn times(
        &mut self,
        rule: &NoticeRule,
        place: usize,
        wave: &PlannedWave,
        members: &Members<'_>,
    ) -> BTreeMap<u16, Times> {
        let mut times = BTreeMap::new();
        let told = self.told(rule, wave, members);
        let mut late: Option<Timestamp> = None;
        let mut crossed: Option<(Timestamp, Timestamp)> = None;
        for (index, Start { at, .. }) in &wave.starts {
            let Some(at) = at.filter(|_| rule.kind != NoticeKind::Confirmation) else {
                continue;
            };
            let class = &self.classes[usize::from(*index)];
            let before = |period| self.calendars.notice_deadline(class, at, period);
            let found = rule.at_most.as_ref().map(before).transpose();
            let found = found.and_then(|due| Ok((due, rule.at_least.as_ref().map(before).transpose()?)));
            match found {
                Ok((due, deadline)) => {
                    crossed = crossed.or(due.zip(deadline).filter(|(due, deadline)| due > deadline));
                    let open = deadline.filter(|_| !told.contains_key(index));
                    if let Some(deadline) = open.filter(|deadline| *deadline < self.input.now) {
                        late = Some(late.map_or(deadline, |late| late.min(deadline)));
                    }
                    if let Some(deadline) = open.filter(|_| rule.is_required()) {
                        self.holds_until(deadline);
                    }
                    let due = due.map(|due| self.attended(*index, due, deadline.unwrap_or(at)));
                    times.insert(*index, Times { due, deadline });
                }
                Err(error) => {
                    let message = format!(
                        "the {} to wave `{}` has no time: {error}",
                        rule.kind.as_str(),
                        wave.name
                    );
                    let problem = Problem::warns(ProblemKind::Calendar, message, "").about(About::Notice(place));
                    self.problems.push(of_calendar(problem, &error));
                }
            }
        }
        if let Some((due, deadline)) = crossed {
            self.tell_crossed(rule, place, wave, due, deadline);
        } else if let Some(late) = late {
            self.tell_late(rule, place, wave, late);
        }
        times
    }

    /// When people are there to read it, where that is in time.
    fn attended(&self, class: u16, due: Timestamp, last: Timestamp) -> Timestamp {
        let attended = self
            .calendars
            .next_attended(&self.classes[usize::from(class)], due)
            .ok();
        attended.filter(|at| *at <= last).unwrap_or(due)
    }

    /// One that is not to be sent before it is late is never sent in time.
    fn tell_crossed(
        &mut self,
        rule: &NoticeRule,
        place: usize,
        wave: &PlannedWave,
        due: Timestamp,
        deadline: Timestamp,
    ) {
        let (kind, wave) = (rule.kind.as_str(), &wave.name);
        let (due, deadline) = (self.shown(due), self.shown(deadline));
        let message = format!("the {kind} to wave `{wave}` is sent from {due} on, and had to be sent by {deadline}");
        let help = "make `at_most` longer than `at_least`, whatever days lie between, or leave it out";
        let problem = if rule.is_required() {
            Problem::blocks(ProblemKind::NoticeImpossible, message, help)
        } else {
            Problem::warns(ProblemKind::NoticeLate, message, help)
        };
        self.problems.push(problem.about(About::Notice(place)));
    }

    fn shown(&self, at: Timestamp) -> Local<'_> {
        Local::new(at, &self.base.zone)
    }

    fn tell_late(&mut self, rule: &NoticeRule, place: usize, wave: &PlannedWave, deadline: Timestamp) {
        let (kind, wave) = (rule.kind.as_str(), &wave.name);
        let message = format!(
            "the {kind} to wave `{wave}` is late: it had to be sent by {}",
            self.shown(deadline)
        );
        let problem = if rule.is_required() {
            // The start waits for what is owed, so this can only be a start that nothing moves.
            Problem::blocks(
                ProblemKind::NoticeImpossible,
                message,
                "plan the release for a later day, or have an operator waive the notice",
            )
        } else {
            Problem::warns(
                ProblemKind::NoticeLate,
                message,
                "plan for a later day, or write `required: true` so that the wave waits for it",
            )
        };
        self.problems.push(problem.about(About::Notice(place)));
    }

    fn tell_unreachable(&mut self, rule: &NoticeRule, place: usize, unreachable: &BTreeSet<String>) {
        let Some(first) = unreachable.first() else { return };
        let kind = rule.kind.as_str();
        let who = match unreachable.len() {
            1 => format!("`{first}` has nobody"),
            more => format!("{more} customers have nobody, `{first}` among them,"),
        };
        let problem = Problem::warns(
            ProblemKind::NoContact,
            format!("{who} who gets the {kind}"),
            "add a contact with one of its audiences to customers.yaml; until then a person has to tell them",
        );
        self.problems.push(problem.about(About::Notice(place)));
    }

    fn addressed(&self, draft: &Draft<'_>, contact: Option<&Contact>) -> PlannedNotice {
        let Draft { rule, owner, .. } = *draft;
        let name = contact.map(|contact| &contact.name);
        PlannedNotice {
            key: NoticeKey::new(&self.release.version, draft.wave, rule.kind, owner, name),
            kind: rule.kind,
            wave: draft.wave.clone(),
            customer: owner.ok().cloned(),
            contact: name.cloned(),
            audience: contact.and_then(|contact| contact.audience.first().copied()),
            tenants: draft.tenants.clone(),
            due: match (rule.kind, draft.times.due) {
                (NoticeKind::Confirmation, _) => Due::Confirmed,
                (_, Some(due)) => Due::At(due),
                (_, None) => Due::Applied,
            },
            deadline: draft.times.deadline,
            period: rule.at_least,
            required: rule.is_required(),
            nothing_needed: rule.nothing_needed && !draft.validating.is_needed,
            validate_before: draft.validating.before.clone(),
            because: draft.because.clone(),
        }
    }

    /// Why a rule applies to this release.
    fn because(&self, rule: &NoticeRule) -> String {
        let mut words = Vec::new();
        let kind = self.release.kind.as_str();
        if !rule.releases.is_empty() {
            words.push(format!("the release is of kind {kind}"));
        }
        if !rule.impact.is_empty() {
            words.push(format!("its impact is {}", self.impact));
        }
        match rule.downtime {
            Some(true) => words.push("it has planned downtime".to_owned()),
            Some(false) => words.push("it has no downtime".to_owned()),
            None => {}
        }
        if words.is_empty() {
            words.push("the playbook tells everybody".to_owned());
        }
        words.join(", ")
    }

    pub(super) fn approvals(&self, waves: &[PlannedWave]) -> Vec<PlannedApproval> {
        let first_in = |environment: &Environment| {
            let mut waves = waves.iter();
            waves.find(|wave| wave.environments(self.release).contains(environment))
        };
        // Where nobody moves, nobody has to agree.
        let before = |point: &ApprovalPoint| match point {
            ApprovalPoint::Release => Some(Before::Release),
            ApprovalPoint::Wave(name) => {
                let planned = waves.iter().any(|wave| wave.name == *name);
                planned.then(|| Before::Wave(name.clone()))
            }
            ApprovalPoint::Environment(environment) => Some(Before::Wave(first_in(environment)?.name.clone())),
        };
        let rules = self.playbook.approvals.iter();
        let rules = rules.filter(|rule| rule.releases.is_empty() || rule.releases.contains(&self.release.kind));
        let approvals = rules.filter_map(|rule| {
            Some(PlannedApproval {
                name: rule.name.clone(),
                roles: rule.roles.clone(),
                count: rule.count,
                before: before(&rule.before)?,
                expires: rule.expires,
                afterwards: self.skips.contains(&Skip::Approvals),
            })
        });
        approvals.collect()
    }
}

/// The times that suit tenants of all these classes: each the earliest.
fn earliest(classes: &BTreeSet<u16>, times: &BTreeMap<u16, Times>) -> Times {
    let own = classes.iter().filter_map(|class| times.get(class)).copied();
    let least = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
    own.reduce(|a, b| Times {
        due: least(a.due, b.due),
        deadline: least(a.deadline, b.deadline),
    })
    .unwrap_or_default()
}

/// What the readers of a notice are asked for.
#[derive(Default)]
struct Validating {
    is_needed: bool,
    /// Their word is asked for before this wave.
    before: Option<WaveName>,
}

/// Whoever has tenants here, and in a later wave that asks for their word, is asked for it; and whoever is, has something
/// to do.
fn validating(of: &WaveName, owner: Owner<'_>, waves: &[PlannedWave], owners: &[Owners<'_>]) -> Validating {
    if waves.iter().all(|wave| wave.policy.validation.is_none()) {
        return Validating::default();
    }
    let owns = |wave: usize| owners[wave].contains_key(&owner);
    let asks_of = |wave: &PlannedWave, of: &WaveName| {
        wave.policy
            .validation
            .as_ref()
            .is_some_and(|validation| validation.of == *of)
    };
    let here = waves.iter().position(|wave| wave.name == *of);
    let later = (0..waves.len()).find(|wave| owns(*wave) && asks_of(&waves[*wave], of));
    let earlier = here.is_some_and(|here| (0..here).any(|wave| owns(wave) && asks_of(&waves[here], &waves[wave].name)));
    Validating {
        is_needed: later.is_some() || earlier,
        before: later.map(|wave| waves[wave].name.clone()),
    }
}

fn reads(rule: &NoticeRule, contact: &Contact) -> bool {
    rule.audience.is_empty() || !rule.audience.is_disjoint(&contact.audience)
}
