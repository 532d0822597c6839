//! What gates want to be mirrored, as gateways are told it, and what gateways have seen, as gates take it.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_domain::id::TenantName;
use tidegate_effects::gates::tap::{Answer, Counts, Order, Pair, Taps};
use tidegate_gateway::protocol::{
    MirrorCounts, Mirrored, MirroredAnswer, MirroredPair, Report, Tap, TapEndpoint, TapPlan,
};

use crate::table;

/// Without being told again. A gateway asks each second.
const LEASE: Duration = Duration::from_secs(10);

/// What the gateway that reports is to mirror.
pub fn wanted(taps: &Taps, report: &Report) -> Vec<Tap> {
    let wanted = taps.wanted(&report.gateway, report.taps.is_some());
    let Some(held) = &report.taps else {
        return Vec::new();
    };
    let taps = wanted.into_iter().map(|(id, order)| Tap {
        lease_ms: milliseconds(LEASE),
        plan: (!held.contains(&id)).then(|| plan(&order)),
        id,
    });
    taps.collect()
}

/// Takes in what a gateway has seen.
pub fn take(taps: &Taps, mirrored: Mirrored) {
    let process = format!("{}/{}", mirrored.gateway, mirrored.incarnation);
    for (tap, counts) in mirrored.taps {
        taps.count(&tap, &process, counted(counts));
    }
    for mirrored in mirrored.pairs {
        // A tenant's name comes from the table that it was told: one that is none is nobody's.
        if let Ok(tenant) = TenantName::new(mirrored.tenant.as_str()) {
            let tap = mirrored.tap.clone();
            taps.see(&tap, pair(mirrored, tenant));
        }
    }
}

fn plan(order: &Order) -> TapPlan {
    let versions = order.from.iter();
    let endpoints = order.endpoints.iter().map(|endpoint| TapEndpoint {
        method: endpoint.method.clone(),
        path: endpoint.path.clone(),
    });
    TapPlan {
        component: order.component.as_str().into(),
        tenants: order.tenants.iter().map(|tenant| tenant.as_str().into()).collect(),
        versions: versions
            .map(|(cell, from)| (table::key(cell, from), table::key(cell, &order.to)))
            .collect(),
        basis_points: order.basis_points,
        endpoints: endpoints.collect(),
        body_bytes_max: order.body_bytes_max,
        in_flight_max: order.in_flight_max,
        timeout_ms: milliseconds(order.timeout),
        without_headers: order.without_headers.clone(),
    }
}

fn counted(counts: MirrorCounts) -> Counts {
    let MirrorCounts {
        matched,
        chosen,
        mirrored,
        busy,
        too_large,
        incomplete,
        no_instance,
        undelivered,
    } = counts;
    Counts {
        matched,
        chosen,
        mirrored,
        busy,
        too_large,
        incomplete,
        no_instance,
        undelivered,
    }
}

fn pair(mirrored: MirroredPair, tenant: TenantName) -> Pair {
    Pair {
        id: mirrored.id,
        tenant,
        method: mirrored.method,
        path: mirrored.path,
        old: answer(mirrored.old),
        new: answer(mirrored.new),
        again: answer(mirrored.again),
    }
}

fn answer(answer: MirroredAnswer) -> Answer {
    match answer {
        MirroredAnswer::Answered {
            status,
            headers: named,
            body,
            micros,
        } => {
            let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (name, value) in named {
                headers.entry(name).or_default().push(value);
            }
            Answer::Answered {
                status,
                headers,
                body: body.into_bytes(),
                milliseconds: micros.map(|micros| micros as f64 / 1_000.0),
            }
        }
        MirroredAnswer::Failed { timed_out } => Answer::Failed { timed_out },
    }
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
