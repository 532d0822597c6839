use std::collections::BTreeMap;

use serde_json::json;

use super::super::Lack;
use super::super::answer::Point;
use super::super::with::{Metric, Question};
use super::*;

fn compared(worse: &str) -> SamplesCompared {
    let with = json!({"url": "http://localhost", "old": "a", "new": "b", "worse": worse, "margin": 1.1});
    match Metric::read(&with).unwrap().question {
        Question::Samples(compared) => compared,
        Question::Limit(_) | Question::Counters(_) => panic!("no samples"),
    }
}

/// Pairs with a ratio of about `ratio`, whose neighbours are unlike each other.
fn about(ratio: f64, count: usize) -> Vec<(f64, f64)> {
    let pair = |index: usize| (50.0, 50.0 * ratio * (1.0 + ((index * 7) % 10) as f64 / 100.0 - 0.045));
    (0..count).map(pair).collect()
}

#[test]
fn the_ratio_decides_in_the_direction_that_is_worse() {
    for (worse, ratio, expected) in [
        ("higher", 1.3, Verdict::Fail),
        ("higher", 1.0, Verdict::Pass),
        ("higher", 0.7, Verdict::Pass),
        ("higher", 1.1, Verdict::Inconclusive),
        ("lower", 1.3, Verdict::Pass),
        ("lower", 1.0, Verdict::Pass),
        ("lower", 0.7, Verdict::Fail),
    ] {
        let judgement = judged(&compared(worse), &about(ratio, 40));
        assert_eq!(judgement.verdict, expected, "{worse} {ratio}: {}", judgement.reason);
        assert_eq!(judgement.needs.is_some(), expected == Verdict::Inconclusive);
    }
}

#[test]
fn samples_that_move_together_are_few() {
    // All of the later half is worse: that happened once.
    let shifted: Vec<(f64, f64)> = about(1.0, 20).into_iter().chain(about(2.0, 20)).collect();
    let judgement = judged(&compared("higher"), &shifted);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(
        judgement
            .reason
            .contains("samples of neighbouring instants move together"),
        "{}",
        judgement.reason
    );
    assert_eq!(judged(&compared("higher"), &[]).verdict, Verdict::Inconclusive);
}

#[test]
fn what_is_missing_is_not_passed_over() {
    let some = |count: usize| -> Vec<Option<f64>> { (0..20).map(|index| (index < count).then_some(1.0)).collect() };
    assert_eq!(pairs(&some(20), &some(18), ["a", "b"]).unwrap().len(), 18);
    let lacking = pairs(&some(20), &some(17), ["a", "b"]).unwrap_err();
    assert_eq!(lacking.lack, Lack::NoData);
    assert_eq!(
        lacking.reason,
        "of 20 instants 17 have a sample of both: 20 of `a`, 17 of `b`"
    );
    assert_eq!(pairs(&some(0), &some(20), ["a", "b"]).unwrap_err().lack, Lack::NoData);
}

#[test]
fn only_what_is_above_nothing_has_a_ratio() {
    let steps = Steps {
        first: 0.0,
        apart: 15.0,
        count: 3,
    };
    let series = |value| Series {
        labels: BTreeMap::new(),
        points: vec![Point { at: 0.0, value: 4.0 }, Point { at: 30.0, value }],
    };
    assert_eq!(
        by_instant(&series(8.0), "a", steps).unwrap(),
        [Some(4.0), None, Some(8.0)]
    );
    assert_eq!(
        by_instant(&series(f64::NAN), "a", steps).unwrap(),
        [Some(4.0), None, None]
    );
    for value in [0.0, -1.0, f64::INFINITY] {
        let lacking = by_instant(&series(value), "a", steps).unwrap_err();
        assert!(
            lacking.reason.contains("has no ratio to anything"),
            "{}",
            lacking.reason
        );
        assert_eq!(lacking.lack, Lack::Error);
    }
}
