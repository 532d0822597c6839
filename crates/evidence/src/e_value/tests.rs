use super::*;
use proptest::prelude::*;

fn close(found: f64, expect: f64) -> bool {
    (found - expect).abs() < 1e-9 * (1.0 + expect.abs())
}

#[test]
fn means_by_hand() {
    let logs = [2.0_f64.ln(), 4.0_f64.ln(), f64::NEG_INFINITY];
    assert!(close(log_mean(logs.into_iter()), 2.0_f64.ln()));
    assert!(close(
        log_weighted_mean([(3.0, 2.0_f64.ln()), (1.0, 10.0_f64.ln())].into_iter()),
        4.0_f64.ln()
    ));
    assert!(close(
        log_weighted_mean([(1.0, 5000.0), (0.0, 9000.0)].into_iter()),
        5000.0
    ));
    assert!(
        close(log_mean([5000.0, 5000.0].into_iter()), 5000.0),
        "too large for a number"
    );
}

#[test]
fn who_does_not_bet_has_one() {
    assert_eq!(log_mean(std::iter::empty()), 0.0);
    assert_eq!(log_mean([f64::NEG_INFINITY].into_iter()), f64::NEG_INFINITY);
    assert_eq!(from_log(800.0), f64::MAX);
}

#[test]
fn culprits_by_hand() {
    let logs = |values: &[f64]| values.iter().map(|value: &f64| value.ln()).collect::<Vec<_>>();
    // Of four at 0.05: one needs 80, two need 40 each, three 26.7, four 20.
    assert_eq!(culprits(&logs(&[1.0, 81.0, 1.0, 1.0]), 0.05), [1]);
    assert_eq!(culprits(&logs(&[79.0, 1.0, 1.0, 1.0]), 0.05), [0; 0]);
    assert_eq!(culprits(&logs(&[41.0, 1.0, 41.0, 1.0]), 0.05), [0, 2]);
    assert_eq!(culprits(&logs(&[21.0, 21.0, 21.0, 21.0]), 0.05), [0, 1, 2, 3]);
    assert_eq!(culprits(&[], 0.05), [0; 0]);
}

proptest! {
    /// The mean rejects at least where Bonferroni does, and naming names all that Bonferroni would.
    #[test]
    fn nothing_is_lost_against_bonferroni(logs in prop::collection::vec(-20.0_f64..20.0, 1..30)) {
        let needed = (logs.len() as f64 / 0.01).ln();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(largest < needed || log_mean(logs.iter().copied()) >= 100.0_f64.ln() - 1e-9);
        let named = culprits(&logs, 0.01);
        for (index, log) in logs.iter().enumerate() {
            prop_assert!(*log < needed || named.contains(&index));
        }
    }
}
