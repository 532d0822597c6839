//! Figures that are added and subtracted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_evidence::Sample;
use tidegate_gateway::protocol::{LATENCY_EDGES_MICROS, SeriesTotals};

/// Requests, failures and latencies; only the latency bins that are not empty are there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub requests: u64,
    /// Answered 5xx, or not answered by the service at all.
    pub errors: u64,
    /// The same, but each client counts once in a bucket of the gateway.
    #[serde(default)]
    pub error_clients: u64,
    /// Errors that are a time limit of the service.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub timeouts: u64,
    pub latency: BTreeMap<u8, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Totals {
    pub const NONE: Self = Self {
        requests: 0,
        errors: 0,
        timeouts: 0,
        error_clients: 0,
        latency: BTreeMap::new(),
    };

    #[must_use]
    pub fn of(row: &SeriesTotals) -> Self {
        let unanswered: u64 = row
            .errors
            .iter()
            .filter(|(reason, _)| reason.is_of_service())
            .map(|(_, count)| count)
            .sum();
        let classes = row.requests;
        let answered = classes.successes + classes.redirections + classes.client_errors + classes.server_errors;
        Self {
            requests: answered + unanswered,
            errors: classes.server_errors + unanswered,
            error_clients: row.error_clients,
            timeouts: row.timeouts,
            latency: row.latency.iter().copied().collect(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.error_clients += other.error_clients;
        self.timeouts += other.timeouts;
        for (bin, count) in &other.latency {
            *self.latency.entry(*bin).or_default() += count;
        }
    }

    /// What was added since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bin| earlier.latency.get(bin).copied().unwrap_or(0);
        let bins = self.latency.iter();
        let added = bins.map(|(bin, count)| (*bin, count.saturating_sub(before(bin))));
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            errors: self.errors.saturating_sub(earlier.errors),
            error_clients: self.error_clients.saturating_sub(earlier.error_clients),
            timeouts: self.timeouts.saturating_sub(earlier.timeouts),
            latency: added.filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// The same where each client counts once in a bucket: what is compared are clients, not how often they try again.
    #[must_use]
    pub fn sample_of_clients(&self) -> Sample {
        Sample {
            incidents: Some(self.error_clients.min(self.errors)),
            ..self.sample()
        }
    }

    /// As the judgement wants it: every bin.
    #[must_use]
    pub fn sample(&self) -> Sample {
        let mut latency = vec![0; LATENCY_EDGES_MICROS.len() + 1];
        for (bin, count) in &self.latency {
            if let Some(place) = latency.get_mut(usize::from(*bin)) {
                *place += count;
            }
        }
        Sample {
            requests: self.requests,
            errors: self.errors,
            incidents: None,
            latency,
        }
    }
}
