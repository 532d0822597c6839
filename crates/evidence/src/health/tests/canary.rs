use super::*;

/// A canary: tenants whose clients are split by chance.
fn canary(tenants: usize, before: &Sample) -> World {
    let mut world = World::of(tenants, before, nobody());
    let rule = HealthRule {
        assignment: Assignment::Requests,
        ..HealthRule::default()
    };
    world.health = WaveHealth::new(rule, &edges()).unwrap();
    world.health.observe(&world.evidence);
    world
}

impl World {
    /// Every tenant counts this on the old version at the same time.
    fn all_count_beside(&mut self, more: &Sample) {
        for tenant in self.evidence.tenants.values_mut() {
            Self::add(&mut tenant.beside, more);
        }
    }
}

/// As many errors on both sides: something else has broken, and nobody is stopped for it.
#[test]
fn a_canary_is_compared_with_the_other_requests_of_the_same_tenants() {
    let mut world = canary(3, &sample(600, 0, 0));
    for _ in 0..40 {
        world.all_count(&sample(10, 3, 0));
        world.all_count_beside(&sample(190, 57, 0));
        assert_ne!(world.look().verdict, Verdict::Fail);
    }
    let judgement = world.look();
    check(&judgement, Verdict::Inconclusive, &[]);
    assert!(
        judgement.reason.contains("the other requests are hurt as well"),
        "{}",
        judgement.reason
    );
    // The same errors on the new version alone stop it.
    let mut world = canary(3, &sample(600, 0, 0));
    let mut looks = 0;
    loop {
        looks += 1;
        world.all_count(&sample(10, 3, 0));
        world.all_count_beside(&sample(190, 0, 0));
        let judgement = world.look();
        if judgement.verdict == Verdict::Fail {
            assert!(
                judgement.reason.contains("of the other requests"),
                "{}",
                judgement.reason
            );
            break;
        }
    }
    assert!(looks <= 3, "{looks}");
}

#[test]
fn a_good_canary_is_shown_to_be_good() {
    let mut world = canary(2, &sample(600, 0, 0));
    for _ in 0..20 {
        world.all_count(&sample(10, 0, 0));
        world.all_count_beside(&sample(190, 0, 0));
        world.look();
    }
    check(&world.look(), Verdict::Pass, &[]);
    assert_eq!(world.look().requests, 400);
}

/// A client that tries again and again is one that fails, on whichever side it is.
#[test]
fn one_client_that_fails_again_and_again_stops_no_canary() {
    let one = |sample: Sample, clients| Sample {
        incidents: Some(clients),
        ..sample
    };
    let (mut told_apart, mut not) = (canary(1, &sample(6_000, 6, 0)), canary(1, &sample(6_000, 6, 0)));
    let mut failed = false;
    for look in 0..60 {
        let errors = if look % 3 == 0 { 8 } else { 0 };
        told_apart.all_count(&one(sample(50, errors, 0), u64::from(look % 15 == 0)));
        told_apart.all_count_beside(&one(sample(950, 10, 0), 4));
        not.all_count(&sample(50, errors, 0));
        not.all_count_beside(&sample(950, 10, 0));
        assert_ne!(told_apart.look().verdict, Verdict::Fail, "at look {look}");
        failed |= not.look().verdict == Verdict::Fail;
    }
    assert!(failed, "without telling clients apart it would have been stopped");
}

#[test]
fn a_canary_goes_on_after_a_restart() {
    let mut world = canary(2, &sample(600, 0, 0));
    for _ in 0..5 {
        world.all_count(&sample(10, 0, 0));
        world.all_count_beside(&sample(190, 0, 0));
        world.look();
    }
    let text = serde_json::to_string(&world.health.kept()).unwrap();
    let mut next = canary(2, &sample(600, 0, 0));
    let rule = HealthRule {
        assignment: Assignment::Requests,
        ..HealthRule::default()
    };
    next.health = WaveHealth::new(rule, &edges()).unwrap();
    next.health.resume(serde_json::from_str(&text).unwrap());
    next.evidence = world.evidence.clone();
    assert_eq!(next.look(), world.look());
}

#[test]
fn the_floor_of_a_canary_is_about_its_share() {
    let traffic = CanaryTraffic {
        per_hour: 3_600.0,
        share: 0.05,
        hours: 1.0,
    };
    assert_eq!(
        HealthRule::default().canary_floor(Some(traffic)).sentence,
        "355 requests without an error show that at most 1 % fail: 1.97 h at about 180 an hour, but the canary ends after 1 h without a \
         verdict; from 10 % on errors are found within 1 h"
    );
}
