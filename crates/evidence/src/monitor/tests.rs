use super::*;
use crate::TRIALS_MAX;
use proptest::prelude::*;

fn rule(metric: Metric) -> Rule {
    Rule {
        metric,
        assignment: Assignment::Requests,
        alpha: 0.01,
        margin: 1.0,
        tolerance: Some(0.05),
        weight: Some(0.3),
        edges_ms: vec![10.0, 100.0],
    }
}

fn hostile() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(TRIALS_MAX),
        Just(u64::MAX),
        0_u64..2_000,
        any::<u64>()
    ]
}

fn counts() -> impl Strategy<Value = Counts> {
    (hostile(), hostile(), prop::collection::vec(hostile(), 3)).prop_map(|(n, events, hist)| Counts { n, events, hist })
}

/// An outage of everything is no regression, and no time to call a version good.
#[test]
fn what_was_shown_counts_as_long_as_it_lasts() {
    let mut monitor = Monitor::new(rule(Metric::Errors), &[]).unwrap();
    let mut observe = |events| {
        let side = Counts {
            n: 1_000,
            events,
            hist: Vec::new(),
        };
        monitor
            .observe(&Bucket {
                t: 0.0,
                old: side.clone(),
                new: side,
            })
            .unwrap();
        monitor.decision()
    };
    assert_eq!(observe(1).verdict, Verdict::Pass);
    let outage = observe(500);
    assert_eq!(outage.verdict, Verdict::Inconclusive);
    assert_eq!(
        outage.needs.unwrap(),
        "it to become again as good as it was shown to be"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is handed in is refused or judged, with numbers, and what is refused leaves no trace.
    #[test]
    fn hostile_counts_never_harm(buckets in prop::collection::vec((counts(), counts()), 1..6)) {
        for (metric, assignment) in [
            (Metric::Errors, Assignment::Requests),
            (Metric::Errors, Assignment::Tenants),
            (Metric::Latency, Assignment::Tenants),
            (Metric::Volume, Assignment::Requests),
        ] {
            let history = Bucket {
                t: 0.0,
                old: Counts { n: 1_000, events: 10, hist: vec![900, 90, 10] },
                new: Counts { n: 100, events: 1, hist: vec![90, 9, 1] },
            };
            let mut monitor = Monitor::new(Rule { assignment, ..rule(metric) }, &[history]).unwrap();
            for (old, new) in &buckets {
                let before = monitor.clone();
                if monitor.observe(&Bucket { t: 1.0, old: old.clone(), new: new.clone() }).is_err() {
                    prop_assert_eq!(&monitor, &before);
                }
                let decision = monitor.decision();
                prop_assert!(decision.e_value >= 0.0 && decision.e_value.is_finite());
                prop_assert!(decision.interval.0.is_finite() && decision.estimate.is_none_or(f64::is_finite));
            }
        }
    }

    /// Nothing passes that fails, and a version without requests does neither.
    #[test]
    fn a_failure_is_final(counts in prop::collection::vec((1_u64..200, 0.0_f64..0.2, 0.0_f64..0.2), 1..40)) {
        let mut monitor = Monitor::new(rule(Metric::Errors), &[]).unwrap();
        let mut failed = false;
        for (n, old, new) in counts {
            let side = |share: f64| Counts { n, events: (n as f64 * share) as u64, hist: Vec::new() };
            monitor.observe(&Bucket { t: 0.0, old: side(old), new: side(new) }).unwrap();
            let decision = monitor.decision();
            failed |= decision.e_value >= 100.0;
            prop_assert_eq!(decision.verdict == Verdict::Fail, failed);
            prop_assert!(decision.verdict != Verdict::Pass || decision.e_value <= 1.0);
        }
    }
}
