//! Against a Prometheus of its own, which scrapes exporters that the tests serve.

mod process;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use self::process::{Prometheus, exporter};
use super::*;

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_secs()
}

/// What the gate says of a limit.
async fn limit(prometheus: &Prometheus, query: &str, more: Value) -> (Verdict, String) {
    said(&prometheus.with(json!({"query": query, "at_most": 100}), more)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_kept_or_broken_by_what_prometheus_has_scraped() {
    let one = exporter(|_| "queue_lag 40\nshare 0.5\n".to_owned()).await;
    let two = exporter(|_| "queue_lag 60\n".to_owned()).await;
    let Some(prometheus) = Prometheus::scraping(&[one, two]).await else {
        return;
    };
    prometheus.until("count(queue_lag) == 2").await;
    for (query, verdict, words) in [
        (
            "max(queue_lag)",
            Verdict::Pass,
            "`max(queue_lag)` is 60 with at most 100",
        ),
        (
            "sum(queue_lag) * 2",
            Verdict::Fail,
            "is 200, expected is at most 100, at look 1",
        ),
        ("scalar(min(queue_lag))", Verdict::Pass, "is 40 with at most 100"),
        (
            "queue_lag",
            Verdict::Error,
            "has 2 samples where one is asked for: put `max(...)`",
        ),
        ("queue_leg", Verdict::NoData, "`queue_leg` has no sample"),
        ("max(queue_lag) > 1000", Verdict::NoData, "has no sample"),
        (
            "sum(queue_lag * 0) / 0",
            Verdict::NoData,
            "is NaN, as a share of nothing is",
        ),
        (
            "sum(queue_lag) / 0",
            Verdict::Error,
            "is infinite, as what is divided by 0 is",
        ),
        ("max(queue_lag", Verdict::Error, "answered 400 Bad Request: bad_data:"),
        (
            "share + on() queue_lag",
            Verdict::Error,
            "answered 422 Unprocessable Entity: execution:",
        ),
        ("queue_lag[1m]", Verdict::Error, "take the brackets away"),
        ("\"queue_lag\"", Verdict::Error, "a string, which is no number"),
    ] {
        is(&limit(&prometheus, query, json!({})).await, verdict, words);
    }
    let with = json!({"for": "2s", "every": "1s", "at_least": 40});
    let looks = limit(&prometheus, "min(queue_lag)", with).await;
    is(
        &looks,
        Verdict::Pass,
        "is 40 with at least 40 and at most 100, at 3 looks in 2s",
    );

    // Arguments are the new version's.
    let query = r#"queue_lag{instance=~"${new_addresses}"}"#;
    let with = prometheus.with(json!({"query": query, "at_most": 50}), json!({}));
    let judgement = run(with.clone(), target(&[], &[one])).await;
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
    let judgement = run(with.clone(), target(&[one], &[two])).await;
    assert_eq!(judgement.verdict, Verdict::Fail, "{}", judgement.reason);
    let judgement = run(with, target(&[one], &[])).await;
    assert_eq!(judgement.verdict, Verdict::Error);
    assert!(
        judgement.reason.contains("needs `${new_addresses}`, and there is none"),
        "{}",
        judgement.reason
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_broken_at_a_later_look_fails() {
    let armed = std::sync::Arc::new(AtomicU64::new(u64::MAX));
    let breaks = std::sync::Arc::clone(&armed);
    let one = exporter(move |_| {
        let is_broken = now() >= breaks.load(Ordering::SeqCst);
        format!("queue_lag {}\n", if is_broken { 500 } else { 40 })
    });
    let Some(prometheus) = Prometheus::scraping(&[one.await]).await else {
        return;
    };
    prometheus.until("queue_lag").await;
    armed.store(now() + 4, Ordering::SeqCst);
    let found = limit(&prometheus, "queue_lag", json!({"for": "2m", "every": "1s"})).await;
    is(
        &found,
        Verdict::Fail,
        "`queue_lag` is 500, expected is at most 100, at look ",
    );
    assert!(!found.1.ends_with("at look 1"), "{}", found.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_sample_is_no_data() {
    // An exporter that says when it has measured, and has not done so lately.
    let one = exporter(|_| format!("lag_of_old 7 {}000\nlag 7\n", now() - 90));
    let Some(prometheus) = Prometheus::scraping(&[one.await]).await else {
        return;
    };
    prometheus.until("lag_of_old + lag").await;
    let stale = json!({"stale_after": "1m"});
    is(&limit(&prometheus, "lag", stale.clone()).await, Verdict::Pass, "is 7");
    is(
        &limit(&prometheus, "lag_of_old", json!({})).await,
        Verdict::Pass,
        "is 7",
    );
    let found = limit(&prometheus, "lag_of_old # at night", stale).await;
    is(&found, Verdict::NoData, "s old, and is stale after 1m: {");
    // Of an expression Prometheus knows no time but that of the question.
    let fresh = |query| json!({"stale_after": "1m", "fresh": query});
    let found = limit(&prometheus, "max(lag_of_old)", fresh("lag_of_old")).await;
    is(&found, Verdict::NoData, "the newest sample of `lag_of_old` is ");
    is(
        &limit(&prometheus, "max(lag_of_old)", fresh("lag")).await,
        Verdict::Pass,
        "is 7",
    );
    is(
        &limit(&prometheus, "max(lag)", fresh("leg")).await,
        Verdict::NoData,
        "`leg` has no sample",
    );
}

/// Counters of an instance: 50 requests at each scrape, and so many errors among them from one on.
fn page(scrapes: u64, errors: u64, from: u64) -> String {
    let mut text = format!("requests_total {}\n", 50 * scrapes);
    if scrapes >= from {
        text.push_str(&format!("errors_total {}\n", errors * (scrapes - from + 1)));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_are_compared_as_they_were_scraped() {
    let old = exporter(|scrapes| page(scrapes, 5, 1)).await;
    // It is restarted on the way.
    let good = exporter(|scrapes| page(scrapes % 16, 5, 1)).await;
    // Its counter of errors is not there before the first of them.
    let bad = exporter(|scrapes| page(scrapes, 45, 12)).await;
    let without = exporter(|scrapes| page(scrapes, 0, u64::MAX)).await;
    let Some(prometheus) = Prometheus::scraping(&[old, good, bad, without]).await else {
        return;
    };
    let side = |name: &str| {
        let of = |counter: &str| format!("{counter}{{instance=~\"${{{name}_addresses}}\"}}");
        json!({"events": of("errors_total"), "total": of("requests_total")})
    };
    let with = prometheus.with(
        json!({"old": side("old"), "new": side("new"), "margin": 2, "over": "12s", "every": "1s"}),
        json!({"component": "api"}),
    );
    prometheus.until("count(requests_total offset 13s) == 4").await;
    let judged = |with: &Value, new| run(with.clone(), target(&[old], &[new]));
    let judgement = judged(&with, good).await;
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
    assert!(judgement.requests > 600, "{judgement:?}");
    let judgement = judged(&with, bad).await;
    assert_eq!(judgement.verdict, Verdict::Fail, "{}", judgement.reason);
    // No counter of errors: nobody knows whether there were none.
    let mut with = with;
    let judgement = judged(&with, without).await;
    assert_eq!(judgement.verdict, Verdict::NoData, "{}", judgement.reason);
    assert!(
        judgement.reason.contains("say `absent_events: zero`"),
        "{}",
        judgement.reason
    );
    with["absent_events"] = json!("zero");
    let judgement = judged(&with, without).await;
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.reason);
    // Nothing has been scraped of this one, and then it is waited for.
    let nobody = "127.0.0.1:1".parse().unwrap();
    with["retry_for"] = json!("2s");
    let began = Instant::now();
    let judgement = judged(&with, nobody).await;
    assert_eq!(judgement.verdict, Verdict::NoData, "{}", judgement.reason);
    assert!(began.elapsed() >= std::time::Duration::from_secs(2));
    // A sum hides which of them began anew.
    let sum = |name: &str| json!({"events": format!("sum(errors_total{{instance=~\"${{{name}_addresses}}\"}})"), "total": format!("sum(requests_total{{instance=~\"${{{name}_addresses}}\"}})")});
    with["old"] = sum("old");
    with["new"] = sum("new");
    let judgement = judged(&with, good).await;
    assert_eq!(judgement.verdict, Verdict::Error, "{}", judgement.reason);
    assert!(
        judgement.reason.contains("ask for the counters themselves"),
        "{}",
        judgement.reason
    );
}

/// Samples of versions, 15 seconds apart, for half an hour until a little later than now.
fn history() -> String {
    let first = now() / 15 * 15 - 120 * 15;
    let versions = [
        ("1.0.0", 1.0, 0..130),
        ("2.0.0", 1.0, 0..130),
        ("2.0.1", 1.5, 0..130),
        // Gone, and new.
        ("2.0.2", 1.0, 0..90),
        ("2.0.3", 1.0, 100..130),
    ];
    let mut text = String::new();
    let mut noise = 1_u64;
    for (version, factor, instants) in versions {
        for index in instants {
            // The generator of D. Knuth.
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let share = (noise >> 40) as f64 / (1_u64 << 24) as f64;
            let value = 200.0 * factor * (1.0 + share * 0.2);
            text.push_str(&format!(
                "memory_bytes{{version=\"{version}\"}} {value} {}\n",
                first + index * 15
            ));
        }
    }
    format!("# TYPE memory_bytes gauge\n{text}# EOF\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_compared_instant_by_instant() {
    let Some(prometheus) = Prometheus::with_history(&history()).await else {
        return;
    };
    prometheus.until("memory_bytes{version=\"1.0.0\"}").await;
    let with = |new: &str, worse: &str| {
        let query = |version: &str| format!("memory_bytes{{version=\"{version}\"}}");
        let asked = json!({"old": query("1.0.0"), "new": query(new), "worse": worse, "margin": 1.15, "over": "20m"});
        prometheus.with(asked, json!({}))
    };
    // The target's version.
    is(
        &said(&with("${version}", "higher")).await,
        Verdict::Pass,
        "the new version has the old one's times 1.0",
    );
    is(
        &said(&with("2.0.1", "higher")).await,
        Verdict::Fail,
        "the new version has the old one's times 1.5",
    );
    is(
        &said(&with("2.0.1", "lower")).await,
        Verdict::Pass,
        "the old version has the new one's times 0.6",
    );
    is(
        &said(&with("2.0.2", "higher")).await,
        Verdict::NoData,
        "`memory_bytes{version=\"2.0.2\"}` has no sample now",
    );
    is(
        &said(&with("2.0.3", "higher")).await,
        Verdict::NoData,
        "of 81 instants ",
    );
    is(&said(&with("3.0.0", "higher")).await, Verdict::NoData, "has no sample");
    is(
        &said(&with("2.0.0\" or \"", "higher")).await,
        Verdict::Error,
        "400 Bad Request: bad_data",
    );
}
