//! What people do by themselves in a play: they approve what waits for it, send the notices that are due, and resume what is
//! held, each after a time of their own.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::event::{EventKind, GateAsk, GateAsked};
use tidegate_domain::id::{Actor, WaveName};
use tidegate_domain::plan::NoticeKey;
use tidegate_domain::policy::{GateOutcome, NoticeKind};
use tidegate_domain::release::Stage;
use tidegate_domain::service::{Approval, ReportOutcome, Run, RunPhase, Service, WaveState};
use tidegate_domain::time::{Duration, Timestamp};

use super::deed::{Deed, What, When};

/// `None`: nobody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// After they were asked.
    pub approve_after: Option<Duration>,
    /// After a notice was due.
    pub send_after: Option<Duration>,
    /// After the customer's tenants of the earlier wave were moved: it works.
    pub report_after: Option<Duration>,
    /// After it was held.
    pub resume_after: Option<Duration>,
}

impl Default for People {
    /// Everybody does what is asked of them within the hour, customers within a day; what is held stays held.
    fn default() -> Self {
        Self {
            approve_after: Some(Duration::from_hours(1)),
            send_after: Some(Duration::from_secs(60)),
            report_after: Some(Duration::from_days(1)),
            resume_after: None,
        }
    }
}

impl People {
    /// What they will do about what they see `now`; what they saw before comes once more.
    pub fn deeds(&self, state: &Service, now: Timestamp) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for run in &state.runs {
            deeds.extend(self.resume_after.and_then(|after| resumption(run, after)));
            if let Some(after) = self.send_after {
                deeds.extend(sendings(run, after));
            }
            if let Some(after) = self.report_after {
                deeds.extend(reports(run, after));
            }
            if let Some(after) = self.approve_after {
                deeds.extend(approvals(run, now + after));
                deeds.extend(answers(run, after));
            }
        }
        deeds.retain(|deed| matches!(deed.when, When::Instant(at) if at > now));
        deeds
    }
}

fn deed(run: &Run, at: Timestamp, who: &str, reason: &str, kind: EventKind) -> Deed {
    Deed {
        release: Some(run.version.clone()),
        wave: String::new(),
        when: When::Instant(at),
        what: What::Ask {
            who: who.to_owned(),
            reason: reason.to_owned(),
            kind: Box::new(kind),
        },
    }
}

/// A hold that somebody has to end.
fn resumption(run: &Run, after: Duration) -> Option<Deed> {
    let hold = run
        .hold
        .as_ref()
        .filter(|hold| hold.until.is_none() && !run.phase.has_ended())?;
    let version = run.version.clone();
    let resume = EventKind::Resume { version };
    Some(deed(run, hold.since + after, "release manager", "it may go on", resume))
}

/// All notices of one kind and wave that were asked for at one time are sent together.
fn sendings(run: &Run, after: Duration) -> Vec<Deed> {
    let mut open: BTreeMap<(Timestamp, &WaveName, NoticeKind), BTreeSet<NoticeKey>> = BTreeMap::new();
    for planned in &run.schedule.notices {
        let known = run.notices.get(&planned.key).filter(|notice| notice.proof.is_none());
        if let Some(asked) = known.and_then(|notice| notice.asked) {
            let of = (asked, &planned.wave, planned.kind);
            open.entry(of).or_default().insert(planned.key.clone());
        }
    }
    let send = |((asked, wave, kind), keys): ((Timestamp, &WaveName, NoticeKind), BTreeSet<NoticeKey>)| {
        let reason = format!("{} of wave {wave} sent to {}", kind.as_str(), counted(keys.len()));
        let version = run.version.clone();
        let proven = EventKind::NoticesProven {
            version,
            keys,
            at: None,
        };
        deed(run, asked + after, "mail", &reason, proven)
    };
    open.into_iter().map(send).collect()
}

/// Customers who are asked to try the release find that it works.
fn reports(run: &Run, after: Duration) -> impl Iterator<Item = Deed> {
    let asked = run.schedule.validations.iter();
    let silent = asked.filter(|planned| !run.phase.has_ended() && !run.reports.contains_key(&planned.customer));
    silent.filter_map(move |planned| {
        let tried = run.waves.iter().find(|wave| wave.name == planned.of)?;
        let report = EventKind::Report {
            version: run.version.clone(),
            customer: planned.customer.clone(),
            outcome: ReportOutcome::Works,
        };
        let who = planned.customer.as_str();
        Some(deed(run, tried.moved? + after, who, "everything we use works", report))
    })
}

/// Whoever is asked by a gate lets the wave go on.
fn answers(run: &Run, after: Duration) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for wave in run.waves.iter().filter(|_| run.hold.is_none()) {
        let WaveState::Active {
            stage: Stage::Verify,
            since,
        } = wave.state
        else {
            continue;
        };
        for (place, name) in wave.gate_names().into_iter().enumerate() {
            let asked = wave.policy.gates[place].manual().and_then(Result::ok);
            let Some(manual) = asked.filter(|_| wave.gate_outcome(place) == GateOutcome::Open) else {
                continue;
            };
            let person = manual.who.people.first().cloned();
            let person = person.unwrap_or_else(|| format!("{name} 1"));
            let answer = EventKind::GateAsked(GateAsked {
                version: run.version.clone(),
                wave: wave.name.clone(),
                gate: name,
                ask: GateAsk::Answer {
                    yes: true,
                    roles: manual.who.roles,
                },
            });
            deeds.push(deed(run, since + after, &person, "it may go on", answer));
        }
    }
    deeds
}

fn counted(contacts: usize) -> String {
    if contacts == 1 {
        "1 contact".to_owned()
    } else {
        format!("{contacts} contacts")
    }
}

/// One person after the other, for the first approval that misses somebody; reviews once everything is done.
fn approvals(run: &Run, at: Timestamp) -> Option<Deed> {
    let ended = matches!(run.phase, RunPhase::Completed { .. });
    let asked = |approval: &&Approval| {
        let waits = match (&approval.wave, approval.review_by) {
            (_, Some(_)) => ended,
            (None, None) => run.phase == RunPhase::Queued,
            (Some(wave), None) => run.current().is_some_and(|current| run.waves[current].name == *wave),
        };
        waits && approval.missing() > 0 && run.hold.is_none()
    };
    let approval = run.approvals.iter().find(asked)?;
    let person = (1..)
        .map(|number| format!("{} {number}", approval.name))
        .find(|person| !approval.given.contains_key(&Actor::principal(person)))?;
    let reason = if approval.review_by.is_some() {
        "looked at afterwards"
    } else {
        "looks good"
    };
    let approve = EventKind::Approve {
        version: run.version.clone(),
        plan: run.plan.clone(),
        roles: approval.roles.clone(),
    };
    Some(deed(run, at, &person, reason, approve))
}
