use serde_json::json;

use super::*;

fn expected(listed: Value) -> Vec<Expectation> {
    serde_json::from_value(listed).unwrap()
}

fn said(listed: Value, document: &str) -> (Verdict, String) {
    let judged = judge(&expected(listed), document.as_bytes());
    (judged.verdict, judged.reason)
}

#[test]
fn all_that_is_expected_has_to_be_so() {
    let listed = json!([
        {"at": "/p95", "at_most": 300, "at_least": 1},
        {"at": "/checks/0/ok", "equals": true},
        {"at": "/count", "equals": 2},
    ]);
    let fine = r#"{"p95": 212.5, "checks": [{"ok": true}], "count": 2.0}"#;
    let words = "/p95 is 212.5, /checks/0/ok is true, /count is 2.0".to_owned();
    assert_eq!(said(listed.clone(), fine), (Verdict::Pass, words));
    for (from, to, reason) in [
        ("212.5", "300.1", "/p95 is 300.1, expected is at most 300"),
        ("212.5", "0", "/p95 is 0, expected is at least 1"),
        ("true", "false", "/checks/0/ok is false, expected is true"),
        ("2.0", "3", "/count is 3, expected is 2"),
    ] {
        let failed = (Verdict::Fail, reason.to_owned());
        assert_eq!(said(listed.clone(), &fine.replace(from, to)), failed);
    }
}

#[test]
fn a_document_that_does_not_say_is_an_error_and_no_failure() {
    let listed = json!([{"at": "/p95", "at_most": 300}]);
    for (document, reason) in [
        ("", "it is no JSON document"),
        ("<html>\nnot found", "<html> not found"),
        ("{}", "there is no /p95 in it: {}"),
        (r#"{"p95": "fast"}"#, "/p95 is \"fast\", which is no number"),
    ] {
        let (verdict, said) = said(listed.clone(), document);
        assert_eq!(verdict, Verdict::Error, "{said}");
        assert!(said.contains(reason), "{said}");
    }
    let long = format!("{{\"x\": \"{}\"}}", "a".repeat(10_000));
    assert!(said(listed, &long).1.len() < 300);
}

#[test]
fn what_can_never_hold_is_refused_with_the_remedy() {
    for (one, problem) in [
        (json!({"at": "data.p95", "at_most": 1}), "write `/data/p95`"),
        (json!({"at": "/p95"}), "say `equals`, `at_most` or `at_least`"),
        (
            json!({"at": "", "at_most": 1, "at_least": 2}),
            "no number at `` is at least 2 and at most 1",
        ),
    ] {
        let refused = check(&expected(json!([one]))).unwrap_err();
        assert!(refused.contains(problem), "{refused}");
    }
}
