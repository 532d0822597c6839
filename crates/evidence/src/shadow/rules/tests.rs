use super::*;

#[test]
fn numbers_are_equal_by_value_and_tolerance() {
    let check = |old: &str, new: &str, absolute: f64, relative: f64, expect: bool| {
        let tolerance = Tolerance { absolute, relative };
        assert_eq!(tolerance.equal(old, new), expect, "{old} {new} {tolerance:?}");
    };
    check("1", "1.0", 0.0, 0.0, true);
    check("10", "1e1", 0.0, 0.0, true);
    check("1.00", "1.01", 0.0, 0.0, false);
    check("18446744073709551617", "18446744073709551618", 0.0, 0.0, false);
    check("1e999", "1e999", 0.0, 0.0, true);
    check("1e999", "2e999", 0.0, 0.5, false);
    check("100", "100.5", 0.0, 0.01, true);
    check("100", "102", 0.0, 0.01, false);
    check("0", "0.01", 0.02, 0.0, true);
    check("-1", "1", 0.0, 1.0, false);
}

#[test]
fn normalisers_take_out_what_they_name() {
    let check = |normaliser: Normaliser, old: &str, new: &str, expect: bool| {
        assert_eq!(normaliser.equal(old, new), expect, "{old} {new}");
    };
    let (one, two) = ("2026-11-24T06:00:00.123Z", "2026-11-24 07:00:01+01:00");
    check(Normaliser::Timestamp, one, two, true);
    check(
        Normaliser::Timestamp,
        &format!("é {one}, a"),
        &format!("é {two}, a"),
        true,
    );
    check(Normaliser::Timestamp, &format!("{one}, a"), &format!("{two}, b"), false);
    check(Normaliser::Timestamp, one, "yesterday", false);
    check(
        Normaliser::Timestamp,
        "2026-11-24T06:00:00+é",
        "2026-11-24T06:00:01+é",
        true,
    );
    let uuids = [
        "0b6b1a3e-5f4e-4c1a-9d8e-2f1f0c9b7a6d",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ];
    check(
        Normaliser::Uuid,
        &format!("/a/{}", uuids[0]),
        &format!("/a/{}", uuids[1]),
        true,
    );
    check(Normaliser::Uuid, uuids[0], "0b6b1a3e", false);
    check(Normaliser::Anything, "a", "b", true);
}

#[test]
fn secrets_are_hidden_by_their_names() {
    let rules = Rules::default();
    for header in ["authorization", "cookie", "set-cookie", "x-api-key", "x-session-id"] {
        assert!(rules.hides_header(header), "{header}");
    }
    assert!(!rules.hides_header("content-type"));
    assert!(rules.hides(&[Step::Key("accessToken"), Step::Key("value")]));
    assert!(!rules.hides(&[Step::Key("total")]));
}
