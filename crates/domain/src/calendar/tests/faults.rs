//! What schedulers of releases got wrong, each as a test: the faults that users of other products reported.

use super::*;

const RETAIL: &str = "2026-11-25T12:00:00Z";

/// Nights, and a freeze over Thanksgiving for retail tenants.
fn thanksgiving() -> Calendars {
    windows(json!([
        {"name": "night", "kind": "allow", "from": "22:00", "until": "06:00"},
        {"name": "peak", "kind": "freeze", "from": "2026-11-23T00:00", "until": "2026-12-01T00:00",
         "tenants": {"tag": "retail"}, "reason": "Black Friday"},
    ]))
}

fn of(calendars: &Calendars, written: serde_json::Value) -> Class {
    calendars.class(&tenant(written)).unwrap()
}

/// OctopusDeploy/Issues#9172: Thanksgiving is one for tenants in North America only.
#[test]
fn a_freeze_for_some_tenants_leaves_the_others_alone() {
    let calendars = thanksgiving();
    let shop = of(&calendars, json!({"id": "shop", "cell": "us", "labels": ["retail"]}));
    let bank = of(
        &calendars,
        json!({"id": "bank", "cell": "us", "labels": {"retail": false}}),
    );
    let opens = |class| calendars.next_open(class, at(RETAIL)).unwrap().at;
    assert_eq!(opens(&bank), at("2026-11-25T22:00:00Z"));
    assert_eq!(opens(&shop), at("2026-12-01T00:00:00Z"));
}

/// OctopusDeploy/Issues#9172: the tenant that is shown to a board is left alone before the meeting. GitLab #247110: a freeze for
/// one date, not for a rule.
#[test]
fn one_tenant_can_be_frozen_for_a_day() {
    let calendars = windows(json!([
        {"name": "board-meeting", "kind": "freeze", "from": "2026-11-25T08:00", "until": "2026-11-25T18:00", "tenants": {"tenants": ["demo"]}},
    ]));
    let is_open = |id| {
        calendars
            .is_open(&of(&calendars, json!({"id": id, "cell": "c"})), at(RETAIL))
            .open
    };
    assert!(!is_open("demo"));
    assert!(is_open("acme"));
}

/// OctopusDeploy/Issues#4322: tags that were filled in before deployed to the wrong tenants.
#[test]
fn a_selector_selects_no_tenant_that_lacks_a_part_of_it() {
    let calendars = windows(json!([
        {"name": "a", "kind": "freeze", "from": "00:00", "until": "00:00",
         "tenants": {"tag": "retail", "cell": "us", "customer": "mall", "labels": {"tier": "gold"}, "tenants": ["shop"]}},
    ]));
    let whole = json!({"id": "shop", "cell": "us", "customer": "mall", "labels": {"retail": true, "tier": "gold"}});
    assert_eq!(of(&calendars, whole.clone()).windows, [0]);
    for (field, other) in [
        ("id", json!("shop-2")),
        ("cell", json!("eu")),
        ("customer", json!("other")),
        ("labels", json!({"retail": true})),
        ("labels", json!({"retail": "yes", "tier": "gold"})),
    ] {
        let mut changed = whole.clone();
        changed[field] = other;
        assert_eq!(of(&calendars, changed).windows, [0_u16; 0], "{field}");
    }
}

/// OctopusDeploy/Issues#9173: freezes that recur by a rule.
#[test]
fn the_third_saturday_of_the_month_can_be_frozen() {
    let calendars = windows(json!([
        {"name": "stock-taking", "kind": "freeze", "rrule": "FREQ=MONTHLY;BYDAY=3SA", "from": "00:00", "until": "00:00"},
    ]));
    let class = class(&calendars, "UTC");
    let closed: Vec<String> = (1..=30)
        .map(|day| format!("2026-11-{day:02}T12:00:00Z"))
        .filter(|text| !calendars.is_open(&class, at(text)).open)
        .collect();
    assert_eq!(closed, ["2026-11-21T12:00:00Z"]);
}

/// OctopusDeploy/Issues#9173: the business hours of each tenant. argoproj/argo-cd#3204: windows had no zone.
#[test]
fn business_hours_of_each_tenant_are_in_its_own_zone() {
    let calendars =
        windows(json!([{"name": "business", "kind": "freeze", "on": "mon-fri", "from": "09:00", "until": "17:00"}]));
    let is_open = |zone, text| calendars.is_open(&class(&calendars, zone), at(text)).open;
    assert!(!is_open("America/New_York", "2026-11-25T15:00:00Z"));
    assert!(is_open("Asia/Tokyo", "2026-11-25T15:00:00Z"));
}

/// OctopusDeploy/Issues#9621: a freeze in the future blocked at once.
#[test]
fn a_freeze_in_the_future_blocks_nothing_now() {
    let calendars = thanksgiving();
    let shop = of(&calendars, json!({"id": "shop", "cell": "us", "labels": ["retail"]}));
    let before = calendars.next_open(&shop, at("2026-11-20T23:00:00Z")).unwrap();
    assert_eq!(before.at, at("2026-11-20T23:00:00Z"));
}

/// OctopusDeploy/Issues#9599: a freeze ignored when a deployment was scheduled for.
#[test]
fn a_time_planned_ahead_is_judged_by_the_freeze_of_that_time() {
    let calendars = thanksgiving();
    let shop = of(&calendars, json!({"id": "shop", "cell": "us", "labels": ["retail"]}));
    let planned = calendars.is_open(&shop, at("2026-11-26T23:00:00Z"));
    assert!(!planned.open);
    assert_eq!(planned.reason.words(&shop.zone), "freeze `peak` (Black Friday)");
}

/// GitLab #214328: a job that a freeze held back vanished without a word. Octopus: what is queued and meets a freeze fails;
/// here it is moved. kargo#1328: holidays and earnings, with their reason.
#[test]
fn a_moved_start_says_from_when_and_why() {
    let calendars = thanksgiving();
    let shop = of(&calendars, json!({"id": "shop", "cell": "us", "labels": ["retail"]}));
    let opening = calendars.next_open(&shop, at(RETAIL)).unwrap();
    let words = opening.reason.words(&shop.zone);
    assert_eq!(
        words,
        "moved from Wed 25 Nov 2026, 22:00 UTC: freeze `peak` (Black Friday)"
    );
    assert_eq!(opening.window.unwrap().as_str(), "night");
}

/// gitops-promoter#1734: what holds where windows overlap.
#[test]
fn a_freeze_beats_every_window_whatever_their_order() {
    let mut calendars = thanksgiving();
    calendars.windows.reverse();
    let class = class(&calendars, "UTC");
    let frozen = calendars.is_open(&class, at("2026-11-25T23:00:00Z"));
    assert_eq!((frozen.open, frozen.window.unwrap().as_str()), (false, "peak"));
}

#[test]
fn a_tenant_without_a_window_may_always_move_and_one_with_a_window_only_in_it() {
    let nothing = Calendars::default();
    let free = nothing.next_open(&class(&nothing, "UTC"), at(RETAIL)).unwrap();
    assert_eq!(
        (free.at, free.window, free.closes, free.reason),
        (at(RETAIL), None, None, Reason::Unrestricted)
    );
    let calendars = thanksgiving();
    let bank = of(&calendars, json!({"id": "bank", "cell": "us"}));
    let closed = calendars.is_open(&bank, at(RETAIL));
    assert_eq!(closed.reason.words(&bank.zone), "outside of window `night`");
}

/// GitLab MR 97474: a freeze that overlapped itself.
#[test]
fn a_freeze_that_recurs_and_meets_itself_has_no_hole() {
    // Two schedules, one for beginnings and one for ends, lose count where a freeze begins again before it has ended.
    let calendars = windows(json!([
        {"name": "day", "kind": "freeze", "on": "mon-fri", "from": "07:00", "until": "07:00"},
    ]));
    let class = class(&calendars, "Europe/Berlin");
    let closes = calendars.next_close(&class, at("2026-11-21T12:00:00Z"));
    assert_eq!(closes, Some(at("2026-11-23T07:00:00+01:00")));
    let opens = calendars.next_open(&class, closes.unwrap()).unwrap().at;
    assert_eq!(opens, at("2026-11-28T07:00:00+01:00"));
}

/// OctopusDeploy/Issues#2856: hundreds of tenants, of whom a start window of 30 minutes dropped the last.
#[test]
fn hundreds_of_tenants_in_one_window_have_the_same_opening() {
    // There is no time to start within: the window alone decides, for the last tenant as for the first.
    let calendars = thanksgiving();
    let opens: std::collections::BTreeSet<Timestamp> = (0..500)
        .map(|number| of(&calendars, json!({"id": format!("t{number}"), "cell": "us"})))
        .map(|class| calendars.next_open(&class, at(RETAIL)).unwrap().at)
        .collect();
    assert_eq!(opens.len(), 1);
}

/// gitops-promoter#1734: what becomes of a promotion that runs when its window closes.
#[test]
fn what_happens_to_a_wave_when_its_window_ends_is_said() {
    let calendars = windows(json!([
        {"name": "a", "kind": "allow", "from": "22:00", "until": "06:00", "when_open_ends": "finish-wave"},
        {"name": "b", "kind": "allow", "from": "22:00", "until": "06:00"},
    ]));
    let ends: Vec<WhenOpenEnds> = calendars.windows.iter().map(|window| window.when_open_ends).collect();
    assert_eq!(ends, [WhenOpenEnds::FinishWave, WhenOpenEnds::FinishTenant]);
}

/// Gitploy #269: whoever writes when a window begins, and for how long, has to find the beginning before.
#[test]
fn an_instant_in_the_middle_of_a_window_is_in_it_however_long_ago_it_began() {
    let calendars = windows(json!([
        {"name": "summer", "kind": "freeze", "from": "2026-07-01T00:00", "until": "2027-07-01T00:00"},
        {"name": "weekend", "kind": "allow", "on": "sat, sun", "from": "00:00", "until": "00:00"},
    ]));
    let class = class(&calendars, "UTC");
    assert!(!calendars.is_open(&class, at("2027-06-27T12:00:00Z")).open);
    assert!(calendars.is_open(&class, at("2027-07-04T23:59:59Z")).open);
    let opening = calendars.next_open(&class, at("2027-07-04T23:59:59Z")).unwrap();
    assert_eq!(opening.closes, Some(at("2027-07-05T00:00:00Z")));
}

/// argoproj/argo-cd PR 15931: a window that was changed lost its zone to UTC.
#[test]
fn a_window_that_is_written_again_keeps_its_zone() {
    let written = json!([
        {"name": "night", "kind": "allow", "from": "22:00", "until": "06:00", "time_zone": "Asia/Kathmandu"},
        {"name": "day", "kind": "freeze", "from": "09:00", "until": "17:00"},
    ]);
    let calendars = windows(written);
    let text = serde_json::to_value(&calendars).unwrap();
    assert_eq!(text["windows"][0]["time_zone"], "Asia/Kathmandu");
    assert_eq!(serde_json::from_value::<Calendars>(text).unwrap(), calendars);
}
