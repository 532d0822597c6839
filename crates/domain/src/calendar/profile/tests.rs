use serde_json::json;

use super::*;
use crate::calendar::read_instant;

fn at(text: &str) -> Timestamp {
    read_instant(text).unwrap()
}

fn profile(means: impl Fn(usize) -> f64, peak_hours: &[u8]) -> Profile {
    let hourly: Vec<f64> = (0..HOURS).map(means).collect();
    let text = json!({"schema_version": 1, "tenants": {"acme": {"hourly": hourly, "peak_hours": peak_hours}}});
    Profile::read(&text.to_string()).unwrap()
}

fn acme() -> TenantName {
    "acme".parse().unwrap()
}

fn berlin(calendars: &Calendars) -> Class {
    Class {
        zone: "Europe/Berlin".parse().unwrap(),
        calendar: None,
        windows: (0..).zip(&calendars.windows).map(|(place, _)| place).collect(),
    }
}

#[test]
fn the_quietest_opening_is_the_hour_of_least_traffic_that_is_allowed() {
    let night =
        json!({"windows": [{"name": "night", "kind": "allow", "from": "22:00", "until": "06:00", "on": "mon-thu"}]});
    let calendars: Calendars = serde_json::from_value(night).unwrap();
    // Least of all on Sunday at 03:00, where no window is open; least of the nights on Wednesday at 04:00.
    let means = |hour| match hour {
        147 => 1.0,
        52 => 2.0,
        _ => 50.0,
    };
    let class = berlin(&calendars);
    let from = at("2026-11-23T12:00:00Z");
    let chosen = profile(means, &[]).quietest(&calendars, &class, [&acme()], from, Duration::from_hours(168));
    let chosen = chosen.unwrap();
    assert_eq!(chosen.opening.at, at("2026-11-25T04:00:00+01:00[Europe/Berlin]"));
    assert_eq!((chosen.hourly_requests, chosen.known), (2.0, 1));
}

#[test]
fn of_equally_quiet_hours_the_first_is_chosen() {
    let calendars = Calendars::default();
    let from = at("2026-11-23T12:34:56Z");
    let within = Duration::from_hours(24);
    let chosen = profile(|_| 1.0, &[]).quietest(&calendars, &berlin(&calendars), [&acme()], from, within);
    assert_eq!(chosen.unwrap().opening.at, from);
}

#[test]
fn a_peak_that_has_begun_is_not_the_next_one() {
    // Monday from 09:00 to 11:00, Thursday at 18:00.
    let profile = profile(|_| 1.0, &[9, 10, 90]);
    let class = berlin(&Calendars::default());
    let check = |after, begins, ends| {
        let expected = Peak {
            begins: at(begins),
            ends: at(ends),
        };
        assert_eq!(
            profile.next_peak(&acme(), &class, at(after)),
            Some(expected),
            "after {after}"
        );
    };
    check("2026-11-23T07:59:59Z", "2026-11-23T08:00:00Z", "2026-11-23T10:00:00Z");
    check("2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T10:00:00Z");
    check("2026-11-23T08:00:01Z", "2026-11-26T17:00:00Z", "2026-11-26T18:00:00Z");
    check("2026-11-26T17:30:00Z", "2026-11-30T08:00:00Z", "2026-11-30T10:00:00Z");
    // After the clocks went forward it is the same hour of theirs.
    check("2027-03-28T12:00:00Z", "2027-03-29T07:00:00Z", "2027-03-29T09:00:00Z");
}

#[test]
fn a_tenant_without_peaks_has_no_next_one_and_one_with_nothing_else_has_it_at_once() {
    let class = berlin(&Calendars::default());
    let after = at("2026-11-23T08:00:01Z");
    assert_eq!(profile(|_| 1.0, &[]).next_peak(&acme(), &class, after), None);
    let all: Vec<u8> = (0..168).collect();
    let peak = profile(|_| 1.0, &all).next_peak(&acme(), &class, after);
    assert_eq!(peak.map(|peak| peak.begins), Some(after));
}

#[test]
fn a_profile_has_whole_weeks_of_numbers() {
    let check = |hourly: serde_json::Value, peak_hours: serde_json::Value, complaint: &str| {
        let text = json!({"schema_version": 1, "tenants": {"acme": {"hourly": hourly, "peak_hours": peak_hours}}});
        let error = Profile::read(&text.to_string()).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    };
    check(json!([1.0]), json!([]), "has 1 hourly means");
    check(json!(vec![-1.0; HOURS]), json!([]), "no number of requests");
    check(json!(vec![1.0; HOURS]), json!([168]), "not an hour of the week");
    let other = Profile::read(r#"{"schema_version": 2, "tenants": {}}"#);
    assert!(matches!(other, Err(ProfileError::Version(2))));
}
