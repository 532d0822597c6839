use super::*;
use crate::Samples;
use crate::judgement::Verdict;
use serde_json::{Value, json};

fn judge(recording: Value) -> Result<Vec<Decided>, Misfit> {
    serde_json::from_value::<Recording>(recording).unwrap().judge()
}

fn errors(old: (u64, u64), new: (u64, u64), buckets: usize) -> Value {
    let bucket =
        |t: usize| json!({"t": t * 10, "old": {"n": old.1, "events": old.0}, "new": {"n": new.1, "events": new.0}});
    json!({"metric": "errors", "buckets": (0..buckets).map(bucket).collect::<Vec<_>>()})
}

fn with(mut recording: Value, field: &str, value: Value) -> Value {
    recording[field] = value;
    recording
}

#[track_caller]
fn last(recording: Value) -> Decision {
    judge(recording).unwrap().pop().unwrap().decision
}

#[track_caller]
fn misfit(recording: Value, pointer: &str, problem: &str) {
    let misfit = judge(recording).unwrap_err();
    assert_eq!(misfit.pointer, pointer, "{misfit:?}");
    assert!(
        misfit.problem.contains(problem) && !misfit.remedy.is_empty(),
        "{misfit:?}"
    );
}

#[test]
fn ten_times_the_errors_fail_and_stay_failed() {
    let decided = judge(errors((1, 1000), (10, 1000), 12)).unwrap();
    let verdicts: Vec<Verdict> = decided.iter().map(|decided| decided.decision.verdict).collect();
    let first = verdicts.iter().position(|verdict| *verdict == Verdict::Fail).unwrap();
    assert!(first < 4, "{verdicts:?}");
    assert!(
        verdicts[..first]
            .iter()
            .all(|verdict| *verdict == Verdict::Inconclusive)
    );
    assert!(verdicts[first..].iter().all(|verdict| *verdict == Verdict::Fail));
    let decision = &decided[11].decision;
    assert!(decision.e_value > 100.0);
    assert_eq!(
        decision.samples,
        Samples {
            old: 12_000,
            new: 12_000
        }
    );
    assert!((decision.estimate.unwrap() - 10.0).abs() < 0.01);
    assert!(decision.interval.0 >= 3.0, "{decision:?}");
    assert!(
        decision.reason.starts_with(
            "errors 1 % (120 of 12,000) on the new version, 0.1 % (12 of 12,000) on the old one: the ratio is at least"
        ),
        "{}",
        decision.reason
    );
}

#[test]
fn without_a_tolerance_nothing_passes() {
    let decision = last(errors((1, 1000), (1, 1000), 500));
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.needs.unwrap().contains("a `tolerance`"));
}

#[test]
fn a_tolerance_that_is_kept_passes_after_as_many_requests_as_were_said() {
    let recording = |buckets| with(errors((1, 1000), (0, 10), buckets), "tolerance", json!(0.01));
    let first = last(recording(1)).needs.unwrap();
    let missing: usize = first.split(' ').next().unwrap().parse().unwrap();
    let needed = 1 + missing.div_ceil(10);
    assert_eq!(last(recording(needed - 1)).verdict, Verdict::Inconclusive);
    assert_eq!(last(recording(needed)).verdict, Verdict::Pass);
}

#[test]
fn a_ratio_that_is_known_to_be_below_the_margin_passes() {
    let recording = |buckets| with(errors((50, 1000), (50, 1000), buckets), "margin", json!(1.5));
    assert_eq!(last(recording(1)).verdict, Verdict::Inconclusive);
    let decision = last(recording(40));
    assert_eq!(decision.verdict, Verdict::Pass, "{decision:?}");
    assert!(decision.interval.1.unwrap() <= 1.5);
}

#[test]
fn without_requests_on_both_sides_there_is_no_data() {
    for recording in [
        errors((0, 0), (5, 10), 3),
        errors((5, 10), (0, 0), 3),
        errors((0, 0), (0, 0), 3),
    ] {
        let decision = last(with(recording, "tolerance", json!(0.9)));
        assert_eq!(decision.verdict, Verdict::NoData);
        assert_eq!(decision.e_value, 1.0);
    }
}

/// The wave's tenants always had three times the errors of the others: now that is not the release's doing.
#[test]
fn tenants_are_compared_with_their_own_history() {
    let history = errors((10, 10_000), (30, 10_000), 100)["buckets"].clone();
    let tenants = |new| {
        let recording = with(errors((10, 10_000), (new, 10_000), 30), "assignment", json!("tenants"));
        with(recording, "history", history.clone())
    };
    let usual = last(tenants(30));
    assert_eq!(usual.verdict, Verdict::Pass, "known to be within the margin of 1.5");
    assert!((usual.estimate.unwrap() - 1.0).abs() < 0.01, "{usual:?}");
    assert!(
        usual.reason.contains("usual for these tenants are 3 times as many"),
        "{}",
        usual.reason
    );
    assert_eq!(last(tenants(40)).verdict, Verdict::Inconclusive, "too near the margin");
    assert_eq!(last(tenants(90)).verdict, Verdict::Fail);
    let by_chance = last(errors((10, 10_000), (30, 10_000), 30));
    assert_eq!(by_chance.verdict, Verdict::Fail, "had chance assigned them it would be");
}

#[test]
fn a_history_without_errors_cannot_tell_what_is_usual() {
    let history = errors((0, 1000), (1, 1000), 10)["buckets"].clone();
    let recording = with(errors((1, 1000), (900, 1000), 30), "assignment", json!("tenants"));
    let decision = last(with(recording, "history", history));
    assert_eq!(decision.verdict, Verdict::Inconclusive);
    assert!(decision.reason.contains("too few of them"), "{}", decision.reason);
}

fn latency(old: [u64; 4], new: [u64; 4], history: bool) -> Value {
    let bucket = |t: usize| json!({"t": t, "old": {"hist": old}, "new": {"hist": new}});
    let before = json!({"t": 0, "old": {"hist": old}, "new": {"hist": [0, 0, 0, 0]}});
    json!({
        "metric": "latency", "edges_ms": [50, 100, 200.5], "buckets": (0..30).map(bucket).collect::<Vec<_>>(),
        "history": if history { json!([before]) } else { json!([]) },
    })
}

#[test]
fn slower_requests_fail_and_the_quantile_is_named() {
    let decision = last(latency([900, 80, 15, 5], [700, 280, 15, 5], true));
    assert_eq!(decision.verdict, Verdict::Fail);
    assert!(
        decision.reason.starts_with("slower than the old version's p50: 30 % ("),
        "{}",
        decision.reason
    );
    let tail = last(latency([900, 80, 15, 5], [900, 65, 15, 20], true));
    assert_eq!(tail.verdict, Verdict::Fail, "{tail:?}");
    assert!(
        tail.reason.starts_with("slower than the old version's p99: 2 % ("),
        "{}",
        tail.reason
    );
}

#[test]
fn the_first_bucket_knows_no_threshold_without_a_history() {
    let first = |history| {
        judge(latency([10, 1, 1, 0], [0, 0, 6, 6], history))
            .unwrap()
            .swap_remove(0)
            .decision
    };
    assert_eq!(first(false).e_value, 1.0);
    assert!(first(true).e_value > 1.0);
}

/// A bucket may not move its own thresholds: what it adds to the baseline counts from the next one on.
#[test]
fn a_threshold_does_not_follow_from_what_it_judges() {
    let recording = |second: [u64; 4]| {
        let mut recording = latency([10, 1, 1, 0], [10, 1, 1, 0], true);
        recording["buckets"][0]["old"]["hist"] = json!(second);
        let mut decided = judge(recording).unwrap();
        decided.swap_remove(0).decision.reason
    };
    let quantile = |reason: String| reason.split(':').next().unwrap().to_owned();
    assert_eq!(quantile(recording([10, 1, 1, 0])), quantile(recording([1, 1, 10, 0])));
}

#[test]
fn a_tolerance_of_latency_is_about_the_old_p99() {
    let decision = last(with(
        latency([900, 80, 15, 5], [900, 80, 15, 5], true),
        "tolerance",
        json!(0.02),
    ));
    assert_eq!(decision.verdict, Verdict::Pass, "{decision:?}");
    let slow = last(with(
        latency([900, 80, 15, 5], [900, 65, 15, 20], true),
        "tolerance",
        json!(0.1),
    ));
    assert_eq!(
        slow.verdict,
        Verdict::Fail,
        "what is worse beyond chance fails, also within the tolerance"
    );
}

fn volume(old: u64, new: u64, buckets: usize) -> Value {
    let bucket = |t: usize| json!({"t": t, "old": {"n": old}, "new": {"n": new}});
    json!({"metric": "volume", "weight": 0.05, "tolerance": 0.2, "buckets": (0..buckets).map(bucket).collect::<Vec<_>>()})
}

#[test]
fn a_share_of_requests_that_is_missing_or_too_large_fails() {
    let lost = last(volume(970, 30, 30));
    assert_eq!(lost.verdict, Verdict::Fail);
    assert!(lost.reason.contains("the ratio is at most 0."), "{}", lost.reason);
    assert_eq!(last(volume(900, 100, 30)).verdict, Verdict::Fail);
    let right = last(volume(950, 50, 100));
    assert_eq!(right.verdict, Verdict::Pass, "{right:?}");
    assert!((right.estimate.unwrap() - 1.0).abs() < 1e-9);
    assert!(
        right
            .reason
            .starts_with("5 % (5,000 of 100,000) of the requests reached the new version, 5 % should"),
        "{}",
        right.reason
    );
    assert_eq!(last(volume(1000, 0, 30)).verdict, Verdict::Fail, "nothing arrives");
    assert_eq!(last(volume(0, 0, 30)).verdict, Verdict::NoData);
}

#[test]
fn what_contradicts_itself_is_named_with_its_place() {
    let good = || errors((1, 1000), (1, 1000), 3);
    misfit(with(good(), "alpha", json!(0)), "/alpha", "alpha is 0");
    misfit(with(good(), "margin", json!(0.5)), "/margin", "the margin is 0.5");
    misfit(with(good(), "tolerance", json!(1)), "/tolerance", "the tolerance is 1");
    misfit(
        with(good(), "assignment", json!("tenants")),
        "/history",
        "there is none",
    );
    misfit(
        with(good(), "metric", json!("latency")),
        "/edges_ms",
        "there are no edges",
    );
    misfit(with(good(), "metric", json!("volume")), "/weight", "there is none");
    let volume_of_tenants = with(with(good(), "metric", json!("volume")), "assignment", json!("tenants"));
    misfit(
        volume_of_tenants,
        "/assignment",
        "tenants bring as many requests as they have",
    );
    let mut recording = good();
    recording["buckets"][1]["new"] = json!({"n": 5, "events": 6});
    misfit(recording, "/buckets/1/new/events", "6 events among 5 requests");
    let mut recording = good();
    recording["buckets"][2]["t"] = json!(5);
    misfit(recording, "/buckets/2/t", "5 s after 10 s");
    let mut recording = good();
    recording["buckets"][0]["old"]["n"] = json!(u64::MAX);
    misfit(
        recording,
        "/buckets/0/old/n",
        "18,446,744,073,709,551,615 requests in one bucket",
    );
    let mut recording = latency([1, 1, 1, 1], [1, 1, 1, 1], true);
    recording["history"][0]["old"]["hist"] = json!([1, 2]);
    misfit(recording, "/history/0/old/hist", "2 bins for 3 edges");
    let mut recording = latency([1, 1, 1, 1], [1, 1, 1, 1], true);
    recording["buckets"][3]["new"]["hist"] = json!([u64::MAX, 1, 1, 1]);
    misfit(recording, "/buckets/3/new/hist", "more than 1,000,000,000 requests");
    misfit(
        with(latency([1; 4], [1; 4], true), "edges_ms", json!([3, 2, 1])),
        "/edges_ms",
        "do not rise",
    );
}

#[test]
fn a_decision_as_json() {
    let decided = judge(errors((0, 10), (1, 10), 1)).unwrap();
    let document = serde_json::to_value(&decided).unwrap();
    let fields: Vec<&String> = document[0].as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        ["e_value", "interval", "needs", "reason", "samples", "t", "verdict"]
    );
    assert_eq!(document[0]["t"], json!(0));
    assert_eq!(document[0]["interval"], json!([0.0, null]));
    assert_eq!(document[0]["samples"], json!({"old": 10, "new": 10}));
}
