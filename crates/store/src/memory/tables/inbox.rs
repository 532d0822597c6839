//! Events by number, with their keys.

use std::collections::{BTreeMap, HashMap};

use crate::error::StoreError;
use crate::inbox::{Addressed, EventRow};
use crate::retention::Old;

#[derive(Clone, Debug, Default)]
pub(in crate::memory) struct Inbox {
    /// By service: what waits.
    waiting: BTreeMap<String, BTreeMap<i64, EventRow>>,
    /// By service and key: every event that came and was not dropped.
    came: BTreeMap<(String, String), Came>,
    /// The number of the last that came.
    last: i64,
}

#[derive(Clone, Debug)]
struct Came {
    seq: i64,
    actor: String,
    body: String,
    at_ms: i64,
}

impl Inbox {
    pub fn waiting(&self, service: &str, limit: u32) -> Vec<EventRow> {
        let rows = self.waiting.get(service).into_iter().flat_map(BTreeMap::values);
        rows.take(limit as usize).cloned().collect()
    }

    /// Refuses events that say something else than one that came before them.
    pub fn look_at(&self, events: &[Addressed<'_>]) -> Result<(), StoreError> {
        let mut given = HashMap::new();
        for Addressed { service, event } in events {
            let says = (&*event.actor, &*event.body);
            let first = *given.entry((*service, &*event.key)).or_insert(says);
            let came = self.came.get(&((*service).to_owned(), event.key.clone()));
            if first != says || came.is_some_and(|came| (&*came.actor, &*came.body) != says) {
                return Err(StoreError::EventDiffers {
                    service: (*service).to_owned(),
                    key: event.key.clone(),
                });
            }
        }
        Ok(())
    }

    pub fn put(&mut self, events: &[Addressed<'_>]) -> Vec<i64> {
        events.iter().map(|addressed| self.put_one(*addressed)).collect()
    }

    fn put_one(&mut self, Addressed { service, event }: Addressed<'_>) -> i64 {
        let next = self.last + 1;
        let came = self
            .came
            .entry((service.to_owned(), event.key.clone()))
            .or_insert_with(|| Came {
                seq: next,
                actor: event.actor.clone(),
                body: event.body.clone(),
                at_ms: event.at_ms,
            });
        if came.seq == next {
            self.last = next;
            let row = EventRow {
                seq: next,
                key: event.key.clone(),
                actor: event.actor.clone(),
                body: event.body.clone(),
                at_ms: event.at_ms,
            };
            self.waiting.entry(service.to_owned()).or_default().insert(next, row);
        }
        came.seq
    }

    /// Refuses numbers under which nothing waits.
    pub fn look_at_waiting(&self, service: &str, seqs: &[i64]) -> Result<(), StoreError> {
        let waiting = self.waiting.get(service);
        match seqs
            .iter()
            .find(|seq| !waiting.is_some_and(|rows| rows.contains_key(seq)))
        {
            Some(seq) => Err(StoreError::EventNotWaiting {
                service: service.to_owned(),
                seq: *seq,
            }),
            None => Ok(()),
        }
    }

    pub fn consume(&mut self, service: &str, seqs: &[i64]) {
        if let Some(waiting) = self.waiting.get_mut(service) {
            for seq in seqs {
                waiting.remove(seq);
            }
        }
    }

    /// The keys of those that are dropped.
    pub fn drop_old(&mut self, old: &Old<'_>) -> Vec<String> {
        let waiting = self.waiting.get(old.service);
        let came = self.came.iter().filter(|((service, _), came)| {
            service == old.service
                && came.at_ms < old.before_ms
                && came.seq < self.last
                && !waiting.is_some_and(|rows| rows.contains_key(&came.seq))
        });
        let keys = old.first(came.map(|((_, key), came)| ((came.at_ms, came.seq), key.clone())));
        for key in &keys {
            self.came.remove(&(old.service.to_owned(), key.clone()));
        }
        keys
    }
}
