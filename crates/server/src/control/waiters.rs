//! Those who wait for the turn that takes their event.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_domain::step::Refused;
use tokio::sync::oneshot;

/// What became of an event.
#[derive(Debug, Clone)]
pub enum Answer {
    Taken(Option<Refused>),
    /// It was written down before the turn began, and the turn did not find it: an earlier one took it.
    NotThere,
    /// No turn is possible now.
    Postponed(String),
}

#[derive(Debug, Default)]
pub struct Waiters {
    table: Arc<Mutex<Table>>,
}

/// Somebody turns, until this is dropped; from then on nobody is kept waiting.
#[derive(Debug)]
pub struct Open(Arc<Mutex<Table>>);

/// One who waits. Dropping it ends the wait.
#[derive(Debug)]
pub struct Waiter {
    table: Arc<Mutex<Table>>,
    key: String,
    ticket: u64,
    answer: oneshot::Receiver<Answer>,
}

#[derive(Debug, Default)]
struct Table {
    /// By key, for two may send the same event.
    waiting: BTreeMap<String, Vec<Entry>>,
    tickets: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Entry {
    ticket: u64,
    is_written: bool,
    answer: oneshot::Sender<Answer>,
}

impl Waiters {
    pub fn open(&self) -> Open {
        lock(&self.table).is_closed = false;
        Open(Arc::clone(&self.table))
    }

    /// To be called before the event is written: the turn may be faster than the writer.
    pub fn register(&self, key: &str) -> Waiter {
        let (sender, answer) = oneshot::channel();
        let mut table = lock(&self.table);
        table.tickets += 1;
        let ticket = table.tickets;
        let entry = Entry {
            ticket,
            is_written: false,
            answer: sender,
        };
        if !table.is_closed {
            table.waiting.entry(key.to_owned()).or_default().push(entry);
        }
        Waiter {
            table: Arc::clone(&self.table),
            key: key.to_owned(),
            ticket,
            answer,
        }
    }

    /// The tickets whose event is in the store now.
    pub fn written(&self) -> BTreeSet<u64> {
        let table = lock(&self.table);
        let entries = table.waiting.values().flatten();
        entries
            .filter(|entry| entry.is_written)
            .map(|entry| entry.ticket)
            .collect()
    }

    pub fn taken(&self, key: &str, refused: Option<&Refused>) {
        let entries = lock(&self.table).waiting.remove(key).unwrap_or_default();
        for entry in entries {
            // Whoever does not wait any more does not need the answer.
            let _ = entry.answer.send(Answer::Taken(refused.cloned()));
        }
    }

    pub fn not_there(&self, tickets: &BTreeSet<u64>) {
        self.answer(tickets, &Answer::NotThere);
    }

    pub fn postponed(&self, tickets: &BTreeSet<u64>, trouble: &str) {
        self.answer(tickets, &Answer::Postponed(trouble.to_owned()));
    }

    fn answer(&self, tickets: &BTreeSet<u64>, answer: &Answer) {
        if tickets.is_empty() {
            return;
        }
        lock(&self.table).waiting.retain(|_, entries| {
            for entry in entries.extract_if(.., |entry| tickets.contains(&entry.ticket)) {
                let _ = entry.answer.send(answer.clone());
            }
            !entries.is_empty()
        });
    }
}

impl Waiter {
    /// The event is in the store.
    pub fn is_written(&mut self) {
        if let Some(entry) = lock(&self.table)
            .waiting
            .get_mut(&self.key)
            .and_then(|entries| entries.iter_mut().find(|entry| entry.ticket == self.ticket))
        {
            entry.is_written = true;
        }
    }

    /// `None` where nobody turns any more.
    pub async fn wait(mut self) -> Option<Answer> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut table = lock(&self.0);
        table.is_closed = true;
        table.waiting.clear();
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut table = lock(&self.table);
        if let Some(entries) = table.waiting.get_mut(&self.key) {
            entries.retain(|entry| entry.ticket != self.ticket);
            if entries.is_empty() {
                table.waiting.remove(&self.key);
            }
        }
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
