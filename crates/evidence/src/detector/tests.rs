use super::*;
use crate::exact::Count;
use crate::ratio::Likelihood;

fn pair(old: (u64, u64), new: (u64, u64)) -> Pair {
    let count = |(events, trials)| Count { events, trials };
    Pair::new(count(old), count(new)).unwrap()
}

fn budget(monitors: u32) -> Budget {
    Budget {
        per_day: 0.01,
        buckets_per_day: 8_640,
        monitors,
    }
}

#[test]
fn a_threshold_is_for_all_buckets_of_a_day_and_all_monitors() {
    assert!((budget(1).log_threshold() - 864_000.0_f64.ln()).abs() < 1e-9);
    assert!((budget(10).log_threshold() - 8_640_000.0_f64.ln()).abs() < 1e-9);
}

/// Until tenfold errors are found, in buckets, after some that are as usual.
fn buckets_to_find(healthy: usize) -> (usize, usize) {
    let mut detector = Detector::new(Form::Rates, 1.0);
    let mut fixed = Likelihood::new(Form::Rates, 1.0);
    for _ in 0..healthy {
        detector.observe(pair((1, 1000), (1, 1000)));
        fixed.observe(pair((1, 1000), (1, 1000)));
        assert!(!detector.alarms(budget(1)));
    }
    let (mut found, mut found_fixed) = (None, None);
    for bucket in 1..2_000 {
        detector.observe(pair((1, 1000), (10, 1000)));
        fixed.observe(pair((1, 1000), (10, 1000)));
        found = found.or(detector.alarms(budget(1)).then_some(bucket));
        found_fixed = found_fixed.or((fixed.log_e_above(1.0) >= 864_000.0_f64.ln()).then_some(bucket));
    }
    (found.unwrap(), found_fixed.unwrap_or(usize::MAX))
}

#[test]
fn a_fault_after_six_days_is_found_as_soon_as_at_once() {
    let (at_once, _) = buckets_to_find(0);
    let (late, fixed) = buckets_to_find(51_840);
    assert!(late <= at_once, "{late} {at_once}");
    assert!(fixed > 10 * late, "a fixed start is deaf by then: {fixed} {late}");
}

#[test]
fn what_says_nothing_is_no_beginning() {
    let mut detector = Detector::new(Form::Odds, 1.0);
    for silent in [pair((0, 10), (0, 10)), pair((0, 0), (5, 5)), pair((5, 5), (0, 0))] {
        detector.observe(silent);
    }
    assert_eq!(detector.log(), f64::NEG_INFINITY);
    detector.observe(pair((1, 2), (1, 2)));
    assert!(detector.log().is_finite());
}

/// `M_t - t` does not rise on average: over all ways in which one event in each of four buckets can fall.
#[test]
fn its_mean_is_at_most_the_number_of_buckets() {
    let mut sum = 0.0;
    for ways in 0..16_u32 {
        let mut detector = Detector::new(Form::Rates, 1.0);
        for bucket in 0..4 {
            let new = u64::from(ways >> bucket & 1);
            detector.observe(pair((1 - new, 10), (new, 10)));
        }
        sum += detector.log().exp() / 16.0;
    }
    assert!((sum - 4.0).abs() < 1e-9, "{sum}");
}
