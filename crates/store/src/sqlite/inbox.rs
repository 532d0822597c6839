//! Events: put once, consumed once.

use sqlx::SqliteConnection;

use super::{Sqlite, list};
use crate::error::{Failure, StoreError};
use crate::inbox::{Addressed, EventEntry, EventRow};

pub(super) fn address<'a>(service: &'a str, events: &'a [EventEntry]) -> Vec<Addressed<'a>> {
    events.iter().map(|event| Addressed { service, event }).collect()
}

/// Puts the events that are not there yet, and returns the sequence number of each in the order given.
pub(super) async fn put(connection: &mut SqliteConnection, events: &[Addressed<'_>]) -> Result<Vec<i64>, Failure> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let given = list(events);
    sqlx::query(
        "INSERT INTO inbox (service, key, actor, body, at_ms)
         SELECT value->>'service', value->>'key', value->>'actor', value->>'body', value->>'at_ms'
         FROM json_each(?) WHERE true ORDER BY json_each.key
         ON CONFLICT (service, key) DO NOTHING",
    )
    .bind(&given)
    .execute(&mut *connection)
    .await?;
    let kept: Vec<(i64, bool)> = sqlx::query_as(
        "SELECT seq, actor = value->>'actor' AND body = value->>'body'
         FROM json_each(?) AS given CROSS JOIN inbox
             ON service = value->>'service' AND inbox.key = value->>'key'
         ORDER BY given.key",
    )
    .bind(&given)
    .fetch_all(connection)
    .await?;
    if let Some(place) = kept.iter().position(|(_, same)| !same) {
        let Addressed { service, event } = &events[place];
        return Err(StoreError::EventDiffers {
            service: (*service).to_owned(),
            key: event.key.clone(),
        }
        .into());
    }
    Ok(kept.into_iter().map(|(seq, _)| seq).collect())
}

pub(super) async fn consume(connection: &mut SqliteConnection, service: &str, seqs: &[i64]) -> Result<(), Failure> {
    if seqs.is_empty() {
        return Ok(());
    }
    let given = list(seqs);
    let missing: Option<i64> = sqlx::query_scalar(
        "SELECT value FROM json_each(?2) AS given
         WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE seq = value AND service = ?1 AND consumed = 0)
         ORDER BY given.key LIMIT 1",
    )
    .bind(service)
    .bind(&given)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(seq) = missing {
        return Err(StoreError::EventNotWaiting {
            service: service.to_owned(),
            seq,
        }
        .into());
    }
    sqlx::query("UPDATE inbox SET consumed = 1 WHERE seq IN (SELECT value FROM json_each(?))")
        .bind(&given)
        .execute(connection)
        .await?;
    Ok(())
}

impl Sqlite {
    pub(crate) async fn events(&self, service: &str, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        sqlx::query_as(
            "SELECT seq, key, actor, body, at_ms FROM inbox WHERE service = ? AND consumed = 0 ORDER BY seq LIMIT ?",
        )
        .bind(service)
        .bind(limit)
        .fetch_all(&self.database.readers)
        .await
        .map_err(|error| self.explain("read the events that wait", error))
    }
}
