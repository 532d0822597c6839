use std::env;
use std::time::Instant;

use serde_json::json;

use super::super::tests::target;
use super::*;

/// A wave without slots.
fn nowhere() -> Target {
    Target {
        slots: Vec::new(),
        has_old: false,
        ..target(&[], &[])
    }
}

async fn said(with: Value) -> (Verdict, String) {
    let judgement = run(with, nowhere()).await;
    (judgement.verdict, judgement.reason)
}

#[tokio::test]
async fn the_exit_code_is_the_verdict_and_the_last_line_the_reason() {
    let passed = said(json!({"command": ["sh", "-c", "echo all good for $TIDEGATE_RELEASE $TIDEGATE_SLOTS"]})).await;
    assert_eq!(
        passed,
        (
            Verdict::Pass,
            "`sh` ended with code 0: all good for 2.0.0 []".to_owned()
        )
    );
    let failed = said(json!({"command": ["sh", "-c", "echo 3 tests; echo 1 failed >&2; exit 7"]})).await;
    assert_eq!(failed, (Verdict::Fail, "`sh` ended with code 7: 1 failed".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_run_is_an_error() {
    let (verdict, reason) = said(json!({"command": ["no-such-program"]})).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.starts_with("`no-such-program` cannot be started"), "{reason}");
    assert_eq!(said(json!({"command": []})).await.0, Verdict::Error);
    assert_eq!(said(json!({"program": "x"})).await.0, Verdict::Error);
    assert!((GATE.validate)(&json!({"command": ["true"], "timeout": "5m"})).is_ok());
    assert!((GATE.validate)(&json!({"command": ["true"], "timeout": 5})).is_err());
}

#[tokio::test]
async fn a_program_that_did_not_do_its_work_says_nothing_about_the_version() {
    // As k6 does it: 99 is a threshold that was crossed, the others are its own troubles.
    for (code, verdict) in [(0, Verdict::Pass), (99, Verdict::Fail), (107, Verdict::Error)] {
        let with = json!({"command": ["sh", "-c", format!("exit {code}")], "failure_codes": [99]});
        assert_eq!(said(with).await.0, verdict, "{code}");
    }
    assert_eq!(
        said(json!({"command": ["sh", "-c", "kill -9 $$"]})).await.0,
        Verdict::Error
    );
    let refused = (GATE.validate)(&json!({"command": ["true"], "failure_codes": [0]}));
    assert!(refused.unwrap_err().contains("0, which passes"));
}

#[tokio::test]
async fn what_it_prints_is_asked_for_values() {
    let prints = |p95: &str| {
        let print = format!("echo noise >&2; echo '{{\"p95\": {p95}}}'");
        json!({"command": ["sh", "-c", print], "expect": [{"at": "/p95", "at_most": 300}]})
    };
    let passed = (Verdict::Pass, "`sh` ended with code 0: /p95 is 299".to_owned());
    assert_eq!(said(prints("299")).await, passed);
    let failed = "`sh` ended with code 0: /p95 is 301, expected is at most 300".to_owned();
    assert_eq!(said(prints("301")).await, (Verdict::Fail, failed));
    assert_eq!(said(prints("oops")).await.0, Verdict::Error);
    let refused = (GATE.validate)(&json!({"command": ["true"], "expect": [{"at": "p95", "at_most": 1}]}));
    assert!(refused.unwrap_err().contains("write `/p95`"));
}

#[tokio::test]
async fn one_that_hangs_is_killed_with_all_it_started() {
    let begun = Instant::now();
    let with = json!({"command": ["sh", "-c", "sleep 600 & sleep 600"], "timeout": "100ms"});
    let (verdict, reason) = said(with).await;
    assert_eq!(
        (verdict, reason.as_str()),
        (Verdict::Error, "`sh` did not end within 100ms and was killed")
    );
    assert!(begun.elapsed().as_secs() < 60);
}

/// Cargo sets the variable for every test.
#[tokio::test]
async fn what_the_server_holds_a_gate_gets_only_by_name() {
    let shows = ["sh", "-c", "echo given: $CARGO_MANIFEST_DIR"];
    let (_, reason) = said(json!({"command": shows})).await;
    assert_eq!(reason, "`sh` ended with code 0: given:");
    let (_, reason) = said(json!({"command": shows, "environment": ["CARGO_MANIFEST_DIR", "NOT_THERE"]})).await;
    assert!(reason.ends_with(env!("CARGO_MANIFEST_DIR")), "{reason}");
    let refused = (GATE.validate)(&json!({"command": shows, "environment": ["TIDEGATE_TOKEN"]}));
    assert!(refused.unwrap_err().contains("no client of the control plane"));
}
