use super::*;

#[test]
fn a_record_is_read_with_all_it_has() {
    let line = r#"{"id":"7","method":"get","path":"/a?b=1","tenant":"globex","status":200,
        "headers":{"Content-Type":"application/json","Vary":["a","b"]},"body":"{\"a\":1}","milliseconds":12.5}"#;
    let record = Record::read(line.as_bytes()).unwrap();
    assert_eq!(
        (record.id.as_str(), record.method.as_str(), record.path.as_str()),
        ("7", "GET", "/a?b=1")
    );
    assert_eq!(
        (record.tenant.as_deref(), record.status, record.milliseconds),
        (Some("globex"), 200, Some(12.5))
    );
    assert_eq!(record.headers["content-type"], ["application/json"]);
    assert_eq!(record.headers["vary"], ["a", "b"]);
    assert_eq!(record.body, b"{\"a\":1}");
}

#[test]
fn a_body_is_text_json_or_bytes() {
    let body = |field: &str| {
        let line = format!(r#"{{"id":"1","method":"GET","path":"/","status":200{field}}}"#);
        Record::read(line.as_bytes()).unwrap().body
    };
    assert_eq!(body(""), b"");
    assert_eq!(body(r#","body":null"#), b"");
    assert_eq!(body(r#","body": {"a" : 1e999} "#), br#"{"a" : 1e999}"#);
    assert_eq!(body(r#","body_base64":"//4=""#), [0xff, 0xfe]);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_remedy() {
    let check = |line: &[u8], told: &str| {
        let misread = Record::read(line).unwrap_err();
        assert_eq!(misread.to_string(), told);
        assert!(!misread.remedy.is_empty());
    };
    check(b"[]", "column 1: `{` was expected");
    check(br#"{"id":"1"}"#, "column 11: the record has no `method`");
    check(br#"{"id":"1","id":"2"}"#, "column 19: `id` is given twice");
    check(
        br#"{"body":"a","body_base64":""}"#,
        "column 29: `body_base64` is given twice",
    );
    check(br#"{"id":""}"#, "column 9: this is no string with something in it");
    check(br#"{"milis":1}"#, "column 10: a record has no field `milis`");
    check(br#"{"status":99}"#, "column 13: this is no HTTP status");
    check(br#"{"status":1e2}"#, "column 14: this is no HTTP status");
    check(br#"{"milliseconds":1e999}"#, "column 22: this is no time");
    check(br#"{"milliseconds":-1}"#, "column 19: this is no time");
    check(br#"{"headers":{"a":1}}"#, "column 19: this is no object of headers");
    check(br#"{"body_base64":"a"}"#, "column 19: this is no base64");
    check(b"{\"id\":\"\xff\"}", "column 8: this is not UTF-8");
}
