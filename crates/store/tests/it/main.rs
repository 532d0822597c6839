//! One suite for both stores, and what only SQLite can show: crashes, locks, tampering, damage.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of a test binary count as no tests to clippy"
)]

mod bulk;
mod compacting;
mod conformance;
mod crash;
mod keeping;
mod model;
mod opening;
mod tampering;

use std::path::PathBuf;

use tempfile::TempDir;
use tidegate_store::{Commit, EventEntry, JournalEntry, OutboxEntry, Outcome, Settlement, Store};

/// An SQLite store in a directory that goes with it.
struct OnDisk {
    store: Store,
    directory: TempDir,
}

impl OnDisk {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("store.db")).await.unwrap();
        Self { store, directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }

    /// Drops the store as a crash would, and opens the file again once its lock is free.
    async fn reopen(self) -> Self {
        let path = self.path();
        let Self { store, directory } = self;
        drop(store);
        let store = Store::open(&path).await.unwrap();
        Self { store, directory }
    }
}

/// Runs one check on a fresh store of each kind.
async fn on_both(check: impl AsyncFn(&Store)) {
    check(&Store::memory()).await;
    check(&OnDisk::new().await.store).await;
}

fn event(key: &str, body: &str) -> EventEntry {
    EventEntry {
        key: key.to_owned(),
        actor: "ada".to_owned(),
        body: body.to_owned(),
        at_ms: 1_000,
    }
}

fn effect(id: &str, lane: &str, due_ms: i64) -> OutboxEntry {
    OutboxEntry {
        id: id.to_owned(),
        lane: lane.to_owned(),
        body: format!("{{\"do\":\"{id}\"}}"),
        due_ms,
    }
}

fn outcome(id: &str) -> Outcome {
    Outcome {
        id: id.to_owned(),
        settlement: Settlement::Done,
        outcome: "\"ok\"".to_owned(),
        event: event(&format!("outcome/{id}"), "{}"),
    }
}

fn entry(kind: &str) -> JournalEntry {
    JournalEntry {
        at_ms: 1_000,
        actor: "ada".to_owned(),
        reason: "because".to_owned(),
        kind: kind.to_owned(),
        release: Some("r1".to_owned()),
        subject: None,
        about: Vec::new(),
        body: "{}".to_owned(),
    }
}

/// A commit that moves `shop` on from a generation.
fn commit(expected_generation: u64) -> Commit {
    Commit {
        service: "shop".to_owned(),
        expected_generation,
        state: Some(format!("{{\"turn\":{expected_generation}}}")),
        ..Commit::default()
    }
}
