use http::StatusCode;

use super::*;
use crate::protocol::{BUCKET_MS, Report};

const BEGIN_MS: u64 = 1_700_000_000_000;

fn counted(counters: &Counters, tenant: &str, count: u64) {
    let series = counters.series(&tenant.into(), &"2.0".into(), &"eu".into());
    for client in 0..count {
        series.begin();
        series.answered(StatusCode::OK, 1_000, client);
        series.end();
    }
}

/// `(moment, tenant, successes)` of every row.
fn rows(report: Report) -> Vec<(u64, String, u64)> {
    let row = |at_ms| move |series: crate::protocol::SeriesTotals| (at_ms, series.tenant, series.requests.successes);
    let marks = report.marks.into_iter();
    marks
        .flat_map(|mark| mark.series.into_iter().map(row(mark.at_ms - BEGIN_MS)))
        .collect()
}

fn new_reporter() -> Reporter {
    Reporter::new("g1".to_owned(), "1".to_owned(), BEGIN_MS)
}

/// One that `s1` has answered.
fn reporter() -> Reporter {
    let mut reporter = new_reporter();
    reporter.acknowledged("s1".to_owned());
    reporter
}

#[test]
fn only_what_is_new_is_told_and_again_until_it_is_acknowledged() {
    let (counters, mut reporter) = (Counters::default(), reporter());
    let mut report = |seconds: u64| rows(reporter.report(&counters, BEGIN_MS + seconds * 1_000));
    assert_eq!(report(1), []);
    counted(&counters, "acme", 2);
    assert_eq!(report(2), [(2_000, "acme".to_owned(), 2)]);
    assert_eq!(report(3), [(3_000, "acme".to_owned(), 2)], "not acknowledged");
    reporter.acknowledged("s1".to_owned());
    let mut report = |seconds: u64| rows(reporter.report(&counters, BEGIN_MS + seconds * 1_000));
    assert_eq!(report(4), []);
    counted(&counters, "globex", 1);
    assert_eq!(report(5), [(5_000, "globex".to_owned(), 1)]);
}

#[test]
fn a_publisher_that_knows_nothing_is_told_everything() {
    let (counters, mut reporter) = (Counters::default(), new_reporter());
    counted(&counters, "acme", 2);
    let first = reporter.report(&counters, BEGIN_MS + 1_000);
    assert_eq!((first.publisher, first.more), (None, false));
    for publisher in ["s1", "s2"] {
        reporter.acknowledged(publisher.to_owned());
        for (second, told) in [(2, 1), (3, 0)] {
            let report = reporter.report(&counters, BEGIN_MS + second * 1_000);
            assert_eq!(report.publisher.as_deref(), Some(publisher));
            assert_eq!(rows(report).len(), told, "acme has not changed");
            reporter.acknowledged(publisher.to_owned());
        }
    }
}

#[test]
fn marks_stand_on_their_borders_until_they_are_acknowledged() {
    let (counters, mut reporter) = (Counters::default(), reporter());
    for bucket in 1..=3 {
        counted(&counters, "acme", 5);
        drop(reporter.report(&counters, BEGIN_MS + bucket * BUCKET_MS));
    }
    let told = rows(reporter.report(&counters, BEGIN_MS + 3 * BUCKET_MS + 1_000));
    let acme = |at_ms, successes| (at_ms, "acme".to_owned(), successes);
    assert_eq!(
        told,
        [acme(10_000, 5), acme(20_000, 10), acme(30_000, 15), acme(31_000, 15)]
    );
    reporter.acknowledged("s1".to_owned());
    assert_eq!(
        rows(reporter.report(&counters, BEGIN_MS + 4 * BUCKET_MS)),
        [],
        "nothing changed in the last bucket"
    );
}

#[test]
fn a_report_is_bounded_and_every_series_gets_its_turn() {
    let (counters, mut reporter) = (Counters::default(), reporter());
    for tenant in 0..5_000 {
        counted(&counters, &format!("t{tenant}"), 1);
    }
    let mut told = std::collections::BTreeSet::new();
    for second in 1..4 {
        let report = reporter.report(&counters, BEGIN_MS + second * 1_000);
        assert_eq!(report.more, second < 3);
        let rows = rows(report);
        assert!(rows.len() <= 2_000);
        told.extend(rows.into_iter().map(|(_, tenant, _)| tenant));
        reporter.acknowledged("s1".to_owned());
    }
    assert_eq!(told.len(), 5_000);
}

#[test]
fn a_series_that_nothing_uses_is_forgotten() {
    let (counters, mut reporter) = (Counters::default(), reporter());
    counted(&counters, "acme", 1);
    let used = counters.series(&"globex".into(), &"2.0".into(), &"eu".into());
    drop(reporter.report(&counters, BEGIN_MS + 1_000));
    reporter.acknowledged("s1".to_owned());
    drop(reporter.report(&counters, BEGIN_MS + BUCKET_MS));
    reporter.acknowledged("s1".to_owned());
    assert_eq!(counters.all_series().len(), 2);
    drop(reporter.report(&counters, BEGIN_MS + 70 * BUCKET_MS));
    let left: Vec<_> = counters
        .all_series()
        .iter()
        .map(|series| series.key.tenant.clone())
        .collect();
    assert_eq!(left, ["globex".into()]);
    drop(used);
}

#[test]
fn what_fails_for_one_client_is_told_from_what_fails_for_many() {
    let counters = Counters::default();
    let series = counters.series(&"acme".into(), &"2.0".into(), &"eu".into());
    for client in [1, 2, 3, 6] {
        series.answered(StatusCode::BAD_GATEWAY, 10, client);
    }
    series.answered(StatusCode::NOT_FOUND, 10, 4);
    series.failed(ErrorReason::UpstreamTimeout, 7);
    series.failed(ErrorReason::BadRequest, 5);
    let totals = series.totals();
    assert_eq!((totals.error_clients, totals.timeouts, totals.errors.len()), (5, 1, 2));
    assert_eq!((totals.requests.server_errors, totals.requests.client_errors), (4, 1));
}
