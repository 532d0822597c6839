//! How the book is kept: facts of three kinds, and a row of the journal for whatever happens to an alert.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tidegate_domain::id::{Actor, ServiceName};
use tidegate_domain::time::Timestamp;
use tidegate_store::{Fact, FactChange, JournalEntry, Store, StoreError};

use super::Book;
use crate::alerts::alert::Alert;

/// Alerts that are open, or of whose end not everybody has heard.
const ALERT_KIND: &str = "alert";
/// The others.
pub const ENDED_KIND: &str = "alert-ended";
const SILENCE_KIND: &str = "alert-silence";
const LETTER_KIND: &str = "alert-message";

/// A row by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    Alert(String),
    Ended(String),
    Silence(String),
    Letter(String),
}

impl Book {
    #[must_use]
    pub fn new(service: ServiceName) -> Self {
        Self {
            service,
            alerts: BTreeMap::new(),
            silences: BTreeMap::new(),
            letters: BTreeMap::new(),
            ended: BTreeMap::new(),
            touched: BTreeSet::new(),
            journal: Vec::new(),
        }
    }

    /// As it was written down last.
    pub async fn load(store: &Store, service: &ServiceName) -> Result<Self, StoreError> {
        let mut book = Self::new(service.clone());
        book.alerts = read(store, service, ALERT_KIND).await?.into_iter().collect();
        book.silences = read(store, service, SILENCE_KIND).await?.into_iter().collect();
        book.letters = read(store, service, LETTER_KIND).await?.into_iter().collect();
        Ok(book)
    }

    /// What has changed since this was asked last, and what the journal says of it.
    pub fn take_changes(&mut self) -> (Vec<FactChange>, Vec<JournalEntry>) {
        let touched = std::mem::take(&mut self.touched);
        let changes = touched.iter().map(|row| match row {
            Row::Alert(id) => change(ALERT_KIND, id, self.alerts.get(id)),
            Row::Ended(id) => change(ENDED_KIND, id, self.ended.get(id)),
            Row::Silence(id) => change(SILENCE_KIND, id, self.silences.get(id)),
            Row::Letter(key) => change(LETTER_KIND, key, self.letters.get(key)),
        });
        let changes = changes.collect();
        self.ended.clear();
        (changes, std::mem::take(&mut self.journal))
    }

    /// An alert has come into another state.
    pub(super) fn changed(&mut self, id: &str, by: &Actor, reason: &str, now: Timestamp) {
        let Some(alert) = self.alerts.get(id) else { return };
        let kind = format!("alert_{}", alert.state.as_str());
        tracing::info!(
            alert = id,
            state = alert.state.as_str(),
            reason,
            "an alert has changed its state"
        );
        self.note(&kind, id, by, reason, now);
    }

    pub(super) fn note(&mut self, kind: &str, id: &str, by: &Actor, reason: &str, now: Timestamp) {
        let alert = self.alerts.get(id);
        let tenants = alert.into_iter().flat_map(Alert::tenants);
        let about = tenants.map(ToString::to_string).collect();
        if alert.is_some() {
            self.touched.insert(Row::Alert(id.to_owned()));
        }
        let release = alert.and_then(|alert| Some(alert.release.as_ref()?.to_string()));
        self.journal.push(JournalEntry {
            at_ms: now.0,
            actor: by.to_string(),
            reason: reason.to_owned(),
            kind: kind.to_owned(),
            release,
            subject: Some(id.to_owned()),
            about,
            body: json!({ "alert": id }).to_string(),
        });
    }
}

fn change<T: Serialize>(kind: &str, key: &str, value: Option<&T>) -> FactChange {
    let (kind, key) = (kind.to_owned(), key.to_owned());
    match value {
        Some(value) => FactChange::Put(Fact {
            kind,
            key,
            body: serde_json::to_string(value).expect("it has text keys only"),
        }),
        None => FactChange::Delete { kind, key },
    }
}

pub async fn read<T: DeserializeOwned>(
    store: &Store,
    service: &ServiceName,
    kind: &str,
) -> Result<Vec<(String, T)>, StoreError> {
    let facts = store.facts(service.as_str(), kind).await?;
    let understood = facts.into_iter().filter_map(|fact| match serde_json::from_str(&fact.body) {
        Ok(value) => Some((fact.key, value)),
        Err(error) => {
            tracing::error!(kind, key = fact.key, %error, "a row about alerts cannot be understood and is left aside");
            None
        }
    });
    Ok(understood.collect())
}
