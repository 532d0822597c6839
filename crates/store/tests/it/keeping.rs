//! Copies of a store that is used, and stores made of copies.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tidegate_store::{Commit, Copied, Fact, FactChange, JournalCheck, Record, Store, StoreError};

use super::{OnDisk, commit, effect, entry};

/// Two turns of `shop`, with an effect that is due and three rows of journal.
async fn used() -> OnDisk {
    let disk = OnDisk::new().await;
    let first = Commit {
        journal: vec![entry("applied")],
        outbox: vec![effect("e1", "mail", 0)],
        ..commit(0)
    };
    let second = Commit {
        journal: vec![entry("moved"), entry("moved")],
        ..commit(1)
    };
    disk.store.apply(&first).await.unwrap();
    disk.store.apply(&second).await.unwrap();
    disk
}

async fn restore(from: &Path, path: &Path) -> Result<Copied, StoreError> {
    let copied = Store::look_at_backup(from).await?;
    Store::restore(from, path, &copied.digest, &mark(&copied)).await?;
    Ok(copied)
}

fn mark(copied: &Copied) -> Vec<Record> {
    let records = copied.services.iter().map(|service| Record {
        service: service.service.clone(),
        facts: vec![FactChange::Put(Fact {
            kind: "restored".to_owned(),
            key: "state".to_owned(),
            body: format!("{}", service.generation),
        })],
        journal: vec![entry("restored")],
        ..Record::default()
    });
    records.collect()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_copy_is_whole_says_what_it_holds_and_is_its_owners_alone() {
    let disk = used().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    let copied = disk.store.backup(&to).await.unwrap();
    assert_eq!(copied.bytes, fs::metadata(&to).unwrap().len());
    assert_eq!(copied.digest.len(), 64);
    let [service] = &copied.services[..] else {
        panic!("{copied:?}")
    };
    assert_eq!(
        (&*service.service, service.generation, service.journal_rows),
        ("shop", 2, 3)
    );
    assert_eq!(service.journal_at_ms, 1_000);
    assert_eq!(service.state, r#"{"turn":1}"#);
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(folder.path()), ["backup"]);
}

#[tokio::test]
async fn a_copy_replaces_nothing_and_a_half_one_of_before_is_no_obstacle() {
    let disk = used().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    fs::write(&to, "a letter").unwrap();
    let refused = disk.store.backup(&to).await.unwrap_err();
    assert!(matches!(refused, StoreError::Exists { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "a letter");
    fs::remove_file(&to).unwrap();
    fs::write(folder.path().join("backup.partial"), "what a killed one left").unwrap();
    disk.store.backup(&to).await.unwrap();
    assert_eq!(names(folder.path()), ["backup"]);
    let nowhere = folder.path().join("none/backup");
    let refused = disk.store.backup(&nowhere).await.unwrap_err();
    assert!(matches!(refused, StoreError::File { .. }), "{refused}");
    assert!(matches!(
        Store::memory().backup(&to).await.unwrap_err(),
        StoreError::InMemory | StoreError::Exists { .. }
    ));
}

#[tokio::test]
async fn what_is_written_while_a_copy_is_made_is_in_it_whole_or_not_at_all() {
    let disk = used().await;
    let folder = tempfile::tempdir().unwrap();
    let writing = async {
        for generation in 2..40 {
            let turn = Commit {
                journal: vec![entry("turn"), entry("turn")],
                ..commit(generation)
            };
            disk.store.apply(&turn).await.unwrap();
        }
    };
    let copying = async {
        let mut copies = Vec::new();
        for number in 0..8 {
            let to = folder.path().join(number.to_string());
            copies.push(disk.store.backup(&to).await.unwrap());
        }
        copies
    };
    let ((), copies) = tokio::join!(writing, copying);
    for copied in &copies {
        let service = &copied.services[0];
        let turns = service.generation.cast_signed();
        assert_eq!(service.journal_rows, 3 + 2 * (turns - 2), "{service:?}");
    }
    let turns: Vec<u64> = copies.iter().map(|copied| copied.services[0].generation).collect();
    assert!(turns.is_sorted() && turns.last() > turns.first(), "{turns:?}");
}

#[tokio::test]
async fn a_restored_store_is_the_copy_with_its_mark_and_another_epoch() {
    let disk = used().await;
    let folder = tempfile::tempdir().unwrap();
    let (to, path) = (folder.path().join("backup"), folder.path().join("state/store.db"));
    let copied = disk.store.backup(&to).await.unwrap();
    let restored = restore(&to, &path).await.unwrap();
    assert_eq!(restored, copied);
    let store = Store::open(&path).await.unwrap();
    assert_ne!(store.epoch(), disk.store.epoch());
    assert_eq!(
        store.load("shop").await.unwrap(),
        disk.store.load("shop").await.unwrap()
    );
    assert_eq!(store.pending("shop").await.unwrap().len(), 1);
    let whole = JournalCheck::Whole { rows: 4 };
    assert_eq!(store.journal_verify("shop").await.unwrap(), whole);
    let fact = store.fact("shop", "restored", "state").await.unwrap();
    assert_eq!(fact.as_deref(), Some("2"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let again = restore(&to, &path).await.unwrap_err();
    assert!(matches!(again, StoreError::InUse { .. }), "{again}");
    drop(store);
    let again = restore(&to, &path).await.unwrap_err();
    assert!(matches!(again, StoreError::StoreThere { .. }), "{again}");
}

#[tokio::test]
async fn what_a_killed_restore_left_is_written_over_and_a_lost_stores_log_is_not_taken_in() {
    let disk = used().await;
    let folder = tempfile::tempdir().unwrap();
    let (to, path) = (folder.path().join("backup"), folder.path().join("store.db"));
    disk.store.backup(&to).await.unwrap();
    for left in ["store.db.restoring", "store.db.restoring-wal", "store.db.restoring-shm"] {
        fs::write(folder.path().join(left), "half a store").unwrap();
    }
    fs::write(folder.path().join("store.db-wal"), "a log").unwrap();
    let refused = restore(&to, &path).await.unwrap_err();
    assert!(refused.to_string().contains("store.db-wal"), "{refused}");
    fs::remove_file(folder.path().join("store.db-wal")).unwrap();
    restore(&to, &path).await.unwrap();
    assert_eq!(names(folder.path()), ["backup", "store.db", "store.db.lock"]);
}

async fn spoil(backup: &Path, sql: &'static str) {
    let mut connection = SqliteConnectOptions::new().filename(backup).connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_copy_that_is_not_whole_makes_no_store() {
    for (sql, told) in [
        (
            "DROP TRIGGER journal_keeps_its_text; UPDATE journal SET reason = 'another' WHERE seq = 2",
            "the journal of service shop is broken at row 2",
        ),
        ("DROP TABLE service", "no store of Tidegate"),
        (
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9000, 'tomorrow', true, x'00', 0)",
            "a newer version (schema 9000",
        ),
    ] {
        let disk = used().await;
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("backup");
        disk.store.backup(&to).await.unwrap();
        spoil(&to, sql).await;
        let refused = restore(&to, &folder.path().join("state/store.db")).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
        assert_eq!(names(folder.path()), ["backup"], "nothing is made");
    }
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
    let disk = used().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    disk.store.backup(&path).await.unwrap();
    spoil(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'tomorrow', true, x'00', 0)",
    )
    .await;
    let before = fs::read(&path).unwrap();
    let refused = Store::open(&path).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::NewerSchema { found: 9000, .. }),
        "{refused}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(names(folder.path()), ["store.db", "store.db.lock"]);
}

#[tokio::test]
async fn a_copy_with_a_damaged_page_and_a_file_that_is_none_make_no_store() {
    let disk = used().await;
    let folder = tempfile::tempdir().unwrap();
    let (to, path) = (folder.path().join("backup"), folder.path().join("state/store.db"));
    disk.store.backup(&to).await.unwrap();
    let mut bytes = fs::read(&to).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0x55);
    fs::write(&to, &bytes).unwrap();
    restore(&to, &path).await.unwrap_err();
    bytes.truncate(middle);
    fs::write(&to, &bytes).unwrap();
    restore(&to, &path).await.unwrap_err();
    fs::write(&to, "Dear reader, ".repeat(100)).unwrap();
    let refused = restore(&to, &path).await.unwrap_err();
    assert!(refused.to_string().contains("no database"), "{refused}");
    assert_eq!(names(folder.path()), ["backup"], "nothing is made");
}
