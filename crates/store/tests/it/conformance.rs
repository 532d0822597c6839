//! What both stores promise, promise by promise.

mod effects;
mod retention;

use tidegate_store::{
    Applied, Commit, Fact, FactChange, Fault, JournalCheck, JournalFilter, Loaded, Memory, PlanEntry, PlanRow, Record,
    Store, StoreError, complete_now,
};

use super::{OnDisk, commit, effect, entry, event, on_both};

#[tokio::test]
async fn a_service_moves_on_by_one_generation_a_commit() {
    on_both(async |store| {
        assert_eq!(store.load("shop").await.unwrap(), None);
        let applied = store.apply(&commit(0)).await.unwrap();
        assert_eq!(
            applied,
            Applied {
                generation: 1,
                journal_seq: 0
            }
        );
        store.apply(&commit(1)).await.unwrap();
        let loaded = Loaded {
            generation: 2,
            state: "{\"turn\":1}".to_owned(),
        };
        assert_eq!(store.load("shop").await.unwrap(), Some(loaded));
        assert_eq!(store.services().await.unwrap(), ["shop"]);
    })
    .await;
}

#[tokio::test]
async fn a_commit_without_state_leaves_the_generation_but_checks_it() {
    on_both(async |store| {
        store.apply(&commit(0)).await.unwrap();
        let without = |expected_generation| Commit {
            state: None,
            ..commit(expected_generation)
        };
        assert_eq!(store.apply(&without(1)).await.unwrap().generation, 1);
        let refused = store.apply(&without(0)).await.unwrap_err();
        assert!(matches!(
            refused,
            StoreError::Conflict {
                expected: 0,
                found: 1,
                ..
            }
        ));
    })
    .await;
}

#[tokio::test]
async fn of_two_turns_on_one_generation_one_wins_and_the_other_leaves_nothing() {
    on_both(async |store| {
        store.apply(&commit(0)).await.unwrap();
        let turn = |name: &str| Commit {
            outbox: vec![effect(name, "mail", 0)],
            journal: vec![entry(name)],
            ..commit(1)
        };
        let (first, second) = (turn("first"), turn("second"));
        let (first, second) = tokio::join!(store.apply(&first), store.apply(&second));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        assert_eq!(store.pending("shop").await.unwrap().len(), 1);
        assert_eq!(store.journal_head("shop").await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_event_put_twice_is_one_event_even_after_it_was_consumed() {
    on_both(async |store| {
        let seqs = store
            .put_events("shop", &[event("a", "1"), event("b", "2"), event("a", "1")])
            .await
            .unwrap();
        assert_eq!(seqs, [1, 2, 1]);
        assert_eq!(store.events("shop", 10).await.unwrap().len(), 2);
        let consume = Commit {
            consumed: vec![1],
            ..commit(0)
        };
        store.apply(&consume).await.unwrap();
        let mut later = event("a", "1");
        later.at_ms = 2_000;
        assert_eq!(store.put_events("shop", &[later]).await.unwrap(), [1]);
        let waiting = store.events("shop", 10).await.unwrap();
        assert_eq!(waiting.iter().map(|row| &*row.key).collect::<Vec<_>>(), ["b"]);
        assert_eq!(store.put_events("other", &[event("a", "x")]).await.unwrap(), [3]);
    })
    .await;
}

#[tokio::test]
async fn an_event_that_says_something_else_under_a_known_key_is_refused_with_its_batch() {
    on_both(async |store| {
        store.put_events("shop", &[event("a", "1")]).await.unwrap();
        let mut stranger = event("a", "1");
        stranger.actor = "eve".to_owned();
        for batch in [
            vec![event("b", "2"), event("a", "other")],
            vec![event("b", "2"), stranger],
            vec![event("b", "2"), event("b", "3")],
        ] {
            let refused = store.put_events("shop", &batch).await.unwrap_err();
            assert!(matches!(refused, StoreError::EventDiffers { .. }), "{refused}");
        }
        assert_eq!(store.events("shop", 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_event_is_consumed_once_and_only_by_its_service() {
    on_both(async |store| {
        store.put_events("shop", &[event("a", "1")]).await.unwrap();
        let consume = |service: &str, expected_generation| Commit {
            service: service.to_owned(),
            consumed: vec![1],
            ..commit(expected_generation)
        };
        let refused = store.apply(&consume("other", 0)).await.unwrap_err();
        assert!(matches!(refused, StoreError::EventNotWaiting { seq: 1, .. }));
        store.apply(&consume("shop", 0)).await.unwrap();
        let refused = store.apply(&consume("shop", 1)).await.unwrap_err();
        assert!(matches!(refused, StoreError::EventNotWaiting { seq: 1, .. }));
        assert_eq!(store.load("shop").await.unwrap().unwrap().generation, 1);
    })
    .await;
}

#[tokio::test]
async fn facts_are_put_replaced_and_deleted_the_last_change_counts() {
    on_both(async |store| {
        let put = |key: &str, body: &str| {
            FactChange::Put(Fact {
                kind: "token".to_owned(),
                key: key.to_owned(),
                body: body.to_owned(),
            })
        };
        let delete = |key: &str| FactChange::Delete {
            kind: "token".to_owned(),
            key: key.to_owned(),
        };
        let changes = [
            put("b", "1"),
            put("a", "1"),
            put("b", "2"),
            put("c", "1"),
            delete("c"),
            delete("never"),
        ];
        store.change_facts("shop", &changes).await.unwrap();
        let in_a_commit = Commit {
            facts: vec![delete("a"), put("a", "3")],
            ..commit(0)
        };
        store.apply(&in_a_commit).await.unwrap();
        let facts = store.facts("shop", "token").await.unwrap();
        let facts: Vec<_> = facts.iter().map(|fact| (&*fact.key, &*fact.body)).collect();
        assert_eq!(facts, [("a", "3"), ("b", "2")]);
        assert_eq!(store.fact("shop", "token", "b").await.unwrap().as_deref(), Some("2"));
        assert_eq!(store.fact("shop", "gateway", "b").await.unwrap(), None);
        assert_eq!(store.facts("other", "token").await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_plan_keeps_the_text_its_digest_was_made_of() {
    on_both(async |store| {
        let plan = |body: &str| PlanEntry {
            digest: "d1".to_owned(),
            body: body.to_owned(),
            at_ms: 1_000,
        };
        store.put_plan("shop", &plan("{}")).await.unwrap();
        store.put_plan("shop", &plan("{}")).await.unwrap();
        let refused = store.put_plan("shop", &plan("[]")).await.unwrap_err();
        assert!(matches!(refused, StoreError::PlanDiffers { .. }));
        let kept = PlanRow {
            digest: "d1".to_owned(),
            service: "shop".to_owned(),
            body: "{}".to_owned(),
        };
        assert_eq!(store.plan("d1").await.unwrap(), Some(kept));
        assert_eq!(store.plan("d2").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_journal_numbers_hashes_and_finds_its_rows() {
    on_both(async |store| {
        let mut moved = entry("moved");
        moved.release = Some("r2".to_owned());
        moved.subject = Some("acme".to_owned());
        moved.about = vec!["bolt".to_owned(), "acme".to_owned()];
        let first = Commit {
            journal: vec![entry("planned"), moved],
            ..commit(0)
        };
        assert_eq!(store.apply(&first).await.unwrap().journal_seq, 2);
        let record = Record {
            service: "shop".to_owned(),
            journal: vec![entry("noted")],
            ..Record::default()
        };
        assert_eq!(store.record(&record).await.unwrap().journal_seq, 3);

        let kinds = async |filter, after, limit| {
            let rows = store.journal("shop", filter, after, limit).await.unwrap();
            rows.into_iter().map(|row| row.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(JournalFilter::All, 0, 10).await, ["planned", "moved", "noted"]);
        assert_eq!(kinds(JournalFilter::All, 1, 1).await, ["moved"]);
        assert_eq!(kinds(JournalFilter::Release("r1"), 0, 10).await, ["planned", "noted"]);
        for subject in ["acme", "bolt"] {
            assert_eq!(kinds(JournalFilter::Subject(subject), 0, 10).await, ["moved"]);
            assert_eq!(kinds(JournalFilter::Subject(subject), 2, 10).await, [""; 0]);
        }
        let rows = store.journal("shop", JournalFilter::All, 0, 10).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.generation).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(
            store.journal_verify("shop").await.unwrap(),
            JournalCheck::Whole { rows: 3 }
        );
        assert_eq!(
            store.journal_verify("other").await.unwrap(),
            JournalCheck::Whole { rows: 0 }
        );
    })
    .await;
}

#[tokio::test]
async fn a_refused_commit_leaves_no_part_of_itself() {
    on_both(async |store| {
        let plan = PlanEntry {
            digest: "d1".to_owned(),
            body: "{}".to_owned(),
            at_ms: 1_000,
        };
        store.put_plan("shop", &plan).await.unwrap();
        store.put_events("shop", &[event("a", "1")]).await.unwrap();
        // The plan is looked at last: all that comes before it has been written by then.
        let refused = Commit {
            consumed: vec![1],
            outbox: vec![effect("e", "mail", 0)],
            journal: vec![entry("k")],
            plans: vec![PlanEntry {
                body: "[]".to_owned(),
                ..plan
            }],
            ..commit(0)
        };
        assert!(store.apply(&refused).await.is_err());
        assert_eq!(store.load("shop").await.unwrap(), None);
        assert_eq!(store.events("shop", 10).await.unwrap().len(), 1);
        assert_eq!(store.effect("e").await.unwrap(), None);
        assert_eq!(store.journal_head("shop").await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn texts_come_back_byte_for_byte() {
    on_both(async |store| {
        for (place, text) in [
            "",
            "\u{0}",
            "a\u{0}b",
            "\"\\/\n\t\u{1f}",
            "123",
            "1e5",
            "null",
            "é\u{10ffff}",
        ]
        .iter()
        .enumerate()
        {
            let key = format!("{place}{text}");
            let fact = Fact {
                kind: "k".to_owned(),
                key: key.clone(),
                body: (*text).to_owned(),
            };
            store.change_facts("shop", &[FactChange::Put(fact)]).await.unwrap();
            let kept = store.fact("shop", "k", &key).await.unwrap();
            assert_eq!(kept.as_deref(), Some(*text), "{text:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_made_store_has_an_epoch_of_its_own_and_keeps_it() {
    let (first, second) = (OnDisk::new().await, OnDisk::new().await);
    let epoch = first.store.epoch().to_owned();
    assert_eq!(epoch.len(), 32);
    assert_ne!(epoch, second.store.epoch());
    assert_eq!(first.reopen().await.store.epoch(), epoch);
}

#[test]
fn the_memory_store_forks_fails_on_demand_and_needs_no_runtime() {
    let memory = Memory::default();
    let store = Store::Memory(memory.clone());
    complete_now(store.apply(&commit(0))).unwrap();
    let fork = Store::Memory(memory.fork());
    complete_now(fork.apply(&commit(1))).unwrap();
    let generation = |store: &Store| complete_now(store.load("shop")).unwrap().unwrap().generation;
    assert_eq!((generation(&store), generation(&fork)), (1, 2));

    memory.fail_next_write(Some(Fault::Busy));
    let refused = complete_now(store.apply(&commit(1))).unwrap_err();
    assert!(matches!(refused, StoreError::Busy { .. }));
    assert_eq!(generation(&store), 1);
    memory.fail_next_write(Some(Fault::AnswerLost));
    let unsure = complete_now(store.apply(&commit(1))).unwrap_err();
    assert!(matches!(unsure, StoreError::Database { .. }));
    assert_eq!(generation(&store), 2);
}

#[test]
fn calls_can_be_sent_to_another_thread() {
    fn sendable(_: impl Send) {}
    let store = Store::memory();
    sendable(store.apply(&Commit::default()));
    sendable(store.record(&Record::default()));
    sendable(store.lease("lane", "owner", 0, 0, 0));
    sendable(store.renew("owner", &[], 0));
    sendable(store.release_lease("owner", "id", 0, ""));
    sendable(store.finish("owner", &[]));
    sendable(store.journal_verify("shop"));
}
