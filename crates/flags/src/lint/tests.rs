use super::*;
use crate::load_document;
use serde_json::{Value as Json, json};

fn today() -> Date {
    jiff::civil::date(2026, 11, 21)
}

fn findings(flags: &Json, style: &Style) -> Vec<String> {
    let (snapshot, _) = load_document(&Snapshot::default(), &json!({"flags": flags}));
    lint(&snapshot, style, today())
        .into_iter()
        .map(|finding| format!("{:?} {}", finding.rule, finding.what))
        .collect()
}

fn sound(targeting: &Json) -> Json {
    json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting,
        "metadata": {"owner": "ann", "description": "The new checkout.", "kind": "release", "expires": "2027-03-31"},
    })
}

#[track_caller]
fn check_targeting(targeting: &Json, expect: &[&str]) {
    assert_eq!(
        findings(&json!({"new-checkout": sound(targeting)}), &Style::default()),
        expect,
        "{targeting}"
    );
}

#[test]
fn a_sound_flag_has_no_finding() {
    check_targeting(
        &json!({"if": [{"==": [{"var": "plan"}, "gold"]}, "on", {"fractional": [["on", 10], ["off", 90]]}]}),
        &[],
    );
    check_targeting(&json!({"if": [true, "on"]}), &[]);
}

#[test]
fn a_flag_says_what_it_is_for_and_until_when() {
    let silent = json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"});
    assert_eq!(
        findings(&json!({"a": silent}), &Style::default()),
        [
            "Owner nobody owns the flag",
            "Description the flag does not say what it does",
            "Kind the flag does not say what it is for"
        ]
    );
    let mut flag = sound(&json!({}));
    flag["variants"] = json!({"off": false});
    for (kind, expires, expect) in [
        ("release", Json::Null, "Expiry the flag ends, but does not say when"),
        ("ops", Json::Null, ""),
        ("ops", json!("soon"), "Expiry `expires` is not a date: \"soon\""),
        (
            "experiment",
            json!("2026-11-20"),
            "Expired the flag expired on 2026-11-20",
        ),
        ("experiment", json!("2026-11-21"), ""),
        ("party", json!("2027-01-01"), "Kind there is no kind \"party\""),
    ] {
        flag["metadata"]["kind"] = json!(kind);
        flag["metadata"]["expires"] = expires;
        assert_eq!(findings(&json!({"a": flag}), &Style::default()).join("\n"), expect);
    }
}

#[test]
fn names_follow_the_style() {
    let mut style = Style {
        name_length: 12,
        prefixes: BTreeMap::from([(Purpose::Release, "release-".to_owned())]),
        ..Style::default()
    };
    let flags = json!({"New_checkout": sound(&json!("on"))});
    assert_eq!(
        findings(&flags, &style),
        [
            "Name the key `New_checkout` is not written like `new-checkout`",
            "Name the key does not start with `release-`"
        ]
    );
    style.levels.insert(Rule::Name, Level::Off);
    assert_eq!(findings(&flags, &style), [""; 0]);
    assert!(Case::Snake.fits("new_checkout_2") && !Case::Snake.fits("new__checkout") && !Case::Kebab.fits("2-new"));
    assert!(Case::Camel.fits("newCheckout") && !Case::Camel.fits("NewCheckout"));
}

#[test]
fn variants_and_targeting_fit_together() {
    check_targeting(
        &json!({"if": [{"var": "beta"}, "purple", "on"]}),
        &["UndefinedVariant the targeting can come to `purple`, which is not a variant"],
    );
    let mut flag = sound(&json!({"if": [{"var": "beta"}, "on"]}));
    flag["variants"] = json!({"on": true, "off": "no", "spare": true});
    assert_eq!(
        findings(&json!({"a": flag}), &Style::default()),
        [
            "MixedValues the variants are of different kinds of values",
            "UnusedVariant nothing comes to the variant `spare`"
        ]
    );
}

#[test]
fn branches_that_no_context_reaches() {
    let gold = json!({"==": [{"var": "plan"}, "gold"]});
    check_targeting(
        &json!({"if": [gold, "on", gold, "off"]}),
        &["UnreachableBranch a condition stands twice: the second one is never reached"],
    );
    check_targeting(
        &json!({"if": [true, "on", "off"]}),
        &["UnreachableBranch the condition true is always true: nothing after it is reached"],
    );
    check_targeting(
        &json!({"if": [0, "on", "off"]}),
        &["UnreachableBranch the condition 0 is never true"],
    );
}

#[test]
fn weights_read_as_percent() {
    check_targeting(
        &json!({"fractional": [["on", 10], ["off", 80]]}),
        &["Weights the weights of `fractional` are 90 together"],
    );
    check_targeting(&json!({"fractional": [["on"], ["off"]]}), &[]);
    check_targeting(&json!({"fractional": [["on", {"var": "share"}], ["off", 80]]}), &[]);
}

#[test]
fn one_set_has_one_hash() {
    let split = sound(&json!({"fractional": [["on", 10], ["off", 90]]}));
    let mut other = split.clone();
    other["metadata"]["hashVersion"] = json!(3);
    assert_eq!(
        findings(&json!({"a": split, "b": other, "c": split}), &Style::default()),
        ["MixedHashVersions `fractional` hashes in several ways: 2 with version 2, 1 with version 3"]
    );
}

#[test]
fn a_waiver_holds_until_its_day() {
    let mut flag = sound(&json!("on"));
    flag["metadata"]["owner"] = Json::Null;
    flag["metadata"].as_object_mut().unwrap().remove("owner");
    let waived = |until: Date| Style {
        waivers: vec![Waiver {
            flag: "a".to_owned(),
            rule: Rule::Owner,
            until,
            reason: "moving teams".to_owned(),
        }],
        ..Style::default()
    };
    let flags = json!({"a": flag});
    assert_eq!(findings(&flags, &waived(today())), [""; 0]);
    assert_eq!(
        findings(&flags, &waived(today().yesterday().unwrap())),
        [
            "Owner nobody owns the flag",
            "ExpiredWaiver the waiver for `a` ended on 2026-11-20: moving teams"
        ]
    );
}
