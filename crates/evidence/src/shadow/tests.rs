use super::*;
use crate::judgement::Verdict;

fn record(path: &str, body: &str, milliseconds: f64) -> Record {
    let line = format!(
        r#"{{"id":"1","method":"GET","path":"{path}","status":200,"body":{body},"milliseconds":{milliseconds}}}"#
    );
    Record::read(line.as_bytes()).unwrap()
}

/// `pairs` of which the new version differs in `new` alone, and the old one from itself in `noise` alone.
fn judged(pairs: u64, new: u64, noise: u64, changed: &str, has_noise: bool) -> Report {
    let mut comparison = Comparison::new(Rules::default(), has_noise);
    let old = record("/orders/1", r#"{"a":1}"#, 10.0);
    let other = record("/orders/1", changed, 10.0);
    for pair in 0..pairs {
        let answer = if pair < new { &other } else { &old };
        let again = if pair >= pairs - noise { &other } else { &old };
        comparison.observe(&old, answer, has_noise.then_some(again)).unwrap();
    }
    comparison.report().unwrap()
}

#[test]
fn a_field_fails_where_the_new_version_differs_more_often_than_the_old_one() {
    let check = |report: &Report, verdict: Verdict, differs: u64, noise: u64| {
        assert_eq!(report.verdict, verdict, "{report:#?}");
        let field = &report.endpoints[0].fields[0];
        assert_eq!(
            (field.verdict, field.differs, field.noise),
            (verdict, differs, noise),
            "{report:#?}"
        );
    };
    let value = r#"{"a":2}"#;
    check(&judged(1000, 20, 0, value, true), Verdict::Fail, 20, 0);
    check(&judged(1000, 20, 15, value, true), Verdict::Pass, 20, 15);
    check(&judged(1000, 40, 15, value, true), Verdict::Fail, 40, 15);
    check(&judged(1000, 15, 40, value, true), Verdict::Pass, 15, 40);
    // One in two to the sixth is not proof, and not noise either; one of a kind that nobody else has seen is open at once.
    check(&judged(1000, 6, 0, value, true), Verdict::Inconclusive, 6, 0);
    check(&judged(1000, 1, 0, value, true), Verdict::Pass, 1, 0);
    check(&judged(1000, 1, 0, "{}", true), Verdict::Inconclusive, 1, 0);
    check(&judged(1000, 1, 1, "{}", true), Verdict::Pass, 1, 1);
}

#[test]
fn without_noise_values_are_open_and_structure_fails() {
    assert_eq!(judged(1000, 1, 0, r#"{"a":2}"#, false).verdict, Verdict::Inconclusive);
    assert_eq!(judged(1000, 1, 0, "{}", false).verdict, Verdict::Fail);
    assert_eq!(judged(1000, 0, 0, "{}", false).verdict, Verdict::Pass);
}

#[test]
fn few_pairs_prove_nothing() {
    assert_eq!(judged(0, 0, 0, "{}", true).verdict, Verdict::NoData);
    let few = judged(PAIRS_MIN - 1, 0, 0, "{}", true);
    assert_eq!(few.verdict, Verdict::Inconclusive);
    assert_eq!(few.reason, "49 pairs, and 50 are the least that is judged");
    assert_eq!(judged(PAIRS_MIN, 0, 0, "{}", true).verdict, Verdict::Pass);
    assert_eq!(judged(3, 3, 0, r#"{"a":2}"#, true).verdict, Verdict::Inconclusive);
}

#[test]
fn a_difference_in_each_answer_is_noise_by_value_and_not_by_kind() {
    let mut comparison = Comparison::new(Rules::default(), true);
    for pair in 0..100 {
        let answer = |offset: u32| record("/a", &format!(r#"{{"at":{}}}"#, 3 * pair + offset), 1.0);
        comparison
            .observe(&answer(0), &record("/a", r#"{"at":"now"}"#, 1.0), Some(&answer(1)))
            .unwrap();
    }
    let report = comparison.report().unwrap();
    let failed: Vec<(&str, Kind)> = report
        .fields(Verdict::Fail)
        .map(|(_, field)| (field.field.as_str(), field.kind))
        .collect();
    assert_eq!(failed, [("$.at", Kind::Type)]);
}

#[test]
fn a_slower_version_fails_and_its_endpoint_is_named() {
    let mut comparison = Comparison::new(Rules::default(), true);
    for pair in 0..2_000_u32 {
        let base = 50.0 + f64::from(pair * 37 % 50);
        let (path, ratio) = if pair % 2 == 0 { ("/slow", 1.5) } else { ("/fast", 1.0) };
        let old = record(path, "{}", base);
        comparison
            .observe(&old, &record(path, "{}", base * ratio), Some(&old))
            .unwrap();
    }
    let report = comparison.report().unwrap();
    assert_eq!(report.verdict, Verdict::Fail, "{report:#?}");
    let named = report.endpoints.iter().filter(|endpoint| {
        endpoint
            .latency
            .as_ref()
            .is_some_and(|latency| latency.decision.verdict == Verdict::Fail)
    });
    let named: Vec<&str> = named.map(|endpoint| endpoint.endpoint.as_str()).collect();
    assert_eq!(named, ["GET /slow"]);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut comparison = Comparison::new(Rules::default(), false);
    for number in 0..3_000_u32 {
        let name: String = number.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
        let path = format!("/{name}");
        comparison
            .observe(&record(&path, "1", 1.0), &record(&path, "2", 1.0), None)
            .unwrap();
        let (old, new) = (
            record("/one", "{}", 1.0),
            record("/one", &format!(r#"{{"{name}":1}}"#), 1.0),
        );
        comparison.observe(&old, &new, None).unwrap();
    }
    let report = comparison.report().unwrap();
    assert_eq!((report.pairs, report.endpoints.len()), (6_000, 501));
    let one = report
        .endpoints
        .iter()
        .find(|endpoint| endpoint.endpoint == "GET /one")
        .unwrap();
    assert_eq!(one.fields.len(), 2_001);
    let others = one.fields.iter().find(|field| field.field == "(others)").unwrap();
    assert_eq!(others.differs, 1_000);
}
