//! What the demo ends with: the figures of the traffic and of the releases.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::releases::{Ending, Outcome};
use crate::verb;

pub struct Closing {
    /// The closing document of the generator.
    pub traffic: Value,
    pub releases: Vec<Outcome>,
    /// For how long the server did not answer, each time it was killed.
    pub gaps: Vec<Duration>,
}

impl Closing {
    fn figure(&self, path: &str) -> u64 {
        // A figure that is not there must not read as zero.
        self.traffic.pointer(path).and_then(Value::as_u64).unwrap_or(u64::MAX)
    }

    /// Nothing lost, nothing doubled, nothing answered wrong, and the generator kept its schedule.
    pub fn is_good(&self) -> bool {
        let zeros = [
            "/lost",
            "/stale",
            "/doubled",
            "/wrong_tenant",
            "/uncertain",
            "/dropped",
            "/worker/lost",
            "/worker/doubled",
        ];
        zeros.into_iter().all(|path| self.figure(path) == 0) && self.figure("/sent") != u64::MAX
    }

    pub fn document(&self) -> Value {
        let releases: Vec<Value> = self.releases.iter().map(release).collect();
        json!({
            "schema_version": verb::SCHEMA_VERSION,
            "requests": {
                "sent": self.figure("/sent"),
                "lost": self.figure("/lost"),
                "stale": self.figure("/stale"),
                "doubled": self.figure("/doubled"),
                "wrong_tenant": self.figure("/wrong_tenant"),
                "uncertain": self.figure("/uncertain"),
            },
            "worker": {
                "events": self.figure("/worker/events"),
                "lost": self.figure("/worker/lost"),
                "doubled": self.figure("/worker/doubled"),
            },
            "releases": releases,
            "server": {
                "kills": self.gaps.len(),
                "back_ms_max": self.gaps.iter().max().map(Duration::as_millis),
            },
            "traffic": self.traffic,
        })
    }

    pub fn table(&self, took: Duration) -> String {
        let mut table = String::new();
        let rows = [
            ("requests sent", "/sent"),
            ("  lost", "/lost"),
            ("  answered by the wrong version", "/stale"),
            ("  answered for the wrong tenant", "/wrong_tenant"),
            ("  taken twice", "/doubled"),
            ("  errors by the service itself", "/service_errors"),
            ("worker events", "/worker/events"),
            ("  lost", "/worker/lost"),
            ("  doubled", "/worker/doubled"),
        ];
        table.push('\n');
        for (name, path) in rows {
            let _ = writeln!(table, "{name:<34}{:>10}", self.figure(path));
        }
        for outcome in &self.releases {
            let ending = ending(outcome.ending).replace('_', " ");
            let waves = if outcome.waves == 1 {
                "1 wave".to_owned()
            } else {
                format!("{} waves", outcome.waves)
            };
            let _ = write!(table, "release {}: {ending}, {waves}", outcome.version);
            if let Some(slowest) = outcome.switch_ms.iter().max() {
                let _ = write!(table, ", slowest switch {slowest} ms");
            }
            if let (Some(detect), Some(restore)) = (outcome.detect_ms, outcome.restore_ms) {
                let _ = write!(
                    table,
                    ", detected in {}, restored in {}",
                    seconds(detect),
                    seconds(restore)
                );
            }
            table.push('\n');
        }
        if let Some(longest) = self.gaps.iter().max() {
            let _ = writeln!(
                table,
                "server killed {} times, back within {} ms",
                self.gaps.len(),
                longest.as_millis()
            );
        }
        for failure in self
            .traffic
            .pointer("/failures")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let _ = writeln!(table, "failure: {failure}");
        }
        let verdict = if self.is_good() {
            "nothing was lost"
        } else {
            "something was lost: see above"
        };
        let _ = writeln!(table, "{verdict}; {:.0} s in all", took.as_secs_f64());
        table
    }
}

fn release(outcome: &Outcome) -> Value {
    let seconds = |millis: Option<i64>| millis.map(|millis| millis as f64 / 1_000.0);
    json!({
        "version": outcome.version,
        "outcome": ending(outcome.ending),
        "waves": outcome.waves,
        // Of two or three waves, the 99th percentile is the slowest.
        "switch_ms_p99": outcome.switch_ms.iter().max(),
        "detect_s": seconds(outcome.detect_ms),
        "restore_s": seconds(outcome.restore_ms),
        "gates": outcome.gates,
        "failure": outcome.failure,
    })
}

fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Completed => "completed",
        Ending::RolledBack => "rolled_back",
        Ending::Unexpected => "unexpected",
    }
}

fn seconds(millis: i64) -> String {
    format!("{:.1} s", millis as f64 / 1_000.0)
}
