//! One kind of event on both versions, against what is usual.

use crate::exact::Count;
use crate::pair::Pair;
use crate::ratio::{Form, Likelihood};
use crate::words::{rounded, share};

use super::history::Usual;

/// The ratio of the two sides against the usual one, with a margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// With the likelihood of the ratio. `None` where it is not known what is usual.
    ratio: Option<(Usual, Likelihood)>,
    margin: f64,
    /// Sums over all buckets, to be shown.
    pub old: Count,
    pub new: Count,
}

impl Comparison {
    pub fn new(form: Form, usual: Option<Usual>, margin: f64) -> Self {
        let none = Count { events: 0, trials: 0 };
        Self {
            ratio: usual.map(|usual| (usual, Likelihood::new(form, usual.high * margin))),
            margin,
            old: none,
            new: none,
        }
    }

    pub fn observe(&mut self, pair: Pair) {
        if let Some((_, likelihood)) = &mut self.ratio {
            likelihood.observe(pair);
        }
        for (sum, more) in [(&mut self.old, pair.old()), (&mut self.new, pair.new_version())] {
            sum.events = sum.events.saturating_add(more.events);
            sum.trials = sum.trials.saturating_add(more.trials);
        }
    }

    /// The logarithm of the evidence that the new version is worse than usual by more than the margin.
    pub fn log_e(&self) -> f64 {
        self.ratio
            .as_ref()
            .map_or(0.0, |(_, likelihood)| likelihood.log_e_above(likelihood.ignored()))
    }

    /// The logarithm of the evidence that the new version is worse than usual by less than the margin.
    pub fn log_e_below_margin(&self) -> f64 {
        self.ratio.as_ref().map_or(0.0, |(usual, likelihood)| {
            if self.margin > 1.0 {
                likelihood.log_e_below(usual.low * self.margin)
            } else {
                0.0
            }
        })
    }

    /// As a multiple of what is usual.
    pub fn estimate(&self) -> Option<f64> {
        let (usual, likelihood) = self.ratio.as_ref()?;
        (usual.point > 0.0).then(|| likelihood.estimate().map(|ratio| ratio / usual.point))?
    }

    /// As multiples of what is usual. The upper bound is `None` where there is none.
    pub fn interval(&self, alpha: f64) -> (f64, Option<f64>) {
        let Some((usual, likelihood)) = &self.ratio else {
            return (0.0, None);
        };
        let (low, high) = likelihood.interval(alpha);
        let high = high.filter(|_| usual.low > 0.0);
        (low / usual.high, high.map(|high| high / usual.low))
    }

    pub fn in_words(&self, what: &str) -> String {
        let usual = match &self.ratio {
            Some((usual, _)) if *usual == Usual::EQUAL => String::new(),
            Some((usual, _)) => format!("; usual for these tenants are {} times as many", rounded(usual.point)),
            None => "; their history has too few of them to tell what is usual".to_owned(),
        };
        format!(
            "{what} {} on the new version, {} on the old one{usual}",
            share(self.new),
            share(self.old)
        )
    }
}
