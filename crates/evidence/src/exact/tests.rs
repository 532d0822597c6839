use super::*;
use proptest::prelude::*;

fn count(events: u64, trials: u64) -> Count {
    Count { events, trials }
}

#[track_caller]
fn check_close(found: f64, expect: f64) {
    assert!((found / expect - 1.0).abs() < 1e-9, "{found:e} instead of {expect:e}");
}

#[test]
fn fisher_by_hand() {
    // Fisher's tea: 4 of 4 cups guessed right of 8 is 1 in C(8, 4).
    check_close(fisher(count(4, 4), count(0, 4)), 1.0 / 70.0);
    check_close(fisher(count(3, 4), count(1, 4)), 17.0 / 70.0);
    // All three events fall on 10 of 20 trials: C(10, 3) / C(20, 3).
    check_close(fisher(count(3, 10), count(0, 10)), 120.0 / 1140.0);
    check_close(fisher(count(2, 3), count(0, 1000)), 3.0 / (1003.0 * 1002.0 / 2.0));
}

#[test]
fn fisher_has_no_evidence_without_a_difference() {
    for (new, old) in [
        (count(0, 0), count(0, 0)),
        (count(1, 10), count(1, 10)),
        (count(0, 5), count(3, 5)),
    ] {
        check_close(fisher(new, old), 1.0);
    }
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

proptest! {
    #[test]
    fn fisher_is_a_probability_that_falls_with_events(
        trials in 1_u64..5000, old_trials in 1_u64..5000, events in 0_u64..5000, old_events in 0_u64..5000,
    ) {
        let events = events % trials;
        let old = count(old_events % (old_trials + 1), old_trials);
        let fewer = fisher(count(events, trials), old);
        let more = fisher(count(events + 1, trials), old);
        prop_assert!((0.0..=1.0).contains(&fewer));
        prop_assert!(more <= fewer * (1.0 + 1e-9));
    }
}
