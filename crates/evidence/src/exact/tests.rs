use super::*;

fn count(events: u64, trials: u64) -> Count {
    Count { events, trials }
}

#[track_caller]
fn check_close(found: f64, expect: f64) {
    assert!((found / expect - 1.0).abs() < 1e-9, "{found:e} instead of {expect:e}");
}

#[test]
fn binomial_by_hand() {
    check_close(binomial(count(2, 2), 0.1), 0.01);
    check_close(binomial(count(1, 3), 0.1), 1.0 - 0.9_f64.powi(3));
    check_close(binomial(count(1, 10), 0.1), 1.0);
    assert_eq!(binomial(count(1, 10), 0.0), 0.0);
}

#[test]
fn log_factorial_meets_its_series() {
    let sum: f64 = (2..=16).map(|n| f64::from(n).ln()).sum();
    check_close(log_factorial(16.0), sum);
}

#[test]
fn holm_steps_down_and_stops() {
    assert_eq!(holm(&[0.04, 0.001, 0.02, 0.9], 0.05), [false, true, false, false]);
    assert_eq!(holm(&[0.01, 0.02, 0.05], 0.05), [true, true, true]);
    assert_eq!(holm(&[], 0.05), [false; 0]);
}
