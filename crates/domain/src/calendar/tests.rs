use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::time::Timestamp;

mod clocks;
mod faults;
mod laws;
mod notices;
mod written;

/// What YAML of this shape is read as.
fn calendars(written: serde_json::Value) -> Calendars {
    serde_json::from_value(written).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "it is written at the place of the call")]
fn windows(written: serde_json::Value) -> Calendars {
    calendars(json!({ "windows": written }))
}

/// A class in a zone, with all windows and the first calendar.
fn class(calendars: &Calendars, zone: &str) -> Class {
    Class {
        zone: zone.parse().unwrap(),
        calendar: calendars.calendars.keys().next().cloned(),
        windows: (0..).zip(&calendars.windows).map(|(place, _)| place).collect(),
    }
}

fn at(text: &str) -> Timestamp {
    read_instant(text).unwrap()
}

fn tenant(written: serde_json::Value) -> Tenant {
    serde_json::from_value(written).unwrap()
}

/// The next opening of all windows for a tenant in Berlin, as its clocks show it: from, until.
fn in_berlin(calendars: &Calendars, from: &str) -> Option<(String, Option<String>)> {
    let class = class(calendars, "Europe/Berlin");
    let shown = |at| Local::new(at, &class.zone).rfc9557().replace("[Europe/Berlin]", "");
    let opening = calendars.next_open(&class, at(from))?;
    Some((shown(opening.at), opening.closes.map(shown)))
}

fn check(calendars: &Calendars, from: &str, opens: &str, closes: &str) {
    let expected = Some((opens.to_owned(), Some(closes.to_owned())));
    assert_eq!(in_berlin(calendars, from), expected, "from {from}");
}

#[test]
fn the_zone_of_a_tenant_beats_that_of_its_calendar_and_without_both_it_is_utc() {
    let calendars = calendars(json!({"calendars": {"eu": {"time_zone": "Europe/Berlin"}, "us": {}}}));
    let zone = |written| calendars.class(&tenant(written)).unwrap().zone.to_string();
    assert_eq!(
        zone(json!({"id": "a", "cell": "c", "calendar": "eu", "time_zone": "Asia/Tokyo"})),
        "Asia/Tokyo"
    );
    assert_eq!(zone(json!({"id": "a", "cell": "c", "calendar": "eu"})), "Europe/Berlin");
    assert_eq!(zone(json!({"id": "a", "cell": "c", "calendar": "us"})), "UTC");
    assert_eq!(zone(json!({"id": "a", "cell": "c"})), "UTC");
}

#[test]
fn many_tenants_have_few_classes() {
    let calendars = windows(json!([
        {"name": "night", "kind": "allow", "from": "22:00", "until": "06:00"},
        {"name": "peak", "kind": "freeze", "from": "2026-11-23T00:00", "until": "2026-12-01T00:00", "tenants": {"tag": "retail"}},
    ]));
    let zones = ["Europe/Berlin", "Asia/Tokyo", "America/New_York"];
    let classes: std::collections::BTreeSet<Class> = (0..10_000)
        .map(|number: usize| {
            let labels = if number.is_multiple_of(2) {
                json!(["retail"])
            } else {
                json!([])
            };
            let id = format!("t{number}");
            let written = json!({"id": id, "cell": "c", "labels": labels, "time_zone": zones[number % 3]});
            calendars.class(&tenant(written)).unwrap()
        })
        .collect();
    assert_eq!(classes.len(), 6);
}

#[test]
fn what_is_frozen_into_a_plan_is_what_was_written() {
    let calendars = calendars(json!({
        "calendars": {"eu": {"time_zone": "Europe/Berlin", "working_hours": "08:00-16:30", "holidays": "holidays/de.ics"}},
        "holidays": {"holidays/de.ics": {"years": [2026], "days": {"2026-12-25": "Christmas Day"}}},
        "windows": [
            {"name": "night", "kind": "allow", "on": "mon-thu", "from": "22:00", "until": "06:00", "when_open_ends": "finish-wave"},
            {"name": "once", "kind": "freeze", "from": "2026-11-23T00:00", "until": "2026-12-01T00:00", "time_zone": "Europe/London"},
            {"name": "payday", "kind": "freeze", "rrule": "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR", "starting": "2026-01-01",
             "from": "08:00", "until": "18:00"},
        ],
    }));
    let frozen = serde_json::to_value(&calendars).unwrap();
    assert_eq!(serde_json::from_value::<Calendars>(frozen).unwrap(), calendars);
}

#[test]
fn an_instant_is_read_with_its_zone_and_refused_with_another_offset() {
    let berlin = at("2026-12-24T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(at("2026-12-24T01:00:00Z"), berlin);
    assert_eq!(at("2026-12-24T01:00:00Z[Europe/Berlin]"), berlin);
    for (text, complaint) in [
        ("2026-12-24T02:00:00+02:00[Europe/Berlin]", "where it is +01:00 then"),
        ("2026-12-24T02:00:00+01:00[EST]", "`EST` is not a time zone"),
        ("2026-12-24T02:00:00", "is not an instant"),
        ("2026-12-24T02:00:00+01:00[Europe/Berlin", "is not an instant"),
    ] {
        let error = read_instant(text).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}

/// argoproj/argo-cd#3831: one program showed UTC and the other local time, and neither said so. #17750: a reader took the zone
/// for another.
#[test]
fn an_instant_is_shown_to_people_with_its_zone_and_where_it_comes_twice_with_its_offset() {
    let zone = "Europe/Berlin".parse().unwrap();
    let shown = |text| Local::new(at(text), &zone).to_string();
    assert_eq!(shown("2026-11-24T05:00:00Z"), "Tue 24 Nov 2026, 06:00 Europe/Berlin");
    assert_eq!(
        shown("2026-10-25T01:30:00Z"),
        "Sun 25 Oct 2026, 02:30 (+01:00) Europe/Berlin"
    );
}

#[test]
fn what_is_frozen_and_open_is_told_for_each_stretch_of_time() {
    let calendars = windows(json!([
        {"name": "night", "kind": "allow", "from": "22:00", "until": "06:00"},
        {"name": "stop", "kind": "freeze", "from": "2026-11-25T02:00", "until": "2026-11-25T03:00"},
    ]));
    let class = class(&calendars, "UTC");
    let stretches = calendars.stretches(&class, at("2026-11-24T20:00:00Z"), at("2026-11-25T07:00:00Z"));
    let told: Vec<(String, bool)> = stretches
        .iter()
        .map(|stretch| (stretch.until.to_string(), stretch.openness.open))
        .collect();
    let expected = [
        ("2026-11-24T22:00:00Z", false),
        ("2026-11-25T02:00:00Z", true),
        ("2026-11-25T03:00:00Z", false),
        ("2026-11-25T06:00:00Z", true),
        ("2026-11-25T07:00:00Z", false),
    ];
    assert_eq!(told, expected.map(|(until, open)| (until.to_owned(), open)));
}

#[test]
fn a_window_with_a_capacity_is_listed_each_time_it_is_open() {
    let calendars = windows(
        json!([{"name": "slot", "kind": "allow", "on": "mon, wed", "from": "22:00", "until": "23:00", "capacity": 3}]),
    );
    let class = class(&calendars, "UTC");
    let (from, until) = (at("2026-11-23T22:30:00Z"), at("2026-12-01T00:00:00Z"));
    let opens: Vec<String> = calendars
        .occurrences(&class, &calendars.windows[0], from, until)
        .iter()
        .map(|(opens, _)| opens.to_string())
        .collect();
    assert_eq!(
        opens,
        ["2026-11-23T22:00:00Z", "2026-11-25T22:00:00Z", "2026-11-30T22:00:00Z"]
    );
}

#[test]
fn a_notice_that_allows_a_start_on_a_weekend_need_not_allow_one_on_the_monday_after() {
    let calendars = calendars(serde_json::json!({"calendars": {"eu": {"time_zone": "Europe/Berlin"}}}));
    let class = class(&calendars, "Europe/Berlin");
    let period = "5 working days".parse().unwrap();
    let monday = at("2026-11-02T09:00:00+01:00[Europe/Berlin]");
    let next = |from: &str| {
        let start = calendars.next_start(&class, monday, &period, at(from)).unwrap();
        Local::new(start, &class.zone).rfc9557()
    };
    assert_eq!(
        next("2026-11-02T09:00:00+01:00[Europe/Berlin]"),
        "2026-11-07T09:00:00+01:00[Europe/Berlin]"
    );
    assert_eq!(
        next("2026-11-08T03:00:00+01:00[Europe/Berlin]"),
        "2026-11-08T09:00:00+01:00[Europe/Berlin]"
    );
    assert_eq!(
        next("2026-11-09T02:00:00+01:00[Europe/Berlin]"),
        "2026-11-09T09:00:00+01:00[Europe/Berlin]"
    );
    assert_eq!(
        next("2026-11-10T02:00:00+01:00[Europe/Berlin]"),
        "2026-11-10T02:00:00+01:00[Europe/Berlin]"
    );
    let every = calendars.every_start(&class, monday, &period);
    assert_eq!(every, Ok(at("2026-11-09T09:00:00+01:00[Europe/Berlin]")));
}
