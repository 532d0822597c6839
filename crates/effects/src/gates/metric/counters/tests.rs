use std::collections::BTreeMap;

use serde_json::json;

use super::super::Lack;
use super::super::answer::Point;
use super::super::with::{Metric as Asked, Question};
use super::*;

const STEPS: Steps = Steps {
    first: 1_000.0,
    apart: 15.0,
    count: 5,
};

/// A series of an instance, `None` where it is not there.
fn series(instance: &str, values: &[Option<f64>]) -> Series {
    let there = values.iter().enumerate().filter_map(|(index, value)| {
        Some(Point {
            at: STEPS.at(index),
            value: (*value)?,
        })
    });
    let labels = (!instance.is_empty()).then(|| ("instance".to_owned(), instance.to_owned()));
    Series {
        labels: BTreeMap::from_iter(labels),
        points: there.collect(),
    }
}

fn side(events: Vec<Series>, total: Vec<Series>) -> Side {
    Side {
        events,
        total,
        events_query: "errors".to_owned(),
        total_query: "requests".to_owned(),
    }
}

fn counted(side: &Side) -> Result<Vec<(u64, u64)>, Lacking> {
    let counts = side.counts(STEPS)?;
    Ok(counts.iter().map(|count| (count.events, count.n)).collect())
}

fn all(values: [f64; 5]) -> Vec<Option<f64>> {
    values.into_iter().map(Some).collect()
}

#[test]
fn what_is_counted_is_the_growth_of_each_series() {
    let one = side(
        vec![series("a", &all([3.0, 3.0, 4.0, 4.0, 5.0]))],
        vec![
            series("a", &all([100.0, 110.0, 120.0, 130.0, 140.0])),
            series("b", &all([1.0, 2.0, 4.0, 8.0, 16.0])),
        ],
    );
    assert_eq!(counted(&one).unwrap(), [(0, 0), (0, 11), (1, 12), (0, 14), (1, 18)]);
}

#[test]
fn a_counter_that_begins_anew_or_is_late_loses_nothing() {
    let restarted = side(
        Vec::new(),
        vec![
            series("a", &all([100.0, 110.0, 5.0, 7.0, 7.0])),
            series("b", &all([0.0; 5])),
        ],
    );
    assert_eq!(counted(&restarted).unwrap(), [(0, 0), (0, 10), (0, 5), (0, 2), (0, 0)]);
    // One that was not scraped for a while: what it has counted meanwhile comes later.
    let gap = [Some(10.0), None, None, Some(40.0), Some(50.0)];
    let away = side(Vec::new(), vec![series("a", &gap)]);
    assert_eq!(counted(&away).unwrap(), [(0, 0), (0, 0), (0, 0), (0, 30), (0, 10)]);
}

#[test]
fn the_first_error_of_a_known_instance_counts_and_the_past_of_an_unknown_one_does_not() {
    let late = [None, None, Some(7.0), Some(7.0), Some(9.0)];
    let first_error = side(
        vec![series("a", &late)],
        vec![series("a", &all([100.0, 110.0, 120.0, 130.0, 140.0]))],
    );
    assert_eq!(
        counted(&first_error).unwrap(),
        [(0, 0), (0, 10), (7, 10), (0, 10), (2, 10)]
    );
    let unknown = side(
        vec![series("b", &late)],
        vec![
            series("a", &all([100.0, 110.0, 120.0, 130.0, 140.0])),
            series("b", &[None, None, Some(9_000.0), Some(9_001.0), Some(9_003.0)]),
        ],
    );
    assert_eq!(counted(&unknown).unwrap(), [(0, 0), (0, 10), (0, 10), (0, 11), (2, 12)]);
}

#[test]
fn what_is_no_counter_is_no_count() {
    for (values, lack, problem) in [
        (
            [1.0, 1.5, 2.0, 2.5, 3.0],
            Lack::Error,
            "has grown by 0.5, which counts nothing",
        ),
        ([1.0, f64::NAN, 2.0, 2.0, 2.0], Lack::NoData, "is NaN"),
        ([1.0, f64::INFINITY, 2.0, 2.0, 2.0], Lack::Error, "is infinite"),
        ([1.0, 1e300, 1e300, 1e300, 1e300], Lack::Error, "which counts nothing"),
        ([0.0, -5.0, -5.0, -5.0, -5.0], Lack::Error, "which counts nothing"),
    ] {
        let lacking = counted(&side(Vec::new(), vec![series("a", &all(values))])).unwrap_err();
        assert_eq!(lacking.lack, lack, "{}", lacking.reason);
        assert!(lacking.reason.contains(problem), "{}", lacking.reason);
    }
    // Of a sum nobody knows which part began anew.
    let sum = side(Vec::new(), vec![series("", &all([100.0, 60.0, 70.0, 80.0, 90.0]))]);
    let lacking = counted(&sum).unwrap_err();
    assert!(
        lacking.reason.contains("`requests` goes down, from 100 to 60"),
        "{}",
        lacking.reason
    );
    let rising = side(Vec::new(), vec![series("", &all([100.0, 160.0, 170.0, 180.0, 190.0]))]);
    assert_eq!(counted(&rising).unwrap()[1], (0, 60));
}

fn counts(all: &[(u64, u64)]) -> Vec<Counts> {
    let count = |&(events, n): &(u64, u64)| Counts {
        n,
        events,
        hist: Vec::new(),
    };
    all.iter().map(count).collect()
}

#[test]
fn events_that_are_counted_before_their_request_wait_for_it() {
    let old = counts(&[(0, 0), (0, 10), (0, 10), (1, 10)]);
    let new = counts(&[(0, 0), (2, 0), (0, 30), (1, 10)]);
    let buckets = buckets(&old, &new, STEPS).unwrap();
    let found: Vec<_> = buckets
        .iter()
        .map(|one| (one.old.n, one.new.events, one.new.n))
        .collect();
    assert_eq!(found, [(20, 2, 30), (10, 1, 10)]);
    let never = super::buckets(&old, &counts(&[(0, 0), (2, 1), (0, 0), (0, 0)]), STEPS).unwrap_err();
    assert!(
        never
            .reason
            .contains("`new.events` has counted 2 where `new.total` has counted 1")
    );
}

fn compared(margin: f64, tolerance: Option<f64>) -> CountersCompared {
    let side = |name| json!({"events": format!("errors_{name}"), "total": format!("requests_{name}")});
    let mut with = json!({"url": "http://localhost", "old": side("old"), "new": side("new"), "margin": margin});
    if let Some(tolerance) = tolerance {
        with["tolerance"] = json!(tolerance);
    }
    match Asked::read(&with).unwrap().question {
        Question::Counters(compared) => compared,
        Question::Limit(_) | Question::Samples(_) => panic!("no counters"),
    }
}

#[test]
fn the_counts_decide() {
    let judge = |compared: &CountersCompared, old: (u64, u64), new: (u64, u64)| {
        let side = |all| counts(&[(0, 0), all, all, all, all]);
        judged(compared, &buckets(&side(old), &side(new), STEPS).unwrap()).unwrap()
    };
    let within = compared(1.5, None);
    let worse = judge(&within, (5, 100), (40, 100));
    assert_eq!(
        (worse.verdict, worse.requests),
        (Verdict::Fail, 400),
        "{}",
        worse.reason
    );
    assert!(worse.reason.contains("40 % (160 of 400)"), "{}", worse.reason);
    assert_eq!(judge(&within, (500, 1_000), (500, 1_000)).verdict, Verdict::Pass);
    let few = judge(&within, (0, 20), (0, 20));
    assert_eq!(few.verdict, Verdict::Inconclusive, "{}", few.reason);
    assert!(few.needs.is_some());
    // Without an event nothing is compared; that there are few can be shown.
    let tolerated = compared(1.0, Some(0.01));
    assert_eq!(judge(&tolerated, (0, 200), (0, 200)).verdict, Verdict::Pass);
    assert_eq!(judge(&tolerated, (0, 20), (0, 20)).verdict, Verdict::Inconclusive);
    assert_eq!(judge(&within, (0, 0), (0, 20)).verdict, Verdict::NoData);
}
