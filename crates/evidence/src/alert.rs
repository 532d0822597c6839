//! Alarms about the volume of one series, with releases or without: a tenant that falls silent, errors that pile up.
//!
//! What is expected comes from the hours of the week ([`Season`]). Traffic is never exactly what is expected, so anything between 0.6 and
//! 1.6 times of it is no cause for an alarm; beyond that, evidence adds up from bucket to bucket until it outweighs the number
//! of buckets in which it could have done so by chance. While an alarm lasts nothing is learnt, or an outage would become usual.

mod cusum;
mod numbers;
mod replay;
mod season;
mod share;
#[cfg(test)]
mod tests;
mod usual;

pub use cusum::Direction;
pub use replay::{Point, Replay, replay};
pub use season::{Common, HOURS, Season, Shape};
pub use share::{ShareRule, ShareWatch};
pub use usual::Usual;

use cusum::Cusum;
use season::KEPT_PER_WEEK;
use serde::{Deserialize, Serialize};

/// Alarms that may be false, over all series together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Series that are watched, at least one.
    pub series: u32,
    pub per_day: f64,
}

/// Seconds, and the hour of the week in which they are: 0 is the first hour of Monday, where the traffic comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At {
    pub second: i64,
    pub hour: usize,
}

/// Why the first or the last bucket of an alarm is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Volume is as expected again.
    Recovered,
    /// It has stayed away for a day: what is expected was moved to where it is.
    Accepted,
}

/// What a bucket has changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    Began(Alarm),
    /// `at` is the first second of the bucket at whose end it ended.
    Ended {
        alarm: Alarm,
        at: i64,
        why: Ended,
    },
}

/// A count is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    pub direction: Direction,
    /// The first second of the bucket at whose end it was raised.
    pub at: i64,
    /// The first second of the buckets that speak for it.
    pub since: i64,
    /// Counted since then, until it was raised.
    pub counted: f64,
    /// Of so many, where a share is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<f64>,
    /// Expected over the same time.
    pub expected: f64,
    /// The logarithm of the evidence.
    pub log_evidence: f64,
}

/// Whether an alarm about a drop is possible at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Monitorable {
    Yes,
    /// Fewer than a day has been seen.
    Learning,
    /// So little is expected in a day that silence is no evidence. `needed` of the same, about.
    TooQuiet {
        expected_per_day: f64,
        needed: f64,
    },
}

/// One series, watched. About 1.5 kB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    season: Season,
    bucket_seconds: u32,
    log_threshold: f64,
    drop: Cusum,
    spike: Cusum,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alarm: Option<Lasting>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lasting {
    alarm: Alarm,
    /// The logarithm of the evidence that it is over.
    recovery: f64,
    counted: f64,
    expected: f64,
    buckets: u32,
}

/// Evidence that an alarm is over: one in twenty is ended too early.
const LOG_RECOVERED: f64 = 2.995_732_273_553_991;
const DAY: f64 = 86_400.0;
/// More than anybody counts, and far from where sums of numbers end.
const COUNT_MOST: f64 = 1e15;

impl Budget {
    /// The logarithm of the evidence that an alarm takes.
    fn log_threshold(self, bucket_seconds: u32) -> f64 {
        let buckets_per_day = DAY / f64::from(bucket_seconds);
        let buckets = f64::from(self.series) * buckets_per_day;
        (buckets / self.per_day).ln().max(1.0)
    }
}

impl Watch {
    /// Nothing is known yet of counts over `bucket_seconds`, from 1 to a day.
    pub fn new(bucket_seconds: u32, budget: Budget) -> Self {
        Self {
            season: Season::new(),
            bucket_seconds,
            log_threshold: budget.log_threshold(bucket_seconds),
            drop: Cusum::new(Direction::Drop),
            spike: Cusum::new(Direction::Spike),
            alarm: None,
        }
    }

    /// From here on an alarm is as sure as this asks for: the fleet has grown, say.
    pub fn allow(&mut self, budget: Budget) {
        self.log_threshold = budget.log_threshold(self.bucket_seconds);
    }

    /// What a bucket of it is.
    pub fn bucket_seconds(&self) -> u32 {
        self.bucket_seconds
    }

    /// The largest logarithm of evidence that has come together.
    pub fn log_evidence(&self) -> f64 {
        self.drop.log_evidence().max(self.spike.log_evidence())
    }

    pub fn season(&self) -> &Season {
        &self.season
    }

    /// The alarm that lasts.
    pub fn alarm(&self) -> Option<Alarm> {
        self.alarm.map(|lasting| lasting.alarm)
    }

    /// What a bucket at `hour` is expected to hold. `shape` is the usual week of a population to which this series belongs.
    pub fn expected(&self, hour: usize, shape: Option<&Shape>) -> f64 {
        self.season.expected(hour % HOURS, shape)
    }

    pub fn monitorable(&self) -> Monitorable {
        if self.season.seconds(self.bucket_seconds) < DAY {
            return Monitorable::Learning;
        }
        let expected_per_day = self.season.level() * DAY / f64::from(self.bucket_seconds);
        let needed = self.log_threshold / Direction::Drop.bound();
        if expected_per_day < needed {
            return Monitorable::TooQuiet {
                expected_per_day,
                needed,
            };
        }
        Monitorable::Yes
    }

    /// Takes the next bucket in. Hours go on from one week to the next; a count that cannot be is taken for the nearest that can. `common` is by how much all series of its kind are above or below
    /// what is expected of them: what befalls all of them is an alarm of theirs together, not of each.
    pub fn observe(&mut self, at: At, count: f64, common: f64, shape: Option<&Shape>) -> Option<Change> {
        let hour = at.hour % HOURS;
        let count = if count.is_nan() {
            0.0
        } else {
            count.clamp(0.0, COUNT_MOST)
        };
        self.season.begin(hour, shape);
        let expected = self.season.expected(hour, shape) * common;
        let dispersion = self.season.dispersion();
        if let Some(lasting) = &mut self.alarm {
            lasting.take(count, expected, dispersion);
            return self.end(at.second);
        }
        let change = match self.monitorable() {
            Monitorable::Learning => None,
            Monitorable::Yes | Monitorable::TooQuiet { .. } if !self.season.known() => None,
            Monitorable::Yes => self
                .judge(Direction::Drop, at, count, expected)
                .or_else(|| self.judge(Direction::Spike, at, count, expected)),
            Monitorable::TooQuiet { .. } => self.judge(Direction::Spike, at, count, expected),
        };
        if change.is_none() {
            self.season.learn(hour, count, expected);
        }
        change
    }

    fn judge(&mut self, direction: Direction, at: At, count: f64, expected: f64) -> Option<Change> {
        let tolerance = self.season.tolerance(self.bucket_seconds);
        let cusum = match direction {
            Direction::Drop => &mut self.drop,
            Direction::Spike => &mut self.spike,
        };
        let log_evidence = cusum.take(at.second, count, expected, self.season.dispersion(), tolerance);
        if log_evidence < self.log_threshold {
            return None;
        }
        let alarm = cusum.alarm(at.second, log_evidence);
        self.drop = Cusum::new(Direction::Drop);
        self.spike = Cusum::new(Direction::Spike);
        self.alarm = Some(Lasting {
            alarm,
            recovery: 0.0,
            counted: 0.0,
            expected: 0.0,
            buckets: 0,
        });
        Some(Change::Began(alarm))
    }

    fn end(&mut self, at: i64) -> Option<Change> {
        let lasting = self.alarm?;
        let why = if lasting.recovery >= LOG_RECOVERED {
            Ended::Recovered
        } else if f64::from(lasting.buckets) * f64::from(self.bucket_seconds) >= DAY {
            self.season
                .rescale(lasting.counted / lasting.expected.max(f64::MIN_POSITIVE));
            Ended::Accepted
        } else {
            return None;
        };
        self.alarm = None;
        Some(Change::Ended {
            alarm: lasting.alarm,
            at,
            why,
        })
    }
}

impl Lasting {
    fn take(&mut self, count: f64, expected: f64, dispersion: f64) {
        self.counted += count;
        self.expected += expected;
        self.buckets += 1;
        let bound = self.alarm.direction.bound() * expected;
        self.recovery = self.recovery.max(0.0) + cusum::log_ratio(count, expected, bound, dispersion);
    }
}
