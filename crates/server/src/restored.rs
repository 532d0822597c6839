//! A state that was restored from a backup, and the world that has gone on without it.
//!
//! A restored state is marked before anybody can open it. While the mark is unconfirmed nothing is decided, handed out, judged
//! or sent: every loop waits. Only gateways are heard, so that a person can compare what they serve, and what runs, with what
//! the state says. The confirmation ([`confirm`]) raises the state above all that was seen. Then the world is brought in line
//! without cutting anything ([`takeover`]), and the mark goes.

pub mod comparison;
pub mod confirm;
pub mod takeover;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tidegate_domain::id::{Actor, ServiceName};
use tidegate_domain::service::{FORMAT, Service};
use tidegate_domain::time::Timestamp;
use tidegate_engine::TurnError;
use tidegate_store::{Copied, CopiedService, Fact, FactChange, JournalEntry, Record, Store, StoreError};

use crate::clock;
use crate::layout::Layout;

const KIND: &str = "restored";
const KEY: &str = "state";

/// What is written down of a restored state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The backup, where it lay.
    pub file: String,
    /// SHA-256 of it.
    pub digest: String,
    pub restored: Timestamp,
    /// When the last row of its journal was written.
    pub copied: Timestamp,
    /// The generation of the routing as the backup has it.
    pub generation: u64,
    /// The generation that a confirmation has raised the state to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<u64>,
}

/// What a restore has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub store: PathBuf,
    pub services: Vec<ServiceRestored>,
    pub digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRestored {
    pub service: String,
    pub generation: u64,
    pub journal_rows: i64,
    pub copied: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("cannot use the state directory `{}`", path.display())]
    StateDirectory {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{}` holds no state of a service: start anew with `tidegate serve`", .0.display())]
    Empty(PathBuf),
    #[error("cannot understand the state of service {service} in the backup")]
    State {
        service: String,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "the state of service {service} has format {found}, this program knows {FORMAT}: restore it with the newer program"
    )]
    NewerFormat { service: String, found: u32 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RestoreError {
    /// The way out, where it is not said yet.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        let Self::Store(error) = self else { return None };
        if let StoreError::StoreThere { .. } = error {
            return Some(
                "move the store that is there away, with its `-wal` and `-shm`, or name another state with `--state DIR`",
            );
        }
        if let StoreError::InUse { .. } = error {
            return Some("end that server first; its gateway and instances may run on");
        }
        None
    }
}

impl Mark {
    /// Nobody has compared and confirmed yet.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        self.confirmed.is_none()
    }

    fn put(&self) -> FactChange {
        FactChange::Put(Fact {
            kind: KIND.to_owned(),
            key: KEY.to_owned(),
            body: serde_json::to_string(self).expect("it has text keys only"),
        })
    }

    fn delete() -> FactChange {
        FactChange::Delete {
            kind: KIND.to_owned(),
            key: KEY.to_owned(),
        }
    }
}

/// The mark of a state, if it has one.
pub async fn mark(store: &Store, service: &ServiceName) -> Result<Option<Mark>, TurnError> {
    let kept = store.fact(service.as_str(), KIND, KEY).await;
    let kept = kept.map_err(|source| TurnError::Store {
        service: service.clone(),
        source,
    })?;
    let read = kept.map(|text| serde_json::from_str(&text)).transpose();
    // A mark that cannot be understood must not be taken for none.
    read.map_err(|source| TurnError::State {
        service: service.clone(),
        source,
    })
}

/// Makes the store of a state directory from a backup. No server may run there, and no store be there.
///
/// # Errors
/// Whatever keeps the backup from being used whole. Nothing is made then.
pub async fn restore(backup: &Path, state_dir: &Path) -> Result<Restored, RestoreError> {
    // Understood before anything is made: afterwards it would be a store that nobody can serve.
    let copied = Store::look_at_backup(backup).await?;
    if copied.services.is_empty() {
        return Err(RestoreError::Empty(backup.to_owned()));
    }
    let mut marks = Vec::new();
    for service in &copied.services {
        marks.push((service.service.clone(), first_mark(backup, &copied, service)?));
    }
    let layout = Layout::prepare(state_dir).map_err(|source| RestoreError::StateDirectory {
        path: state_dir.to_owned(),
        source,
    })?;
    let records: Vec<Record> = marks.iter().map(|(service, mark)| record(service, mark)).collect();
    Store::restore(backup, &layout.database(), &copied.digest, &records).await?;
    let services = copied.services.iter().zip(&marks);
    Ok(Restored {
        store: layout.database(),
        digest: copied.digest.clone(),
        services: services
            .map(|(service, (name, mark))| ServiceRestored {
                service: name.clone(),
                generation: mark.generation,
                journal_rows: service.journal_rows,
                copied: mark.copied,
            })
            .collect(),
    })
}

/// The state of a service in a copy, understood.
pub fn state_of(service: &CopiedService) -> Result<Service, RestoreError> {
    let state: Service = serde_json::from_str(&service.state).map_err(|source| RestoreError::State {
        service: service.service.clone(),
        source,
    })?;
    if state.format > FORMAT {
        return Err(RestoreError::NewerFormat {
            service: service.service.clone(),
            found: state.format,
        });
    }
    Ok(state)
}

fn first_mark(backup: &Path, copied: &Copied, service: &CopiedService) -> Result<Mark, RestoreError> {
    let file = std::path::absolute(backup).unwrap_or_else(|_| backup.to_owned());
    Ok(Mark {
        file: file.display().to_string(),
        digest: copied.digest.clone(),
        restored: clock::now(),
        copied: Timestamp(service.journal_at_ms),
        generation: state_of(service)?.routing.generation,
        confirmed: None,
    })
}

pub(crate) fn record(service: &str, mark: &Mark) -> Record {
    let reason = format!("restored from {}", mark.file);
    Record {
        service: service.to_owned(),
        facts: vec![mark.put()],
        journal: vec![row(
            &Actor::system("restore"),
            "restored",
            reason,
            &serde_json::json!(mark),
        )],
        ..Record::default()
    }
}

/// A row of the journal about the restored state.
fn row(actor: &Actor, kind: &str, reason: String, body: &serde_json::Value) -> JournalEntry {
    JournalEntry {
        at_ms: clock::now().0,
        actor: actor.to_string(),
        reason,
        kind: kind.to_owned(),
        release: None,
        subject: None,
        about: Vec::new(),
        body: body.to_string(),
    }
}

#[cfg(test)]
mod tests;
