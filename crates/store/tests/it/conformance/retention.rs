//! What is over and old goes, the oldest first; what is not over stays.

use tidegate_store::{
    Commit, EventEntry, Fact, FactChange, Old, OutboxEntry, OutboxState, PlanEntry, SettledEffect, Settlement,
};

use crate::{commit, effect, event, on_both, outcome};

fn before(before_ms: i64) -> Old<'static> {
    Old {
        service: "shop",
        before_ms,
        limit: 10,
    }
}

fn fact(kind: &str, key: &str) -> FactChange {
    FactChange::Put(Fact {
        kind: kind.to_owned(),
        key: key.to_owned(),
        body: "{}".to_owned(),
    })
}

fn came(key: &str, at_ms: i64) -> EventEntry {
    EventEntry {
        at_ms,
        ..event(key, "1")
    }
}

#[tokio::test]
async fn consumed_events_go_with_their_answers_and_those_that_wait_stay() {
    on_both(async |store| {
        let events = [came("a", 1), came("b", 2), came("c", 3), came("d", 4), came("e", 5)];
        store.put_events("shop", &events).await.unwrap();
        store.put_events("desk", &[came("a", 1)]).await.unwrap();
        let consume = Commit {
            consumed: vec![1, 3, 4, 5],
            facts: ["a", "b", "c", "d"].map(|key| fact("answer", key)).to_vec(),
            ..commit(0)
        };
        store.apply(&consume).await.unwrap();
        assert_eq!(store.drop_events(&before(4), "answer").await.unwrap(), 2, "a and c");
        assert_eq!(
            store.drop_events(&before(4), "answer").await.unwrap(),
            0,
            "twice is once"
        );
        let answers = store.facts("shop", "answer").await.unwrap();
        let keys: Vec<&str> = answers.iter().map(|fact| &*fact.key).collect();
        assert_eq!(keys, ["b", "d"]);
        let waiting = store.events("shop", 10).await.unwrap();
        assert_eq!(waiting.iter().map(|row| &*row.key).collect::<Vec<_>>(), ["b"]);
        let seqs = store.put_events("shop", &[came("d", 9), came("a", 9)]).await.unwrap();
        assert_eq!(seqs, [4, 7], "one that stays is known, one that was dropped is new");
    })
    .await;
}

#[tokio::test]
async fn the_oldest_events_go_first_and_no_number_is_given_twice() {
    on_both(async |store| {
        let events = [came("a", 3), came("b", 1), came("c", 2)];
        store.put_events("shop", &events).await.unwrap();
        let consume = Commit {
            consumed: vec![1, 2, 3],
            ..commit(0)
        };
        store.apply(&consume).await.unwrap();
        let one = Old {
            limit: 1,
            ..before(100)
        };
        assert_eq!(store.drop_events(&one, "answer").await.unwrap(), 1);
        assert_eq!(
            store.put_events("shop", &[came("a", 9)]).await.unwrap(),
            [1],
            "b was older"
        );
        assert_eq!(store.drop_events(&before(100), "answer").await.unwrap(), 1);
        assert_eq!(
            store.put_events("shop", &[came("c", 9)]).await.unwrap(),
            [3],
            "the newest stays"
        );
        assert_eq!(store.put_events("shop", &[came("d", 9)]).await.unwrap(), [4]);
    })
    .await;
}

#[tokio::test]
async fn ended_effects_of_a_lane_go_and_those_that_are_due_leased_or_still_reported_on_stay() {
    on_both(async |store| {
        let all = ["due", "done", "leased", "settled", "late"].map(|id| OutboxEntry {
            due_ms: if id == "late" { 50 } else { 10 },
            ..effect(id, "gate", 0)
        });
        let other = effect("other", "notice", 10);
        let settle = |id: &str| SettledEffect {
            id: id.to_owned(),
            settlement: Settlement::Done,
            outcome: "said".to_owned(),
        };
        let first = Commit {
            outbox: [&all[1..4], &[other]].concat(),
            settled: vec![settle("other")],
            ..commit(0)
        };
        store.apply(&first).await.unwrap();
        store.lease("gate", "w", 10, 100, 3).await.unwrap();
        store.finish("w", &[outcome("done")]).await.unwrap();
        let second = Commit {
            outbox: vec![all[0].clone(), all[4].clone()],
            settled: vec![settle("settled"), settle("late")],
            ..commit(1)
        };
        store.apply(&second).await.unwrap();
        assert_eq!(store.drop_effects(&before(50), "gate").await.unwrap(), 1);
        assert_eq!(
            store.drop_effects(&before(50), "gate").await.unwrap(),
            0,
            "twice is once"
        );
        assert_eq!(store.effect("done").await.unwrap(), None);
        for (id, state) in [
            ("due", OutboxState::Due),
            ("leased", OutboxState::Leased),
            ("settled", OutboxState::Done),
            ("late", OutboxState::Done),
            ("other", OutboxState::Done),
        ] {
            assert_eq!(
                store.effect(id).await.unwrap().map(|row| row.state),
                Some(state),
                "{id}"
            );
        }
        // Whoever did what was settled meanwhile may still say so.
        store.finish("w", &[outcome("settled")]).await.unwrap();
        assert_eq!(store.drop_effects(&before(50), "gate").await.unwrap(), 1);
        let elsewhere = Old {
            service: "desk",
            ..before(100)
        };
        assert_eq!(store.drop_effects(&elsewhere, "gate").await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn plans_that_nobody_applied_go_with_what_they_were_made_of() {
    on_both(async |store| {
        let plan = |digest: &str, at_ms: i64| PlanEntry {
            digest: digest.to_owned(),
            body: "{}".to_owned(),
            at_ms,
        };
        let made = Commit {
            plans: vec![
                plan("applied", 1),
                plan("kept", 1),
                plan("again", 1),
                plan("old", 2),
                plan("new", 9),
            ],
            applied: vec!["applied".to_owned(), "never made".to_owned()],
            facts: ["applied", "kept", "again", "old", "new"]
                .map(|key| fact("input", key))
                .to_vec(),
            ..commit(0)
        };
        store.apply(&made).await.unwrap();
        store.put_plan("shop", &plan("again", 8)).await.unwrap();
        store.put_plan("shop", &plan("again", 3)).await.unwrap();
        store.put_plan("shop", &plan("applied", 1)).await.unwrap();
        let kept = ["kept".to_owned()];
        assert_eq!(store.drop_plans(&before(5), &kept, "input").await.unwrap(), 1);
        assert_eq!(
            store.drop_plans(&before(5), &kept, "input").await.unwrap(),
            0,
            "twice is once"
        );
        let inputs = store.facts("shop", "input").await.unwrap();
        let digests: Vec<&str> = inputs.iter().map(|fact| &*fact.key).collect();
        assert_eq!(digests, ["again", "applied", "kept", "new"]);
        for digest in digests {
            assert!(store.plan(digest).await.unwrap().is_some(), "{digest}");
        }
        assert_eq!(store.plan("old").await.unwrap(), None);
        assert_eq!(store.drop_plans(&before(100), &[], "input").await.unwrap(), 3);
        assert!(store.plan("applied").await.unwrap().is_some());
    })
    .await;
}
