//! The life of an effect: leased, renewed, given back, finished, withdrawn.

use tidegate_store::{Commit, Finished, OutboxRow, OutboxState, SettledEffect, Settlement, Store, StoreError};

use crate::{commit, effect, on_both, outcome};

async fn with_effects(store: &Store, effects: &[(&str, i64)]) {
    let decided = Commit {
        outbox: effects.iter().map(|(id, due_ms)| effect(id, "mail", *due_ms)).collect(),
        ..commit(0)
    };
    store.apply(&decided).await.unwrap();
}

fn withdraw(id: &str, expected_generation: u64) -> Commit {
    Commit {
        settled: vec![SettledEffect {
            id: id.to_owned(),
            settlement: Settlement::Dead,
            outcome: "no longer wanted".to_owned(),
        }],
        ..commit(expected_generation)
    }
}

fn ids(rows: &[OutboxRow]) -> Vec<&str> {
    rows.iter().map(|row| &*row.id).collect()
}

#[tokio::test]
async fn an_effect_decided_twice_is_one_effect_and_must_say_the_same() {
    on_both(async |store| {
        with_effects(store, &[("e1", 5)]).await;
        let again = Commit {
            outbox: vec![effect("e1", "mail", 7), effect("e2", "mail", 7)],
            ..commit(1)
        };
        store.apply(&again).await.unwrap();
        assert_eq!(store.effect("e1").await.unwrap().unwrap().due_ms, 5);
        let mut other_body = effect("e1", "mail", 5);
        other_body.body = "{}".to_owned();
        for differs in [other_body, effect("e1", "gates", 5)] {
            let differs = Commit {
                outbox: vec![differs],
                ..commit(2)
            };
            let refused = store.apply(&differs).await.unwrap_err();
            assert!(matches!(refused, StoreError::EffectDiffers { id } if id == "e1"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_lane_gives_out_what_is_due_oldest_first_and_once() {
    on_both(async |store| {
        with_effects(store, &[("a", 30), ("b", 10), ("c", 10), ("later", 500)]).await;
        assert_eq!(store.next_due("mail").await.unwrap(), Some(10));
        assert_eq!(store.next_due("gates").await.unwrap(), None);
        assert_eq!(store.lease("gates", "w1", 100, 200, 10).await.unwrap(), []);
        let first = store.lease("mail", "w1", 100, 200, 2).await.unwrap();
        assert_eq!(ids(&first), ["b", "c"]);
        assert_eq!(first[0].state, OutboxState::Leased);
        assert_eq!((first[0].attempts, first[0].lease_until_ms), (1, Some(200)));
        let second = store.lease("mail", "w2", 100, 200, 10).await.unwrap();
        assert_eq!(ids(&second), ["a"]);
        assert_eq!(store.lease("mail", "w3", 100, 200, 10).await.unwrap(), []);
        assert_eq!(ids(&store.pending("shop").await.unwrap()), ["a", "b", "c", "later"]);
        assert_eq!(store.next_due("mail").await.unwrap(), Some(200));
    })
    .await;
}

#[tokio::test]
async fn a_lapsed_lease_is_taken_over_and_the_first_holder_loses_it() {
    on_both(async |store| {
        with_effects(store, &[("e", 0)]).await;
        store.lease("mail", "w1", 0, 100, 1).await.unwrap();
        assert_eq!(store.lease("mail", "w2", 99, 300, 1).await.unwrap(), []);
        let taken = store.lease("mail", "w2", 100, 300, 1).await.unwrap();
        assert_eq!((ids(&taken), taken[0].attempts), (vec!["e"], 2));

        let asked = ["e".to_owned(), "never".to_owned()];
        assert_eq!(store.renew("w1", &asked, 900).await.unwrap(), asked);
        assert_eq!(store.renew("w2", &asked, 900).await.unwrap(), ["never"]);
        assert_eq!(store.next_due("mail").await.unwrap(), Some(900));
        assert!(!store.release_lease("w1", "e", 0, "gave up").await.unwrap());
        let late = store.finish("w1", &[outcome("e")]).await.unwrap();
        assert_eq!(late, [Finished::LeaseLost]);
        assert_eq!(store.finish("w2", &[outcome("e")]).await.unwrap(), [Finished::Accepted]);
        assert_eq!(store.events("shop", 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_holder_whose_lease_lapsed_may_still_finish_while_nobody_took_over() {
    on_both(async |store| {
        with_effects(store, &[("e", 0)]).await;
        store.lease("mail", "w1", 0, 100, 1).await.unwrap();
        assert_eq!(store.finish("w1", &[outcome("e")]).await.unwrap(), [Finished::Accepted]);
        assert_eq!(store.lease("mail", "w2", 200, 300, 1).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_effect_given_back_waits_for_its_moment_and_says_why() {
    on_both(async |store| {
        with_effects(store, &[("e", 0)]).await;
        store.lease("mail", "w1", 0, 100, 1).await.unwrap();
        assert!(store.release_lease("w1", "e", 50, "no answer").await.unwrap());
        let row = store.effect("e").await.unwrap().unwrap();
        assert_eq!((row.state, row.due_ms), (OutboxState::Due, 50));
        assert_eq!((row.outcome.as_deref(), row.lease_owner), (Some("no answer"), None));
        assert_eq!(
            store.finish("w1", &[outcome("e")]).await.unwrap(),
            [Finished::LeaseLost]
        );
        assert_eq!(store.lease("mail", "w1", 49, 100, 1).await.unwrap(), []);
        assert_eq!(store.lease("mail", "w1", 50, 100, 1).await.unwrap()[0].attempts, 2);
    })
    .await;
}

#[tokio::test]
async fn a_report_repeated_changes_nothing() {
    on_both(async |store| {
        with_effects(store, &[("e1", 0), ("e2", 0)]).await;
        store.lease("mail", "w1", 0, 100, 2).await.unwrap();
        let twice = [outcome("e1"), outcome("e1")];
        let finished = store.finish("w1", &twice).await.unwrap();
        assert_eq!(finished, [Finished::Accepted, Finished::AlreadySettled]);
        let batch = [outcome("e1"), outcome("e2")];
        let finished = store.finish("w1", &batch).await.unwrap();
        assert_eq!(finished, [Finished::AlreadySettled, Finished::Accepted]);
        assert_eq!(store.events("shop", 10).await.unwrap().len(), 2);
        let row = store.effect("e1").await.unwrap().unwrap();
        assert_eq!((row.state, row.outcome.as_deref()), (OutboxState::Done, Some("\"ok\"")));
        assert_eq!(store.pending("shop").await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_batch_with_an_unknown_effect_is_refused_whole() {
    on_both(async |store| {
        with_effects(store, &[("e", 0)]).await;
        store.lease("mail", "w1", 0, 100, 1).await.unwrap();
        let refused = store.finish("w1", &[outcome("e"), outcome("never")]).await.unwrap_err();
        assert!(matches!(refused, StoreError::UnknownEffect { id } if id == "never"));
        let row = store.effect("e").await.unwrap().unwrap();
        assert_eq!(row.state, OutboxState::Leased);
        assert_eq!(store.events("shop", 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_effect_is_not_given_out_and_stays_as_it_ended() {
    on_both(async |store| {
        with_effects(store, &[("e", 0)]).await;
        store.apply(&withdraw("e", 1)).await.unwrap();
        assert_eq!(store.lease("mail", "w1", 100, 200, 1).await.unwrap(), []);
        assert_eq!(
            store.finish("w1", &[outcome("e")]).await.unwrap(),
            [Finished::AlreadySettled]
        );
        store.apply(&withdraw("e", 2)).await.unwrap();
        let row = store.effect("e").await.unwrap().unwrap();
        assert_eq!(row.state, OutboxState::Dead);
        let elsewhere = Commit {
            service: "other".to_owned(),
            ..withdraw("e", 0)
        };
        let refused = store.apply(&elsewhere).await.unwrap_err();
        assert!(matches!(refused, StoreError::UnknownEffect { .. }));
    })
    .await;
}

#[tokio::test]
async fn what_was_done_before_the_withdrawal_arrived_is_still_reported() {
    on_both(async |store| {
        with_effects(store, &[("e", 0)]).await;
        store.lease("mail", "w1", 0, 100, 1).await.unwrap();
        store.apply(&withdraw("e", 1)).await.unwrap();
        assert_eq!(store.renew("w1", &["e".to_owned()], 500).await.unwrap(), ["e"]);
        assert!(!store.release_lease("w1", "e", 0, "again").await.unwrap());
        assert_eq!(store.lease("mail", "w2", 900, 999, 1).await.unwrap(), []);
        assert_eq!(store.finish("w1", &[outcome("e")]).await.unwrap(), [Finished::Accepted]);
        assert_eq!(
            store.finish("w1", &[outcome("e")]).await.unwrap(),
            [Finished::AlreadySettled]
        );
        assert_eq!(store.effect("e").await.unwrap().unwrap().state, OutboxState::Done);
        assert_eq!(store.events("shop", 10).await.unwrap().len(), 1);
    })
    .await;
}
