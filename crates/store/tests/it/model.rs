//! Random commands on both stores: every answer, and every row after the last of them, must be the same.

mod commands;

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use tidegate_store::{JournalCheck, JournalFilter, Store, StoreError, complete_now};

use self::commands::{Command, EFFECTS, KEYS, LANES, SERVICES};
use super::OnDisk;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_and_memory_answer_alike(commands in prop::collection::vec(commands::any(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let disk = OnDisk::new().await;
            let memory = Store::memory();
            for command in &commands {
                let on_disk = run(&disk.store, command).await;
                let in_memory = run(&memory, command).await;
                prop_assert_eq!(on_disk, in_memory, "{:?}", command);
            }
            prop_assert_eq!(rows(&disk.store).await, rows(&memory).await);
            let reopened = disk.reopen().await;
            prop_assert_eq!(rows(&reopened.store).await, rows(&memory).await, "after opening again");
            Ok(())
        })?;
    }
}

/// The random commands must reach what they are there to compare: each refusal and each kind of answer.
#[test]
fn the_commands_reach_every_answer() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut answers = String::new();
    for _ in 0..200 {
        let commands = prop::collection::vec(commands::any(), 40)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let store = Store::memory();
        for command in &commands {
            answers += &complete_now(run(&store, command));
        }
    }
    for wanted in [
        "is at generation",
        "is not waiting",
        "already has an event",
        "already in the outbox",
        "is not in the outbox",
        "already stored",
        "Applied",
        "Recorded",
        "Leased",
        "Accepted",
        "AlreadySettled",
        "LeaseLost",
        "true",
        "false",
        "dropped 0",
        "dropped 1",
        "dropped 2",
    ] {
        assert!(answers.contains(wanted), "no answer has {wanted:?}");
    }
}

/// The answer as text: a refusal is compared by what it says.
async fn run(store: &Store, command: &Command) -> String {
    fn text<T: Debug>(answer: Result<T, StoreError>) -> String {
        answer.map_or_else(|refusal| refusal.to_string(), |answer| format!("{answer:?}"))
    }
    match command {
        Command::Apply { commit, stale } => {
            let found = store.load(&commit.service).await.unwrap();
            let mut commit = commit.clone();
            commit.expected_generation = found.map_or(0, |loaded| loaded.generation) + u64::from(*stale);
            text(store.apply(&commit).await)
        }
        Command::Record(record) => text(store.record(record).await),
        Command::Lease {
            lane,
            owner,
            now_ms,
            limit,
        } => text(store.lease(lane, owner, *now_ms, now_ms + 20, *limit).await),
        Command::Renew { owner, ids, until_ms } => text(store.renew(owner, ids, *until_ms).await),
        Command::Release { owner, id, retry_at_ms } => {
            text(store.release_lease(owner, id, *retry_at_ms, "again").await)
        }
        Command::Finish { owner, outcomes } => text(store.finish(owner, outcomes).await),
        Command::DropEvents { old, answers } => text(store.drop_events(&old.old(), answers).await.map(dropped)),
        Command::DropEffects { old, lane } => text(store.drop_effects(&old.old(), lane).await.map(dropped)),
        Command::DropPlans { old, kept, inputs } => text(store.drop_plans(&old.old(), kept, inputs).await.map(dropped)),
    }
}

fn dropped(count: u64) -> String {
    format!("dropped {count}")
}

/// Everything the store can be asked for.
async fn rows(store: &Store) -> String {
    let mut text = format!("{:?}\n", store.services().await.unwrap());
    for service in SERVICES {
        text += &format!("{:?}\n", store.load(service).await.unwrap());
        text += &format!("{:?}\n", store.events(service, 1).await.unwrap());
        text += &format!("{:?}\n", store.events(service, 100).await.unwrap());
        text += &format!("{:?}\n", store.pending(service).await.unwrap());
        for kind in KEYS {
            text += &format!("{:?}\n", store.facts(service, kind).await.unwrap());
            text += &format!("{:?}\n", store.fact(service, kind, "k1").await.unwrap());
        }
        for filter in [
            JournalFilter::All,
            JournalFilter::Release("k1"),
            JournalFilter::Subject("k2"),
        ] {
            text += &format!("{:?}\n", store.journal(service, filter, 1, 3).await.unwrap());
        }
        let rows = store.journal_head(service).await.unwrap();
        assert_eq!(
            store.journal_verify(service).await.unwrap(),
            JournalCheck::Whole { rows }
        );
        text += &format!("{rows}\n");
    }
    for id in EFFECTS {
        text += &format!("{:?}\n", store.effect(id).await.unwrap());
    }
    for lane in LANES {
        text += &format!("{:?}\n", store.next_due(lane).await.unwrap());
    }
    for key in KEYS {
        text += &format!("{:?}\n", store.plan(key).await.unwrap());
    }
    text
}
