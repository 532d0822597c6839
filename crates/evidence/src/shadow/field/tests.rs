use super::*;

const PATH: [Step<'_>; 3] = [Step::Key("items"), Step::Element, Step::Key("price")];

#[test]
fn patterns_cover_what_they_name_and_what_lies_below() {
    let check = |pattern: &str, expect: bool| {
        assert_eq!(Pattern::read(pattern).unwrap().covers(&PATH), expect, "{pattern}");
    };
    for pattern in [
        "$",
        "$.items",
        "$.items[]",
        "$.items[].price",
        "$.**.price",
        "$.*.*.price",
        "$.**",
        "$.items.**.price",
    ] {
        check(pattern, true);
    }
    for pattern in [
        "$.price",
        "$[]",
        "$.items.price",
        "$.items[].price.amount",
        "$.*.price",
        "$.**.name",
    ] {
        check(pattern, false);
    }
    for wrong in ["", "items", "$items", "$.", "$..a", "$[0]", "$.a["] {
        assert_eq!(Pattern::read(wrong), None, "{wrong}");
    }
}

#[test]
fn many_wildcards_do_not_take_long() {
    let path: Vec<Step<'_>> = (0..128).map(|_| Step::Key("a")).collect();
    let pattern = format!("${}.b", ".**.a".repeat(64));
    assert!(!Pattern::read(&pattern).unwrap().covers(&path));
}

#[test]
fn keys_that_are_data_are_one_field_and_not_told() {
    assert_eq!(written(&PATH), "$.items[].price");
    assert_eq!(
        written(&[Step::Key("ada@example.org"), Step::Key("17"), Step::Key("a b")]),
        "$.{}.{}.{}"
    );
}
