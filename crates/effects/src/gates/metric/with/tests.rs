use serde_json::{Value, json};

use super::Metric;

fn limit() -> Value {
    json!({"url": "https://prometheus", "query": "up", "at_most": 5})
}

fn samples() -> Value {
    json!({"url": "https://prometheus", "old": "a", "new": "b", "worse": "higher", "margin": 1.1})
}

fn side(name: &str) -> Value {
    json!({"events": format!("errors_{name}"), "total": format!("requests_{name}")})
}

fn counters() -> Value {
    json!({"url": "https://prometheus", "old": side("a"), "new": side("b"), "margin": 1.5})
}

/// That what is right without `changed` is refused with it.
#[track_caller]
fn check(with: &Value, changed: &Value, problem: &str) {
    let mut with = with.clone();
    assert!(Metric::read(&with).is_ok(), "{with}");
    for (name, value) in changed.as_object().unwrap() {
        with[name] = value.clone();
    }
    let refused = Metric::read(&with).unwrap_err();
    assert!(refused.contains(problem), "{with}: {refused}");
}

#[test]
fn the_server_is_an_address_and_a_token_is_safe_there() {
    for (changed, problem) in [
        (json!({"url": "prometheus:9090"}), "no address like https://host/path"),
        (json!({"url": "https://u:p@prometheus"}), "with `token`"),
        (
            json!({"url": "http://prometheus", "token": {"environment": "T"}}),
            "use https",
        ),
        (
            json!({"url": "https://p/api/v1/query"}),
            "leave out what begins with `/api/v1`",
        ),
        (json!({"url": "https://p/?a=b"}), "all behind `?`"),
        (json!({"headers": {"authorization": "x"}}), "with `token`"),
        (json!({"timeout": "0s"}), "`timeout` is above 0"),
        (json!({"every": "10ms"}), "`every` is 1s at least"),
        (json!({"stale_after": "0s"}), "`stale_after` is above 0"),
        (json!({"on_no_data": "pass"}), "unknown field `on_no_data`"),
        (json!({"on_inconclusive": "pass"}), "unknown field `on_inconclusive`"),
        (json!({"ready": true}), "unknown field `ready`"),
    ] {
        for with in [limit(), samples(), counters()] {
            check(&with, &changed, problem);
        }
    }
}

#[test]
fn a_limit_that_cannot_be_held_is_refused() {
    for (changed, problem) in [
        (json!({"at_most": null}), "say `at_most` or `at_least`"),
        (json!({"at_least": 6}), "no number is at least 6 and at most 5"),
        (json!({"for": "5 minutes"}), "is not a duration"),
        (json!({"for": "2d"}), "`for` is 1d at most"),
        (
            json!({"query": "up{a=\"${verion}\"}"}),
            "`query` cannot be asked: there is no argument `${verion}`",
        ),
        (json!({"fresh": ""}), "`fresh` cannot be asked: it is empty"),
        (json!({"new": "b", "old": "a"}), "say either, not both"),
        (json!({"query": null}), "nothing is asked"),
        (json!({"margin": 2}), "`margin` is not for a limit"),
        (
            json!({"query": "max(up)", "stale_after": "1m"}),
            "say with `fresh` which series have to be fresh",
        ),
    ] {
        check(&limit(), &changed, problem);
    }
}

#[test]
fn samples_that_cannot_be_compared_are_refused() {
    for (changed, problem) in [
        (json!({"old": null}), "nothing is asked"),
        (json!({"old": side("a")}), "are of one kind"),
        (json!({"old": ["a"]}), "`new` and `old` are each a query, or"),
        (json!({"worse": null}), "say which way is `worse`"),
        (json!({"margin": null}), "say the `margin`"),
        (json!({"margin": 1}), "`margin` is a ratio above 1"),
        (json!({"margin": 1000}), "no ratio of 100 at most"),
        (json!({"tolerance": 0.1}), "`tolerance` is not for samples"),
        (json!({"at_most": 0.1}), "`at_most` is not for a comparison"),
        (json!({"over": "2m"}), "fewer than 10 instants"),
        (json!({"over": "24h"}), "more than 5000 instants"),
        (json!({"retry_for": "25h"}), "are 1d at most"),
        (json!({"new": "a"}), "ask the same"),
        (
            json!({"new": "a{i=~\"${old_addresses}\"}"}),
            "`new` asks for `${old_addresses}`",
        ),
        (
            json!({"old": "a{i=~\"${new_addresses}\"}"}),
            "`old` asks for `${new_addresses}`",
        ),
    ] {
        check(&samples(), &changed, problem);
    }
}

#[test]
fn counters_that_cannot_be_compared_are_refused() {
    for (changed, problem) in [
        (json!({"margin": 1}), "or 1 with a `tolerance`"),
        (json!({"margin": 0.5, "tolerance": 0.01}), "or 1 with a `tolerance`"),
        (json!({"tolerance": 1}), "no share between 0 and 1"),
        (json!({"worse": "higher"}), "`worse` is not for counters"),
        (
            json!({"new": {"events": "sum (irate (x[5m]))", "total": "y"}}),
            "`new.events` is a `rate`: ask for the counters themselves",
        ),
        (
            json!({"new": {"events": "x", "total": ""}}),
            "`new.total` cannot be asked: it is empty",
        ),
        (json!({"new": {"events": "x", "total": "requests_a"}}), "ask the same"),
    ] {
        check(&counters(), &changed, problem);
    }
}

#[test]
fn of_a_selector_it_is_known_how_old_it_is() {
    for query in ["up", "a:b_c{x=\"}\"}", " up {job=\"a\"} "] {
        let with = json!({"url": "https://prometheus", "query": query, "at_most": 5, "stale_after": "1m"});
        assert!(Metric::read(&with).is_ok(), "{query}");
    }
    for query in [
        "max(up)",
        "up + 1",
        "up > 0",
        "a{b=\"c\"}[5m]",
        "5",
        "up offset 1h",
        "-up",
    ] {
        let mut with = json!({"url": "https://prometheus", "query": query, "at_most": 5, "stale_after": "1m"});
        assert!(Metric::read(&with).is_err(), "{query}");
        with["fresh"] = json!("up");
        assert!(Metric::read(&with).is_ok(), "{query}");
    }
}
