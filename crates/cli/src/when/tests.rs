use super::*;

#[test]
fn an_instant_with_its_zone_is_what_it_says() {
    assert_eq!(parse("2026-11-24T06:00:00Z"), Ok(Timestamp(1_795_500_000_000)));
    assert_eq!(parse("2026-11-24T07:00:00+01:00"), Ok(Timestamp(1_795_500_000_000)));
}

#[test]
fn an_instant_without_one_is_in_the_zone_of_this_machine() {
    let at = parse("2026-11-24 06:00").unwrap();
    assert!(instant(at).starts_with("Tue 24 Nov 2026, 06:00:00 "), "{}", instant(at));
}

#[test]
fn what_is_no_instant_is_refused_with_an_example() {
    for wrong in ["", "tomorrow", "24.11.2026", "2026-11-24T25:00:00Z"] {
        let error = parse(wrong).unwrap_err().to_string();
        assert!(error.contains("2026-11-24T06:00:00Z"), "{error}");
    }
}
