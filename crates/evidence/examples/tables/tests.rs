//! The tables in short, with fixed seeds: a change that makes the monitors wrong shows here.

use super::*;

/// Rolled back, of these hours of a canary.
fn count(judge: Judge, setting: (f64, f64), errors: f64, slower: Slower, of: usize) -> usize {
    wrong(&hours(judge, &canary(setting, errors, slower), of, 7).unwrap())
}

#[test]
fn a_canary_that_is_no_worse_is_hardly_ever_rolled_back() {
    for setting in [(1.0, 0.5), (50.0, 0.05)] {
        let errors = count(canary::errors, setting, ERRORS, Slower::No, 40);
        let latency = count(canary::latency, setting, ERRORS, Slower::No, 8);
        assert!(errors <= 2 && latency <= 1, "{setting:?}: {errors} {latency}");
    }
}

#[test]
fn a_canary_that_is_worse_is_found() {
    assert_eq!(count(canary::errors, (50.0, 0.05), 10.0 * ERRORS, Slower::No, 10), 10);
    assert_eq!(count(canary::latency, (50.0, 0.05), ERRORS, Slower::All, 4), 4);
}

#[test]
fn a_client_that_fails_in_bursts_counts_once() {
    let rolled_back = |once| {
        let found = (0..30).map(|hour| stress::bursts(&mut Random::new(7, hour), (50.0, 0.5), 1.0, once).unwrap());
        wrong(&found.collect::<Vec<Found>>())
    };
    assert!(rolled_back(true) <= 2);
    assert!(rolled_back(false) > 8, "what this test would miss otherwise");
}

#[test]
fn a_wave_is_compared_with_its_own_history() {
    let rule = tidegate_evidence::Rule {
        assignment: tidegate_evidence::Assignment::Tenants,
        margin: 1.5,
        ..canary::rule(tidegate_evidence::Metric::Errors)
    };
    let rolled_back = |times| {
        let looks = (0..30).map(|hour| tenants::hour_of(&mut Random::new(7, hour), &rule, 1000.0, 0.5, times).unwrap());
        looks.flatten().count()
    };
    assert!(rolled_back(1.0) <= 1);
    assert!(rolled_back(3.0) >= 27);
}

#[test]
fn a_late_fault_is_found_as_soon_as_an_early_one() {
    let bad = canary((50.0, 0.5), 10.0 * ERRORS, Slower::No);
    let buckets = |healthy| {
        let taken = (0..7).map(|run| late::find(&mut Random::new(7, run), &bad, healthy).unwrap());
        let mut buckets: Vec<usize> = taken.map(|taken| taken.detector).collect();
        buckets.sort_unstable();
        buckets[3]
    };
    let (early, late) = (buckets(0), buckets(8_640));
    assert!(late <= 2 * early, "{late} {early}");
}

#[test]
fn no_tenant_of_a_sound_release_is_rolled_back() {
    let week = fleet::week(&mut Random::new(7, 0), 500).unwrap();
    assert_eq!((week.rolled_back, week.named), (0, 0));
}

#[test]
fn a_small_fleet_has_no_false_alarm_and_silence_is_found() {
    let (alarms, found, of) = volume::small(7, 30);
    assert_eq!((alarms.drops, alarms.spikes), (0, 0));
    assert!(of > 15 && found == of, "{found} of {of}");
}

#[test]
fn faults_in_responses_are_found_and_none_is_invented() {
    for seed in 1..4 {
        let report = shadow::compared(seed, 2_000, &shadow::FAULTS, true).unwrap();
        let (found, invented) = shadow::found(&report, &shadow::FAULTS);
        assert!(found.iter().all(|is_found| *is_found), "{seed}: {found:?} {report:#?}");
        assert_eq!(invented, 0, "{seed}: {report:#?}");
    }
}

#[test]
fn responses_of_an_equal_version_do_not_fail() {
    let [_, _, failed] = shadow::equal(1, 5).unwrap();
    assert_eq!(failed, 0);
}

#[test]
fn a_wave_is_failed_for_the_tenant_that_turns_bad_and_not_without() {
    let [calm, .., late] = waves::WORLDS;
    let failed = |world, run| waves::hour(&mut Random::new(7, run), world, 50.0, 50.0).failed;
    assert!((0..3).all(|run| failed(calm, run).is_none()));
    assert!(failed(late, 0).is_some_and(|(_, alone)| alone));
}
