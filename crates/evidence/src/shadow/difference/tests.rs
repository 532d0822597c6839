use super::*;

fn record(status: u16, header: &str, body: &[u8]) -> Record {
    let headers = match header.split_once(": ") {
        Some((name, value)) => BTreeMap::from([(name.to_owned(), vec![value.to_owned()])]),
        None => BTreeMap::new(),
    };
    Record {
        id: "1".to_owned(),
        method: "GET".to_owned(),
        path: "/".to_owned(),
        tenant: None,
        status,
        headers,
        body: body.to_vec(),
        milliseconds: None,
    }
}

fn check(old: &Record, new: &Record, expect: &[&str]) {
    let found = Differences::between(old, new, &Rules::default());
    let told: Vec<String> = found
        .0
        .iter()
        .map(|((field, kind), (old, new))| format!("{field} {kind:?}: {} | {}", old.as_str(), new.as_str()))
        .collect();
    assert_eq!(told, expect);
}

#[test]
fn status_headers_and_bytes_are_compared() {
    let old = record(200, "vary: a", b"{}");
    check(&old, &old, &[]);
    check(&old, &record(201, "vary: a", b"{}"), &["status Value: 200 | 201"]);
    check(
        &old,
        &record(500, "vary: b", b"{}"),
        &["status Class: 200 | 500", "header vary Value: a | b"],
    );
    check(&old, &record(200, "", b"{}"), &["header vary Missing: a | absent"]);
    check(
        &old,
        &record(200, "vary: a", b"\xff"),
        &["body Type: JSON, 2 bytes | no JSON, 1 bytes"],
    );
    check(
        &record(200, "date: a", b"x"),
        &record(200, "date: b", b"yy"),
        &["body Value: 1 bytes | 2 bytes"],
    );
    let expect = ["header set-cookie Value: (redacted) | (redacted)"];
    check(
        &record(200, "set-cookie: a", b""),
        &record(200, "set-cookie: b", b""),
        &expect,
    );
}

#[test]
fn bodies_that_are_no_json_are_compared_by_bytes() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let old = record(200, "", deep.as_bytes());
    check(&old, &old, &[]);
    check(
        &old,
        &record(200, "", &deep.as_bytes()[1..]),
        &["body Value: 20000 bytes | 19999 bytes"],
    );
    let twice = record(200, "", br#"{"a":1,"a":2}"#);
    check(
        &twice,
        &record(200, "", br#"{"a":1,"a":3}"#),
        &["body Value: 13 bytes | 13 bytes"],
    );
}

#[test]
fn what_is_shown_is_short_and_on_one_line() {
    let long = Shown::text(&"é\n".repeat(100), false);
    assert!(long.as_str().starts_with("é\\né\\n") && long.as_str().ends_with('…'));
    assert!(long.as_str().chars().count() < 150);
}

#[test]
fn differences_of_one_pair_are_bounded() {
    let keys = |prefix: &str| {
        let members: Vec<String> = (0..3_000)
            .map(|n| format!("\"{prefix}{}\":1", "x".repeat(n % 50) + &"y".repeat(n / 50)))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    let found = Differences::between(
        &record(200, "", keys("a").as_bytes()),
        &record(200, "", keys("b").as_bytes()),
        &Rules::default(),
    );
    assert_eq!(found.0.len(), FIELDS_MAX);
}
