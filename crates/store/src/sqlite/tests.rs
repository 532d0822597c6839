//! A database that cannot be written, made so from the inside: the store's own connection is told to refuse.

use super::Sqlite;
use crate::commit::{Commit, Record};
use crate::error::{Problem, StoreError};
use crate::facts::{Fact, FactChange};
use crate::inbox::EventEntry;
use crate::journal::{JournalCheck, JournalEntry};
use crate::outbox::{OutboxEntry, SettledEffect, Settlement};
use crate::plans::PlanEntry;

async fn tell(store: &Sqlite, pragma: &'static str) {
    sqlx::query(pragma).execute(&store.database.writer).await.unwrap();
}

fn large() -> Commit {
    Commit {
        service: "shop".to_owned(),
        state: Some("{}".to_owned()),
        facts: vec![FactChange::Put(Fact {
            kind: "k".to_owned(),
            key: "k".to_owned(),
            body: "x".repeat(1 << 20),
        })],
        ..Commit::default()
    }
}

/// Expects a refusal for this reason that names the place, leaves nothing behind and is over when its reason is.
async fn check(forbid: &'static str, allow: &'static str, expect: Problem) {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&directory.path().join("store.db")).await.unwrap();
    tell(&store, forbid).await;
    let refused = store.apply(&large()).await.unwrap_err();
    let text = refused.to_string();
    assert!(
        text.starts_with("cannot apply a commit in /") && text.contains("store.db"),
        "{text}"
    );
    assert!(
        matches!(refused, StoreError::Database { problem, .. } if problem == expect),
        "{text}"
    );
    assert_eq!(store.load("shop").await.unwrap(), None);
    assert_eq!(store.fact("shop", "k", "k").await.unwrap(), None);

    tell(&store, allow).await;
    store.record(&Record::default()).await.unwrap();
    assert_eq!(store.apply(&large()).await.unwrap().generation, 1);
}

#[tokio::test]
async fn a_full_disk_is_called_so() {
    check(
        "PRAGMA max_page_count = 60",
        "PRAGMA max_page_count = 100000",
        Problem::DiskFull,
    )
    .await;
}

#[tokio::test]
async fn a_read_only_database_is_called_so() {
    check(
        "PRAGMA query_only = true",
        "PRAGMA query_only = false",
        Problem::ReadOnly,
    )
    .await;
}

#[tokio::test]
async fn a_commit_is_on_the_disk_before_it_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&directory.path().join("store.db")).await.unwrap();
    let full: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(&store.database.writer)
        .await
        .unwrap();
    assert_eq!(full, 2);
}

/// Interrupts SQLite at the first step of its own, at the second, until the commit stands.
#[tokio::test]
async fn a_commit_that_fails_at_any_step_stands_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&directory.path().join("store.db")).await.unwrap();
    let came = Record {
        service: "shop".to_owned(),
        events: vec![EventEntry {
            key: "a".to_owned(),
            actor: "ada".to_owned(),
            body: "{}".to_owned(),
            at_ms: 0,
        }],
        ..Record::default()
    };
    store.record(&came).await.unwrap();
    for steps in 0..100_000 {
        interrupt_after(&store, steps).await;
        let applied = store.apply(&turn()).await;
        // A connection that failed is replaced, and the interruptions went with it.
        let stands = store.load("shop").await.unwrap().is_some();
        let rows = usize::from(stands);
        assert_eq!(store.events("shop", 9).await.unwrap().len(), 1 - rows, "{steps} steps");
        assert_eq!(store.effect("e1").await.unwrap().is_some(), stands, "{steps} steps");
        assert_eq!(store.facts("shop", "k").await.unwrap().len(), rows, "{steps} steps");
        assert_eq!(store.plan("d1").await.unwrap().is_some(), stands, "{steps} steps");
        let whole = JournalCheck::Whole {
            rows: i64::from(stands),
        };
        assert_eq!(store.journal_verify("shop").await.unwrap(), whole, "{steps} steps");
        assert!(applied.is_err() || stands, "{steps} steps");
        if stands {
            assert!(
                steps > 300,
                "the interruptions reached only {steps} steps into the commit"
            );
            return;
        }
    }
    panic!("the commit never gets through");
}

/// Lets the store's own connection run so many steps of SQLite's machine, then none.
async fn interrupt_after(store: &Sqlite, mut steps: usize) {
    let mut connection = store.database.writer.acquire().await.unwrap();
    let mut handle = connection.lock_handle().await.unwrap();
    handle.set_progress_handler(1, move || {
        steps = steps.saturating_sub(1);
        steps > 0
    });
}

/// A commit with something for every table.
fn turn() -> Commit {
    Commit {
        service: "shop".to_owned(),
        expected_generation: 0,
        state: Some("{}".to_owned()),
        consumed: vec![1],
        outbox: vec![OutboxEntry {
            id: "e1".to_owned(),
            lane: "mail".to_owned(),
            body: "{}".to_owned(),
            due_ms: 0,
        }],
        settled: vec![SettledEffect {
            id: "e1".to_owned(),
            settlement: Settlement::Dead,
            outcome: "{}".to_owned(),
        }],
        facts: vec![FactChange::Put(Fact {
            kind: "k".to_owned(),
            key: "k".to_owned(),
            body: "{}".to_owned(),
        })],
        plans: vec![PlanEntry {
            digest: "d1".to_owned(),
            body: "{}".to_owned(),
            at_ms: 0,
        }],
        applied: vec!["d1".to_owned()],
        journal: vec![JournalEntry {
            at_ms: 0,
            actor: "ada".to_owned(),
            reason: "because".to_owned(),
            kind: "moved".to_owned(),
            release: None,
            subject: None,
            about: vec!["acme".to_owned()],
            body: "{}".to_owned(),
        }],
    }
}
