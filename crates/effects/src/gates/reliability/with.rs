//! What a playbook says about reliability.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::id::ComponentName;
use tidegate_domain::time::Duration as Span;

use super::super::load::with::Ask;
use super::super::{program, told};
use crate::drivers::Disturbance;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct With {
    /// Whose instances are disturbed.
    pub component: ComponentName,
    /// The mix that is sent to them all the time.
    pub requests: Vec<Ask>,
    pub disturbances: Vec<Disturb>,
    /// Requests a second, over all instances.
    #[serde(default = "twenty")]
    pub rate: u32,
    /// Of all requests of the run.
    #[serde(default = "one_percent")]
    pub errors_at_most_percent: f64,
    /// Before the first disturbance, and after each.
    #[serde(default = "ten_seconds")]
    pub pause: Span,
    /// A request that is not answered by then has failed.
    #[serde(default = "five_seconds")]
    pub timeout: Span,
    /// A request whose instant comes while so many are under way is dropped.
    #[serde(default = "many")]
    pub in_flight_at_most: usize,
}

/// What is done to the instances.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Disturb {
    /// An instance is stopped as it always is, and starts again.
    Restart {
        #[serde(default = "once")]
        times: u32,
        #[serde(default = "half_a_minute")]
        ready_within: Span,
    },
    /// Its process is killed.
    Kill {
        #[serde(default = "once")]
        times: u32,
        #[serde(default = "half_a_minute")]
        ready_within: Span,
    },
    /// Something that it depends on goes away and comes back.
    Dependency(Dependency),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dependency {
    pub name: String,
    /// Program and arguments that take it away, run in the project's folder without a shell.
    pub lose: Vec<String>,
    /// The same that bring it back. It is run in any case, and perhaps twice.
    pub restore: Vec<String>,
    /// How long it is away.
    #[serde(rename = "for", default = "five_seconds")]
    pub away: Span,
    /// From when it is back.
    #[serde(default = "half_a_minute")]
    pub ready_within: Span,
    /// For either program.
    #[serde(default = "minute")]
    pub timeout: Span,
    /// Variables of the server that they get besides those that every program gets.
    #[serde(default)]
    pub environment: Vec<String>,
}

/// One disturbance of the run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act<'w> {
    Instance { how: Disturbance, ready_within: Span },
    Dependency(&'w Dependency),
}

const RATE_MAX: u32 = 1_000;
const DISTURBANCES_MAX: usize = 20;
const TIMES_MAX: u32 = 20;
const WAIT_MAX: Span = Span::from_secs(600);
const KINDS_MAX: usize = 100;
const WEIGHT_MAX: u32 = 1_000;
const IN_FLIGHT_MAX: usize = 10_000;

fn twenty() -> u32 {
    20
}

fn one_percent() -> f64 {
    1.0
}

fn once() -> u32 {
    1
}

fn five_seconds() -> Span {
    Span::from_secs(5)
}

fn ten_seconds() -> Span {
    Span::from_secs(10)
}

fn half_a_minute() -> Span {
    Span::from_secs(30)
}

fn minute() -> Span {
    Span::from_secs(60)
}

fn many() -> usize {
    256
}

impl With {
    pub fn read(with: &Value) -> Result<Self, String> {
        let with: Self = told(with)?;
        with.check_load()?;
        if with.disturbances.is_empty() || with.disturbances.len() > DISTURBANCES_MAX {
            return Err(format!("`disturbances` lists between one and {DISTURBANCES_MAX}"));
        }
        let mut names = BTreeSet::new();
        for disturb in &with.disturbances {
            match disturb {
                Disturb::Restart { times, ready_within } | Disturb::Kill { times, ready_within } => {
                    if *times == 0 || *times > TIMES_MAX {
                        return Err(format!("`times` is between 1 and {TIMES_MAX}"));
                    }
                    is_wait("ready_within", *ready_within)?;
                }
                Disturb::Dependency(dependency) => {
                    dependency.check()?;
                    if !names.insert(&dependency.name) {
                        return Err(format!("two dependencies have the name `{}`", dependency.name));
                    }
                }
            }
        }
        Ok(with)
    }

    fn check_load(&self) -> Result<(), String> {
        if self.requests.is_empty() || self.requests.len() > KINDS_MAX {
            return Err(format!("`requests` lists between one and {KINDS_MAX} requests"));
        }
        if let Some(ask) = self
            .requests
            .iter()
            .find(|ask| ask.weight == 0 || ask.weight > WEIGHT_MAX)
        {
            return Err(format!("the `weight` of `{}` is between 1 and {WEIGHT_MAX}", ask.path));
        }
        if self.rate == 0 || self.rate > RATE_MAX {
            return Err(format!("`rate` is between 1 and {RATE_MAX} requests a second"));
        }
        if !(0.0..100.0).contains(&self.errors_at_most_percent) {
            return Err("`errors_at_most_percent` is at least 0 and below 100".to_owned());
        }
        if self.in_flight_at_most == 0 || self.in_flight_at_most > IN_FLIGHT_MAX {
            return Err(format!("`in_flight_at_most` is between 1 and {IN_FLIGHT_MAX}"));
        }
        is_wait("timeout", self.timeout)?;
        is_wait("pause", self.pause)
    }

    /// All that is done, in order.
    pub fn acts(&self) -> Vec<Act<'_>> {
        let acts = self.disturbances.iter().flat_map(|disturb| {
            let (act, times) = match disturb {
                Disturb::Restart { times, ready_within } => (instance(Disturbance::Restart, *ready_within), *times),
                Disturb::Kill { times, ready_within } => (instance(Disturbance::Kill, *ready_within), *times),
                Disturb::Dependency(dependency) => (Act::Dependency(dependency), 1),
            };
            std::iter::repeat_n(act, times as usize)
        });
        acts.collect()
    }

    pub fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        self.disturbances.iter().filter_map(|disturb| match disturb {
            Disturb::Dependency(dependency) => Some(dependency),
            Disturb::Restart { .. } | Disturb::Kill { .. } => None,
        })
    }
}

impl Dependency {
    fn check(&self) -> Result<(), String> {
        for (field, command) in [("lose", &self.lose), ("restore", &self.restore)] {
            program::check(command, &self.environment)
                .map_err(|problem| format!("`{field}` of the dependency `{}`: {problem}", self.name))?;
        }
        is_wait("for", self.away)?;
        is_wait("ready_within", self.ready_within)?;
        is_wait("timeout", self.timeout)
    }
}

fn instance(how: Disturbance, ready_within: Span) -> Act<'static> {
    Act::Instance { how, ready_within }
}

fn is_wait(field: &str, span: Span) -> Result<(), String> {
    if span.is_zero() || span > WAIT_MAX {
        return Err(format!("`{field}` is above 0 and {WAIT_MAX} at most"));
    }
    Ok(())
}
