//! Crashes: a call dropped at each of its waits, and a process killed at no moment of its choosing.

use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::Poll;

use tidegate_store::{Commit, Finished, JournalCheck, Record, Store};

use super::{OnDisk, commit, effect, entry, event, outcome};

/// Runs a future for so many polls and then drops it; `None` where it was not done by then.
async fn cut_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Cuts a call after one poll, two, three, until it ends by itself, each time on a new store; `stands` reads whether
/// all of it or nothing is there. The store must go on working after each cut.
async fn cut_everywhere<T>(
    prepare: impl AsyncFn(&Store),
    call: impl AsyncFn(&Store) -> T,
    stands: impl AsyncFn(&Store) -> bool,
) {
    for polls in 1..1_000 {
        let disk = OnDisk::new().await;
        prepare(&disk.store).await;
        let ended = cut_after(polls, call(&disk.store)).await.is_some();
        // A write behind it in the queue: whatever was cut is committed or rolled back by then.
        disk.store.put_events("after", &[event("after", "{}")]).await.unwrap();
        let before_reopening = stands(&disk.store).await;
        let disk = disk.reopen().await;
        assert_eq!(stands(&disk.store).await, before_reopening);
        if ended {
            assert!(before_reopening, "the call ended and nothing stands");
            assert!(polls > 1, "no cut reached into the call");
            return;
        }
    }
    panic!("the call never ends");
}

#[tokio::test]
async fn a_commit_cut_anywhere_stands_whole_or_not_at_all() {
    let prepare = async |store: &Store| {
        store.put_events("shop", &[event("a", "1")]).await.unwrap();
    };
    let turn = Commit {
        consumed: vec![1],
        outbox: vec![effect("e1", "mail", 0)],
        journal: vec![entry("moved"), entry("moved")],
        ..commit(0)
    };
    let stands = async |store: &Store| {
        let whole = store.load("shop").await.unwrap().is_some();
        assert_eq!(store.events("shop", 9).await.unwrap().is_empty(), whole);
        assert_eq!(store.pending("shop").await.unwrap().len(), usize::from(whole));
        let rows = if whole { 2 } else { 0 };
        assert_eq!(
            store.journal_verify("shop").await.unwrap(),
            JournalCheck::Whole { rows }
        );
        whole
    };
    cut_everywhere(prepare, async |store: &Store| store.apply(&turn).await.unwrap(), stands).await;
}

#[tokio::test]
async fn a_report_cut_anywhere_stands_whole_or_not_at_all_and_can_be_repeated() {
    let prepare = async |store: &Store| {
        let decided = Commit {
            outbox: vec![effect("e1", "mail", 0)],
            ..commit(0)
        };
        store.apply(&decided).await.unwrap();
        store.lease("mail", "w1", 0, 100, 1).await.unwrap();
    };
    let stands = async |store: &Store| {
        let whole = !store.events("shop", 9).await.unwrap().is_empty();
        assert_eq!(store.pending("shop").await.unwrap().is_empty(), whole);
        whole
    };
    let report = async |store: &Store| store.finish("w1", &[outcome("e1")]).await.unwrap();
    cut_everywhere(prepare, report, stands).await;

    let disk = OnDisk::new().await;
    prepare(&disk.store).await;
    for _ in 0..3 {
        cut_after(4, report(&disk.store)).await;
    }
    let last = report(&disk.store).await;
    assert!(
        matches!(last[..], [Finished::Accepted | Finished::AlreadySettled]),
        "{last:?}"
    );
    assert_eq!(disk.store.events("shop", 9).await.unwrap().len(), 1);
}

const CHILD_PATH: &str = "TIDEGATE_STORE_CRASH_PATH";

/// The process that is killed: turns and reports without end, each said on stdout once it stands.
#[tokio::test]
#[ignore = "the other half of the kill test"]
async fn child() {
    let Some(path) = std::env::var_os(CHILD_PATH) else {
        return;
    };
    let store = Store::open(&PathBuf::from(path)).await.unwrap();
    let mut turn = store.load("shop").await.unwrap().map_or(0, |loaded| loaded.generation);
    // A predecessor may have been killed between its lease and its report; its lease has lapsed by now.
    loop {
        let waiting = store.events("shop", 100).await.unwrap();
        let decided = Commit {
            state: Some(turn.to_string()),
            consumed: waiting.iter().map(|row| row.seq).collect(),
            outbox: vec![effect(&format!("e{turn}"), "mail", 0)],
            journal: vec![entry("turn")],
            ..commit(turn)
        };
        turn = store.apply(&decided).await.unwrap().generation;
        println!("\nstands {turn}");
        let now_ms = turn.cast_signed() * 10;
        let leased = store.lease("mail", "w", now_ms, now_ms + 5, 100).await.unwrap();
        let outcomes: Vec<_> = leased.iter().map(|row| outcome(&row.id)).collect();
        store.finish("w", &outcomes).await.unwrap();
        let note = Record {
            service: "notes".to_owned(),
            journal: vec![entry("note")],
            ..Record::default()
        };
        store.record(&note).await.unwrap();
    }
}

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["crash::child", "--exact", "--ignored", "--nocapture"])
        .env(CHILD_PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets the child do so many turns, kills it, and returns the last turn it said stands.
fn kill_after(path: &Path, turns: usize) -> u64 {
    let mut child = start(path);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let stands = |line: &str| line.strip_prefix("stands ").map(|turn| turn.parse::<u64>().unwrap());
    let mut said: Vec<u64> = (&mut lines)
        .filter_map(|line| stands(&line.unwrap()))
        .take(turns)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    said.extend(lines.filter_map(|line| stands(&line.unwrap())));
    assert!(said.len() >= turns, "the child ended by itself");
    said.last().copied().unwrap()
}

#[tokio::test]
async fn after_a_kill_all_that_was_said_to_stand_stands_and_nothing_doubled() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    for round in 0..8 {
        let said = kill_after(&path, 3 + 5 * round);
        let store = Store::open(&path).await.unwrap();
        let loaded = store.load("shop").await.unwrap().unwrap();
        let turns = loaded.generation;
        assert!((said..=said + 1).contains(&turns), "said {said}, stands {turns}");
        assert_eq!(loaded.state, (turns - 1).to_string());
        let rows = turns.cast_signed();
        assert_eq!(
            store.journal_verify("shop").await.unwrap(),
            JournalCheck::Whole { rows }
        );
        let notes = store.journal_head("notes").await.unwrap();
        assert_eq!(
            store.journal_verify("notes").await.unwrap(),
            JournalCheck::Whole { rows: notes }
        );
        // At most the last turn's effect is open: every other one was reported once and its event consumed.
        let pending = store.pending("shop").await.unwrap().len();
        let waiting = store.events("shop", 100).await.unwrap().len();
        assert!(pending + waiting <= 1, "{pending} effects open, {waiting} events wait");
    }
}
