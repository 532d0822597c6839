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
    for round in 0..30 {
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

/// What a tenant does in a bucket, by its number: its requests, and those of them that fail.
type Does = fn(usize) -> (u64, u64);

/// Forty tenants of one cell that do the same in every bucket, as often as is said, judged; what has begun in the last bucket.
fn begun(series: &[(usize, Does)]) -> Vec<(String, AlertKind)> {
    let names: Vec<TenantName> = (0..40).map(|n| tenant(&format!("t{n}"))).collect();
    let homes: BTreeMap<TenantName, CellName> = names.iter().map(|name| (name.clone(), cell("eu"))).collect();
    let tenants = names.iter().cloned().map(Subject::Tenant);
    let known: BTreeSet<Subject> = tenants.chain([Subject::Cell(cell("eu"))]).collect();
    let (mut fleet, watch, mut begun, mut bucket) = (Fleet::default(), AlertWatch::default(), Vec::new(), 0);
    for (buckets, does) in series {
        for _ in 0..*buckets {
            let counts = names.iter().enumerate().map(|(n, name)| {
                let (requests, errors) = does(n);
                let totals = Totals {
                    requests,
                    errors,
                    ..Totals::NONE
                };
                (name.clone(), totals)
            });
            let counts = counts.collect();
            let begin = Timestamp(bucket * 300_000);
            let judged = fleet.judge(&Bucket { begin, counts }, &homes, &known, &watch);
            begun.extend(judged.found.into_iter().filter_map(|found| match found {
                Found::Began(alarm) => Some((alarm.subject.to_string(), alarm.kind)),
                Found::Ended { .. } => None,
            }));
            bucket += 1;
        }
    }
    begun
}

#[test]
fn trouble_too_thin_for_each_tenant_is_that_of_their_cell() {
    let fails = begun(&[(100, |_| (2, 0)), (2, |n| (2, u64::from(n % 2 == 0)))]);
    assert_eq!(fails, [("cell/eu".to_owned(), AlertKind::Errors)]);
    let silent = begun(&[(9 * 288, |_| (2, 0)), (2, |_| (0, 0))]);
    assert_eq!(silent[0], ("cell/eu".to_owned(), AlertKind::VolumeDrop));
    assert!(silent.len() < 3, "what befalls all is not told of each: {silent:?}");
}

#[test]
fn what_is_wrong_with_a_few_is_not_that_of_their_cell() {
    let fails = begun(&[(100, |_| (20, 0)), (10, |n| (20, if n < 2 { 18 } else { 0 }))]);
    let told = |n: usize| (format!("tenant/t{n}"), AlertKind::Errors);
    assert_eq!(fails, [told(0), told(1)]);
    // The largest by far falls silent.
    let large: fn(usize) -> (u64, u64) = |n| (if n == 0 { 2_000 } else { 2 }, 0);
    let silent = begun(&[(9 * 288, large), (3, |n| (if n == 0 { 0 } else { 2 }, 0))]);
    assert_eq!(silent, [("tenant/t0".to_owned(), AlertKind::VolumeDrop)]);
}
