use super::*;

#[test]
fn twice_for_twice_is_a_slope_of_one() {
    assert!((slope(&[(10.0, 3.0), (1_000.0, 300.0)]) - 1.0).abs() < 1e-9);
    assert!((slope(&[(10.0, 3.0), (100.0, 300.0)]) - 2.0).abs() < 1e-9);
    assert!(slope(&[]).is_nan());
}

#[test]
fn an_account_is_seconds_and_kibibytes() {
    let taken = Taken {
        millis: 250.0,
        memory: 1.024,
    };
    assert_eq!(parse("0.25 1000\n"), Ok(taken));
    assert!(parse("0.25\n").is_err());
}
