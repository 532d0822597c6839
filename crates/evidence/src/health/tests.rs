use super::*;
use proptest::prelude::*;

/// 10, 20, ... 200 ms.
fn edges() -> Vec<u64> {
    (1..=20).map(|n| n * 10_000).collect()
}

/// Requests, errors, and latencies as (milliseconds, requests).
fn sample(requests: u64, errors: u64, latency: &[(u64, u64)]) -> Sample {
    let mut bins = vec![0; 21];
    for (ms, count) in latency {
        bins[edges().partition_point(|edge| *edge < ms * 1000)] += count;
    }
    Sample {
        requests,
        errors,
        latency: bins,
    }
}

/// All within 10 ms.
fn fast(requests: u64, errors: u64) -> Sample {
    sample(requests, errors, &[(10, requests)])
}

fn wave(tenants: &[(&str, Sample, Sample)], control: Sample) -> Evidence {
    let tenants = tenants.iter().map(|(name, before, after)| {
        (
            (*name).to_owned(),
            TenantEvidence {
                before: before.clone(),
                after: after.clone(),
            },
        )
    });
    Evidence {
        age_ms: Some(1000),
        edges_micros: edges(),
        tenants: tenants.collect(),
        control,
    }
}

fn one(before: Sample, after: Sample) -> Evidence {
    wave(&[("acme", before, after)], Sample::default())
}

#[track_caller]
fn check_verdict(evidence: &Evidence, verdict: Verdict, reason: &str) {
    let judgement = judge(&HealthRule::default(), evidence);
    assert_eq!((judgement.verdict, judgement.reason.as_str()), (verdict, reason));
}

#[test]
fn a_healthy_wave_passes() {
    check_verdict(
        &one(fast(1000, 1), fast(500, 1)),
        Verdict::Pass,
        "errors 0.20 % (1 of 500), before 0.10 % (1 of 1000); latency p95 at most 10.0 ms, before at most 10.0 ms",
    );
}

#[test]
fn nothing_is_no_data() {
    let none = Evidence {
        age_ms: None,
        ..one(fast(1000, 1), fast(500, 1))
    };
    check_verdict(&none, Verdict::NoData, "nothing has been counted yet");
    let stale = Evidence {
        age_ms: Some(31_000),
        ..one(fast(1000, 1), fast(500, 1))
    };
    check_verdict(&stale, Verdict::NoData, "the newest counter is 31 s old");
    check_verdict(
        &wave(&[], fast(10, 0)),
        Verdict::NoData,
        "no request has reached the new version",
    );
    check_verdict(
        &one(Sample::default(), fast(500, 1)),
        Verdict::NoData,
        "there are no numbers of the old version to compare with",
    );
}

#[test]
fn little_decides_nothing() {
    check_verdict(
        &one(fast(1000, 0), fast(3, 2)),
        Verdict::Inconclusive,
        "3 of 20 requests",
    );
    check_verdict(
        &one(fast(1000, 0), fast(50, 1)),
        Verdict::Inconclusive,
        "errors 2.00 % (1 of 50), before 0.00 % (0 of 1000): worse, but not beyond doubt",
    );
    check_verdict(
        &one(
            fast(1000, 0),
            Sample {
                latency: Vec::new(),
                ..fast(500, 0)
            },
        ),
        Verdict::Inconclusive,
        "latency was measured for fewer than 20 requests",
    );
}

#[test]
fn errors_fail() {
    let judgement = judge(&HealthRule::default(), &one(fast(1000, 1), fast(500, 15)));
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(
        judgement
            .reason
            .starts_with("errors 3.00 % (15 of 500), before 0.10 % (1 of 1000), p = ")
    );
    assert_eq!(judgement.extent, Some(Extent::Wave));
    // Sure, but within the margin.
    let within = judge(&HealthRule::default(), &one(fast(1_000_000, 0), fast(1_000_000, 9000)));
    assert_eq!(within.verdict, Verdict::Pass);
}

#[test]
fn the_ceiling() {
    // Worse than before by less than the margin, and far too much.
    check_verdict(
        &one(fast(10_000, 800), fast(10_000, 850)),
        Verdict::Fail,
        "errors 8.50 % (850 of 10000), before 8.00 % (800 of 10000), above the ceiling of 5 %",
    );
    // Going back would not help.
    check_verdict(
        &one(fast(10_000, 800), fast(10_000, 700)),
        Verdict::Inconclusive,
        "errors 7.00 % (700 of 10000), before 8.00 % (800 of 10000), both above the ceiling of 5 %",
    );
}

#[test]
fn an_outage_of_everything_is_not_the_release() {
    let hurt = wave(&[("acme", fast(1000, 0), fast(500, 20))], fast(2000, 90));
    let judgement = judge(&HealthRule::default(), &hurt);
    assert_eq!((judgement.verdict, judgement.culprits), (Verdict::Inconclusive, vec![]));
    let alone = wave(&[("acme", fast(1000, 0), fast(500, 20))], fast(2000, 1));
    assert_eq!(judge(&HealthRule::default(), &alone).verdict, Verdict::Fail);
}

#[test]
fn latency_fails_beyond_ratio_and_slack() {
    let before = sample(1000, 0, &[(20, 1000)]);
    // Tolerated: 1.5 * 20 ms + 50 ms.
    let judgement = judge(
        &HealthRule::default(),
        &one(before.clone(), sample(500, 0, &[(20, 400), (90, 100)])),
    );
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(
        judgement
            .reason
            .starts_with("latency p95 at most 90.0 ms, before at most 20.0 ms, p = ")
    );
    let within = one(before.clone(), sample(500, 0, &[(80, 500)]));
    assert_eq!(judge(&HealthRule::default(), &within).verdict, Verdict::Pass);
    let doubtful = one(sample(100, 0, &[(20, 100)]), sample(20, 0, &[(20, 18), (90, 2)]));
    assert_eq!(judge(&HealthRule::default(), &doubtful).verdict, Verdict::Inconclusive);
}

#[test]
fn one_hurt_tenant_is_named_in_a_wave_that_looks_fine() {
    let names: Vec<String> = (0..40).map(|n| format!("tenant-{n:02}")).collect();
    let mut tenants: Vec<_> = names.iter().map(|n| (n.as_str(), fast(500, 1), fast(500, 1))).collect();
    tenants[7].2 = fast(40, 20);
    tenants[9].2 = sample(100, 0, &[(200, 100)]);
    let judgement = judge(&HealthRule::default(), &wave(&tenants, Sample::default()));
    let found: Vec<_> = judgement
        .culprits
        .iter()
        .map(|c| (c.tenant.as_str(), c.symptom))
        .collect();
    assert_eq!(found, [("tenant-07", Symptom::Errors), ("tenant-09", Symptom::Latency)]);
    assert_eq!(
        (judgement.verdict, judgement.extent),
        (Verdict::Fail, Some(Extent::Tenants))
    );
    // The quiet ones go back with the rest where everybody is hurt.
    for tenant in &mut tenants[..30] {
        tenant.2 = fast(100, 30);
    }
    let judgement = judge(&HealthRule::default(), &wave(&tenants, Sample::default()));
    assert_eq!(judgement.extent, Some(Extent::Wave));
}

#[test]
fn contradictions_are_errors() {
    let huge = sample(u64::MAX, 0, &[(10, u64::MAX)]);
    check_verdict(
        &one(fast(10, 11), fast(10, 0)),
        Verdict::Error,
        "acme: 11 errors in 10 requests",
    );
    let odd = Sample {
        latency: vec![1],
        ..fast(30, 0)
    };
    check_verdict(
        &one(fast(10, 0), odd),
        Verdict::Error,
        "acme: 1 latency bins do not match the edges",
    );
    let two = wave(
        &[("a", huge.clone(), fast(1, 0)), ("b", huge, fast(1, 0))],
        Sample::default(),
    );
    check_verdict(&two, Verdict::Error, "the sum of the counters does not fit");
    let rule = HealthRule {
        latency_ratio: f64::NAN,
        ..HealthRule::default()
    };
    assert_eq!(judge(&rule, &one(fast(10, 0), fast(10, 0))).verdict, Verdict::Error);
}

proptest! {
    #[test]
    fn more_errors_never_help(
        before in (1_u64..3000, 0_u64..300), after in (1_u64..3000, 0_u64..300), control in (0_u64..3000, 0_u64..300),
    ) {
        let of = |(requests, errors): (u64, u64)| fast(requests, errors.min(requests));
        let errors = after.1.min(after.0 - 1);
        let control = of(control);
        let judge = |errors| {
            let tenants = [("acme", of(before), fast(after.0, errors)), ("bell", of(before), of(before))];
            judge(&HealthRule::default(), &wave(&tenants, control.clone())).verdict
        };
        let (fewer, more) = (judge(errors), judge(errors + 1));
        prop_assert!(fewer != Verdict::Fail || more == Verdict::Fail, "{fewer:?} became {more:?}");
    }

    #[test]
    fn not_both_ways_round(old in (1_u64..3000, 0_u64..300), new in (1_u64..3000, 0_u64..300)) {
        let of = |(requests, errors): (u64, u64)| fast(requests, errors.min(requests));
        let there = judge(&HealthRule::default(), &one(of(old), of(new))).verdict;
        let back = judge(&HealthRule::default(), &one(of(new), of(old))).verdict;
        prop_assert!(there != Verdict::Fail || back != Verdict::Fail);
    }

    #[test]
    fn no_evidence_never_passes(age in proptest::option::of(0_u64..60_000), requests in 0_u64..3) {
        let evidence = Evidence { age_ms: age, ..one(fast(1000, 0), fast(requests, 0)) };
        let verdict = judge(&HealthRule::default(), &evidence).verdict;
        prop_assert!(verdict != Verdict::Pass && verdict != Verdict::Fail);
    }
}
