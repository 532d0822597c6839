//! What the hand-overs came to.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::course::HandOver;
use super::trouble::Trouble;
use crate::verb;

pub struct Closing {
    hand_overs: Vec<HandOver>,
    /// The closing document of the generator.
    traffic: Value,
}

/// Every event is booked once, every write arrived once, and the generator kept its schedule.
const ZEROS: [&str; 6] = [
    "/worker/lost",
    "/worker/doubled",
    "/worker/wrong_totals",
    "/lost",
    "/doubled",
    "/dropped",
];

impl Closing {
    pub fn new(hand_overs: Vec<HandOver>, traffic: Value) -> Self {
        Self { hand_overs, traffic }
    }

    fn figure(&self, path: &str) -> u64 {
        // A figure that is not there must not read as zero.
        self.traffic.pointer(path).and_then(Value::as_u64).unwrap_or(u64::MAX)
    }

    pub fn is_good(&self) -> bool {
        let events = self.figure("/worker/events");
        ZEROS.into_iter().all(|path| self.figure(path) == 0)
            && events != u64::MAX
            && events > self.hand_overs.len() as u64
    }

    pub fn document(&self) -> Value {
        let times = Trouble::ALL.into_iter().map(|trouble| {
            let claimed = self.times(trouble, |one| one.claimed_ms);
            let booked = self.times(trouble, |one| one.booked_ms);
            json!({
                "trouble": trouble, "hand_overs": claimed.len(),
                "claimed_ms_p50": middle(&claimed), "claimed_ms_max": claimed.last(),
                "booked_ms_p50": middle(&booked), "booked_ms_max": booked.last(),
            })
        });
        json!({
            "schema_version": verb::SCHEMA_VERSION,
            "hand_overs": self.hand_overs.len(),
            "given_back": self.hand_overs.iter().filter(|one| one.is_back).count(),
            "worker": self.traffic["worker"],
            "requests": {
                "sent": self.figure("/sent"), "lost": self.figure("/lost"),
                "doubled": self.figure("/doubled"), "dropped": self.figure("/dropped"),
            },
            "times": times.collect::<Vec<_>>(),
        })
    }

    pub fn table(&self, took: Duration) -> String {
        let mut table = String::from("\n");
        let back = self.hand_overs.iter().filter(|one| one.is_back).count();
        let _ = writeln!(table, "{} hand-overs, {back} of them back", self.hand_overs.len());
        let rows = [
            ("worker events", "/worker/events"),
            ("  lost", "/worker/lost"),
            ("  doubled", "/worker/doubled"),
            ("  members with a wrong total", "/worker/wrong_totals"),
            ("requests sent", "/sent"),
            ("  lost", "/lost"),
            ("  taken twice", "/doubled"),
        ];
        for (name, path) in rows {
            let _ = writeln!(table, "{name:<34}{:>10}", self.figure(path));
        }
        for trouble in Trouble::ALL {
            let claimed = self.times(trouble, |one| one.claimed_ms);
            let booked = self.times(trouble, |one| one.booked_ms);
            if let (Some(longest), Some(last)) = (claimed.last(), booked.last()) {
                let (half, half_booked) = (
                    middle(&claimed).unwrap_or_default(),
                    middle(&booked).unwrap_or_default(),
                );
                let _ = writeln!(
                    table,
                    "{} hand-overs, {trouble}: claimed in {half} ms (p50), {longest} ms (max); booked again in \
                     {half_booked} ms, {last} ms",
                    claimed.len()
                );
            }
        }
        let verdict = if self.is_good() {
            "each event took effect exactly once"
        } else {
            "something is wrong: see above"
        };
        let _ = writeln!(table, "{verdict}; {:.0} s in all", took.as_secs_f64());
        table
    }

    /// Ascending.
    fn times(&self, trouble: Trouble, of: fn(&HandOver) -> i64) -> Vec<i64> {
        let these = self.hand_overs.iter().filter(|one| one.trouble == trouble);
        let mut times: Vec<i64> = these.map(of).collect();
        times.sort_unstable();
        times
    }
}

fn middle(ascending: &[i64]) -> Option<i64> {
    ascending.get(ascending.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests;
