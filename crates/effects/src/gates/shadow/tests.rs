use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;
use tidegate_domain::id::{TenantName, Version};
use tokio::task::yield_now;

use super::super::TargetTenant;
use super::*;

const OLD: &str = "127.0.0.1:1000";
const NEW: &str = "127.0.0.1:2000";

fn cell() -> CellName {
    CellName::new("eu").unwrap()
}

fn target(kept: &Path, old: &[&str], new: &[&str]) -> Target {
    let addresses = |texts: &[&str]| -> Vec<SocketAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
    Target {
        tenants: vec![TargetTenant {
            tenant: TenantName::new("acme").unwrap(),
            cell: cell(),
            version: Version::new("1.0.0").unwrap(),
        }],
        kept: kept.to_owned(),
        ..super::super::tests::target(&addresses(old), &addresses(new))
    }
}

fn answer(body: &str) -> Answer {
    Answer::Answered {
        status: 200,
        headers: BTreeMap::new(),
        body: body.as_bytes().to_vec(),
        milliseconds: Some(5.0),
    }
}

/// What a gateway has seen of the request of this number.
fn pair(number: u64, new: &Answer) -> Pair {
    Pair {
        id: number.to_string(),
        tenant: TenantName::new("acme").unwrap(),
        method: "GET".to_owned(),
        path: format!("/orders/{number}"),
        old: answer(r#"{"total":1,"token":"geheim"}"#),
        new: new.clone(),
        again: answer(r#"{"total":1,"token":"geheim"}"#),
    }
}

fn with(others: &Value) -> Value {
    let mut with = json!({"component": "api", "requests": 60, "warm_up": 3, "for": "20s"});
    let others = others.as_object().unwrap().clone();
    with.as_object_mut().unwrap().extend(others);
    with
}

/// The gate's word, while a gateway tells what it sees until the gate has enough.
async fn judged(with: &Value, target: &Target, pairs: u64, new: &Answer) -> Judgement {
    let running = tokio::spawn(run(with.clone(), target.clone()));
    let (id, _) = loop {
        if let Some(wanted) = target.taps.wanted("gateway", true).pop() {
            break wanted;
        }
        yield_now().await;
    };
    let counts = Counts {
        matched: pairs,
        chosen: pairs,
        mirrored: pairs,
        ..Counts::default()
    };
    target.taps.count(&id, "gateway/1", counts);
    for number in 0..pairs {
        target.taps.see(&id, pair(number, new));
    }
    let judgement = running.await.unwrap();
    assert!(
        target.taps.wanted("gateway", true).is_empty(),
        "it wants nothing any more"
    );
    judgement
}

#[tokio::test]
async fn a_field_that_is_renamed_fails_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), &[OLD], &[NEW]);
    let renamed = answer(r#"{"sum":1,"token":"verraten"}"#);
    let judgement = judged(&with(&json!({})), &target, 63, &renamed).await;
    assert_eq!((judgement.verdict, judgement.requests), (Verdict::Fail, 60));
    let told = "3 fields of 60 pairs differ beyond noise: GET /orders/{}: `$.sum`, added by the new version, differs in 100 % (60 of 60)";
    assert!(judgement.reason.starts_with(told), "{}", judgement.reason);
    assert!(
        judgement.reason.contains("`$.total`, missing in the new version"),
        "{}",
        judgement.reason
    );
    assert!(
        judgement
            .reason
            .ends_with("; `tidegate shadow show 2.0.0 first` shows all"),
        "{}",
        judgement.reason
    );
    let kept = fs::read_to_string(folder.path().join(KEPT_FILE)).unwrap();
    assert!(!kept.contains("geheim") && !kept.contains("verraten"), "{kept}");
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["report"]["endpoints"][0]["endpoint"], "GET /orders/{}");
    assert_eq!((&kept["warm_up"], &kept["counts"]["mirrored"]), (&json!(3), &json!(63)));
}

#[tokio::test]
async fn the_same_answers_pass_and_what_is_ignored_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), &[OLD], &[NEW]);
    let same = answer(r#"{"total":1,"token":"geheim"}"#);
    let judgement = judged(&with(&json!({})), &target, 63, &same).await;
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
    let other = answer(r#"{"total":1,"token":"geheim","build":7}"#);
    let ignoring = with(&json!({"ignore": {"fields": ["$.build"]}}));
    let judgement = judged(&ignoring, &target, 63, &other).await;
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
}

#[tokio::test]
async fn a_version_that_does_not_answer_fails() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), &[OLD], &[NEW]);
    let judgement = judged(&with(&json!({})), &target, 63, &Answer::Failed { timed_out: true }).await;
    assert_eq!(judgement.verdict, Verdict::Fail);
    let told = "1 field of 60 pairs differ beyond noise: GET /orders/{}: `status`, another class of status";
    assert!(judgement.reason.starts_with(told), "{}", judgement.reason);
    let told = "the new version did not answer 60 of 60 requests, which counts as 504";
    assert!(judgement.reason.contains(told), "{}", judgement.reason);
}

#[tokio::test]
async fn too_few_requests_prove_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), &[OLD], &[NEW]);
    let same = answer(r#"{"total":1,"token":"geheim"}"#);
    let judgement = judged(&with(&json!({"for": "300ms"})), &target, 30, &same).await;
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}", judgement.reason);
    assert!(
        judgement.reason.starts_with("27 pairs, and 50 are the least"),
        "{}",
        judgement.reason
    );
    assert!(judgement.needs.unwrap().contains("`share`"));
    let judgement = judged(&with(&json!({"for": "300ms"})), &target, 2, &same).await;
    assert_eq!(judgement.verdict, Verdict::NoData);
    assert!(judgement.reason.contains("2 to warm up"), "{}", judgement.reason);
}

#[tokio::test]
async fn without_data_the_reason_says_who_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let target = target(folder.path(), &[OLD], &[NEW]);
    let with = with(&json!({"for": "1ms"}));
    let judgement = run(with.clone(), target.clone()).await;
    assert_eq!(judgement.verdict, Verdict::NoData);
    assert_eq!(
        judgement.reason,
        "no request was mirrored in 1ms: no gateway has reported"
    );
    let read = With::read(&with).unwrap();
    let nothing = |heard: &Heard| nothing(&read, &target, &Seen::default(), heard);
    let mut heard = Heard::default();
    heard.reported.insert("edge".to_owned(), false);
    assert!(nothing(&heard).contains("gateway `edge` is of an earlier version"));
    heard.reported.insert("other".to_owned(), true);
    let told = "none of the wave's tenants (1) has sent one to `api` that may be";
    assert!(nothing(&heard).contains(told), "{}", nothing(&heard));
}

#[tokio::test]
async fn where_there_is_nothing_to_compare_nothing_is_mirrored() {
    let folder = tempfile::tempdir().unwrap();
    let first = Target {
        has_old: false,
        old: Vec::new(),
        ..target(folder.path(), &[], &[NEW])
    };
    for (target, verdict, told) in [
        (first, Verdict::Pass, "no tenant of the wave is on a version yet"),
        (
            target(folder.path(), &[OLD], &[OLD]),
            Verdict::Pass,
            "`api` is unchanged",
        ),
        (
            target(folder.path(), &[], &[NEW]),
            Verdict::NoData,
            "no version that the wave's tenants are on",
        ),
        (
            target(folder.path(), &[OLD], &[]),
            Verdict::Error,
            "no instance of a component `api`",
        ),
    ] {
        let judgement = run(with(&json!({})), target.clone()).await;
        assert_eq!(judgement.verdict, verdict, "{}", judgement.reason);
        assert!(judgement.reason.contains(told), "{}", judgement.reason);
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (others, told) in [
        (json!({"share": 0}), "`share` is from 0.01 to 100"),
        (json!({"requests": 49}), "`requests` is from 50"),
        (json!({"for": "0s"}), "`for` is above 0s"),
        (json!({"timeout": "2m"}), "`timeout` is above 0s and at most"),
        (json!({"in_flight_at_most": 0}), "`in_flight_at_most` is from 1"),
        (json!({"tolerance": {"relative": 2.0}}), "`tolerance`"),
        (json!({"ignore": {"fields": ["total"]}}), "total"),
        (
            json!({"endpoints": [{"method": "POST", "path": "/search"}]}),
            "with `sandbox: true` you say",
        ),
        (
            json!({"endpoints": [{"method": "get", "path": "/"}]}),
            "no method that is mirrored",
        ),
        (
            json!({"endpoints": [{"method": "GET", "path": "search"}]}),
            "no path such as",
        ),
        (
            json!({"endpoints": [{"method": "GET", "path": "/**/x"}]}),
            "no path such as",
        ),
        (json!({"endpoint": []}), "unknown field `endpoint`"),
    ] {
        let refused = With::read(&with(&others)).unwrap_err();
        assert!(refused.contains(told), "{others}: {refused}");
    }
    let sandbox = json!({"endpoints": [{"method": "POST", "path": "/search/*", "sandbox": true}], "share": 12.5});
    let read = With::read(&with(&sandbox)).unwrap();
    assert_eq!((read.basis_points(), read.endpoints().len()), (1_250, 1));
}
