//! `shadow compare`, without a server.

use crate::workspace::{Ended, Workspace};

/// A recording of 60 orders, each with `body`.
fn recording(body: &str) -> String {
    let line = |id: u32| {
        format!(r#"{{"id":"{id}","method":"GET","path":"/orders/{id}","status":200,"body":{body},"milliseconds":10}}"#)
    };
    (0..60).map(|id| line(id) + "\n").collect()
}

fn compared(old: &str, new: &str, options: &[&str]) -> Ended {
    let workspace = Workspace::empty();
    workspace.write("old.ndjson", old);
    workspace.write("new.ndjson", new);
    workspace.write("again.ndjson", old);
    workspace.write("rules.yaml", "ignore:\n  fields: [$.total]\n");
    workspace.write("wrong.yaml", "ignore:\n  fields: [total]\n");
    workspace.run(&[&["shadow", "compare", "old.ndjson", "new.ndjson"], options].concat())
}

#[test]
fn a_wrong_field_is_named_with_its_endpoint() {
    let (old, new) = (recording(r#"{"total":1}"#), recording(r#"{"total":2}"#));
    compared(&old, &new, &["--noise", "again.ndjson", "--exit-code"])
        .ended_with(3)
        .shows("GET /orders/{}  (60 pairs)")
        .shows("fail: $.total, another value")
        .shows("- 1\n    + 2");
    let json = compared(&old, &new, &["--noise", "again.ndjson", "--json"])
        .succeeded()
        .json();
    assert_eq!((&json["schema_version"], &json["verdict"]), (&1.into(), &"fail".into()));
    compared(
        &old,
        &new,
        &["--noise", "again.ndjson", "--rules", "rules.yaml", "--exit-code"],
    )
    .succeeded();
    compared(&old, &old, &["--exit-code"]).succeeded();
}

#[test]
fn lines_and_rules_that_are_wrong_are_refused_with_their_place() {
    let good = recording("{}");
    compared(&good, "{\"id\":1}\n", &[])
        .ended_with(1)
        .says("new.ndjson:1")
        .says("help:");
    compared(&good, &(good.clone() + &good), &[])
        .ended_with(1)
        .says("new.ndjson:61")
        .says("line 1");
    let long = format!("{{\"id\":\"{}\"}}\n", "x".repeat(50_000_000));
    compared(&good, &long, &[])
        .ended_with(1)
        .says("new.ndjson:1")
        .says("16 MiB");
    compared(&good, &good, &["--rules", "wrong.yaml"])
        .ended_with(1)
        .says("wrong.yaml:2");
}
