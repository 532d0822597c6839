use serde_json::json;

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::of(serde_json::from_str::<Value>(text).unwrap().as_number().unwrap()).unwrap()
}

#[test]
fn numbers_are_ordered_exactly() {
    for (less, more) in [
        ("0.1", "0.2"),
        ("-1e300", "1e-300"),
        ("9223372036854775807", "9223372036854775808"),
        ("1e200", "1e300"),
        ("-1e300", "-1e200"),
        ("-0.5", "0"),
    ] {
        assert!(decimal(less) < decimal(more), "{less} < {more}");
    }
    assert_eq!(decimal("1.0"), decimal("1"));
    assert_eq!(decimal("100"), decimal("1e2"));
}

#[test]
fn multiples_are_those_of_the_written_digits() {
    assert_eq!(decimal("0.07").is_multiple_of(decimal("0.01")), Some(true));
    assert_eq!(decimal("0.075").is_multiple_of(decimal("0.01")), Some(false));
    assert_eq!(decimal("1e300").is_multiple_of(decimal("1e-300")), None);
}

#[test]
fn bounds_of_whole_numbers_round_inwards() {
    assert_eq!(decimal("-0.5").floor(), Some(-1));
    assert_eq!(decimal("-0.5").ceil(), Some(0));
    assert_eq!(decimal("2.5").ceil(), Some(3));
    assert_eq!(decimal("1e-300").ceil(), Some(1));
    assert_eq!(decimal("1e300").floor(), None);
}

#[test]
fn one_and_one_point_nought_are_equal_at_any_depth() {
    assert!(equal(&json!({"a": [1.0]}), &json!({"a": [1]})));
    assert!(!equal(&json!({"a": [1.0]}), &json!({"a": ["1"]})));
}
