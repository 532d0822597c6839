//! Ten thousand outcomes, as one wave of as many tenants brings them. Only counts are asserted; times are printed.

use std::fs;
use std::time::Instant;

use tidegate_store::{Commit, Finished, JournalCheck, Store};

use super::{OnDisk, commit, effect, entry, outcome};

const TENANTS: usize = 10_000;
const BATCH: u32 = 200;

/// Processor time of this whole test process so far, in seconds (Linux counts it in hundredths).
fn processor_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

async fn a_wave(store: &Store) -> u32 {
    let decided = Commit {
        outbox: (0..TENANTS)
            .map(|tenant| effect(&format!("r/c/notice/t{tenant:05}/1"), "mail", 0))
            .collect(),
        ..commit(0)
    };
    store.apply(&decided).await.unwrap();
    loop {
        let leased = store.lease("mail", "w1", 0, 1_000, BATCH).await.unwrap();
        if leased.is_empty() {
            break;
        }
        let outcomes: Vec<_> = leased.iter().map(|row| outcome(&row.id)).collect();
        let finished = store.finish("w1", &outcomes).await.unwrap();
        assert!(finished.iter().all(|finished| *finished == Finished::Accepted));
    }
    let mut turns = 0;
    loop {
        let events = store.events("shop", BATCH).await.unwrap();
        if events.is_empty() {
            return turns;
        }
        turns += 1;
        let turn = Commit {
            consumed: events.iter().map(|event| event.seq).collect(),
            journal: events.iter().map(|_| entry("told")).collect(),
            ..commit(u64::from(turns))
        };
        store.apply(&turn).await.unwrap();
    }
}

async fn measured(name: &str, store: &Store) {
    let (start, processor) = (Instant::now(), processor_s());
    let turns = a_wave(store).await;
    println!(
        "{name}: {TENANTS} effects decided, leased, finished and consumed: {:.2} s, {:.2} s of processor",
        start.elapsed().as_secs_f64(),
        processor_s() - processor
    );
    assert_eq!(turns, 50);
    assert_eq!(store.pending("shop").await.unwrap(), []);
    let rows = TENANTS as i64;
    assert_eq!(
        store.journal_verify("shop").await.unwrap(),
        JournalCheck::Whole { rows }
    );
}

#[tokio::test]
async fn ten_thousand_outcomes_in_fifty_turns() {
    measured("memory", &Store::memory()).await;
    measured("sqlite", &OnDisk::new().await.store).await;
}
