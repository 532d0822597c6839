//! Clocks that are put forward and back: the facts of communication between people and clocks that schedules get wrong.

use super::*;

/// Argo CD, GitLab, Harness: a start and a duration end at 05:00 or 07:00 twice a year. gitops-promoter#1734: changes of clocks.
#[test]
fn a_night_ends_at_six_on_both_nights_on_which_the_clocks_change() {
    let night = windows(json!([{"name": "night", "kind": "allow", "from": "22:00", "until": "06:00"}]));
    check(
        &night,
        "2027-03-27T12:00:00Z",
        "2027-03-27T22:00:00+01:00",
        "2027-03-28T06:00:00+02:00",
    );
    check(
        &night,
        "2026-10-24T12:00:00Z",
        "2026-10-24T22:00:00+02:00",
        "2026-10-25T06:00:00+01:00",
    );
}

/// Two good libraries are 30 minutes apart about this time.
#[test]
fn a_time_that_the_clocks_jump_over_is_the_first_instant_after_the_jump() {
    let early = windows(json!([{"name": "early", "kind": "allow", "from": "02:30", "until": "05:00"}]));
    check(
        &early,
        "2027-03-28T00:00:00Z",
        "2027-03-28T03:00:00+02:00",
        "2027-03-28T05:00:00+02:00",
    );
    let until = windows(json!([{"name": "until", "kind": "allow", "from": "01:00", "until": "02:30"}]));
    check(
        &until,
        "2027-03-27T22:00:00Z",
        "2027-03-28T01:00:00+01:00",
        "2027-03-28T03:00:00+02:00",
    );
}

#[test]
fn a_time_that_comes_twice_opens_at_the_first_and_closes_at_the_second() {
    let early = windows(json!([{"name": "early", "kind": "allow", "from": "02:00", "until": "02:30"}]));
    check(
        &early,
        "2026-10-24T12:00:00Z",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+01:00",
    );
}

#[test]
fn a_freeze_begins_like_an_opening_and_ends_like_a_closing() {
    let frozen = windows(json!([{"name": "stop", "kind": "freeze", "on": "sun", "from": "02:15", "until": "02:45"}]));
    let class = class(&frozen, "Europe/Berlin");
    let is_open = |text| frozen.is_open(&class, at(text)).open;
    assert!(is_open("2026-10-25T02:14:59+02:00"));
    assert!(!is_open("2026-10-25T02:15:00+02:00"));
    assert!(!is_open("2026-10-25T02:00:00+01:00"));
    assert!(!is_open("2026-10-25T02:44:59+01:00"));
    assert!(is_open("2026-10-25T02:45:00+01:00"));
}

#[test]
fn a_window_that_a_jump_swallows_does_not_happen() {
    let swallowed = windows(json!([{"name": "gap", "kind": "allow", "from": "02:00", "until": "03:00"}]));
    check(
        &swallowed,
        "2027-03-27T12:00:00Z",
        "2027-03-29T02:00:00+02:00",
        "2027-03-29T03:00:00+02:00",
    );
}

#[test]
fn lord_howe_changes_by_half_an_hour() {
    let early = windows(
        json!([{"name": "early", "kind": "allow", "from": "02:15", "until": "02:45", "time_zone": "Australia/Lord_Howe"}]),
    );
    let class = class(&early, "Australia/Lord_Howe");
    let opens = |from| {
        let opening = early.next_open(&class, at(from)).unwrap();
        Local::new(opening.at, &class.zone).rfc9557()
    };
    assert_eq!(
        opens("2026-10-03T12:00:00Z"),
        "2026-10-04T02:30:00+11:00[Australia/Lord_Howe]"
    );
    assert_eq!(
        opens("2027-04-03T12:00:00Z"),
        "2027-04-04T02:15:00+10:30[Australia/Lord_Howe]"
    );
}

#[test]
fn an_end_that_is_not_after_the_beginning_is_on_the_next_day() {
    let whole = windows(json!([{"name": "whole", "kind": "allow", "on": "sat", "from": "08:00", "until": "08:00"}]));
    check(
        &whole,
        "2026-11-23T12:00:00Z",
        "2026-11-28T08:00:00+01:00",
        "2026-11-29T08:00:00+01:00",
    );
    let night = windows(json!([{"name": "night", "kind": "allow", "on": "fri", "from": "22:00", "until": "06:00"}]));
    let class = class(&night, "Europe/Berlin");
    assert!(
        night.is_open(&class, at("2026-11-28T04:00:00Z")).open,
        "`on` names the day of the opening"
    );
    assert!(!night.is_open(&class, at("2026-11-27T04:00:00Z")).open);
}

#[test]
fn windows_that_touch_are_one_and_a_freeze_cuts() {
    let calendars = windows(json!([
        {"name": "late", "kind": "allow", "from": "22:00", "until": "00:00"},
        {"name": "early", "kind": "allow", "from": "00:00", "until": "04:00"},
        {"name": "stop", "kind": "freeze", "from": "2026-11-25T02:00", "until": "2026-11-25T03:00"},
    ]));
    check(
        &calendars,
        "2026-11-23T12:00:00Z",
        "2026-11-23T22:00:00+01:00",
        "2026-11-24T04:00:00+01:00",
    );
    check(
        &calendars,
        "2026-11-24T12:00:00Z",
        "2026-11-24T22:00:00+01:00",
        "2026-11-25T02:00:00+01:00",
    );
    check(
        &calendars,
        "2026-11-25T01:00:00Z",
        "2026-11-25T03:00:00+01:00",
        "2026-11-25T04:00:00+01:00",
    );
}

#[test]
fn never_is_an_answer_that_comes_soon() {
    let always = windows(json!([
        {"name": "night", "kind": "allow", "from": "22:00", "until": "06:00"},
        {"name": "days", "kind": "freeze", "on": "mon-fri", "from": "00:00", "until": "00:00"},
        {"name": "weekends", "kind": "freeze", "on": "sat, sun", "from": "00:00", "until": "00:00"},
    ]));
    assert_eq!(in_berlin(&always, "2026-11-23T12:00:00Z"), None);
    let past =
        windows(json!([{"name": "past", "kind": "allow", "from": "2020-01-01T00:00", "until": "2020-01-02T00:00"}]));
    assert_eq!(in_berlin(&past, "2026-11-23T12:00:00Z"), None);
    let open = windows(json!([{"name": "always", "kind": "allow", "from": "00:00", "until": "00:00"}]));
    let opening = in_berlin(&open, "2026-11-23T12:00:00Z");
    assert_eq!(
        opening,
        Some(("2026-11-23T13:00:00+01:00".to_owned(), None)),
        "it never closes"
    );
}

#[test]
fn a_freeze_for_decades_ends_where_it_says() {
    let calendars = windows(json!([
        {"name": "night", "kind": "allow", "from": "22:00", "until": "06:00"},
        {"name": "stop", "kind": "freeze", "from": "2026-01-01T00:00", "until": "2090-01-01T00:00"},
    ]));
    check(
        &calendars,
        "2026-11-23T12:00:00Z",
        "2090-01-01T00:00:00+01:00",
        "2090-01-01T06:00:00+01:00",
    );
}
