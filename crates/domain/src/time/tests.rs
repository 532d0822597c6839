use super::*;

#[test]
fn durations_read_and_print_alike() {
    for text in ["0s", "30s", "10m", "24h", "2d", "1h 30m", "250ms", "1d 2h 3m 4s 5ms"] {
        let duration: Duration = text.parse().expect(text);
        let again: Duration = duration.to_string().parse().expect(text);
        assert_eq!(duration, again, "{text}");
    }
    assert_eq!("24h".parse::<Duration>().map(|d| d.to_string()), Ok("1d".to_owned()));
}

#[test]
fn what_is_not_a_duration_is_refused() {
    for text in [
        "",
        "10",
        "m",
        "-1s",
        "1.5h",
        "10m 2h",
        "1h 1h",
        "99999999999999999999s",
        "4000d",
        "1 h",
    ] {
        assert!(text.parse::<Duration>().is_err(), "{text}");
    }
}

#[test]
fn a_clock_that_goes_back_gives_no_negative_span() {
    assert_eq!(Timestamp(5) - Timestamp(9), Duration::ZERO);
    assert_eq!(Timestamp(5) + Duration::from_secs(1), Timestamp(1_005));
    assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00Z");
}
