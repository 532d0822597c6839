use super::*;
use proptest::prelude::*;

fn count(events: u64, trials: u64) -> Count {
    Count { events, trials }
}

#[test]
fn without_an_event_it_takes_as_many_requests_as_the_formula_says() {
    // All six alternatives count at first; the formula of the note counts the first one alone: ln(6 / 0.05) / 0.01 = 479.
    let needed = missing(count(0, 0), 0.01);
    assert!((340..479).contains(&needed), "{needed}");
    assert!(log_e(count(0, needed), 0.01) >= 20.0_f64.ln());
    assert!(log_e(count(0, needed - 1), 0.01) < 20.0_f64.ln());
}

#[test]
fn a_rate_above_the_tolerance_is_never_expected_to_pass() {
    assert_eq!(expected(0.02, 0.01), None);
    assert_eq!(expected(0.0099, 0.01), None);
    let (near, far) = (expected(0.005, 0.01).unwrap(), expected(0.001, 0.01).unwrap());
    assert!(near > 2.0 * far, "{near} {far}");
}

#[test]
fn nothing_of_nothing_says_nothing() {
    assert_eq!(log_e(count(0, 0), 0.01), 0.0);
    let all = log_e(count(u64::MAX, u64::MAX), 0.5);
    assert!(all < 0.0 && !all.is_nan(), "{all}");
}

proptest! {
    /// At the tolerance the e-value is 1 on average, by adding up all there is.
    #[test]
    fn it_is_fair(trials in 1_u64..200, tolerance in 0.01_f64..0.99) {
        let n = trials as f64;
        let log_choose = |k: f64| crate::exact::log_choose(n, k);
        let mean: f64 = (0..=trials).map(|events| {
            let k = events as f64;
            let log = log_choose(k) + k * tolerance.ln() + (n - k) * (-tolerance).ln_1p();
            (log + log_e(count(events, trials), tolerance)).exp()
        }).sum();
        prop_assert!((mean - 1.0).abs() < 1e-8, "{mean}");
    }

    #[test]
    fn what_is_missing_suffices_and_no_less(events in 0_u64..20, more in 0_u64..20_000, tolerance in 0.001_f64..0.5) {
        let now = count(events, events + more);
        let needed = missing(now, tolerance);
        let shown = |requests| log_e(count(events, now.trials + requests), tolerance) >= 20.0_f64.ln();
        prop_assert!(shown(needed));
        prop_assert!(needed == 0 || !shown(needed - 1));
    }
}
