use super::*;
use crate::load_document;
use jiff::ToSpan;
use serde_json::{Value as Json, json};

fn today() -> Date {
    jiff::civil::date(2026, 11, 21)
}

fn ago(days: i64) -> Option<Date> {
    Some(today() - days.days())
}

fn flag(kind: &str, targeting: &Json) -> Json {
    json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting,
        "metadata": {"owner": "ann", "kind": kind, "expires": "2026-11-11"},
    })
}

fn judged(definition: &Json, usage: &Usage) -> Debt {
    let (snapshot, _) = load_document(&Snapshot::default(), &json!({"flags": {"flag": definition}}));
    let usage = BTreeMap::from([("flag".to_owned(), usage.clone())]);
    debt(&snapshot, &usage, &Patience::default(), today()).remove(0)
}

fn used(changed: i64) -> Usage {
    Usage {
        since: ago(200),
        changed: ago(changed),
        evaluated: ago(0),
        served: BTreeMap::new(),
        references: Some(4),
    }
}

#[test]
fn a_flag_goes_from_draft_to_archived() {
    let everybody = flag("release", &json!("on"));
    let split = flag("release", &json!({"fractional": [["on", 50], ["off", 50]]}));
    let stage = |definition: &Json, usage: &Usage| judged(definition, usage).stage;
    assert_eq!(
        stage(
            &everybody,
            &Usage {
                evaluated: None,
                ..used(2)
            }
        ),
        Stage::Draft
    );
    assert_eq!(stage(&split, &used(90)), Stage::Live);
    assert_eq!(stage(&everybody, &used(14)), Stage::Live);
    assert_eq!(stage(&everybody, &used(15)), Stage::Completed);
    assert_eq!(stage(&everybody, &used(45)), Stage::Removable);
    let forgotten = Usage {
        evaluated: ago(31),
        references: Some(0),
        ..used(90)
    };
    assert_eq!(stage(&everybody, &forgotten), Stage::Archived);
    assert_eq!(
        stage(
            &everybody,
            &Usage {
                references: None,
                ..forgotten
            }
        ),
        Stage::Removable
    );
}

#[test]
fn what_was_served_shows_that_all_have_the_same() {
    let split = flag("release", &json!({"if": [{"var": "beta"}, "on", "off"]}));
    let mut usage = used(90);
    usage.served = BTreeMap::from([("on".to_owned(), 12_000), ("off".to_owned(), 0)]);
    let debt = judged(&split, &usage);
    assert_eq!(debt.stage, Stage::Removable);
    assert_eq!(debt.suggestion, Suggestion::RemoveFromCode { keep: "on".to_owned() });
    usage.served.insert("off".to_owned(), 1);
    assert_eq!(judged(&split, &usage).stage, Stage::Live);
}

#[test]
fn a_switch_for_operations_is_never_done() {
    let debt = judged(&flag("ops", &json!({})), &used(190));
    assert_eq!(debt.stage, Stage::Live);
}

#[test]
fn a_report_says_who_how_old_and_why() {
    let debt = judged(&flag("release", &json!("on")), &used(60));
    assert_eq!(debt.owner.as_deref(), Some("ann"));
    assert_eq!((debt.age_days, debt.overdue_days), (Some(200), Some(10)));
    assert_eq!(
        debt.reasons,
        [
            "everybody gets `on`",
            "its definition has not changed since 2026-09-22",
            "it expired on 2026-11-11, 10 days ago"
        ]
    );
    let live = judged(&flag("release", &json!({"var": "plan"})), &used(60));
    assert_eq!(live.suggestion, Suggestion::Renew);
}

#[test]
fn the_worst_comes_first_and_code_without_a_flag_is_found() {
    let flags = json!({"live": flag("release", &json!({"var": "plan"})), "done": flag("release", &json!("on"))});
    let (snapshot, _) = load_document(&Snapshot::default(), &json!({"flags": flags}));
    let usage = BTreeMap::from([
        ("live".to_owned(), used(60)),
        ("done".to_owned(), used(60)),
        (
            "typo".to_owned(),
            Usage {
                references: Some(1),
                ..Usage::default()
            },
        ),
        (
            "old".to_owned(),
            Usage {
                references: Some(0),
                ..Usage::default()
            },
        ),
    ]);
    let order: Vec<String> = debt(&snapshot, &usage, &Patience::default(), today())
        .into_iter()
        .map(|debt| debt.flag)
        .collect();
    assert_eq!(order, ["done", "live"]);
    assert_eq!(undefined(&snapshot, &usage), ["typo"]);
}
