//! A world seen and moved from outside, one happening after the other.

use tidegate_domain::event::{Event, EventKind, Verdict};
use tidegate_domain::id::{Actor, CellName, TenantName, Version, WaveName};
use tidegate_domain::journal::Entry;
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;
use tidegate_domain::waiting::Waiting;
use tidegate_store::{JournalFilter, complete_now};

use super::World;
use crate::check::Violation;
use crate::script::{GateMood, GatewayMood, SlotMood};

impl World {
    pub fn instant(&self) -> Timestamp {
        self.now()
    }

    /// When something happens next.
    pub fn next_at(&self) -> Option<Timestamp> {
        let next = self.agenda.keys().next()?;
        Some(Timestamp(self.epoch.0 + next.0))
    }

    /// Nothing happens until then.
    pub fn wait_until(&mut self, at: Timestamp) {
        self.at = self.at.max(at.0 - self.epoch.0);
    }

    /// The next thing happens.
    ///
    /// # Errors
    /// Where a rule was broken by it.
    pub fn go_on(&mut self) -> Result<(), Violation> {
        self.advance();
        self.checker.violation.take().map_or(Ok(()), Err)
    }

    /// As the last turn left it; `None` before the first.
    pub fn state(&self) -> Option<&Service> {
        self.server.state.as_ref()
    }

    pub fn waiting(&self) -> &[Waiting] {
        &self.server.waiting
    }

    /// What was written after row `seq`, with the number of each row and its time.
    pub fn journal_after(&self, seq: i64) -> Vec<(i64, Timestamp, Entry)> {
        let rows = complete_now(
            self.store()
                .journal(self.service.as_str(), JournalFilter::All, seq, 100_000),
        );
        let rows = rows.unwrap_or_default().into_iter();
        let read = rows.filter_map(|row| Some((row.seq, Timestamp(row.at_ms), serde_json::from_str(&row.body).ok()?)));
        read.collect()
    }

    /// Somebody asks for something.
    pub fn ask(&mut self, actor: &str, reason: &str, kind: EventKind) {
        let event = Event {
            actor: Actor::principal(actor),
            reason: Some(reason.to_owned()),
            kind,
        };
        self.serial += 1;
        let key = format!("{actor}/{}", self.serial);
        self.command(key, event);
    }

    /// What is judged of a wave from now on; the tenants that are hurt, all where none is named.
    pub fn set_health(&mut self, version: &Version, wave: &WaveName, verdict: Verdict, hurt: &[TenantName]) {
        self.moods.health(version, Some(wave), verdict, hurt);
        self.judge_in(1_000);
    }

    pub fn set_gates(&mut self, version: &Version, wave: &WaveName, verdict: Verdict) {
        self.moods.gate(version, Some(wave), GateMood::Ends(verdict));
    }

    /// What is started from now on does not come up.
    pub fn fail_slots(&mut self, version: &Version, cell: &CellName) {
        self.slots_mood(version, cell, SlotMood::Fails);
    }

    /// A gateway serves on and is not heard.
    pub fn silence_gateway(&mut self) {
        let last = self.script.gateways.last().cloned();
        if let Some(name) = last {
            self.gateway_mood(&name, GatewayMood::Lapses);
        }
    }
}
