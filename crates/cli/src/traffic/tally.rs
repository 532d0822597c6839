//! What became of every request.

use std::collections::{BTreeMap, HashMap};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::config::Class;
use super::freshness::{Freshness, Mark, Observation};

const FAILURES_MAX: usize = 20;
/// The word of the gateway for a service that closed the connection instead of answering.
const UPSTREAM_BROKEN: &str = "upstream_broken";
const LATENCY_MICROS_MAX: u64 = 600_000_000;

/// An answer that arrived whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who answered, by its own word.
    pub version: String,
    /// For whom, by its own word.
    pub tenant: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No whole answer.
    Incomplete(String),
    /// An answer the gateway made, by its reason.
    Gateway(String),
    /// An answer of the service that is an error: honest, and not lost.
    Service { status: u16, answer: Answer },
}

/// One request, and what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    pub class: Class,
    /// Place in the list of tenants.
    pub tenant: usize,
    /// When it should have been sent, which is what its latency counts from.
    pub scheduled_micros: u64,
    pub began_micros: u64,
    /// The number in the id of a request that writes.
    pub write: Option<u64>,
}

#[derive(Debug)]
pub struct Tally {
    started_micros: u64,
    tenants: Vec<TenantTally>,
    places: HashMap<String, usize>,
    classes: BTreeMap<Class, ClassTally>,
    gateway_errors: BTreeMap<String, u64>,
    service_errors: BTreeMap<u16, u64>,
    failures: Vec<FirstFailure>,
    stale: u64,
    wrong_tenant: u64,
    dropped: u64,
}

#[derive(Debug)]
struct TenantTally {
    name: String,
    freshness: Freshness,
    last_version: Option<String>,
    /// Numbers of the writes that were answered for.
    acknowledged: Vec<u64>,
}

#[derive(Debug)]
struct ClassTally {
    sent: u64,
    answered: u64,
    lost: u64,
    uncertain: u64,
    service_errors: u64,
    latency_micros: Histogram<u64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FirstFailure {
    class: Class,
    tenant: String,
    /// Since the start of the run.
    seconds: f64,
    reason: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub sent: u64,
    pub answered: u64,
    pub lost: u64,
    /// Writes that were sent to a service which closed the connection: nobody may repeat them, and they may have taken effect.
    pub uncertain: u64,
    pub service_errors: u64,
    pub stale: u64,
    pub wrong_tenant: u64,
    pub dropped: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct ClassReport {
    sent: u64,
    answered: u64,
    lost: u64,
    uncertain: u64,
    service_errors: u64,
    p50_micros: u64,
    p99_micros: u64,
    max_micros: u64,
}

impl Tally {
    pub fn new(started_micros: u64, tenants: impl Iterator<Item = String>) -> Tally {
        let tenants = tenants.map(|name| TenantTally {
            name,
            freshness: Freshness::default(),
            last_version: None,
            acknowledged: Vec::new(),
        });
        let tenants: Vec<_> = tenants.collect();
        let names = tenants.iter().map(|tenant| tenant.name.clone());
        Tally {
            started_micros,
            places: names.zip(0..).collect(),
            tenants,
            classes: BTreeMap::new(),
            gateway_errors: BTreeMap::new(),
            service_errors: BTreeMap::new(),
            failures: Vec::new(),
            stale: 0,
            wrong_tenant: 0,
            dropped: 0,
        }
    }

    pub fn sent(&mut self, class: Class) {
        self.class(class).sent += 1;
    }

    /// Not sent, since too many were under way.
    pub fn dropped(&mut self) {
        self.dropped += 1;
    }

    pub fn finished(&mut self, sent: Sent, result: Result<Answer, Failure>, now_micros: u64) {
        let latency = now_micros.saturating_sub(sent.scheduled_micros);
        match result {
            Ok(answer) => {
                let class = self.class(sent.class);
                class.answered += 1;
                class.latency_micros.saturating_record(latency);
                self.tenants[sent.tenant].acknowledged.extend(sent.write);
                self.answered(sent, answer);
            }
            Err(Failure::Service { status, answer }) => {
                self.class(sent.class).service_errors += 1;
                *self.service_errors.entry(status).or_default() += 1;
                self.answered(sent, answer);
            }
            Err(Failure::Gateway(reason)) => {
                if sent.write.is_some() && reason == UPSTREAM_BROKEN {
                    self.class(sent.class).uncertain += 1;
                } else {
                    self.class(sent.class).lost += 1;
                }
                self.note(
                    sent.class,
                    sent.tenant,
                    sent.began_micros,
                    format!("the gateway answered `{reason}`"),
                );
                *self.gateway_errors.entry(reason).or_default() += 1;
            }
            Err(Failure::Incomplete(reason)) => {
                self.class(sent.class).lost += 1;
                self.note(sent.class, sent.tenant, sent.began_micros, reason);
            }
        }
    }

    pub fn mark(&mut self, tenant: &str, mark: &Mark) {
        if let Some(place) = self.places.get(tenant) {
            self.tenants[*place].freshness.mark(mark.clone());
        }
    }

    /// Judges the answers to requests sent before that instant.
    pub fn judge(&mut self, before_micros: u64) {
        for tenant in 0..self.tenants.len() {
            for stale in self.tenants[tenant].freshness.judge(before_micros) {
                self.stale += 1;
                let reason = format!("stale answer by version {}", stale.version);
                self.note(stale.class, tenant, stale.began_micros, reason);
            }
        }
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            stale: self.stale,
            wrong_tenant: self.wrong_tenant,
            dropped: self.dropped,
            ..Counts::default()
        };
        for class in self.classes.values() {
            counts.sent += class.sent;
            counts.answered += class.answered;
            counts.lost += class.lost;
            counts.uncertain += class.uncertain;
            counts.service_errors += class.service_errors;
        }
        counts
    }

    pub fn by_class(&self) -> BTreeMap<Class, ClassReport> {
        self.classes
            .iter()
            .map(|(class, tally)| (*class, tally.report()))
            .collect()
    }

    pub fn gateway_errors(&self) -> &BTreeMap<String, u64> {
        &self.gateway_errors
    }

    /// By status.
    pub fn service_errors(&self) -> &BTreeMap<u16, u64> {
        &self.service_errors
    }

    pub fn failures(&self) -> &[FirstFailure] {
        &self.failures
    }

    pub fn last_versions(&self) -> BTreeMap<&str, Option<&str>> {
        let last = self
            .tenants
            .iter()
            .map(|one| (one.name.as_str(), one.last_version.as_deref()));
        last.collect()
    }

    /// Numbers of the writes of one tenant that were answered for.
    pub fn acknowledged(&self, tenant: usize) -> &[u64] {
        &self.tenants[tenant].acknowledged
    }

    fn answered(&mut self, sent: Sent, answer: Answer) {
        let tenant = &mut self.tenants[sent.tenant];
        if answer.tenant != tenant.name {
            self.wrong_tenant += 1;
            self.note(
                sent.class,
                sent.tenant,
                sent.began_micros,
                format!("answered for tenant `{}`", answer.tenant),
            );
            return;
        }
        tenant.last_version = Some(answer.version.clone());
        tenant.freshness.observe(Observation {
            class: sent.class,
            began_micros: sent.began_micros,
            version: answer.version,
        });
    }

    fn note(&mut self, class: Class, tenant: usize, began_micros: u64, reason: String) {
        if self.failures.len() < FAILURES_MAX {
            let micros = began_micros.saturating_sub(self.started_micros);
            self.failures.push(FirstFailure {
                class,
                tenant: self.tenants[tenant].name.clone(),
                seconds: micros as f64 / 1e6,
                reason,
            });
        }
    }

    fn class(&mut self, class: Class) -> &mut ClassTally {
        self.classes.entry(class).or_insert_with(|| ClassTally {
            sent: 0,
            answered: 0,
            lost: 0,
            uncertain: 0,
            service_errors: 0,
            latency_micros: Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 2).expect("the bounds are in order"),
        })
    }
}

impl ClassTally {
    fn report(&self) -> ClassReport {
        ClassReport {
            sent: self.sent,
            answered: self.answered,
            lost: self.lost,
            uncertain: self.uncertain,
            service_errors: self.service_errors,
            p50_micros: self.latency_micros.value_at_quantile(0.5),
            p99_micros: self.latency_micros.value_at_quantile(0.99),
            max_micros: self.latency_micros.max(),
        }
    }
}
