//! Whether an answer came from the version that had been confirmed for its tenant before the request was sent.
//!
//! Marks reach the generator later than the instant they tell of, so answers are kept and judged when no earlier mark can come.

use std::collections::VecDeque;
use std::sync::Arc;

use super::config::Class;

/// No request takes longer.
const REQUEST_MICROS_MAX: u64 = 60_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// From now on the tenant may be answered by this version.
    Switching,
    /// From now on the tenant must be answered by this version.
    Confirmed,
}

#[derive(Debug, Clone)]
pub struct Mark {
    pub kind: MarkKind,
    pub at_micros: u64,
    pub version: Arc<str>,
}

impl Mark {
    fn is_confirmed(&self) -> bool {
        self.kind == MarkKind::Confirmed
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub class: Class,
    /// When the sending began.
    pub began_micros: u64,
    pub version: String,
}

/// The marks and the answers of one tenant.
#[derive(Debug, Default)]
pub struct Freshness {
    /// By time.
    marks: Vec<Mark>,
    waiting: VecDeque<Observation>,
}

impl Freshness {
    pub fn mark(&mut self, mark: Mark) {
        let place = self.marks.partition_point(|other| other.at_micros <= mark.at_micros);
        self.marks.insert(place, mark);
    }

    pub fn observe(&mut self, observation: Observation) {
        self.waiting.push_back(observation);
    }

    /// Judges, once and for all, the answers to requests sent before that instant; returns the stale ones.
    pub fn judge(&mut self, before_micros: u64) -> Vec<Observation> {
        let (judged, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<VecDeque<_>, _>(|one| one.began_micros < before_micros);
        self.waiting = waiting;
        let stale = judged.into_iter().filter(|one| self.is_stale(one)).collect();
        self.forget(before_micros.saturating_sub(REQUEST_MICROS_MAX));
        stale
    }

    /// Drops what was superseded before that instant.
    fn forget(&mut self, before_micros: u64) {
        let before = self.marks.partition_point(|mark| mark.at_micros <= before_micros);
        let last = self.marks[..before].iter().rposition(Mark::is_confirmed);
        self.marks.drain(..last.unwrap_or(0));
    }

    fn is_stale(&self, observation: &Observation) -> bool {
        let sent = self
            .marks
            .partition_point(|mark| mark.at_micros <= observation.began_micros);
        let Some(last) = self.marks[..sent].iter().rposition(Mark::is_confirmed) else {
            return false;
        };
        // What was confirmed, and everything on its way since: up to what was confirmed next.
        let next = self.marks[sent..].iter().position(Mark::is_confirmed);
        let end = next.map_or(self.marks.len(), |next| sent + next + 1);
        !self.marks[last..end]
            .iter()
            .any(|mark| *mark.version == *observation.version)
    }
}

#[cfg(test)]
mod tests;
