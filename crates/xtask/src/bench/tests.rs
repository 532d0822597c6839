use super::figure::{Best, Figure, Limit, Report, median};
use super::*;

fn figure(ours: f64, nginx: f64, limit: Limit) -> Figure {
    Figure {
        name: "cpu_per_request",
        unit: "us",
        ours,
        peers: vec![("nginx", nginx)],
        limit: Some(limit),
    }
}

fn report(figures: Vec<Figure>) -> Report {
    Report {
        name: "gateway",
        figures,
    }
}

#[test]
fn options_have_defaults_and_are_checked() {
    assert_eq!(parse(&[]), Ok((Rounds { rounds: 5, seconds: 5 }, false)));
    let given = parse(&["--json", "--rounds", "7", "--seconds", "2"]);
    assert_eq!(given, Ok((Rounds { rounds: 7, seconds: 2 }, true)));
    for wrong in [&["--rounds"][..], &["--rounds", "0"], &["--seconds", "x"], &["--fast"]] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_best_and_the_middle_of_a_series() {
    assert_eq!(Best::Least.of(&[3.0, 1.0, 2.0]), 1.0);
    assert_eq!(Best::Most.of(&[3.0, 1.0, 2.0]), 3.0);
    assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
}

#[test]
fn a_limit_is_kept_missed_or_cannot_be_known() {
    let holds = |figure| report(vec![figure]).holds();
    assert!(holds(figure(16.0, 8.0, Limit::Ratio("nginx", 2.0))));
    assert!(!holds(figure(16.1, 8.0, Limit::Ratio("nginx", 2.0))));
    assert!(
        !holds(figure(1.0, 8.0, Limit::Ratio("haproxy", 2.0))),
        "without the peer"
    );
    assert!(holds(figure(60.0, 8.0, Limit::Ours(60.0))));
    assert!(!holds(figure(f64::NAN, 8.0, Limit::Ours(60.0))), "without a figure");
}

#[test]
fn the_document_has_figures_peers_and_ratios() {
    let json = report(vec![figure(12.0, 8.0, Limit::Ratio("nginx", 2.0))]).json();
    let expected = r#"{"schema_version": 1, "name": "gateway", "figures": [
  {"figure": "cpu_per_request", "unit": "us", "ours": 12.00, "peers": {"nginx": 8.00}, "ratio": {"nginx": 1.50}, "limit": "at most 2 x nginx", "kept": true}
]}"#;
    assert_eq!(json, expected);
}

#[test]
fn the_table_tells_what_was_missed() {
    let table = report(vec![figure(24.0, 8.0, Limit::Ratio("nginx", 2.0))]).table();
    assert!(table.contains("8.00 (3.00 x)"), "{table}");
    assert!(table.contains("at most 2 x nginx: MISSED"), "{table}");
}
