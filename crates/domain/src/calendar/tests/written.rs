//! What people may write, and what they are told where they may not.

use super::*;

fn refused(window: &serde_json::Value) -> WindowError {
    let written: WrittenWindow = serde_json::from_value(window.clone()).unwrap();
    Window::try_from(written).unwrap_err()
}

/// Octopus: offsets instead of zones, so that a freeze moves when clocks change.
#[test]
fn zones_are_iana_names_and_nothing_else() {
    for good in [
        "tenant",
        "UTC",
        "Europe/Berlin",
        "America/Argentina/Salta",
        "Asia/Kolkata",
    ] {
        assert!(good.parse::<WindowZone>().is_ok(), "{good}");
    }
    for bad in [
        "EST",
        "CET",
        "+01:00",
        "UTC+1",
        "GMT",
        "Europe/Berln",
        "europe/berlin",
        "Europe/",
        "local",
        "",
    ] {
        assert!(bad.parse::<WindowZone>().is_err(), "{bad}");
    }
}

/// argoproj/argo-cd#10071: hour `24` was a nil pointer. Harness: a clock of twelve hours.
#[test]
fn a_time_is_one_that_a_clock_shows() {
    for good in ["00:00", "23:59", "2026-11-23T00:00"] {
        assert_eq!(good.parse::<Boundary>().unwrap().to_string(), good);
    }
    for (bad, complaint) in [
        ("24:00", "midnight is `00:00`"),
        ("2026-11-23T24:00", "midnight is `00:00`"),
        ("22:00+01:00", "an IANA name in `time_zone`"),
        ("2026-11-23T00:00Z", "an IANA name in `time_zone`"),
        ("2026-02-30T00:00", "is not a local time"),
        ("9:00", "is not a local time"),
        ("23:60", "is not a local time"),
        ("04:16 PM", "is not a local time"),
        ("0 22 * * *", "is not a local time"),
    ] {
        let error = bad.parse::<Boundary>().unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn days_are_written_as_ranges_and_lists() {
    let check = |written: serde_json::Value, shown: &str| {
        assert_eq!(serde_json::from_value::<Weekdays>(written).unwrap().to_string(), shown);
    };
    check(json!("mon-fri"), "mon-fri");
    check(json!("mon-fri, sun"), "mon-fri, sun");
    check(json!(["mon", "wed"]), "mon, wed");
    check(json!(["mon-tue", "wed"]), "mon-wed");
    check(json!("sat-mon"), "mon, sat-sun");
    check(json!("monday"), "mon");
    for bad in [
        json!(""),
        json!([]),
        json!("mo"),
        json!("mon-"),
        json!("mon fri"),
        json!(1),
    ] {
        assert!(serde_json::from_value::<Weekdays>(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn periods_are_read_and_shown_alike() {
    for text in [
        "12 hours",
        "1 hour",
        "90 minutes",
        "2 days",
        "4 weeks",
        "5 working days",
        "1 working day",
    ] {
        assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
    }
    for bad in [
        "",
        "12",
        "12h",
        "0 days",
        "-1 days",
        "1.5 hours",
        "5 workdays",
        "521 years",
        "9999 days",
        "99999999 hours",
    ] {
        assert!(bad.parse::<Period>().is_err(), "{bad}");
    }
}

#[test]
fn parts_of_a_window_that_do_not_go_together_are_refused_at_their_field() {
    let check = |window: serde_json::Value, field: &str, complaint: &str| {
        let error = refused(&window);
        assert_eq!(error.field(), field, "{error}");
        assert!(error.to_string().contains(complaint), "{error}");
    };
    let daily = json!({"name": "w", "kind": "allow", "from": "08:00", "until": "18:00"});
    let with = |field: &str, value: serde_json::Value| {
        let mut window = daily.clone();
        window[field] = value;
        window
    };
    check(with("until", json!("2026-11-23T00:00")), "until", "not written alike");
    check(with("starting", json!("2026-11-23")), "starting", "there is none");
    check(with("rrule", json!("FREQ=MONTHLY")), "rrule", "from which day on");
    check(
        with("rrule", json!("FREQ=DAILY;INTERVAL=2")),
        "rrule",
        "from which day on",
    );
    check(
        with("rrule", json!("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")),
        "rrule",
        "never opens",
    );
    let mut both = with("rrule", json!("FREQ=DAILY"));
    both["on"] = json!("mon");
    check(both, "rrule", "keep one");
    let once = json!({"name": "w", "kind": "allow", "from": "2026-11-23T00:00", "until": "2026-11-22T00:00"});
    check(once.clone(), "until", "never opens");
    let mut on = once;
    on["on"] = json!("mon");
    check(on, "on", "happens once");
    let mut freeze = with("capacity", json!(3));
    freeze["kind"] = json!("freeze");
    check(freeze, "capacity", "no meaning for a freeze");
}

#[test]
fn the_database_of_time_zones_has_a_release() {
    assert!(database_version().starts_with("20"), "{}", database_version());
}
