use std::collections::BTreeMap;
use std::slice::from_ref;

use tidegate_domain::id::WaveName;
use tidegate_domain::monitor::Assignment;
use tidegate_domain::policy::HealthPolicy;
use tidegate_domain::time::Duration as Span;
use tidegate_evidence::Evidence;
use tidegate_gateway::protocol::{Mark, Report, RequestClasses, SeriesTotals};
use tidegate_store::Store;

use super::*;
use crate::fixture::{cell, service, tenant, version};

fn policy() -> HealthPolicy {
    HealthPolicy {
        alpha: 0.01,
        false_alarms_per_day: 0.01,
        margin: 1.5,
        error_margin_percent: 1.0,
        error_ceiling_percent: 5.0,
        latency_quantile: 0.95,
        latency_ratio: 1.5,
        latency_slack: Span::from_millis(50),
        interval: Span::from_secs(1),
    }
}

fn monitor(tenants: &[&str]) -> Monitor {
    Monitor {
        version: version("2.0.0"),
        wave: WaveName::new("first").unwrap(),
        attempt: 1,
        assignment: Assignment::Tenants,
        tenants: tenants
            .iter()
            .map(|name| (tenant(name), Some(version("1.0.0"))))
            .collect(),
        since: Timestamp(0),
        policy: policy(),
        requests_min: 50,
        confirmed: false,
    }
}

/// `acme` and `bolt` on 1.0.0, unless they have moved.
fn state(moved: &[&str]) -> Service {
    let mut state = Service::new(service());
    for name in ["acme", "bolt"] {
        let on = if moved.contains(&name) { "2.0.0" } else { "1.0.0" };
        let seat = tidegate_domain::service::Seat::new(cell("eu"), Some(version(on)), 1);
        state.seats.insert(tenant(name), seat);
    }
    state
}

fn count(counters: &Counters, at_ms: u64, rows: &[(&str, &str, u64, u64)]) {
    told(counters, "1", false, at_ms, rows);
}

/// What one gateway process tells; an adopted one is older than the server.
fn told(counters: &Counters, incarnation: &str, adopted: bool, at_ms: u64, rows: &[(&str, &str, u64, u64)]) {
    let row = |(tenant, version, requests, errors): &(&str, &str, u64, u64)| SeriesTotals {
        tenant: (*tenant).to_owned(),
        version: (*version).to_owned(),
        cell: "eu".to_owned(),
        requests: RequestClasses {
            successes: requests - errors,
            server_errors: *errors,
            ..RequestClasses::default()
        },
        errors: BTreeMap::new(),
        timeouts: 0,
        error_clients: *errors,
        latency: vec![(5, *requests)],
        in_flight: 0,
    };
    let report = Report {
        gateway: "a".to_owned(),
        incarnation: incarnation.to_owned(),
        publisher: Some("s".to_owned()),
        more: false,
        taps: None,
        marks: vec![Mark {
            at_ms,
            series: rows.iter().map(row).collect(),
        }],
    };
    counters.take(&report, adopted, Timestamp(i64::try_from(at_ms).unwrap()));
}

async fn follow(watches: &mut Watches, monitors: &[Monitor], moved: &[&str], counters: &Counters, now_ms: i64) {
    let (state, now) = (state(moved), Timestamp(now_ms));
    let heard = counters.has_heard(&["a/1".to_owned()]);
    watches.follow(monitors, &state, (counters, heard), now).await.unwrap();
}

fn evidence(watches: &mut Watches, monitor: &Monitor, moved: &[&str], counters: &Counters) -> Evidence {
    let watch = watches.get_mut(&watch::Key::of(monitor)).unwrap();
    watch.evidence(monitor, &state(moved), counters)
}

/// Looks once more, and says what all looks so far do.
fn look(watches: &mut Watches, monitor: &Monitor, moved: &[&str], counters: &Counters) -> Judgement {
    let watch = watches.get_mut(&watch::Key::of(monitor)).unwrap();
    watch.look(monitor, &state(moved), counters);
    watch.judge(monitor, Some(0))
}

#[tokio::test]
async fn a_tenant_is_compared_with_itself_and_with_those_who_stayed() {
    let store = Store::memory();
    let counters = Counters::new("s");
    let mut watches = Watches::new(store.clone(), service());
    count(
        &counters,
        1_000,
        &[("acme", "1.0.0", 100, 0), ("bolt", "1.0.0", 200, 0)],
    );
    let moved = monitor(&["acme"]);
    follow(&mut watches, from_ref(&moved), &["acme"], &counters, 2_000).await;
    for look_at in 0..=6 {
        let rows = [
            ("acme", "2.0.0", 10 * look_at, 5 * look_at),
            ("bolt", "1.0.0", 200 + 10 * look_at, 0),
        ];
        count(&counters, 3_000 + look_at, &rows);
        look(&mut watches, &moved, &["acme"], &counters);
    }
    let found = evidence(&mut watches, &moved, &["acme"], &counters);
    let acme = &found.tenants["acme"];
    assert_eq!(
        (acme.before.requests, acme.after.requests, acme.after.errors),
        (100, 60, 30)
    );
    assert_eq!((found.stayed_before.requests, found.stayed.requests), (200, 60));
    let said = look(&mut watches, &moved, &["acme"], &counters);
    assert_eq!(said.verdict, Verdict::Fail, "{}", said.reason);
}

#[tokio::test]
async fn a_second_attempt_starts_from_nothing() {
    let counters = Counters::new("s");
    let mut watches = Watches::new(Store::memory(), service());
    count(&counters, 1_000, &[("acme", "1.0.0", 100, 0)]);
    let first = monitor(&["acme"]);
    follow(&mut watches, from_ref(&first), &["acme"], &counters, 1_000).await;
    count(&counters, 2_000, &[("acme", "2.0.0", 50, 50)]);
    let second = Monitor { attempt: 2, ..first };
    follow(&mut watches, from_ref(&second), &["acme"], &counters, 3_000).await;
    count(&counters, 4_000, &[("acme", "2.0.0", 80, 50)]);
    let acme = &evidence(&mut watches, &second, &["acme"], &counters).tenants["acme"];
    assert_eq!((acme.after.requests, acme.after.errors), (30, 0));
}

#[tokio::test]
async fn the_history_outlives_the_server_and_ends_with_the_wave() {
    let store = Store::memory();
    let counters = Counters::new("s");
    count(&counters, 1_000, &[("acme", "1.0.0", 100, 2), ("bolt", "1.0.0", 40, 0)]);
    let mut watches = Watches::new(store.clone(), service());
    follow(&mut watches, &[monitor(&["acme"])], &["acme"], &counters, 1_000).await;
    let both = monitor(&["acme", "bolt"]);
    follow(&mut watches, from_ref(&both), &["acme", "bolt"], &counters, 1_000).await;
    let mut watches = Watches::new(store.clone(), service());
    let counters = Counters::new("s");
    follow(&mut watches, from_ref(&both), &["acme", "bolt"], &counters, 9_000).await;
    let found = evidence(&mut watches, &both, &["acme", "bolt"], &counters);
    assert_eq!(found.tenants["acme"].before.requests, 100);
    assert_eq!(found.tenants["bolt"].before.requests, 40);
    follow(&mut watches, &[], &[], &counters, 10_000).await;
    assert!(store.facts("shop", "history").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_move_that_no_server_saw_is_compared_with_what_gateways_counted_before_it() {
    let counters = Counters::new("s");
    let store = Store::memory();
    let mut watches = Watches::new(store.clone(), service());
    let acme = monitor(&["acme"]);
    // The server was killed between the move and the next look; the gateway calls after the first one.
    follow(&mut watches, from_ref(&acme), &["acme"], &counters, 1_000).await;
    let rows = [("acme", "1.0.0", 100, 2), ("acme", "2.0.0", 7, 0)];
    told(&counters, "1", true, 2_000, &rows);
    follow(&mut watches, from_ref(&acme), &["acme"], &counters, 2_000).await;
    let found = evidence(&mut watches, &acme, &["acme"], &counters);
    let (before, after) = (&found.tenants["acme"].before, &found.tenants["acme"].after);
    assert_eq!((before.requests, before.errors), (100, 2));
    assert_eq!(after.requests, 0, "what came before the server is not told apart");

    // The next one is told of 1.0.0 no more: nothing is sent there.
    let (mut watches, counters) = (Watches::new(store, service()), Counters::new("s"));
    told(&counters, "1", true, 3_000, &rows[1..]);
    follow(&mut watches, from_ref(&acme), &["acme"], &counters, 3_000).await;
    let before = &evidence(&mut watches, &acme, &["acme"], &counters).tenants["acme"].before;
    assert_eq!((before.requests, before.errors), (100, 2));
}

#[tokio::test]
async fn a_restart_of_the_server_loses_no_request_that_a_gateway_counted() {
    let store = Store::memory();
    let counters = Counters::new("s");
    // An earlier attempt failed on acme.
    count(
        &counters,
        1_000,
        &[("acme", "1.0.0", 100, 2), ("acme", "2.0.0", 40, 40)],
    );
    let mut watches = Watches::new(store.clone(), service());
    let both = monitor(&["acme", "bolt"]);
    follow(&mut watches, from_ref(&both), &["acme", "bolt"], &counters, 1_000).await;
    count(&counters, 2_000, &[("acme", "2.0.0", 60, 41)]);
    let after = |watches: &mut Watches, counters: &Counters| {
        let found = evidence(watches, &both, &["acme", "bolt"], counters);
        ["acme", "bolt"].map(|name| {
            let after = &found.tenants[name].after;
            (after.requests, after.errors)
        })
    };
    assert_eq!(after(&mut watches, &counters), [(20, 1), (0, 0)]);

    for boot in 1..=2 {
        let mut watches = Watches::new(store.clone(), service());
        let counters = Counters::new("s");
        follow(&mut watches, from_ref(&both), &["acme", "bolt"], &counters, 3_000).await;
        assert_eq!(after(&mut watches, &counters), [(0, 0), (0, 0)], "nothing is heard yet");
        // Counted while no server listened, by a gateway that goes on and by one that began since.
        told(
            &counters,
            "1",
            true,
            4_000,
            &[("acme", "2.0.0", 70, 41), ("bolt", "2.0.0", 5, 0)],
        );
        told(&counters, "2", boot == 2, 4_000, &[("acme", "2.0.0", 7, 0)]);
        assert_eq!(after(&mut watches, &counters), [(37, 1), (5, 0)]);
        told(
            &counters,
            "1",
            true,
            5_000,
            &[("acme", "2.0.0", 73, 42), ("bolt", "2.0.0", 5, 0)],
        );
        counters.tidy(&["a/2".to_owned()], Timestamp(6_000));
        assert_eq!(after(&mut watches, &counters), [(40, 2), (5, 0)], "boot {boot}");
    }
}

#[tokio::test]
async fn what_was_seen_outlives_the_server_and_no_bucket_counts_twice() {
    let store = Store::memory();
    let both = monitor(&["acme", "bolt"]);
    let moved = ["acme", "bolt"];
    let rows = |good: u64, bad: u64| {
        [
            ("acme", "1.0.0", 1_000, 0),
            ("bolt", "1.0.0", 1_000, 0),
            ("acme", "2.0.0", good, bad),
            ("bolt", "2.0.0", good, 0),
        ]
    };
    let counters = Counters::new("s");
    let mut watches = Watches::new(store.clone(), service());
    count(&counters, 1_000, &rows(0, 0));
    follow(&mut watches, from_ref(&both), &moved, &counters, 1_000).await;
    look(&mut watches, &both, &moved, &counters);
    count(&counters, 2_000, &rows(400, 2));
    let before = look(&mut watches, &both, &moved, &counters);
    watches.keep(Timestamp(2_000)).await.unwrap();

    let mut watches = Watches::new(store.clone(), service());
    let counters = Counters::new("s");
    follow(&mut watches, from_ref(&both), &moved, &counters, 3_000).await;
    told(&counters, "1", true, 4_000, &rows(400, 2));
    assert_eq!(look(&mut watches, &both, &moved, &counters), before);
    let mut after = before.clone();
    for look_at in 1..=6 {
        told(
            &counters,
            "1",
            true,
            5_000 + look_at,
            &rows(400 + 20 * look_at, 2 + 10 * look_at),
        );
        after = look(&mut watches, &both, &moved, &counters);
    }
    assert_eq!((before.verdict, after.verdict), (Verdict::Inconclusive, Verdict::Fail));
    assert!(after.reason.contains("11.92 % (62 of 520)"), "{}", after.reason);

    follow(&mut watches, &[], &[], &counters, 6_000).await;
    assert!(store.facts("shop", "health").await.unwrap().is_empty());
}

#[test]
fn figures_are_the_whole_when_every_gateway_has_told_its_own() {
    let counters = Counters::new("s");
    let known = ["a/1".to_owned(), "a/2".to_owned()];
    count(&counters, 1_000, &[("acme", "1.0.0", 1, 0)]);
    assert!(counters.has_heard(&known[..1]));
    assert!(!counters.has_heard(&known));
    let report = |publisher: Option<&str>, more| Report {
        gateway: "a".to_owned(),
        incarnation: "2".to_owned(),
        publisher: publisher.map(str::to_owned),
        more,
        taps: None,
        marks: Vec::new(),
    };
    for (publisher, more) in [(None, false), (Some("the server before"), false), (Some("s"), true)] {
        counters.take(&report(publisher, more), true, Timestamp(1_000));
        assert!(!counters.has_heard(&known), "{publisher:?}");
    }
    counters.take(&report(Some("s"), false), true, Timestamp(1_000));
    assert!(counters.has_heard(&known));
}

#[tokio::test]
async fn a_resumed_wave_keeps_the_history_of_those_who_stay_on_it() {
    let counters = Counters::new("s");
    let mut watches = Watches::new(Store::memory(), service());
    count(&counters, 1_000, &[("acme", "1.0.0", 100, 0)]);
    let first = monitor(&["acme"]);
    follow(&mut watches, from_ref(&first), &["acme"], &counters, 1_000).await;
    let resumed = Monitor { attempt: 2, ..first };
    let an_hour_later = 3_600_000;
    follow(&mut watches, from_ref(&resumed), &["acme"], &counters, an_hour_later).await;
    let acme = &evidence(&mut watches, &resumed, &["acme"], &counters).tenants["acme"];
    assert_eq!(acme.before.requests, 100);
}

#[test]
fn a_verdict_is_news_when_it_changes_and_numbers_only_now_and_then() {
    let said = |verdict, requests| Judgement {
        verdict,
        reason: format!("{requests}"),
        needs: None,
        requests,
        culprits: BTreeMap::new(),
    };
    let pass = |requests| said(Verdict::Pass, requests);
    let lately = true;
    assert!(is_news(&pass(1), None, 50, lately));
    assert!(!is_news(&pass(1), Some(&pass(1)), 50, !lately));
    assert!(!is_news(&pass(2), Some(&pass(1)), 50, lately));
    assert!(is_news(&pass(2), Some(&pass(1)), 50, !lately));
    assert!(is_news(&pass(50), Some(&pass(49)), 50, lately), "enough now");
    assert!(is_news(&said(Verdict::Fail, 2), Some(&pass(1)), 50, lately));
}

#[tokio::test]
async fn counters_that_are_old_or_missing_are_never_healthy() {
    let one = monitor(&["acme"]);
    let counters = Counters::new("s");
    let mut watches = Watches::new(Store::memory(), service());
    follow(&mut watches, from_ref(&one), &["acme"], &counters, 1_000).await;
    let watch = watches.get_mut(&watch::Key::of(&one)).unwrap();
    for age in [None, Some(AGE_MAX_MS + 1)] {
        assert_eq!(watch.judge(&one, age).verdict, Verdict::NoData);
    }
}

/// Clients of `acme`, which is on 1.0.0, are split from the instant that is given.
fn canary(from: i64) -> Monitor {
    let from = BTreeMap::from([(tenant("acme"), Timestamp(from))]);
    Monitor {
        assignment: Assignment::Requests { from },
        ..monitor(&["acme"])
    }
}

#[test]
fn a_canary_is_not_judged_before_its_warm_up_is_over() {
    let monitor = canary(30_000);
    assert_eq!(monitor.clone().warmed_up(Timestamp(29_999)), None);
    assert_eq!(monitor.next_warm(Timestamp(29_999)), Some(Timestamp(30_000)));
    assert!(monitor.clone().warmed_up(Timestamp(30_000)).is_some());
    assert_eq!(monitor.next_warm(Timestamp(30_000)), None);
}

#[tokio::test]
async fn a_canary_compares_the_requests_of_one_tenant_on_both_versions() {
    let counters = Counters::new("s");
    let mut watches = Watches::new(Store::memory(), service());
    // What came to the new version while it warmed up does not count.
    count(
        &counters,
        1_000,
        &[("acme", "1.0.0", 1_000, 0), ("acme", "2.0.0", 40, 40)],
    );
    let split = canary(1_500);
    follow(&mut watches, from_ref(&split), &[], &counters, 2_000).await;
    for look_at in 0..=4 {
        let rows = [
            ("acme", "2.0.0", 40 + 20 * look_at, 40 + 8 * look_at),
            ("acme", "1.0.0", 1_000 + 380 * look_at, 0),
        ];
        count(&counters, 3_000 + look_at, &rows);
        look(&mut watches, &split, &[], &counters);
    }
    let found = evidence(&mut watches, &split, &[], &counters);
    let acme = &found.tenants["acme"];
    assert_eq!((acme.before.requests, acme.beside.requests), (1_000, 1_520));
    assert_eq!((acme.after.requests, acme.after.errors), (80, 32));
    assert_eq!(acme.after.incidents, Some(32));
    assert!(found.stayed.requests == 0 && found.stayed_before.requests == 0);
    let said = look(&mut watches, &split, &[], &counters);
    assert_eq!(said.verdict, Verdict::Fail, "{}", said.reason);
    assert!(said.reason.contains("of the other requests"), "{}", said.reason);
}

#[tokio::test]
async fn what_hurts_both_versions_fails_no_canary() {
    let counters = Counters::new("s");
    let mut watches = Watches::new(Store::memory(), service());
    count(&counters, 1_000, &[("acme", "1.0.0", 1_000, 0)]);
    let split = canary(1_500);
    follow(&mut watches, from_ref(&split), &[], &counters, 2_000).await;
    for look_at in 0..=20 {
        let rows = [
            ("acme", "2.0.0", 20 * look_at, 8 * look_at),
            ("acme", "1.0.0", 1_000 + 380 * look_at, 152 * look_at),
        ];
        count(&counters, 3_000 + look_at, &rows);
        let said = look(&mut watches, &split, &[], &counters);
        assert_ne!(said.verdict, Verdict::Fail, "{}", said.reason);
    }
}

/// What a server had seen of a canary outlives it, on both versions, whatever was counted while there was none.
#[tokio::test]
async fn a_canary_goes_on_under_the_next_server() {
    let store = Store::memory();
    let split = canary(1_500);
    let counters = Counters::new("s");
    let mut watches = Watches::new(store.clone(), service());
    count(
        &counters,
        1_000,
        &[("acme", "1.0.0", 1_000, 0), ("acme", "2.0.0", 5, 5)],
    );
    follow(&mut watches, from_ref(&split), &[], &counters, 2_000).await;
    count(
        &counters,
        3_000,
        &[("acme", "1.0.0", 1_400, 0), ("acme", "2.0.0", 25, 5)],
    );
    look(&mut watches, &split, &[], &counters);
    watches.keep(Timestamp(3_000)).await.unwrap();

    let counters = Counters::new("s");
    let mut watches = Watches::new(store.clone(), service());
    follow(&mut watches, from_ref(&split), &[], &counters, 60_000).await;
    let now = [("acme", "1.0.0", 2_400, 0), ("acme", "2.0.0", 75, 5)];
    told(&counters, "1", true, 61_000, &now);
    follow(&mut watches, from_ref(&split), &[], &counters, 61_500).await;
    let acme = &evidence(&mut watches, &split, &[], &counters).tenants["acme"];
    assert_eq!(
        (acme.before.requests, acme.beside.requests, acme.after.requests),
        (1_000, 1_400, 70)
    );
    assert_eq!(acme.after.errors, 0);
}
