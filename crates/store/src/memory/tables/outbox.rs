//! Effects by id, and by the moment they are ready.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::error::StoreError;
use crate::outbox::{Condition, Conditions, Ending, OutboxEntry, OutboxRow, OutboxState};
use crate::retention::Old;

#[derive(Clone, Debug, Default)]
pub(in crate::memory) struct Outbox {
    rows: BTreeMap<String, OutboxRow>,
    /// Lane, moment and id of what can be leased from that moment on.
    ready: BTreeSet<(String, i64, String)>,
}

impl Outbox {
    pub fn get(&self, id: &str) -> Option<&OutboxRow> {
        self.rows.get(id)
    }

    /// Refuses effects that say something else than one with the same id; returns the conditions the rest will be in.
    pub fn look_at(&self, service: &str, effects: &[OutboxEntry]) -> Result<Vec<Condition>, StoreError> {
        let mut given = HashMap::new();
        for effect in effects {
            let says = (&*effect.lane, &*effect.body);
            let first = *given.entry(&*effect.id).or_insert(says);
            let differs = |row: &OutboxRow| row.service != service || (&*row.lane, &*row.body) != says;
            if first != says || self.rows.get(&effect.id).is_some_and(differs) {
                return Err(StoreError::EffectDiffers { id: effect.id.clone() });
            }
        }
        let fresh = given.into_keys().map(|id| Condition {
            id: id.to_owned(),
            service: service.to_owned(),
            state: OutboxState::Due,
            lease_owner: None,
        });
        Ok(fresh.collect())
    }

    pub fn insert(&mut self, service: &str, effects: &[OutboxEntry]) {
        for effect in effects {
            if self.rows.contains_key(&effect.id) {
                continue;
            }
            self.place(OutboxRow {
                id: effect.id.clone(),
                service: service.to_owned(),
                lane: effect.lane.clone(),
                body: effect.body.clone(),
                due_ms: effect.due_ms,
                state: OutboxState::Due,
                lease_until_ms: None,
                lease_owner: None,
                attempts: 0,
                outcome: None,
            });
        }
    }

    /// The conditions of the effects named: those `fresh` ones that are not there yet, and the rows that are.
    pub fn conditions<'a>(&self, fresh: Vec<Condition>, ids: impl Iterator<Item = &'a str>) -> Conditions {
        let kept = ids.filter_map(|id| self.rows.get(id)).map(|row| Condition {
            id: row.id.clone(),
            service: row.service.clone(),
            state: row.state,
            lease_owner: row.lease_owner.clone(),
        });
        fresh.into_iter().chain(kept).collect()
    }

    pub fn end(&mut self, endings: Vec<Ending>) {
        for ending in endings {
            self.change(&ending.id, |row| {
                row.state = ending.settlement.into();
                row.outcome = Some(ending.outcome);
                row.lease_until_ms = None;
                row.lease_owner = ending.lease_owner;
            });
        }
    }

    pub fn lease(&mut self, lane: &str, owner: &str, now_ms: i64, until_ms: i64, limit: u32) -> Vec<OutboxRow> {
        let ids: Vec<String> = self
            .ready_in(lane)
            .take_while(|(at_ms, _)| *at_ms <= now_ms)
            .map(|(_, id)| id.to_owned())
            .take(limit as usize)
            .collect();
        for id in &ids {
            self.change(id, |row| {
                row.state = OutboxState::Leased;
                row.lease_owner = Some(owner.to_owned());
                row.lease_until_ms = Some(until_ms);
                row.attempts += 1;
            });
        }
        ids.iter().filter_map(|id| self.rows.get(id)).cloned().collect()
    }

    pub fn renew(&mut self, owner: &str, ids: &[String], until_ms: i64) -> Vec<String> {
        let (held, lost): (Vec<_>, Vec<_>) = ids.iter().partition(|id| self.holds(owner, id));
        for id in held {
            self.change(id, |row| row.lease_until_ms = Some(until_ms));
        }
        lost.into_iter().cloned().collect()
    }

    pub fn release(&mut self, owner: &str, id: &str, retry_at_ms: i64, outcome: &str) -> bool {
        let held = self.holds(owner, id);
        if held {
            self.change(id, |row| {
                row.state = OutboxState::Due;
                row.due_ms = retry_at_ms;
                row.outcome = Some(outcome.to_owned());
                row.lease_until_ms = None;
                row.lease_owner = None;
            });
        }
        held
    }

    pub fn pending(&self, service: &str) -> Vec<OutboxRow> {
        let pending = |row: &&OutboxRow| row.service == service && ready_ms(row).is_some();
        self.rows.values().filter(pending).cloned().collect()
    }

    pub fn next_due(&self, lane: &str) -> Option<i64> {
        self.ready_in(lane).next().map(|(at_ms, _)| at_ms)
    }

    pub fn drop_old(&mut self, old: &Old<'_>, lane: &str) -> u64 {
        let ended = self.rows.values().filter(|row| {
            let is_over = ready_ms(row).is_none() && row.lease_owner.is_none();
            is_over && row.service == old.service && row.lane == lane && row.due_ms < old.before_ms
        });
        let ids = old.first(ended.map(|row| (row.due_ms, row.id.clone())));
        for id in &ids {
            self.rows.remove(id);
        }
        ids.len() as u64
    }

    fn ready_in(&self, lane: &str) -> impl Iterator<Item = (i64, &str)> {
        self.ready
            .range((lane.to_owned(), i64::MIN, String::new())..)
            .take_while(move |(of_lane, _, _)| of_lane == lane)
            .map(|(_, at_ms, id)| (*at_ms, &**id))
    }

    fn holds(&self, owner: &str, id: &str) -> bool {
        self.rows
            .get(id)
            .is_some_and(|row| row.state == OutboxState::Leased && row.lease_owner.as_deref() == Some(owner))
    }

    fn change(&mut self, id: &str, alter: impl FnOnce(&mut OutboxRow)) {
        if let Some(mut row) = self.rows.remove(id) {
            if let Some(at_ms) = ready_ms(&row) {
                self.ready.remove(&(row.lane.clone(), at_ms, row.id.clone()));
            }
            alter(&mut row);
            self.place(row);
        }
    }

    fn place(&mut self, row: OutboxRow) {
        if let Some(at_ms) = ready_ms(&row) {
            self.ready.insert((row.lane.clone(), at_ms, row.id.clone()));
        }
        self.rows.insert(row.id.clone(), row);
    }
}

/// The moment from which the effect can be leased; `None` once it has ended.
fn ready_ms(row: &OutboxRow) -> Option<i64> {
    match row.state {
        OutboxState::Due | OutboxState::Leased => Some(row.lease_until_ms.unwrap_or(row.due_ms)),
        OutboxState::Done | OutboxState::Dead => None,
    }
}
