//! The diary of a play: what happened at which instant to whom and why, and how it ended.

mod draw;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::Serialize;
use tidegate_domain::event::Verdict;
use tidegate_domain::id::{ServiceName, TenantName, Version, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::plan::{Plan, PlanReport};
use tidegate_domain::service::{RunPhase, Service};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_domain::waiting::Waiting;

use super::words::{Words, is_short, moved_in_batches, slots_in_words, waits, wave_of};
use super::{Play, instant};
use crate::world::World;

/// Of the JSON document.
pub const SCHEMA_VERSION: u32 = 1;

/// What is over sooner is not worth a line: a slot starts, a gateway confirms.
const PATIENCE: Duration = Duration::from_secs(60);

/// Moves of one wave that are no further apart are one line.
const BATCHES_WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub struct Diary {
    service: ServiceName,
    begins: Timestamp,
    zone: TimeZone,
    pub events: Vec<Event>,
    pub outcomes: Vec<Outcome>,
    /// The last row of the journal that was read.
    seq: i64,
    serial: usize,
    waits: BTreeMap<String, Wait>,
    judged: BTreeMap<(Version, WaveName), String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub at: Timestamp,
    /// As the journal has it; `planned` and `waits` are the diary's own.
    pub kind: &'static str,
    pub release: Option<Version>,
    pub wave: Option<WaveName>,
    pub tenants: Vec<TenantName>,
    /// For people, in the reader's zone.
    pub text: String,
}

/// What has become of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub release: Version,
    /// `completed`, `superseded`, `rolled back`, `aborted`, `held` or `waiting`.
    pub outcome: &'static str,
    pub reason: String,
    pub tenants_on_it: usize,
}

#[derive(Debug, Clone)]
struct Wait {
    since: Timestamp,
    event: Event,
    told: bool,
}

impl Diary {
    pub(super) fn new(play: &Play) -> Self {
        Self {
            service: play.project.service.service.clone(),
            begins: play.begins,
            zone: play.zone.clone(),
            events: Vec::new(),
            outcomes: Vec::new(),
            seq: 0,
            serial: 0,
            waits: BTreeMap::new(),
            judged: BTreeMap::new(),
        }
    }

    /// Every release is completed, itself or by one that patches it.
    #[must_use]
    pub fn completed(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.all(|outcome| matches!(outcome.outcome, "completed" | "superseded"))
    }

    /// No release waits for something that has not come.
    #[must_use]
    pub fn ended_in_time(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.outcome != "waiting")
    }

    pub(super) fn next_serial(&mut self) -> usize {
        self.serial += 1;
        self.serial
    }

    /// A plan was made.
    pub(super) fn planned(&mut self, plan: &Plan, report: &PlanReport, at: Timestamp) {
        let words = Words::new(&self.zone, at, None, None);
        let mut lines = Vec::new();
        for (wave, report) in plan.waves.iter().zip(&report.waves) {
            let starts = words.planned(plan, wave, report).into_iter();
            lines.extend(starts.map(|(tenants, text)| (Some(wave.name.clone()), tenants, text)));
        }
        let notices = words.notices(plan).into_iter();
        lines.extend(notices.map(|(wave, tenants, text)| (Some(wave), tenants, text)));
        let approvals = plan.schedule.approvals.iter();
        lines.extend(approvals.map(|approval| (None, Vec::new(), words.approval(approval))));
        let validations = plan.schedule.validations.iter();
        lines.extend(validations.map(|planned| {
            let tenants = planned.tenants.iter().cloned().collect();
            (Some(planned.wave.clone()), tenants, words.validation(planned))
        }));
        let downtime = plan.policy.downtime.iter();
        lines.extend(downtime.map(|downtime| (None, Vec::new(), words.downtime(downtime))));
        for problem in &report.problems {
            lines.push((None, Vec::new(), format!("plan: {}", problem.message)));
        }
        self.events.extend(lines.into_iter().map(|(wave, tenants, text)| Event {
            at,
            kind: "planned",
            release: Some(plan.release.version.clone()),
            wave,
            tenants,
            text,
        }));
    }

    /// Writes down what has come since it was called last.
    pub(super) fn follow(&mut self, world: &World, plans: &BTreeMap<Version, Plan>) {
        let rows = world.journal_after(self.seq);
        let mut slots: BTreeMap<(EntryKind, Option<Version>), usize> = BTreeMap::new();
        let now = world.instant();
        for (seq, at, entry) in rows {
            self.seq = seq;
            if matches!(entry.kind, EntryKind::SlotLeft | EntryKind::SlotStopped) {
                *slots.entry((entry.kind, entry.release.clone())).or_default() += 1;
                continue;
            }
            if self.is_repeated(&entry) {
                continue;
            }
            let plan = entry.release.as_ref().and_then(|release| plans.get(release));
            let text = Words::new(&self.zone, at, world.state(), plan).entry(&entry);
            self.events.extend(text.map(|text| event(at, entry, text)));
        }
        for ((kind, release), count) in slots {
            let text = slots_in_words(kind, release.as_ref(), count);
            self.events.push(Event {
                at: now,
                kind: kind.as_str(),
                release,
                wave: None,
                tenants: Vec::new(),
                text,
            });
        }
        self.wait(world.waiting(), now);
    }

    /// A verdict is worth a line when it has changed; that there are no data yet is none.
    fn is_repeated(&mut self, entry: &Entry) -> bool {
        let (EntryKind::Judged, Some(release), Some(wave)) = (entry.kind, &entry.release, &entry.wave) else {
            return false;
        };
        let last = self
            .judged
            .insert((release.clone(), wave.clone()), entry.reason.clone());
        let nothing_yet = last.is_none() && entry.reason.starts_with(Verdict::NoData.in_words());
        nothing_yet || last.as_ref() == Some(&entry.reason)
    }

    /// Each thing that is waited for is named once, when it lasts.
    fn wait(&mut self, waiting: &[Waiting], now: Timestamp) {
        // The same words for the same wait, on whatever day they are looked at.
        let subject = Words::new(&self.zone, self.begins, None, None);
        let words = Words::new(&self.zone, now, None, None);
        let mut groups: BTreeMap<String, (&Waiting, BTreeSet<TenantName>)> = BTreeMap::new();
        for waiting in waiting {
            if let Some(subject) = subject.subject(waiting) {
                let (_, who) = groups.entry(subject).or_insert((waiting, BTreeSet::new()));
                who.extend(waits(waiting).iter().cloned());
            }
        }
        let before = std::mem::take(&mut self.waits);
        for (subject, wait) in &before {
            // What has ended since then may have lasted without anything else happening.
            if !groups.contains_key(subject) && !wait.told && now - wait.since >= PATIENCE {
                self.events.push(wait.event.clone());
            }
        }
        for (subject, (waiting, who)) in groups {
            let tenants: Vec<TenantName> = who.into_iter().collect();
            let mut wait = before.get(&subject).cloned().unwrap_or_else(|| Wait {
                since: now,
                event: Event {
                    at: now,
                    kind: "waits",
                    release: waiting.release().cloned(),
                    wave: wave_of(waiting).cloned(),
                    text: words.waiting(waiting, &tenants),
                    tenants,
                },
                told: false,
            });
            if !wait.told && (!is_short(waiting) || now - wait.since >= PATIENCE) {
                wait.told = true;
                self.events.push(wait.event.clone());
            }
            self.waits.insert(subject, wait);
        }
    }

    /// Puts the lines in order and says how it ended.
    pub(super) fn ended(mut self, state: Option<&Service>, waiting: &[Waiting], over: bool) -> Self {
        self.events.sort_by_key(|event| event.at);
        self.join_batches();
        let words = Words::new(&self.zone, self.begins, state, None);
        for run in state.iter().flat_map(|state| &state.runs) {
            let on_it = |seat: &&tidegate_domain::service::Seat| seat.version.as_ref() == Some(&run.version);
            let tenants_on_it = state
                .iter()
                .flat_map(|state| state.seats.values())
                .filter(on_it)
                .count();
            let (outcome, reason) = match (run.phase, &run.hold) {
                (RunPhase::Completed { at }, _) => ("completed", instant::words(at, &self.zone)),
                (RunPhase::RolledBack { at }, _) => ("rolled back", instant::words(at, &self.zone)),
                (RunPhase::Superseded { at }, _) => ("superseded", instant::words(at, &self.zone)),
                (RunPhase::Aborted { at }, _) => ("aborted", instant::words(at, &self.zone)),
                (RunPhase::Queued | RunPhase::Moving, Some(hold)) if hold.until.is_none() => {
                    let since = instant::words(hold.since, &self.zone);
                    ("held", format!("since {since} by {}: {}", hold.by, hold.reason))
                }
                (RunPhase::Queued | RunPhase::Moving, _) => {
                    let waits = waiting.iter().filter(|wait| wait.release() == Some(&run.version));
                    let waits: BTreeSet<String> = waits
                        .map(|wait| words.waiting(wait, super::words::waits(wait)))
                        .collect();
                    let waits: Vec<String> = waits.into_iter().collect();
                    let ended = if over {
                        "the simulated days are over"
                    } else {
                        "nothing else will happen"
                    };
                    ("waiting", format!("{ended}: {}", waits.join("; ")))
                }
            };
            self.outcomes.push(Outcome {
                release: run.version.clone(),
                outcome,
                reason,
                tenants_on_it,
            });
        }
        self
    }

    /// What a wave moves in batches, one closely after the other, is one line.
    fn join_batches(&mut self) {
        let mut joined: Vec<(Event, usize, Timestamp)> = Vec::new();
        for event in std::mem::take(&mut self.events) {
            let same = joined.iter_mut().rev().take(4).find(|(earlier, _, last)| {
                let key = |event: &Event| (event.kind, event.release.clone(), event.wave.clone());
                event.kind == EntryKind::Moved.as_str()
                    && key(earlier) == key(&event)
                    && event.at - *last <= BATCHES_WITHIN
            });
            match same {
                Some((earlier, batches, last)) => {
                    earlier.tenants.extend(event.tenants);
                    (*batches, *last) = (*batches + 1, event.at);
                }
                None => {
                    let at = event.at;
                    joined.push((event, 1, at));
                }
            }
        }
        let several = |(mut event, batches, last): (Event, usize, Timestamp)| {
            if batches > 1 {
                event.text = moved_in_batches(&event, batches, &instant::near(last, event.at, &self.zone));
            }
            event
        };
        self.events = joined.into_iter().map(several).collect();
    }
}

fn event(at: Timestamp, entry: Entry, text: String) -> Event {
    Event {
        at,
        kind: entry.kind.as_str(),
        release: entry.release,
        wave: entry.wave,
        tenants: entry.tenants,
        text,
    }
}
