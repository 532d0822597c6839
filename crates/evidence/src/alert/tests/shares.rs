//! Shares of requests, how long answers take, and that what is kept goes on as if it had never been put away.

use super::*;

const RULE: ShareRule = ShareRule {
    tolerated: 0.01,
    bucket_seconds: 300,
    budget: FLEET,
};

/// Feeds buckets of so many requests and events; the changes, by bucket.
fn feed(watch: &mut ShareWatch, buckets: &[(u64, u64)]) -> Vec<(usize, Change)> {
    let changes = buckets.iter().enumerate().filter_map(|(bucket, (requests, events))| {
        let change = watch.observe(bucket as i64 * 300, *requests, *events, &RULE)?;
        Some((bucket, change))
    });
    changes.collect()
}

#[test]
fn a_tenant_that_was_never_seen_before_is_found_at_its_first_outage() {
    let mut watch = ShareWatch::default();
    let changes = feed(&mut watch, &[(200, 0), (200, 1), (200, 120)]);
    let [(2, Change::Began(alarm))] = changes[..] else {
        panic!("{changes:?}");
    };
    assert_eq!((alarm.counted, alarm.of), (120.0, Some(200.0)));
    assert_eq!(alarm.since, 600);
}

#[test]
fn a_handful_of_failures_is_no_alarm_and_neither_is_what_is_tolerated() {
    assert_eq!(feed(&mut ShareWatch::default(), &[(3, 3), (0, 0), (2, 1)]), []);
    assert_eq!(feed(&mut ShareWatch::default(), &[(10_000, 95); 500]), []);
    // A share that was always as high is no news.
    let mut watch = ShareWatch::default();
    let mut buckets = vec![(1_000, 8); 200];
    buckets.extend([(1_000, 12); 500]);
    assert_eq!(feed(&mut watch, &buckets), []);
    assert!((0.008..0.013).contains(&watch.usual()), "{}", watch.usual());
}

#[test]
fn an_alarm_ends_when_requests_go_well_again_and_not_when_fewer_fail() {
    let mut watch = ShareWatch::default();
    let mut buckets = vec![(100, 60), (100, 60), (100, 5), (100, 6), (100, 4)];
    buckets.extend([(100, 0); 3]);
    let changes = feed(&mut watch, &buckets);
    let [(0, Change::Began(_)), (ended, Change::Ended { why, .. })] = changes[..] else {
        panic!("{changes:?}");
    };
    assert!(ended > 4, "{ended}");
    assert_eq!(why, Ended::Recovered);
}

#[test]
fn what_has_failed_for_a_day_is_usual_from_then_on() {
    let mut watch = ShareWatch::default();
    let changes = feed(&mut watch, &[(1_000, 100); 600]);
    let [(0, Change::Began(_)), (288, Change::Ended { why, .. })] = changes[..] else {
        panic!("{changes:?}");
    };
    assert_eq!(why, Ended::Accepted);
    assert!((0.09..0.11).contains(&watch.usual()), "{}", watch.usual());
}

/// Seven days of a fleet with a failing share around what is tolerated, in clumps of five.
#[test]
fn clumps_of_failures_are_no_alarm() {
    let mut random = 7_u64;
    let mut draw = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as f64 / f64::from(u32::MAX >> 1)
    };
    let mut alarms = 0;
    for _ in 0..100 {
        let mut watch = ShareWatch::default();
        for bucket in 0..7 * 288 {
            // Five failures of one client in every tenth bucket, of 100 requests: half a percent.
            let events = if draw() < 0.1 { 5 } else { 0 };
            alarms += usize::from(watch.observe(bucket * 300, 100, events, &RULE).is_some());
        }
    }
    assert_eq!(alarms, 0);
}

#[test]
fn the_slowest_usual_answer_is_known_after_some_hundred() {
    let edges = [10, 20, 40, 80];
    let mut usual = Usual::default();
    usual.learn(&[400, 0, 0, 0, 0], 300);
    assert_eq!(usual.slowest(&edges), None, "too few");
    usual.learn(&[500, 97, 8, 0, 0], 300);
    assert_eq!(usual.slowest(&edges), Some(20));
    usual.learn(&[0, 0, 0, 0, 900], 300);
    assert_eq!(usual.slowest(&edges), None, "there is no edge above");
}

#[test]
fn what_was_kept_goes_on_as_if_it_had_never_been_put_away() {
    let mut watch = learnt(20.0);
    for bucket in BUSY..BUSY + 2 {
        watch.observe(at(bucket), 3.0, 1.0, None);
    }
    assert!(watch.log_evidence() > 0.0 && watch.alarm().is_none());
    let text = serde_json::to_string(&watch).unwrap();
    assert!(text.len() < 2_500, "{} bytes", text.len());
    let mut kept: Watch = serde_json::from_str(&text).unwrap();
    let changes = |watch: &mut Watch| {
        let buckets = BUSY + 2..BUSY + 40;
        let count = |bucket| if bucket < BUSY + 20 { 0.0 } else { 20.0 };
        // The last digit of a number may be lost where it is written down.
        let told = |change| match change {
            Change::Began(alarm) => (alarm.at, alarm.since, alarm.counted),
            Change::Ended { alarm, at, .. } => (at, alarm.since, alarm.counted),
        };
        buckets
            .filter_map(|bucket| watch.observe(at(bucket), count(bucket), 1.0, None).map(told))
            .collect::<Vec<_>>()
    };
    let (went_on, was_kept) = (changes(&mut watch), changes(&mut kept));
    assert_eq!(went_on, was_kept);
    assert_eq!(went_on.len(), 2, "an alarm and its end: {went_on:?}");

    let broken = text.replacen("\"counts\":\"", "\"counts\":\"AAAA", 1);
    assert!(serde_json::from_str::<Watch>(&broken).is_err());
}
