//! Opening what is taken, damaged or too new, and writing while another program does.

use std::fs;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tidegate_store::{Commit, JournalFilter, Old, Problem, Store, StoreError};

use super::{OnDisk, commit, event};

/// Another program's connection to the same file.
async fn stranger(disk: &OnDisk) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(disk.path())
        .connect()
        .await
        .unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::query(sql).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_store_in_use_is_refused_by_name_of_its_user() {
    let disk = OnDisk::new().await;
    let refused = Store::open(&disk.path()).await.unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains(&format!("process {} is using it", std::process::id())),
        "{text}"
    );
    assert!(text.contains("store.db"), "{text}");
    disk.reopen().await;
}

#[tokio::test]
async fn missing_directories_are_made_and_a_file_in_their_place_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/store.db");
    Store::open(&path).await.unwrap();
    assert!(path.exists());
    let refused = Store::open(&path.join("store.db")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Directory { .. }), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let letter = "Dear reader, ".repeat(100);
    fs::write(&path, &letter).unwrap();
    let refused = Store::open(&path).await.unwrap_err();
    let corrupt = Problem::Corrupt;
    assert!(
        matches!(&refused, StoreError::Database { problem, .. } if *problem == corrupt),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn a_schema_from_the_future_is_refused() {
    let disk = OnDisk::new().await;
    let mut connection = stranger(&disk).await;
    run(
        &mut connection,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'tomorrow', true, x'00', 0)",
    )
    .await;
    connection.close().await.unwrap();
    let OnDisk { store, directory } = disk;
    drop(store);
    let path = directory.path().join("store.db");
    let refused = Store::open(&path).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::NewerSchema { found: 9000, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("use that version"), "{refused}");
}

#[tokio::test]
async fn a_write_waits_for_another_program_but_not_for_ever() {
    let disk = OnDisk::new().await;
    let mut connection = stranger(&disk).await;
    run(&mut connection, "BEGIN IMMEDIATE").await;
    let refused = disk.store.apply(&commit(0)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused}");
    assert_eq!(
        disk.store.load("shop").await.unwrap(),
        None,
        "reading goes on meanwhile"
    );

    run(&mut connection, "INSERT INTO fact VALUES ('shop', 'k', 'theirs', '1')").await;
    let first = commit(0);
    let (applied, ()) = tokio::join!(disk.store.apply(&first), async {
        // Time for the store to run into the lock, so that a transaction that had read by now would be out of date.
        tokio::time::sleep(Duration::from_millis(200)).await;
        run(&mut connection, "COMMIT").await;
    });
    assert_eq!(applied.unwrap().generation, 1);
    assert!(disk.store.fact("shop", "k", "theirs").await.unwrap().is_some());
}

#[tokio::test]
async fn a_reader_keeps_its_picture_and_holds_nobody_up() {
    let disk = OnDisk::new().await;
    disk.store.put_events("shop", &[event("a", "1")]).await.unwrap();
    let mut connection = stranger(&disk).await;
    let mut picture = connection.begin().await.unwrap();
    let count = "SELECT count(*) FROM inbox";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *picture).await.unwrap();
    disk.store.put_events("shop", &[event("b", "2")]).await.unwrap();
    let after: i64 = sqlx::query_scalar(count).fetch_one(&mut *picture).await.unwrap();
    assert_eq!((before, after), (1, 1));
}

#[tokio::test]
async fn the_database_is_set_up_to_survive_a_power_cut() {
    let disk = OnDisk::new().await;
    let mut connection = stranger(&disk).await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
    let strict: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pragma_table_list
         WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(strict, 0, "every table of ours is STRICT");
}

/// The tables as the first version made them, with a service in the middle of something: one release was applied, by one of two plans.
const OF_THE_FIRST: &str = "
    INSERT INTO service VALUES ('shop', 7, '{\"turn\":6}');
    INSERT INTO outbox (id, service, lane, body, due_ms) VALUES ('e1', 'shop', 'mail', '{}', 0);
    INSERT INTO inbox (service, key, actor, body, at_ms) VALUES ('shop', 'a', 'ada', '1', 0);
    INSERT INTO journal VALUES ('shop', 1, 0, 7, 'ada', 'because', 'moved', NULL, NULL, '{\"tenants\":[\"acme\",\"bolt\"]}', 'h');
    INSERT INTO journal VALUES ('shop', 2, 0, 7, 'ada', 'because', 'applied', '1.0.0', NULL, '{}', 'i');
    INSERT INTO journal_head VALUES ('shop', 2, 'i');
    INSERT INTO plan VALUES
        ('p1', 'shop', '{\"release\":{\"version\":\"1.0.0\"}}'), ('p2', 'shop', '{\"release\":{\"version\":\"1.1.0\"}}');
    INSERT INTO fact VALUES ('shop', 'plan-input', 'p1', '{\"at\":5}'), ('shop', 'plan-input', 'p2', '{\"at\":6}');";

#[tokio::test]
async fn a_store_of_the_first_format_is_brought_to_this_one_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let (path, migrations) = (directory.path().join("store.db"), directory.path().join("migrations"));
    fs::create_dir(&migrations).unwrap();
    let first = include_str!("../../migrations/0001_tables.sql");
    fs::write(migrations.join("0001_tables.sql"), first).unwrap();
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let migrator = sqlx::migrate::Migrator::new(&*migrations).await.unwrap();
    migrator.run(&mut connection).await.unwrap();
    sqlx::raw_sql(OF_THE_FIRST).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.load("shop").await.unwrap().unwrap().generation, 7);
    assert_eq!(store.pending("shop").await.unwrap().len(), 1);
    for tenant in ["acme", "bolt"] {
        let rows = store
            .journal("shop", JournalFilter::Subject(tenant), 0, 9)
            .await
            .unwrap();
        assert_eq!(rows.len(), 1, "{tenant}");
    }
    let turn = Commit {
        consumed: vec![1],
        ..commit(7)
    };
    assert_eq!(store.apply(&turn).await.unwrap().generation, 8);
    let old = |before_ms| Old {
        service: "shop",
        before_ms,
        limit: 9,
    };
    assert_eq!(store.drop_plans(&old(6), &[], "plan-input").await.unwrap(), 0);
    assert_eq!(store.drop_plans(&old(7), &[], "plan-input").await.unwrap(), 1);
    assert!(store.plan("p1").await.unwrap().is_some(), "it was applied");
}
