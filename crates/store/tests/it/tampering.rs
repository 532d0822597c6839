//! A journal that somebody worked on with a database shell.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tidegate_store::{Commit, JournalCheck, PlanEntry};

use super::{OnDisk, commit, entry};

const UNLOCK: &str = "DROP TRIGGER journal_keeps_its_rows; DROP TRIGGER journal_keeps_its_text";

async fn five_rows() -> (OnDisk, SqliteConnection) {
    let disk = OnDisk::new().await;
    let five = Commit {
        journal: ["a", "b", "c", "d", "e"].map(entry).to_vec(),
        plans: vec![PlanEntry {
            digest: "d1".to_owned(),
            body: "{}".to_owned(),
            at_ms: 1_000,
        }],
        applied: vec!["d1".to_owned()],
        ..commit(0)
    };
    disk.store.apply(&five).await.unwrap();
    let connection = SqliteConnectOptions::new()
        .filename(disk.path())
        .connect()
        .await
        .unwrap();
    (disk, connection)
}

#[tokio::test]
async fn journal_and_plans_refuse_to_be_changed() {
    let (_disk, mut connection) = five_rows().await;
    for sql in [
        "UPDATE journal SET reason = 'another' WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 5",
        "UPDATE plan SET body = '[]'",
        "DELETE FROM plan",
        "UPDATE plan SET applied = 0",
    ] {
        let refused = sqlx::query(sql).execute(&mut connection).await.unwrap_err().to_string();
        assert!(
            refused.contains("append-only") || refused.contains("immutable"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn every_change_past_the_triggers_is_found_at_its_row() {
    for (sql, seq) in [
        ("UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 3", 3),
        ("UPDATE journal SET generation = 9 WHERE seq = 3", 3),
        ("UPDATE journal SET actor = 'eve' WHERE seq = 1", 1),
        ("UPDATE journal SET reason = 'another' WHERE seq = 3", 3),
        ("UPDATE journal SET kind = 'x' WHERE seq = 5", 5),
        ("UPDATE journal SET release = NULL WHERE seq = 3", 3),
        ("UPDATE journal SET subject = '' WHERE seq = 3", 3),
        ("UPDATE journal SET body = '[]' WHERE seq = 3", 3),
        ("UPDATE journal SET actor = 'adabecause', reason = '' WHERE seq = 3", 3),
        ("UPDATE journal SET hash = upper(hash) WHERE seq = 3", 3),
        ("DELETE FROM journal WHERE seq = 1", 1),
        ("DELETE FROM journal WHERE seq = 3", 3),
        ("DELETE FROM journal WHERE seq = 5", 5),
        ("DELETE FROM journal", 1),
        ("INSERT INTO journal SELECT service, 0, at_ms, generation, actor, reason, kind, release, subject, body, hash
          FROM journal WHERE seq = 1", 0),
        ("INSERT INTO journal SELECT service, 6, at_ms, generation, actor, reason, kind, release, subject, body, hash
          FROM journal WHERE seq = 5", 6),
        ("DELETE FROM journal_head", 1),
    ] {
        let (disk, mut connection) = five_rows().await;
        assert_eq!(disk.store.journal_verify("shop").await.unwrap(), JournalCheck::Whole { rows: 5 });
        sqlx::raw_sql(UNLOCK).execute(&mut connection).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        let found = disk.store.journal_verify("shop").await.unwrap();
        assert_eq!(found, JournalCheck::Broken { seq }, "{sql}");
        connection.close().await.unwrap();
    }
}
