use super::{Missed, Schedule, ScheduleError, WrittenSchedule};
use crate::calendar::read_instant;
use crate::files::TimeZoneName;
use crate::time::Timestamp;

fn schedule(json: &str) -> Schedule {
    serde_json::from_str(json).expect("a schedule")
}

fn mistake(json: &str) -> ScheduleError {
    let written: WrittenSchedule = serde_json::from_str(json).expect("the right shape");
    Schedule::try_from(written).expect_err("parts that do not go together")
}

fn at(text: &str) -> Timestamp {
    read_instant(text).expect("an instant")
}

fn check(json: &str, from: &str, expected: &[&str]) {
    let schedule = schedule(json);
    let zone = TimeZoneName::new("Europe/Berlin").expect("a zone");
    let schedule = schedule.for_tenant(&zone);
    let mut now = at(from);
    for expected in expected {
        let next = schedule.after(now).expect("it comes again");
        assert_eq!(next, at(expected), "after {now}");
        now = next;
    }
}

#[test]
fn every_is_counted_from_the_epoch() {
    check(
        r#"{"every": "15m"}"#,
        "2026-11-24T10:07:00Z",
        &["2026-11-24T10:15:00Z", "2026-11-24T10:30:00Z"],
    );
}

#[test]
fn days_are_those_of_the_zone() {
    check(
        r#"{"on": "mon-fri", "at": "00:30", "time_zone": "Europe/Berlin"}"#,
        "2026-11-26T23:00:00Z",
        &["2026-11-26T23:30:00Z", "2026-11-29T23:30:00Z"],
    );
    check(
        r#"{"rrule": "FREQ=MONTHLY;BYDAY=-1FR", "at": "06:00", "time_zone": "UTC"}"#,
        "2026-11-01T00:00:00Z",
        &["2026-11-27T06:00:00Z", "2026-12-25T06:00:00Z"],
    );
}

#[test]
fn a_night_in_which_the_clocks_change_has_one_run() {
    let nightly = r#"{"at": "02:30"}"#;
    check(
        nightly,
        "2026-03-28T12:00:00Z",
        // 02:30 is jumped over on the 29th.
        &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
    check(
        nightly,
        "2026-10-24T12:00:00Z",
        // 02:30 is shown twice on the 25th.
        &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    );
}

#[test]
fn it_is_written_as_it_was_read() {
    for json in [
        r#"{"every":"15m"}"#,
        r#"{"on":"mon","at":"02:30","time_zone":"tenant"}"#,
        r#"{"rrule":"FREQ=MONTHLY;BYDAY=-1FR","at":"06:00","time_zone":"Europe/Berlin"}"#,
    ] {
        assert_eq!(serde_json::to_string(&schedule(json)).expect("it is written"), json);
    }
}

#[test]
fn of_many_that_were_missed_the_last_are_kept() {
    let nightly = schedule(r#"{"at": "02:00", "time_zone": "UTC"}"#);
    let every = schedule(r#"{"every": "1d"}"#);
    let (next, until) = (at("2026-11-01T02:00:00Z"), at("2026-11-10T12:00:00Z"));
    let missed = |kept: &str, dropped| Missed {
        kept_from: at(kept),
        dropped,
    };
    assert_eq!(nightly.last_of(next, until, 3), missed("2026-11-08T02:00:00Z", 7));
    assert_eq!(nightly.last_of(next, until, 10), missed("2026-11-01T02:00:00Z", 0));
    let midnight = at("2026-11-01T00:00:00Z");
    assert_eq!(every.last_of(midnight, until, 3), missed("2026-11-08T00:00:00Z", 7));
    assert_eq!(every.last_of(midnight, until, 10), missed("2026-11-01T00:00:00Z", 0));
}

#[test]
fn a_schedule_that_never_comes_says_so() {
    let never = mistake(r#"{"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "at": "02:00"}"#);
    assert!(never.to_string().starts_with("it never comes: no day until"), "{never}");
    assert_eq!(mistake(r#"{"every": "0s"}"#).field(), "every");
    assert_eq!(
        mistake(r#"{"on": "mon", "rrule": "FREQ=DAILY", "at": "02:00"}"#),
        ScheduleError::OnAndRule
    );
}
