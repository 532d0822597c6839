//! What a run came to, and whether that is good enough.

use serde::Serialize;
use serde_json::Value;

use super::gateways::Holdings;
use super::steering::Confirmation;
use crate::verb::SCHEMA_VERSION;

const FAILURES_TOLD: usize = 10;
/// Classes that end with the instance that answers them: what a death costs.
const STREAMS: [&str; 3] = ["feed", "live", "upload"];

#[derive(Debug, Serialize)]
pub struct Report {
    schema_version: u32,
    pub switches: usize,
    pub handovers: usize,
    pub publisher_kills: usize,
    /// Slots that were replaced by another one of the same version, drained and stopped.
    pub slots_renewed: usize,
    pub tenants: usize,
    pub seconds: f64,
    /// Where no instance dies.
    requests: Requests,
    /// From publishing to the confirmation of the last gateway, persisting included; without the switches through which the
    /// publisher was killed.
    switch_ms: Spread,
    /// Of that, persisting: write, fsync, rename, fsync.
    persist_ms: Spread,
    /// The difference, switch by switch.
    switch_without_persist_ms: Spread,
    gateway: Growth,
    by_class: Value,
    upstream_deaths: Deaths,
    /// Why the run is no good; empty where it is.
    pub findings: Vec<String>,
}

/// As the generator's closing document has it.
#[derive(Debug, Default, Serialize)]
struct Requests {
    sent: u64,
    answered: u64,
    lost: u64,
    /// Streams and uploads among the lost.
    cut: u64,
    stale: u64,
    doubled: u64,
    wrong_tenant: u64,
    uncertain: u64,
    service_errors: u64,
    /// Ids that reached the service twice and took effect once.
    repeated: u64,
    dropped: u64,
}

/// The load on the cell in which instances are killed.
#[derive(Debug, Default, Serialize)]
struct Deaths {
    deaths: usize,
    requests: Requests,
    by_class: Value,
}

#[derive(Debug, Default, Serialize)]
struct Spread {
    p50: f64,
    p99: f64,
    max: f64,
}

/// Of the last gateway process, since all hand-overs were done.
#[derive(Debug, Default, Serialize)]
struct Growth {
    fds_before: u64,
    fds_after: u64,
    rss_before_mb: f64,
    rss_after_mb: f64,
}

/// What the conductor saw.
#[derive(Debug, Default)]
pub struct Observed {
    pub handovers: usize,
    pub publisher_kills: usize,
    pub slots_renewed: usize,
    pub deaths: usize,
    pub confirmations: Vec<Confirmation>,
    pub switches: usize,
    pub before: Holdings,
    pub after: Holdings,
}

impl Report {
    /// From what the conductor saw, and the closing documents of the generators.
    pub fn new(observed: &Observed, safe: &Value, mortal: &Value) -> Self {
        let millis = |micros: u64| micros as f64 / 1_000.0;
        let whole = |one: &Confirmation| one.confirmed_micros.saturating_sub(one.published_micros);
        let spread = |of: &dyn Fn(&Confirmation) -> u64| {
            Spread::of(observed.confirmations.iter().map(|one| millis(of(one))).collect())
        };
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            switches: observed.switches,
            handovers: observed.handovers,
            publisher_kills: observed.publisher_kills,
            slots_renewed: observed.slots_renewed,
            tenants: 0,
            seconds: 0.0,
            requests: Requests::read(safe),
            switch_ms: spread(&whole),
            persist_ms: spread(&|one| one.persist_micros),
            switch_without_persist_ms: spread(&|one| whole(one).saturating_sub(one.persist_micros)),
            gateway: Growth {
                fds_before: observed.before.descriptors,
                fds_after: observed.after.descriptors,
                rss_before_mb: observed.before.resident_mb,
                rss_after_mb: observed.after.resident_mb,
            },
            by_class: safe["by_class"].clone(),
            upstream_deaths: Deaths {
                deaths: observed.deaths,
                requests: Requests::read(mortal),
                by_class: mortal["by_class"].clone(),
            },
            findings: Vec::new(),
        };
        report.judge(safe, mortal);
        report
    }

    fn judge(&mut self, safe: &Value, mortal: &Value) {
        let deaths = &self.upstream_deaths.requests;
        let zeros = [
            ("lost", self.requests.lost),
            (
                "answered by a version that had been switched away from",
                self.requests.stale,
            ),
            ("took effect more than once", self.requests.doubled),
            ("answered for another tenant", self.requests.wrong_tenant),
            (
                "answered with an error by a service that has none",
                self.requests.service_errors,
            ),
            (
                "not sent, the generator could not keep up: the run is invalid",
                self.requests.dropped,
            ),
            (
                "lost where an instance died, though they could be repeated",
                deaths.lost - deaths.cut,
            ),
            ("answered by an old version where an instance died", deaths.stale),
            ("took effect more than once where an instance died", deaths.doubled),
            (
                "answered for another tenant where an instance died",
                deaths.wrong_tenant,
            ),
        ];
        let findings = zeros.into_iter().filter(|(_, count)| *count > 0);
        self.findings = findings.map(|(what, count)| format!("{count} {what}")).collect();
        if self.requests.sent == 0 || deaths.sent == 0 {
            self.findings.push("nothing was sent".to_owned());
        }
        if !self.findings.is_empty() {
            let failures = [safe, mortal].into_iter().filter_map(|one| one["failures"].as_array());
            let told = failures.flatten().map(|failure| format!("such as {failure}"));
            self.findings.extend(told.take(FAILURES_TOLD));
        }
    }

    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let Requests {
            sent,
            lost,
            cut,
            stale,
            doubled,
            wrong_tenant,
            uncertain,
            dropped,
            ..
        } = self.requests;
        let deaths = &self.upstream_deaths;
        let Spread { p50, p99, max } = self.switch_without_persist_ms;
        let persist = &self.persist_ms;
        let growth = &self.gateway;
        let mut lines = vec![
            format!(
                "{} switches of {} tenants, {} hand-overs, {} publisher kills, {} slots renewed in {:.0} s",
                self.switches, self.tenants, self.handovers, self.publisher_kills, self.slots_renewed, self.seconds
            ),
            format!(
                "{sent} requests: {lost} lost ({cut} of them cut), {stale} stale, {doubled} doubled, {wrong_tenant} to the wrong \
                 tenant, {uncertain} uncertain, {dropped} not sent"
            ),
            format!("switch confirmed: p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms"),
            format!("and persisting: p50 {:.1} ms, p99 {:.1} ms", persist.p50, persist.p99),
            format!(
                "gateway: {} to {} descriptors, {:.0} to {:.0} MB",
                growth.fds_before, growth.fds_after, growth.rss_before_mb, growth.rss_after_mb
            ),
            format!(
                "{} instances killed under {} requests: {} streams and uploads cut, {} others lost, {} doubled",
                deaths.deaths,
                deaths.requests.sent,
                deaths.requests.cut,
                deaths.requests.lost - deaths.requests.cut,
                deaths.requests.doubled
            ),
        ];
        lines.extend(self.findings.iter().map(|finding| format!("finding: {finding}")));
        lines
    }
}

impl Requests {
    fn read(document: &Value) -> Self {
        let count = |name: &str| document[name].as_u64().unwrap_or_default();
        let lost_of = |class: &str| document["by_class"][class]["lost"].as_u64().unwrap_or_default();
        Self {
            sent: count("sent"),
            answered: count("answered"),
            lost: count("lost"),
            cut: STREAMS.into_iter().map(lost_of).sum(),
            stale: count("stale"),
            doubled: count("doubled"),
            wrong_tenant: count("wrong_tenant"),
            uncertain: count("uncertain"),
            service_errors: count("service_errors"),
            repeated: count("repeated"),
            dropped: count("dropped"),
        }
    }
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (figures.len() as f64 * share).ceil() as usize;
            figures.get(place.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self {
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests;
