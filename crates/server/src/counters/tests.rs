use tidegate_gateway::protocol::{ErrorReason, Mark, RequestClasses};

use super::*;
use crate::fixture::{tenant, version};

/// Figures of `acme` on 1.0.0 as they stood at `at_ms`: so many successes, so many 5xx.
fn report(marks: &[(u64, u64, u64)]) -> Report {
    let mark = |(at_ms, successes, server_errors): &(u64, u64, u64)| Mark {
        at_ms: *at_ms,
        series: vec![SeriesTotals {
            tenant: "acme".to_owned(),
            version: "1.0.0".to_owned(),
            cell: "eu".to_owned(),
            requests: RequestClasses {
                successes: *successes,
                server_errors: *server_errors,
                ..RequestClasses::default()
            },
            errors: BTreeMap::new(),
            timeouts: 0,
            error_clients: 0,
            latency: vec![(3, successes + server_errors)],
            in_flight: 0,
        }],
    };
    Report {
        gateway: "a".to_owned(),
        incarnation: "1".to_owned(),
        publisher: Some("s".to_owned()),
        more: false,
        taps: None,
        marks: marks.iter().map(mark).collect(),
    }
}

fn total(counters: &Counters) -> (u64, u64) {
    let total = counters.total(&tenant("acme"), &version("1.0.0"));
    (total.requests, total.errors)
}

fn recent(counters: &Counters, now_ms: i64) -> u64 {
    let now = Timestamp(now_ms);
    counters.recent(&tenant("acme"), &version("1.0.0"), now).requests
}

#[test]
fn figures_that_grow_become_differences_and_a_lost_call_loses_nothing() {
    let counters = Counters::new("s");
    counters.take(&report(&[(1_000, 10, 1)]), false, Timestamp(1_000));
    assert_eq!(total(&counters), (11, 1));
    // The call at 2,000 was lost.
    counters.take(&report(&[(3_000, 30, 1)]), false, Timestamp(3_000));
    assert_eq!(total(&counters), (31, 1));
}

#[test]
fn the_same_report_twice_counts_once_and_a_late_one_not_at_all() {
    let counters = Counters::new("s");
    let now = Timestamp(40_000);
    counters.take(&report(&[(30_000, 10, 0), (31_000, 12, 0)]), false, now);
    counters.take(&report(&[(30_000, 10, 0), (31_000, 12, 0)]), false, now);
    counters.take(&report(&[(20_000, 5, 0)]), false, now);
    assert_eq!(total(&counters), (12, 0));
}

#[test]
fn what_a_gateway_counted_before_this_server_began_is_of_no_known_time() {
    let counters = Counters::new("s");
    counters.take(&report(&[(1_000, 5_000, 50)]), true, Timestamp(1_000));
    assert_eq!(total(&counters), (0, 0));
    counters.take(&report(&[(2_000, 5_010, 51)]), true, Timestamp(2_000));
    assert_eq!(total(&counters), (11, 1));
}

#[test]
fn only_the_last_ten_minutes_are_recent() {
    let counters = Counters::new("s");
    for minute in 1..=20 {
        counters.take(&report(&[(minute * 60_000, minute * 10, 0)]), false, Timestamp(0));
    }
    assert_eq!(total(&counters).0, 200);
    assert_eq!(recent(&counters, 1_200_000), 100);
    assert_eq!(recent(&counters, 1_500_000), 50);
}

#[test]
fn what_the_client_did_wrong_is_no_failure_of_the_service() {
    let mut row = report(&[(1, 10, 0)]).marks.remove(0).series.remove(0);
    row.errors = BTreeMap::from([(ErrorReason::BadRequest, 3), (ErrorReason::Unreachable, 2)]);
    let totals = Totals::of(&row);
    assert_eq!((totals.requests, totals.errors), (12, 2));
    assert_eq!(totals.sample().latency[3], 10);
}

#[test]
fn gateways_that_are_gone_are_forgotten_and_their_counts_stay() {
    let counters = Counters::new("s");
    counters.take(&report(&[(1_000, 10, 0)]), false, Timestamp(1_000));
    counters.tidy(&[], Timestamp(2_000));
    assert!(counters.table().gateways.is_empty());
    assert_eq!(total(&counters).0, 10);
    counters.tidy(&[], Timestamp(IDLE_MS + 60_000));
    assert_eq!(total(&counters).0, 0);
}

#[test]
fn what_a_tenant_has_sent_in_all_does_not_shrink_when_a_version_is_forgotten() {
    let counters = Counters::new("s");
    counters.take(&report(&[(1_000, 10, 1)]), false, Timestamp(1_000));
    let mut later = report(&[(90_000_000, 5, 0)]);
    later.marks[0].series[0].version = "2.0.0".to_owned();
    counters.take(&later, false, Timestamp(90_000_000));
    counters.tidy(&["a/1".to_owned()], Timestamp(90_000_000));
    assert_eq!(total(&counters), (0, 0), "nobody has used 1.0.0 for a day");
    assert_eq!(counters.by_tenant()[&tenant("acme")].requests, 16);
    counters.tidy(&[], Timestamp(190_000_000));
    assert_eq!(counters.by_tenant(), BTreeMap::new());
}
