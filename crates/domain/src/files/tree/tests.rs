use serde_json::json;

use super::{Node, Value, read};
use crate::files::Source;
use crate::files::diagnostic::Report;

/// Reads a text without mistakes.
fn tree(text: &str) -> Node {
    let source = Source {
        path: "x.yaml".to_owned(),
        text: text.to_owned(),
    };
    let mut report = Report::new(&source);
    let tree = read(&mut report);
    assert_eq!(report.diagnostics(), []);
    tree.unwrap()
}

#[test]
fn a_document_becomes_the_values_that_json_would_hold() {
    let check = |text: &str, expected: serde_json::Value| assert_eq!(tree(text).json(), expected, "{text}");
    check(
        "a: 1\nb: [x, -2, 2.50, true, ~]\n",
        json!({"a": 1, "b": ["x", -2, 2.5, true, null]}),
    );
    check("a:\n- b: {c: d}\n- - e\n", json!({"a": [{"b": {"c": "d"}}, ["e"]]}));
    check(
        "[yes, no, on, Off, 1.2.3, 10:30, 2026-11-21, 1_000]",
        json!(["yes", "no", "on", "Off", "1.2.3", "10:30", "2026-11-21", "1_000"]),
    );
    check("['1', \"true\", 'null']", json!(["1", "true", "null"]));
    check(
        "[.5x, +x, 1e, e5, 0x, 0xZ]",
        json!([".5x", "+x", "1e", "e5", "0x", "0xZ"]),
    );
    check(
        "a: |\n  one\n  two\nb: >-\n  three\n  four\n",
        json!({"a": "one\ntwo\n", "b": "three four"}),
    );
    check("18446744073709551615", json!(u64::MAX));
    check("1: x\ntrue: y\n", json!({"1": "x", "true": "y"}));
}

#[test]
fn every_part_knows_where_it_was_written() {
    let text = "name: \"é\"\nitems:\n  - first # said\n\n  - {deep: [1, 22]}\n\nend: x\n";
    let tree = tree(text);
    let at = |node: &Node| &text[node.span.clone()];
    assert_eq!(at(tree.field("name").unwrap()), "\"é\"");
    let items = tree.items_of("items");
    assert_eq!(at(&items[0]), "first");
    assert_eq!(at(&items[1]), "{deep: [1, 22]}");
    let deep = items[1].entry("deep").unwrap();
    assert_eq!(&text[deep.key_span.clone()], "deep");
    assert_eq!(at(&deep.value), "[1, 22]");
    assert_eq!(at(&deep.value.items()[1]), "22");
    // A block ends with its last entry, not with the blank lines and comments after it.
    assert_eq!(
        at(tree.field("items").unwrap()),
        "- first # said\n\n  - {deep: [1, 22]}"
    );
    assert_eq!(&text[tree.first_span()], "name");
}

#[test]
fn what_was_refused_holds_nothing() {
    let source = Source {
        path: "x.yaml".to_owned(),
        text: "a: 0x1F\nb: !t c\n".to_owned(),
    };
    let mut report = Report::new(&source);
    let tree = read(&mut report).unwrap();
    assert_eq!(tree.field("a").unwrap().value, Value::Refused);
    assert_eq!(report.diagnostics().len(), 2);
}
