//! The table, the order it comes from, and the gateways that are counted on; on disk before anybody hears of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidegate_gateway::protocol::{Follow, FollowReply};
use tidegate_gateway::table::{SlotId, Table};

use crate::torture::TortureError;
use crate::torture::order::{Edit, Status};
use crate::traffic::clock::monotonic_micros;

const LEASE_MS: u64 = 5_000;

#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    written: Written,
    /// Of the newest table.
    reply: Bytes,
    heard: BTreeMap<String, Heard>,
    status: Status,
}

/// What a kill must not lose.
#[derive(Debug, Serialize, Deserialize)]
pub struct Written {
    pub number: u64,
    pub table: Table,
    /// Incarnations of gateways.
    pub gateways: BTreeSet<String>,
}

/// What one gateway process last said.
#[derive(Debug)]
struct Heard {
    confirmed: u64,
    persist_micros: u64,
    in_flight: BTreeMap<SlotId, u64>,
    lingering: bool,
    refused: Option<String>,
}

impl Written {
    /// Replaces the file: after this returns, a crash leaves the new one.
    pub fn write(&self, path: &Path) -> Result<(), TortureError> {
        let replace = || -> io::Result<()> {
            let temporary = path.with_extension("new");
            let mut file = File::create(&temporary)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        };
        replace().map_err(TortureError::io("cannot write the publisher's table"))
    }
}

impl Ledger {
    pub(super) fn open(path: &Path) -> Result<Self, TortureError> {
        let text = fs::read(path).map_err(TortureError::io("cannot read the publisher's table"))?;
        let written: Written = serde_json::from_slice(&text).map_err(TortureError::said("the publisher's table"))?;
        let mut ledger = Self {
            path: path.to_owned(),
            written,
            reply: Bytes::new(),
            heard: BTreeMap::new(),
            status: Status::default(),
        };
        ledger.offer()?;
        Ok(ledger)
    }

    pub(super) fn generation(&self) -> u64 {
        self.written.table.generation
    }

    pub(super) fn listening(&mut self, address: SocketAddr) {
        self.status.listening = Some(address);
    }

    pub(super) fn status(&self) -> Status {
        self.status.clone()
    }

    /// Takes down the next table, and offers it from then on.
    pub(super) fn publish(&mut self, number: u64, edit: Edit) -> Result<(), TortureError> {
        edit.apply(&mut self.written.table);
        self.written.table.generation += 1;
        self.written.number = number;
        self.written.write(&self.path)?;
        self.offer()
    }

    pub(super) fn ended(&mut self, pid: u32) -> Result<(), TortureError> {
        let suffix = format!("-{pid}");
        self.forget(|incarnation| incarnation.ends_with(&suffix))
    }

    /// Takes note of a call. A process that is new is written down before it gets an answer.
    pub(super) fn hear(&mut self, call: &Follow) -> Result<(), TortureError> {
        if call.leaving {
            return self.forget(|incarnation| *incarnation == call.incarnation);
        }
        if self.written.gateways.insert(call.incarnation.clone()) {
            self.written.write(&self.path)?;
        }
        let confirmed = call.confirmed.as_ref();
        let heard = Heard {
            confirmed: confirmed
                .filter(|confirmed| confirmed.epoch == self.written.table.epoch)
                .map_or(0, |confirmed| confirmed.generation),
            persist_micros: call.persist_micros,
            in_flight: call.in_flight.clone(),
            lingering: call.lingering,
            refused: call.refused.as_ref().map(|refused| refused.reason.clone()),
        };
        self.heard.insert(call.incarnation.clone(), heard);
        self.count();
        Ok(())
    }

    /// The reply for a process that does not have the newest table.
    pub(super) fn news_for(&self, call: &Follow) -> Option<Bytes> {
        let newest = (self.written.table.epoch.as_str(), self.generation());
        let confirmed = call.confirmed.as_ref();
        let refused = call.refused.as_ref();
        let is_known = confirmed.is_some_and(|one| (one.epoch.as_str(), one.generation) == newest)
            || refused.is_some_and(|one| (one.epoch.as_str(), one.generation) == newest);
        (!is_known && !call.leaving).then(|| self.reply.clone())
    }

    pub(super) fn no_news(&self) -> Bytes {
        Bytes::from(format!("{{\"lease_ms\":{LEASE_MS},\"table\":null}}"))
    }

    fn offer(&mut self) -> Result<(), TortureError> {
        let reply = FollowReply {
            lease_ms: LEASE_MS,
            table: Some(self.written.table.clone()),
            tell_routes: false,
        };
        self.reply = serde_json::to_vec(&reply)
            .map_err(TortureError::said("the publisher"))?
            .into();
        self.status.number = self.written.number;
        self.status.generation = self.generation();
        self.status.published_micros = monotonic_micros();
        self.count();
        Ok(())
    }

    fn forget(&mut self, is_gone: impl Fn(&String) -> bool) -> Result<(), TortureError> {
        let before = self.written.gateways.len();
        self.written.gateways.retain(|incarnation| !is_gone(incarnation));
        self.heard.retain(|incarnation, _| !is_gone(incarnation));
        if self.written.gateways.len() < before {
            self.written.write(&self.path)?;
        }
        self.count();
        Ok(())
    }

    /// What all registered processes say together; one that has not been heard of since a kill has confirmed nothing.
    fn count(&mut self) {
        let confirmed = |incarnation: &String| self.heard.get(incarnation).map_or(0, |heard| heard.confirmed);
        let lowest = self.written.gateways.iter().map(confirmed).min().unwrap_or(0);
        if lowest > self.status.confirmed && lowest == self.status.generation {
            self.status.confirmed_micros = monotonic_micros();
        }
        self.status.confirmed = lowest;
        // One that lingers persists nothing any more.
        let persisting = self.heard.values().filter(|heard| !heard.lingering);
        self.status.persist_micros = persisting.map(|heard| heard.persist_micros).max().unwrap_or(0);
        self.status.refused = self.heard.values().find_map(|heard| heard.refused.clone());
        self.status.in_flight.clear();
        for (slot, count) in self.heard.values().flat_map(|heard| &heard.in_flight) {
            *self.status.in_flight.entry(slot.clone()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests;
