//! Commands over a world small enough that they meet: two services, three keys, five effects.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use tidegate_store::{
    Commit, EventEntry, Fact, FactChange, JournalEntry, Old, OutboxEntry, Outcome, PlanEntry, Record, SettledEffect,
    Settlement,
};

pub const SERVICES: [&str; 2] = ["shop", "desk"];
pub const KEYS: [&str; 3] = ["k1", "k2", "k3"];
pub const EFFECTS: [&str; 5] = ["e1", "e2", "e3", "e4", "e5"];
pub const LANES: [&str; 2] = ["mail", "gates"];
const OWNERS: [&str; 2] = ["w1", "w2"];

#[derive(Clone, Debug)]
pub enum Command {
    /// The expected generation is filled in when it runs: the true one, or one too many.
    Apply {
        commit: Commit,
        stale: bool,
    },
    Record(Record),
    Lease {
        lane: String,
        owner: String,
        now_ms: i64,
        limit: u32,
    },
    Renew {
        owner: String,
        ids: Vec<String>,
        until_ms: i64,
    },
    Release {
        owner: String,
        id: String,
        retry_at_ms: i64,
    },
    Finish {
        owner: String,
        outcomes: Vec<Outcome>,
    },
    DropEvents {
        old: Drop,
        answers: String,
    },
    DropEffects {
        old: Drop,
        lane: String,
    },
    DropPlans {
        old: Drop,
        kept: Vec<String>,
        inputs: String,
    },
}

/// What is dropped of which service.
#[derive(Clone, Debug)]
pub struct Drop {
    service: String,
    before_ms: i64,
    limit: u32,
}

impl Drop {
    pub fn old(&self) -> Old<'_> {
        Old {
            service: &self.service,
            before_ms: self.before_ms,
            limit: self.limit,
        }
    }
}

pub fn any() -> impl Strategy<Value = Command> {
    let lease = (one(&LANES), one(&OWNERS), moment(), 0..4_u32);
    let renew = (one(&OWNERS), vec(one(&EFFECTS), 0..3), moment());
    let release = (one(&OWNERS), one(&EFFECTS), moment());
    let finish = (one(&OWNERS), vec(outcome(), 0..3));
    prop_oneof![
        4 => (commit(), prop::bool::weighted(0.1)).prop_map(|(commit, stale)| Command::Apply { commit, stale }),
        2 => record().prop_map(Command::Record),
        3 => lease.prop_map(|(lane, owner, now_ms, limit)| Command::Lease { lane, owner, now_ms, limit }),
        1 => renew.prop_map(|(owner, ids, until_ms)| Command::Renew { owner, ids, until_ms }),
        1 => release.prop_map(|(owner, id, retry_at_ms)| Command::Release { owner, id, retry_at_ms }),
        3 => finish.prop_map(|(owner, outcomes)| Command::Finish { owner, outcomes }),
        1 => (old(), one(&KEYS)).prop_map(|(old, answers)| Command::DropEvents { old, answers }),
        1 => (old(), one(&LANES)).prop_map(|(old, lane)| Command::DropEffects { old, lane }),
        1 => (old(), vec(one(&KEYS), 0..2), one(&KEYS))
            .prop_map(|(old, kept, inputs)| Command::DropPlans { old, kept, inputs }),
    ]
}

fn old() -> impl Strategy<Value = Drop> {
    (one(&SERVICES), 0..80_i64, 0..4_u32).prop_map(|(service, before_ms, limit)| Drop {
        service,
        before_ms,
        limit,
    })
}

fn one(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(names).prop_map(str::to_owned)
}

fn moment() -> impl Strategy<Value = i64> {
    0..60_i64
}

/// Mostly the same text, so that most repetitions agree and some do not.
fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => Just("{\"same\":1}".to_owned()),
        1 => Just("\"o'ther\"".to_owned()),
    ]
}

fn commit() -> impl Strategy<Value = Commit> {
    let decided = (one(&SERVICES), option::of(body()), vec(1..9_i64, 0..2));
    let effects = (vec(effect(), 0..3), vec(settled(), 0..2));
    let plans = (vec(plan(), 0..2), vec(one(&KEYS), 0..2));
    let rows = (vec(fact(), 0..4), plans, vec(entry(), 0..3));
    (decided, effects, rows).prop_map(
        |((service, state, consumed), (outbox, settled), (facts, (plans, applied), journal))| Commit {
            service,
            expected_generation: 0,
            state,
            consumed,
            outbox,
            settled,
            facts,
            plans,
            applied,
            journal,
        },
    )
}

fn record() -> impl Strategy<Value = Record> {
    let rows = (vec(fact(), 0..4), vec(plan(), 0..2), vec(entry(), 0..3));
    (one(&SERVICES), vec(event(), 0..4), rows).prop_map(|(service, events, (facts, plans, journal))| Record {
        service,
        events,
        facts,
        plans,
        journal,
    })
}

fn event() -> impl Strategy<Value = EventEntry> {
    (one(&KEYS), body(), moment()).prop_map(|(key, body, at_ms)| EventEntry {
        key,
        actor: "ada".to_owned(),
        body,
        at_ms,
    })
}

fn effect() -> impl Strategy<Value = OutboxEntry> {
    // An effect's lane follows from its id, but for a rare slip.
    let lane = prop_oneof![9 => Just(None), 1 => one(&LANES).prop_map(Some)];
    (select(&EFFECTS), lane, body(), moment()).prop_map(|(id, lane, body, due_ms)| OutboxEntry {
        id: id.to_owned(),
        lane: lane.unwrap_or_else(|| LANES[usize::from(id == "e5")].to_owned()),
        body,
        due_ms,
    })
}

fn settlement() -> impl Strategy<Value = Settlement> {
    select(&[Settlement::Done, Settlement::Dead])
}

fn settled() -> impl Strategy<Value = SettledEffect> {
    (one(&EFFECTS), settlement(), body()).prop_map(|(id, settlement, outcome)| SettledEffect {
        id,
        settlement,
        outcome,
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    (one(&EFFECTS), settlement(), body(), event()).prop_map(|(id, settlement, outcome, event)| Outcome {
        id,
        settlement,
        outcome,
        event,
    })
}

fn fact() -> impl Strategy<Value = FactChange> {
    (one(&KEYS), one(&KEYS), option::weighted(0.7, body())).prop_map(|(kind, key, body)| match body {
        Some(body) => FactChange::Put(Fact { kind, key, body }),
        None => FactChange::Delete { kind, key },
    })
}

fn plan() -> impl Strategy<Value = PlanEntry> {
    (one(&KEYS), body(), moment()).prop_map(|(digest, body, at_ms)| PlanEntry { digest, body, at_ms })
}

fn entry() -> impl Strategy<Value = JournalEntry> {
    let subjects = (option::of(one(&KEYS)), vec(one(&KEYS), 0..3));
    (moment(), option::of(one(&KEYS)), subjects, body()).prop_map(|(at_ms, release, (subject, about), body)| {
        JournalEntry {
            at_ms,
            actor: "ada".to_owned(),
            reason: "because".to_owned(),
            kind: "moved".to_owned(),
            release,
            subject,
            about,
            body,
        }
    })
}
