use serde_json::json;

use super::*;

fn document(change: &[(&str, u64)]) -> Value {
    let mut document = json!({
        "sent": 100, "answered": 100, "lost": 0, "stale": 0, "doubled": 0, "wrong_tenant": 0, "uncertain": 0,
        "service_errors": 0, "repeated": 0, "dropped": 0,
        "by_class": {"get": {"lost": 0}, "feed": {"lost": 0}}, "failures": [],
    });
    for (name, count) in change {
        document[*name] = (*count).into();
    }
    document
}

fn is_good(safe: &Value, mortal: &Value) -> bool {
    Report::new(&Observed::default(), safe, mortal).is_good()
}

#[test]
fn nothing_is_excused_where_no_instance_dies() {
    assert!(is_good(&document(&[]), &document(&[])));
    for name in ["lost", "stale", "doubled", "wrong_tenant", "service_errors", "dropped"] {
        assert!(!is_good(&document(&[(name, 1)]), &document(&[])), "{name}");
    }
    assert!(is_good(&document(&[("uncertain", 1)]), &document(&[])));
    assert!(!is_good(&document(&[("sent", 0)]), &document(&[])));
}

#[test]
fn a_death_costs_streams_and_nothing_else() {
    let mut cut = document(&[("lost", 2)]);
    cut["by_class"]["feed"]["lost"] = 2.into();
    assert!(is_good(&document(&[]), &cut));
    cut["lost"] = 3.into();
    assert!(!is_good(&document(&[]), &cut));
    for name in ["stale", "doubled", "wrong_tenant"] {
        assert!(!is_good(&document(&[]), &document(&[(name, 1)])), "{name}");
    }
}

#[test]
fn a_spread_is_of_what_was_seen() {
    let spread = Spread::of((1..=200).map(f64::from).collect());
    assert_eq!((spread.p50, spread.p99, spread.max), (100.0, 198.0, 200.0));
    assert_eq!(Spread::of(Vec::new()).max, 0.0);
}
