//! What the traffic of a wave can and cannot show, before anybody waits for it.

use crate::e_value::log_weighted_mean;
use crate::promotion;
use crate::ratio::{Form, Ladder};
use crate::sample::Sample;
use crate::words::{grouped, percent, rounded};

use super::rule::HealthRule;
use super::terms::{AllTerms, History};
use super::{KINDS, PART};

/// What is expected of a wave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaveTraffic {
    /// Requests an hour, on average.
    pub per_hour: f64,
    /// How long the wave may be judged.
    pub hours: f64,
}

/// What is expected of a canary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanaryTraffic {
    /// Requests an hour of all its tenants, on average.
    pub per_hour: f64,
    /// The share of them that goes to the new version, between 0 and 1.
    pub share: f64,
    /// How long they may be judged.
    pub hours: f64,
}

/// The precision floor of a wave's health. Requests and hours are what a version without an error needs to be shown good, and what half of
/// the bad ones need to be found.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveFloor {
    /// Until a version without an error and without a slow answer passes. `None` where everything passes.
    pub shown_requests: Option<u64>,
    /// How long these take, where the traffic is known; infinite where there is none.
    pub shown_hours: Option<f64>,
    /// Of the shares of errors that are looked at the least that is found in time, from 0 to 1.
    pub found: Option<f64>,
    /// All of it in words.
    pub sentence: String,
}

/// The shares of errors that are looked at.
const SHARES: [f64; 8] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5];
/// The part of an hour that the history before a move is long.
const HISTORY_HOURS: f64 = 1.0 / 6.0;

impl HealthRule {
    /// What a wave of this traffic can show, if nothing fails on the old version; without traffic, how much it takes.
    #[must_use]
    pub fn floor(&self, traffic: Option<WaveTraffic>) -> WaveFloor {
        self.floor_of("bake", traffic, traffic.map_or(0.0, |traffic| traffic.per_hour))
    }

    /// The same of a share of its requests, while the others stay where they are.
    #[must_use]
    pub fn canary_floor(&self, traffic: Option<CanaryTraffic>) -> WaveFloor {
        let of_share = traffic.map(|traffic| WaveTraffic {
            per_hour: traffic.per_hour * traffic.share,
            hours: traffic.hours,
        });
        self.floor_of("canary", of_share, traffic.map_or(0.0, |traffic| traffic.per_hour))
    }

    /// `before` is how many requests an hour there were on the old version.
    fn floor_of(&self, what: &str, traffic: Option<WaveTraffic>, before: f64) -> WaveFloor {
        let before = before * HISTORY_HOURS;
        let own = Sample {
            requests: before as u64,
            ..Sample::default()
        };
        let history = History {
            own,
            stayed: Sample::default(),
        };
        let errors = AllTerms::new(self, &[], &history, self.miss(1)).errors;
        let shown = self.shown_requests(errors.tolerance);
        let shown_hours = traffic.map(|traffic| shown.unwrap_or(0) as f64 / traffic.per_hour);
        let found = traffic.and_then(|traffic| {
            let requests = traffic.per_hour * traffic.hours;
            SHARES
                .into_iter()
                .find(|share| self.is_found(errors.limit, *share, requests))
        });
        let good = match shown {
            None => "whatever fails is tolerated, so every version passes".to_owned(),
            Some(requests) => format!(
                "{} requests without an error show that at most {} fail",
                grouped(requests),
                percent(errors.tolerance)
            ),
        };
        let sentence = match traffic {
            None => format!("{good}; how long they take is not known without a traffic profile"),
            Some(traffic) => with_traffic((what, &good), traffic, shown_hours.unwrap_or(0.0), found),
        };
        WaveFloor {
            shown_requests: shown,
            shown_hours,
            found,
            sentence,
        }
    }

    fn shown_requests(&self, tolerated_errors: f64) -> Option<u64> {
        let tolerated = [tolerated_errors, 1.0 - self.latency_quantile].into_iter();
        let requests = tolerated
            .filter(|share| *share < 1.0)
            .map(|share| promotion::expected(0.0, share));
        let most = requests.flatten().fold(0.0, f64::max);
        (tolerated_errors < 1.0).then_some(most as u64)
    }

    /// Whether half of the versions with this share of errors are found by so many requests, about.
    fn is_found(&self, limit: f64, share: f64, requests: f64) -> bool {
        if share <= limit {
            return false;
        }
        let log = Ladder::new(1.0).log_binomial(requests * share, requests, limit);
        let log = log_weighted_mean(Ladder::above(&log, Form::Rates));
        // It counts with its part of the kinds of events, and that with its part of the wave and its tenants.
        log + (PART / KINDS).ln() >= -self.alpha_of_counts().ln()
    }
}

fn with_traffic((what, good): (&str, &str), traffic: WaveTraffic, shown_hours: f64, found: Option<f64>) -> String {
    if traffic.per_hour <= 0.0 {
        return format!("{good}; the traffic profile expects none of these tenants, so there will be no verdict");
    }
    let (per_hour, hours) = (grouped(traffic.per_hour.round() as u64), in_words(traffic.hours));
    let takes = in_words(shown_hours);
    let in_time = if shown_hours <= traffic.hours {
        format!("{takes} at about {per_hour} an hour")
    } else {
        format!("{takes} at about {per_hour} an hour, but the {what} ends after {hours} without a verdict")
    };
    let found = match found {
        Some(share) => format!("from {} on errors are found within {hours}", percent(share)),
        None => format!(
            "not even {} of errors are found within {hours}",
            percent(SHARES[SHARES.len() - 1])
        ),
    };
    format!("{good}: {in_time}; {found}")
}

fn in_words(hours: f64) -> String {
    if hours < 1.0 / 60.0 {
        "less than a minute".to_owned()
    } else if hours < 1.0 {
        format!("{} min", (hours * 60.0).ceil())
    } else if hours < 48.0 {
        format!("{} h", rounded(hours))
    } else {
        format!("{} days", rounded(hours / 24.0))
    }
}
