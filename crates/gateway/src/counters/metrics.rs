//! The same figures for Prometheus, summed over tenants so that their number stays bounded.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::Counters;
use crate::protocol::{ErrorReason, LATENCY_EDGES_MICROS, RequestClasses};
use crate::routing::Routing;
use crate::shadow::Shadow;

#[derive(Default)]
struct Sum {
    requests: RequestClasses,
    errors: BTreeMap<ErrorReason, u64>,
    latency: Vec<u64>,
}

/// Prometheus text format 0.0.4.
pub(crate) fn render(counters: &Counters, routing: &Routing, shadow: &Shadow) -> String {
    let mut text = String::new();
    let sums = sums(counters);
    write_sums(&mut text, &sums);
    let mut single = |name: &str, kind: &str, help: &str, value: u64| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    };
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    single(
        "tidegate_connections",
        "gauge",
        "Open client connections",
        load(&counters.connections),
    );
    single(
        "tidegate_retries_total",
        "counter",
        "Requests sent again",
        load(&counters.retries),
    );
    single(
        "tidegate_held_requests_total",
        "counter",
        "Requests that were held",
        load(&counters.held),
    );
    single(
        "tidegate_maintenance_total",
        "counter",
        "Maintenance pages given",
        load(&counters.maintenance),
    );
    single(
        "tidegate_closed_total",
        "counter",
        "Answers given for tenants that are suspended or moving",
        load(&counters.closed),
    );
    single(
        "tidegate_assets_from_before_total",
        "counter",
        "Assets served by the version before",
        load(&counters.assets_from_before),
    );
    let generation = routing.confirmed().map_or(0, |confirmed| confirmed.generation);
    single(
        "tidegate_table_generation",
        "gauge",
        "Generation of the table in use",
        generation,
    );
    family(
        &mut text,
        "tidegate_refused_total",
        "counter",
        "Requests refused before their tenant was known",
    );
    for (reason, count) in counters.unattributed().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "tidegate_refused_total{{reason=\"{}\"}} {count}", reason.word());
    }
    write_in_flight(&mut text, routing);
    write_mirrored(&mut text, shadow);
    text
}

fn write_in_flight(text: &mut String, routing: &Routing) {
    family(
        text,
        "tidegate_in_flight",
        "gauge",
        "Requests, streams and tunnels under way on a slot",
    );
    for (slot, count) in routing.under_way() {
        let slot = escaped(slot.as_str());
        let _ = writeln!(text, "tidegate_in_flight{{slot=\"{slot}\"}} {count}");
    }
}

fn write_mirrored(text: &mut String, shadow: &Shadow) {
    let mirrored = shadow.total();
    let left_out = mirrored.busy + mirrored.too_large + mirrored.incomplete;
    for (name, help, value) in [
        (
            "tidegate_mirrored",
            "Requests mirrored for the taps that are held now",
            mirrored.mirrored,
        ),
        (
            "tidegate_not_mirrored",
            "Requests that were chosen for these taps and not mirrored",
            left_out,
        ),
    ] {
        family(text, name, "gauge", help);
        let _ = writeln!(text, "{name} {value}");
    }
}

fn sums(counters: &Counters) -> BTreeMap<(String, String), Sum> {
    let mut sums: BTreeMap<(String, String), Sum> = BTreeMap::new();
    for series in counters.all_series() {
        let totals = series.totals();
        let sum = sums.entry((totals.version, totals.cell)).or_default();
        sum.requests.successes += totals.requests.successes;
        sum.requests.redirections += totals.requests.redirections;
        sum.requests.client_errors += totals.requests.client_errors;
        sum.requests.server_errors += totals.requests.server_errors;
        for (reason, count) in totals.errors {
            *sum.errors.entry(reason).or_default() += count;
        }
        sum.latency.resize(LATENCY_EDGES_MICROS.len() + 1, 0);
        for (bin, count) in series.latency().enumerate() {
            sum.latency[bin] += count;
        }
    }
    sums
}

fn write_sums(text: &mut String, sums: &BTreeMap<(String, String), Sum>) {
    let labels =
        |(version, cell): &(String, String)| format!("version=\"{}\",cell=\"{}\"", escaped(version), escaped(cell));
    family(
        text,
        "tidegate_requests_total",
        "counter",
        "Answers of the service by class of status",
    );
    for (key, sum) in sums {
        let labels = labels(key);
        let RequestClasses {
            successes,
            redirections,
            client_errors,
            server_errors,
        } = sum.requests;
        for (class, count) in [
            ("2xx", successes),
            ("3xx", redirections),
            ("4xx", client_errors),
            ("5xx", server_errors),
        ] {
            let _ = writeln!(text, "tidegate_requests_total{{{labels},class=\"{class}\"}} {count}");
        }
    }
    family(
        text,
        "tidegate_errors_total",
        "counter",
        "Answers made or broken off by the gateway",
    );
    for (key, sum) in sums {
        for (reason, count) in &sum.errors {
            let _ = writeln!(
                text,
                "tidegate_errors_total{{{},reason=\"{}\"}} {count}",
                labels(key),
                reason.word()
            );
        }
    }
    family(
        text,
        "tidegate_latency_seconds",
        "histogram",
        "Time to the head of the answer",
    );
    for (key, sum) in sums {
        let labels = labels(key);
        let mut below = 0;
        // Every fourth edge: a ratio of about 2.4 is enough to look at, and keeps the page short.
        for (bin, count) in sum.latency.iter().enumerate() {
            below += count;
            if let Some(edge) = LATENCY_EDGES_MICROS.get(bin).filter(|_| bin % 4 == 3) {
                let seconds = *edge as f64 / 1e6;
                let _ = writeln!(
                    text,
                    "tidegate_latency_seconds_bucket{{{labels},le=\"{seconds}\"}} {below}"
                );
            }
        }
        let _ = writeln!(text, "tidegate_latency_seconds_bucket{{{labels},le=\"+Inf\"}} {below}");
        let _ = writeln!(text, "tidegate_latency_seconds_count{{{labels}}} {below}");
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
