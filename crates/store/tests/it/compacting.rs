//! Old rows of a journal exported and dropped: what is left is still proven.

use std::fs;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tidegate_store::{Checkpoint, Commit, Exported, JournalCheck, JournalEntry, JournalFilter, Store, StoreError};

use super::{OnDisk, commit, entry};

/// Five rows, of 1 to 5 seconds past 1970.
async fn five_rows() -> OnDisk {
    let disk = OnDisk::new().await;
    let row = |(at_ms, kind): (i64, &str)| JournalEntry {
        at_ms,
        about: vec!["acme".to_owned()],
        ..entry(kind)
    };
    let rows = [(1_000, "a"), (2_000, "b"), (3_000, "c"), (4_000, "d"), (5_000, "e")].map(row);
    let five = Commit {
        journal: rows.to_vec(),
        ..commit(0)
    };
    disk.store.apply(&five).await.unwrap();
    disk
}

fn told(checkpoint: &Checkpoint) -> JournalEntry {
    JournalEntry {
        body: format!("{{\"hash\":\"{}\"}}", checkpoint.hash),
        ..entry("journal_compacted")
    }
}

async fn export(disk: &OnDisk, before_ms: i64, name: &str) -> Option<Exported> {
    let to = disk.path().with_file_name(name);
    disk.store.export_journal("shop", before_ms, &to).await.unwrap()
}

async fn compact(disk: &OnDisk, before_ms: i64, name: &str) -> Exported {
    let exported = export(disk, before_ms, name).await.unwrap();
    let told = told(&exported.checkpoint);
    disk.store
        .drop_journal("shop", &exported.checkpoint, &told)
        .await
        .unwrap();
    exported
}

async fn kept(store: &Store) -> Vec<i64> {
    let rows = store.journal("shop", JournalFilter::All, 0, 100).await.unwrap();
    rows.iter().map(|row| row.seq).collect()
}

#[tokio::test]
async fn what_is_exported_is_dropped_and_the_rest_is_whole() {
    let disk = five_rows().await;
    assert_eq!(export(&disk, 1_000, "none").await, None, "no row is older");
    let exported = compact(&disk, 3_001, "old.ndjson").await;
    assert_eq!((exported.rows, exported.from_ms, exported.until_ms), (3, 1_000, 3_000));
    let text = fs::read_to_string(disk.path().with_file_name("old.ndjson")).unwrap();
    let seqs: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].clone())
        .collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(kept(&disk.store).await, [4, 5, 6]);
    let of_acme = disk
        .store
        .journal("shop", JournalFilter::Subject("acme"), 0, 9)
        .await
        .unwrap();
    assert_eq!(of_acme.len(), 2);
    assert_eq!(
        disk.store.journal_verify("shop").await.unwrap(),
        JournalCheck::Whole { rows: 3 }
    );
    // The chain goes on, over a restart, and can be compacted again.
    let disk = disk.reopen().await;
    let more = Commit {
        journal: vec![JournalEntry {
            at_ms: 9_000,
            ..entry("f")
        }],
        ..commit(1)
    };
    disk.store.apply(&more).await.unwrap();
    compact(&disk, 5_001, "older.ndjson").await;
    assert_eq!(kept(&disk.store).await, [7, 8]);
    assert_eq!(
        disk.store.journal_verify("shop").await.unwrap(),
        JournalCheck::Whole { rows: 2 }
    );
}

#[tokio::test]
async fn between_export_and_drop_nothing_is_lost_and_only_what_was_exported_can_be_dropped() {
    let disk = five_rows().await;
    let exported = export(&disk, 3_001, "old.ndjson").await.unwrap();
    let disk = disk.reopen().await;
    assert_eq!(kept(&disk.store).await, [1, 2, 3, 4, 5]);
    let to = disk.path().with_file_name("old.ndjson");
    let again = disk.store.export_journal("shop", 3_001, &to).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })), "{again:?}");
    let other = Checkpoint {
        seq: 4,
        ..exported.checkpoint
    };
    let refused = disk.store.drop_journal("shop", &other, &told(&other)).await;
    assert!(
        matches!(refused, Err(StoreError::NotInJournal { seq: 4, .. })),
        "{refused:?}"
    );
    assert_eq!(kept(&disk.store).await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn what_was_exported_and_not_dropped_is_found_again_and_nothing_else_is_taken_for_it() {
    let disk = five_rows().await;
    let to = disk.path().with_file_name("old.ndjson");
    assert_eq!(disk.store.exported_journal("shop", &to).await.unwrap(), None);
    let exported = export(&disk, 3_001, "old.ndjson").await.unwrap();
    let disk = disk.reopen().await;
    let found = disk.store.exported_journal("shop", &to).await.unwrap();
    assert_eq!(found.as_ref(), Some(&exported));
    let refused = async |text: &str| {
        fs::write(&to, text).unwrap();
        match disk.store.exported_journal("shop", &to).await {
            Err(StoreError::NotInJournal { seq, .. }) => seq,
            other => panic!("{other:?}"),
        }
    };
    let text = fs::read_to_string(&to).unwrap();
    assert_eq!(refused("").await, 1);
    assert_eq!(refused(&text.replace("because", "why not")).await, 1);
    assert_eq!(refused(&text.replace("shop", "desk")).await, 1);
    assert_eq!(refused(&text.replacen('\n', "\n\n", 1)).await, 2);
    assert_eq!(refused(&text.replace("\"at_ms\":3000", "\"at_ms\":3001")).await, 3);
    assert_eq!(refused(&text.repeat(2)).await, 4);
    let told = told(&exported.checkpoint);
    disk.store
        .drop_journal("shop", &exported.checkpoint, &told)
        .await
        .unwrap();
    assert_eq!(refused(&text).await, 4, "the journal begins behind it");
}

#[tokio::test]
async fn a_checkpoint_that_nobody_told_of_and_rows_lost_behind_one_are_found() {
    for (sql, seq) in [
        ("DELETE FROM journal_checkpoint", 1),
        ("UPDATE journal_checkpoint SET hash = '0'", 4),
        (
            "UPDATE journal_checkpoint SET seq = 4, hash = (SELECT hash FROM journal WHERE seq = 4);
          DELETE FROM journal WHERE seq = 4",
            6,
        ),
        ("UPDATE journal_checkpoint SET told_by = 7", 7),
    ] {
        let disk = five_rows().await;
        compact(&disk, 3_001, "old.ndjson").await;
        let mut connection = SqliteConnectOptions::new()
            .filename(disk.path())
            .connect()
            .await
            .unwrap();
        let kept = sqlx::raw_sql("DELETE FROM journal WHERE seq = 5")
            .execute(&mut connection)
            .await;
        assert!(kept.unwrap_err().to_string().contains("append-only"));
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        assert_eq!(
            disk.store.journal_verify("shop").await.unwrap(),
            JournalCheck::Broken { seq },
            "{sql}"
        );
    }
}

#[tokio::test]
async fn a_compacted_store_is_backed_up_and_restored() {
    let disk = five_rows().await;
    compact(&disk, 3_001, "old.ndjson").await;
    let (copy, other) = (
        disk.path().with_file_name("copy"),
        disk.path().with_file_name("other.db"),
    );
    let copied = disk.store.backup(&copy).await.unwrap();
    assert_eq!(copied.services[0].journal_rows, 3, "those that are in it");
    Store::restore(&copy, &other, &copied.digest, &[]).await.unwrap();
    let restored = Store::open(&other).await.unwrap();
    assert_eq!(
        restored.journal_verify("shop").await.unwrap(),
        JournalCheck::Whole { rows: 3 }
    );
}
