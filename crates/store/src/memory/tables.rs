//! The rows as maps. Each write first looks at everything that could refuse it, then changes.

mod inbox;
mod outbox;

use std::collections::{BTreeMap, BTreeSet};

use crate::commit::{Applied, Commit, Loaded, Record, Recorded};
use crate::error::StoreError;
use crate::facts::{self, Fact, FactChange};
use crate::inbox::Addressed;
use crate::journal::{About, Head, JournalCheck, JournalEntry, JournalFilter, JournalRow};
use crate::outbox::{Finished, Outcome};
use crate::plans::{PlanEntry, PlanRow};
use crate::retention::Old;
use inbox::Inbox;
use outbox::Outbox;

#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    services: BTreeMap<String, Loaded>,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    /// By service, kind and key.
    facts: BTreeMap<(String, String, String), String>,
    plans: BTreeMap<String, KeptPlan>,
    journals: BTreeMap<String, Journal>,
}

#[derive(Clone, Debug)]
struct KeptPlan {
    row: PlanRow,
    at_ms: i64,
    applied: bool,
}

#[derive(Clone, Debug, Default)]
struct Journal {
    head: Head,
    rows: Vec<JournalRow>,
    about: BTreeMap<String, BTreeSet<i64>>,
}

impl Tables {
    pub fn apply(&mut self, commit: &Commit) -> Result<Applied, StoreError> {
        let service = &*commit.service;
        let found = self.generation(service);
        if found != commit.expected_generation {
            return Err(StoreError::Conflict {
                service: service.to_owned(),
                expected: commit.expected_generation,
                found,
            });
        }
        self.inbox.look_at_waiting(service, &commit.consumed)?;
        let inserted = self.outbox.look_at(service, &commit.outbox)?;
        let endings = self
            .outbox
            .conditions(inserted, commit.settled.iter().map(|effect| &*effect.id))
            .settle(service, &commit.settled)?;
        self.look_at_plans(service, &commit.plans)?;

        self.inbox.consume(service, &commit.consumed);
        self.outbox.insert(service, &commit.outbox);
        self.outbox.end(endings);
        self.put_plans(service, &commit.plans);
        self.keep_plans(service, &commit.applied);
        self.change_facts(service, &commit.facts);
        let generation = match &commit.state {
            Some(state) => {
                let next = Loaded {
                    generation: found + 1,
                    state: state.clone(),
                };
                self.services.insert(service.to_owned(), next);
                found + 1
            }
            None => found,
        };
        let journal_seq = self.append(service, generation, &commit.journal);
        Ok(Applied {
            generation,
            journal_seq,
        })
    }

    pub fn record(&mut self, record: &Record) -> Result<Recorded, StoreError> {
        let service = &*record.service;
        let events: Vec<_> = record.events.iter().map(|event| Addressed { service, event }).collect();
        self.inbox.look_at(&events)?;
        self.look_at_plans(service, &record.plans)?;

        let events = self.inbox.put(&events);
        self.put_plans(service, &record.plans);
        self.change_facts(service, &record.facts);
        let journal_seq = self.append(service, self.generation(service), &record.journal);
        Ok(Recorded { events, journal_seq })
    }

    pub fn finish(&mut self, owner: &str, outcomes: &[Outcome]) -> Result<Vec<Finished>, StoreError> {
        let ids = outcomes.iter().map(|outcome| &*outcome.id);
        let mut conditions = self.outbox.conditions(Vec::new(), ids);
        let report = conditions.finish(owner, outcomes)?;
        self.inbox.look_at(&report.events)?;

        self.outbox.end(report.endings);
        self.inbox.put(&report.events);
        Ok(report.finished)
    }

    fn generation(&self, service: &str) -> u64 {
        self.services.get(service).map_or(0, |loaded| loaded.generation)
    }

    pub fn load(&self, service: &str) -> Option<Loaded> {
        self.services.get(service).cloned()
    }

    pub fn services(&self) -> Vec<String> {
        self.services.keys().cloned().collect()
    }

    fn look_at_plans(&self, service: &str, plans: &[PlanEntry]) -> Result<(), StoreError> {
        let mut given: BTreeMap<&str, &str> = BTreeMap::new();
        for plan in plans {
            let first = *given.entry(&plan.digest).or_insert(&plan.body);
            let kept = self.plans.get(&plan.digest);
            if first != plan.body || kept.is_some_and(|kept| kept.row.service != service || kept.row.body != plan.body)
            {
                return Err(StoreError::PlanDiffers {
                    digest: plan.digest.clone(),
                });
            }
        }
        Ok(())
    }

    fn put_plans(&mut self, service: &str, plans: &[PlanEntry]) {
        for plan in plans {
            let kept = self.plans.entry(plan.digest.clone()).or_insert_with(|| KeptPlan {
                row: PlanRow {
                    digest: plan.digest.clone(),
                    service: service.to_owned(),
                    body: plan.body.clone(),
                },
                at_ms: plan.at_ms,
                applied: false,
            });
            kept.at_ms = kept.at_ms.max(plan.at_ms);
        }
    }

    fn keep_plans(&mut self, service: &str, applied: &[String]) {
        for digest in applied {
            if let Some(plan) = self.plans.get_mut(digest).filter(|plan| plan.row.service == service) {
                plan.applied = true;
            }
        }
    }

    pub fn plan(&self, digest: &str) -> Option<PlanRow> {
        self.plans.get(digest).map(|plan| plan.row.clone())
    }

    pub fn drop_plans(&mut self, old: &Old<'_>, kept: &[String], inputs: &str) -> u64 {
        let plans = self.plans.iter().filter(|(digest, plan)| {
            plan.row.service == old.service && !plan.applied && plan.at_ms < old.before_ms && !kept.contains(digest)
        });
        let digests = old.first(plans.map(|(digest, plan)| (plan.at_ms, digest.clone())));
        for digest in &digests {
            self.plans.remove(digest);
        }
        self.drop_facts(old.service, inputs, &digests);
        digests.len() as u64
    }

    pub fn drop_events(&mut self, old: &Old<'_>, answers: &str) -> u64 {
        let keys = self.inbox.drop_old(old);
        self.drop_facts(old.service, answers, &keys);
        keys.len() as u64
    }

    fn drop_facts(&mut self, service: &str, kind: &str, keys: &[String]) {
        for key in keys {
            self.facts.remove(&(service.to_owned(), kind.to_owned(), key.clone()));
        }
    }

    fn change_facts(&mut self, service: &str, changes: &[FactChange]) {
        for ((kind, key), body) in facts::net(changes) {
            let place = (service.to_owned(), kind.to_owned(), key.to_owned());
            match body {
                Some(body) => self.facts.insert(place, body.to_owned()),
                None => self.facts.remove(&place),
            };
        }
    }

    pub fn facts(&self, service: &str, kind: &str) -> Vec<Fact> {
        let first = (service.to_owned(), kind.to_owned(), String::new());
        self.facts
            .range(first..)
            .take_while(|((of_service, of_kind, _), _)| of_service == service && of_kind == kind)
            .map(|((_, kind, key), body)| Fact {
                kind: kind.clone(),
                key: key.clone(),
                body: body.clone(),
            })
            .collect()
    }

    pub fn fact(&self, service: &str, kind: &str, key: &str) -> Option<String> {
        let place = (service.to_owned(), kind.to_owned(), key.to_owned());
        self.facts.get(&place).cloned()
    }

    fn append(&mut self, service: &str, generation: u64, entries: &[JournalEntry]) -> i64 {
        if entries.is_empty() {
            return self.journal_head(service);
        }
        let journal = self.journals.entry(service.to_owned()).or_default();
        let (rows, about) = journal.head.append(service, generation, entries);
        journal.rows.extend(rows);
        for About { subject, seq } in about {
            journal.about.entry(subject).or_default().insert(seq);
        }
        journal.head.seq
    }

    pub fn journal(&self, service: &str, filter: JournalFilter<'_>, after_seq: i64, limit: u32) -> Vec<JournalRow> {
        let Some(journal) = self.journals.get(service) else {
            return Vec::new();
        };
        let read = usize::try_from(after_seq).unwrap_or(0).min(journal.rows.len());
        journal.rows[read..]
            .iter()
            .filter(|row| match filter {
                JournalFilter::All => true,
                JournalFilter::Release(release) => row.release.as_deref() == Some(release),
                JournalFilter::Subject(subject) => {
                    journal.about.get(subject).is_some_and(|rows| rows.contains(&row.seq))
                }
            })
            .take(limit as usize)
            .cloned()
            .collect()
    }

    pub fn journal_head(&self, service: &str) -> i64 {
        self.journals.get(service).map_or(0, |journal| journal.head.seq)
    }

    pub fn journal_verify(&self, service: &str) -> JournalCheck {
        let Some(journal) = self.journals.get(service) else {
            return JournalCheck::Whole { rows: 0 };
        };
        let mut followed = Head::default();
        match journal.rows.iter().find(|row| !followed.follow(row)) {
            Some(broken) => JournalCheck::Broken { seq: broken.seq },
            None => journal.head.compare(&followed, 0),
        }
    }
}
