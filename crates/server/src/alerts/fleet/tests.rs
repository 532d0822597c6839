use std::time::Instant;

use super::*;
use crate::fixture::{cell, tenant};

/// 10,000 tenants of 20 requests in a bucket, in ten cells.
#[test]
fn a_round_over_ten_thousand_tenants_is_cheap() {
    let names: Vec<TenantName> = (0..10_000).map(|n| tenant(&format!("t{n}"))).collect();
    let home = |(n, name): (usize, &TenantName)| (name.clone(), cell(&format!("c{}", n % 10)));
    let homes: BTreeMap<TenantName, CellName> = names.iter().enumerate().map(home).collect();
    let tenants = homes.keys().cloned().map(Subject::Tenant);
    let known: BTreeSet<Subject> = tenants.chain(homes.values().cloned().map(Subject::Cell)).collect();
    let totals = Totals {
        requests: 20,
        latency: BTreeMap::from([(5, 12), (9, 8)]),
        ..Totals::NONE
    };
    let counts: BTreeMap<TenantName, Totals> = names.iter().map(|name| (name.clone(), totals.clone())).collect();
    let (mut fleet, watch, mut best) = (Fleet::default(), AlertWatch::default(), f64::INFINITY);
    for round in 0..300 {
        let bucket = Bucket {
            begin: Timestamp(round * 300_000),
            counts: counts.clone(),
        };
        let began = Instant::now();
        let judged = fleet.judge(&bucket, &homes, &known, &watch);
        best = best.min(began.elapsed().as_secs_f64());
        assert_eq!(judged.found, []);
        // A twelfth of them is kept each time, so that an hour keeps all.
        let kept = judged.changed.len();
        assert!((800..900).contains(&kept), "{kept}");
    }
    let series = &fleet.series[&Subject::Tenant(tenant("t0"))];
    let bytes = serde_json::to_string(series).unwrap().len();
    assert!(bytes < 4_000, "{bytes}");
    println!(
        "a round over 10,000 tenants: {:.0} ms at best; {bytes} bytes are kept of each",
        best * 1_000.0
    );
}
