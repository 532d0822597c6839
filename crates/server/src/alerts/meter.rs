//! What was counted between two looks, and whether that is all there was.

use std::collections::BTreeMap;

use tidegate_domain::id::TenantName;
use tidegate_domain::time::{Duration, Timestamp};

use crate::counters::Totals;

/// A look comes late by so much, on a busy machine.
const SLACK_MS: i64 = 1_000;

/// What each tenant's requests came to in one interval. Who had none is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub begin: Timestamp,
    pub counts: BTreeMap<TenantName, Totals>,
}

/// Cuts figures that only grow into buckets.
#[derive(Debug, Default)]
pub struct Meter {
    before: Option<(Timestamp, BTreeMap<TenantName, Totals>)>,
    /// Something was not heard since then: a gateway was silent, or this server has just begun.
    incomplete: bool,
}

impl Meter {
    /// Says that not everything is heard at this moment: what comes late would be counted into the wrong bucket, so there is none.
    pub fn is_incomplete(&mut self) {
        self.incomplete = true;
    }

    /// Whether a bucket of this length has ended.
    pub fn is_due(&self, interval: Duration, now: Timestamp) -> bool {
        match &self.before {
            None => true,
            Some((at, _)) => *at > now || border(*at, interval) < border(now, interval),
        }
    }

    /// Ends a bucket. `None` where it is not known what came in it: that is no silence.
    pub fn cut(&mut self, totals: BTreeMap<TenantName, Totals>, interval: Duration, now: Timestamp) -> Option<Bucket> {
        let is_whole = !std::mem::take(&mut self.incomplete);
        let before = self.before.replace((now, totals));
        let (begin, earlier) = before.filter(|(begin, _)| is_whole && is_of_length(*begin, now, interval))?;
        let (_, totals) = self.before.as_ref()?;
        let counts = totals.iter().filter_map(|(tenant, totals)| {
            let new = match earlier.get(tenant) {
                Some(earlier) => totals.since(earlier),
                None => totals.clone(),
            };
            (!new.is_empty()).then(|| (tenant.clone(), new))
        });
        Some(Bucket {
            begin: border(begin, interval),
            counts: counts.collect(),
        })
    }
}

/// Buckets end where the hours do.
fn border(at: Timestamp, interval: Duration) -> Timestamp {
    let length = interval.as_millis().max(1);
    Timestamp(at.0.div_euclid(length) * length)
}

/// A machine that slept, or a clock that was set, leaves another one.
fn is_of_length(begin: Timestamp, end: Timestamp, interval: Duration) -> bool {
    let (length, wanted) = ((end - begin).as_millis(), interval.as_millis());
    (length - wanted).abs() <= wanted / 4 + SLACK_MS
}

#[cfg(test)]
mod tests;
