//! Totals of requests over some time.

use serde::{Deserialize, Serialize};

use crate::exact::Count;

/// What was counted for some tenants on one version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    pub requests: u64,
    /// Requests that failed: answered 5xx, answered by the gateway itself for want of an answer, timed out. One client
    /// that fails five times in a row is one failure seen five times; who can tell clients apart counts it once.
    pub errors: u64,
    /// The same where a client that fails several times within a few seconds counts once; left out where clients are not told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incidents: Option<u64>,
    /// Requests by latency: bin `i` up to and with edge `i`, one more bin above the last edge. Empty: none measured.
    #[serde(default)]
    pub latency: Vec<u64>,
}

impl Sample {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// `None` where a sum does not fit.
    pub(crate) fn sum<'a>(samples: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        samples.into_iter().try_fold(Self::default(), |sum, sample| {
            let mut latency = sum.latency;
            latency.resize(latency.len().max(sample.latency.len()), 0);
            for (total, count) in latency.iter_mut().zip(&sample.latency) {
                *total = total.checked_add(*count)?;
            }
            Some(Self {
                requests: sum.requests.checked_add(sample.requests)?,
                errors: sum.errors.checked_add(sample.errors)?,
                incidents: match (sum.incidents, sample.incidents) {
                    (None, None) => None,
                    (sum_of, more) => Some(
                        sum_of
                            .unwrap_or(sum.errors)
                            .checked_add(more.unwrap_or(sample.errors))?,
                    ),
                },
                latency,
            })
        })
    }

    /// What was added since `earlier`. `None` where a figure is smaller than it was.
    pub(crate) fn since(&self, earlier: &Self) -> Option<Self> {
        let earlier_bin = |bin| earlier.latency.get(bin).copied().unwrap_or(0);
        let bins = 0..self.latency.len().max(earlier.latency.len());
        let latency = bins.map(|bin| {
            self.latency
                .get(bin)
                .copied()
                .unwrap_or(0)
                .checked_sub(earlier_bin(bin))
        });
        Some(Self {
            requests: self.requests.checked_sub(earlier.requests)?,
            errors: self.errors.checked_sub(earlier.errors)?,
            incidents: match self.incidents {
                Some(incidents) => Some(incidents.checked_sub(earlier.incidents.unwrap_or(0))?),
                None => None,
            },
            latency: latency.collect::<Option<Vec<u64>>>()?,
        })
    }

    pub(crate) fn failed(&self) -> Count {
        Count {
            events: self.errors,
            trials: self.requests,
        }
    }

    /// What is compared between versions: a client that fails again and again says the same thing several times.
    pub(crate) fn incidents(&self) -> Count {
        Count {
            events: self.incidents.unwrap_or(self.errors),
            trials: self.requests,
        }
    }

    /// Requests whose latency was measured. The bins were checked to have a sum.
    pub(crate) fn measured(&self) -> u64 {
        self.latency.iter().sum()
    }

    /// The bin that holds the `quantile` by nearest rank: the smallest with at least that share up to its end.
    pub(crate) fn quantile_bin(&self, quantile: f64) -> Option<usize> {
        let rank = (quantile * self.measured() as f64).ceil().max(1.0);
        let mut seen = 0;
        self.latency.iter().position(|count| {
            seen += count;
            seen as f64 >= rank
        })
    }

    /// Requests that took longer than the edge of `bin`.
    pub(crate) fn above(&self, bin: usize) -> Count {
        let events = self.latency.iter().skip(bin + 1).sum();
        Count {
            events,
            trials: self.measured(),
        }
    }
}
