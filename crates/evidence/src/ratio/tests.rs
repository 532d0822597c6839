use super::*;
use crate::e_value::log_mean;
use crate::exact::{Count, log_choose};
use proptest::prelude::*;

fn pair(old: (u64, u64), new: (u64, u64)) -> Pair {
    let count = |(events, trials)| Count { events, trials };
    Pair::new(count(old), count(new)).unwrap()
}

/// `m` events, `a` of them on the new version.
fn table(old: u64, new: u64, events: u64, of_new: u64) -> Pair {
    pair((events - of_new, old), (of_new, new))
}

fn possible(old: u64, new: u64, events: u64) -> std::ops::RangeInclusive<u64> {
    events.saturating_sub(old)..=events.min(new)
}

/// The mean of `value` over the noncentral hypergeometric distribution with these odds, by adding up all there is.
fn mean_given_events(old: u64, new: u64, events: u64, odds: f64, value: impl Fn(u64) -> f64) -> f64 {
    let number = |count: u64| count as f64;
    let log = |a: u64| {
        log_choose(number(new), number(a)) + log_choose(number(old), number(events - a)) + number(a) * odds.ln()
    };
    let largest = possible(old, new, events).map(log).fold(f64::NEG_INFINITY, f64::max);
    let weights = possible(old, new, events).map(|a| ((log(a) - largest).exp(), value(a)));
    let (sum, all) = weights.fold((0.0, 0.0), |(sum, all), (weight, value)| {
        (sum + weight * value, all + weight)
    });
    sum / all
}

/// The mean of `value` if events are independent with these rates, by adding up all there is.
fn mean_of_independent(old: (u64, f64), new: (u64, f64), value: impl Fn(Pair) -> f64) -> f64 {
    let probability = |(trials, rate): (u64, f64), events: u64| {
        let (n, k) = (trials as f64, events as f64);
        (log_choose(n, k) + k * rate.ln() + (n - k) * (-rate).ln_1p()).exp()
    };
    let mut mean = 0.0;
    for a in 0..=new.0 {
        for b in 0..=old.0 {
            mean += probability(new, a) * probability(old, b) * value(pair((b, old.0), (a, new.0)));
        }
    }
    mean
}

fn factors(form: Form, pair: Pair, ignored: f64) -> [f64; POINTS] {
    let log = Ladder::new(ignored).log_likelihood(pair, form);
    log.map(|point| (point - log[CENTRE]).exp())
}

#[test]
fn the_sums_by_hand() {
    // Two of four requests fail, two are new: h = 1/6, 4/6, 1/6.
    let ladder = Ladder::new(1.0);
    let log = hypergeometric::log_generating(table(2, 2, 2, 1), &ladder.ratios(), &ladder.logs());
    for (k, ratio) in ladder.ratios().into_iter().enumerate() {
        let expect = (1.0 + 4.0 * ratio + ratio * ratio) / 6.0;
        assert!((log[k].exp() / expect - 1.0).abs() < 1e-12, "{ratio}");
    }
}

/// Few terms are added up in one go, many outward from the largest of each ratio: against all terms of all.
#[test]
fn few_sums_and_many_are_exact() {
    for (old, new, events) in [
        (400, 130, 200),
        (130, 400, 200),
        (5000, 100, 2500),
        (90, 10_000, 90),
        (2000, 1000, 700),
    ] {
        let ladder = Ladder::new(1.0);
        let (count, any) = (
            |n: u64| n as f64,
            table(old, new, events, *possible(old, new, events).start()),
        );
        let found = hypergeometric::log_generating(any, &ladder.ratios(), &ladder.logs());
        for (found, log_ratio) in found.into_iter().zip(ladder.logs()) {
            let terms = possible(old, new, events).map(|a| {
                log_choose(count(new), count(a)) + log_choose(count(old), count(events - a)) + count(a) * log_ratio
            });
            let terms: Vec<f64> = terms.collect();
            let sum = log_mean(terms.iter().copied()) + count(terms.len() as u64).ln();
            let expect = sum - log_choose(count(old + new), count(events));
            assert!((found - expect).abs() < 1e-8 * (1.0 + expect.abs()), "{found} {expect}");
        }
    }
}

#[test]
fn more_errors_on_the_new_version_are_found_in_any_form() {
    for form in [Form::Rates, Form::Odds] {
        let mut likelihood = Likelihood::new(form, 1.0);
        for _ in 0..20 {
            likelihood.observe(pair((1, 1000), (10, 1000)));
        }
        assert!(likelihood.log_e_above(1.0) > 80.0, "{form:?}");
        assert!(likelihood.log_e_below(1.0) < -5.0, "{form:?}");
        let estimate = likelihood.estimate().unwrap();
        assert!((9.5..10.5).contains(&estimate), "{form:?} {estimate}");
        let (low, high) = likelihood.interval(0.01);
        assert!(
            (3.0..10.0).contains(&low) && (10.1..=100.0).contains(&high.unwrap()),
            "{form:?} {low} {high:?}"
        );
    }
}

/// Simpson's paradox: the base rate rises while the new version's share does. Pooled counts would show 2.6 times as many.
#[test]
fn a_drifting_base_rate_under_a_growing_share_is_no_difference() {
    for form in [Form::Rates, Form::Odds] {
        let mut likelihood = Likelihood::new(form, 1.0);
        likelihood.observe(pair((95, 95_000), (5, 5_000)));
        likelihood.observe(pair((500, 50_000), (500, 50_000)));
        assert!(likelihood.log_e_above(1.0) < 0.0, "{form:?}");
        assert!((likelihood.estimate().unwrap() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn what_says_nothing_changes_nothing() {
    for form in [Form::Rates, Form::Odds] {
        let mut likelihood = Likelihood::new(form, 1.5);
        let untouched = likelihood.clone();
        for silent in [
            pair((0, 10), (0, 10)),
            pair((0, 0), (3, 3)),
            pair((3, 3), (0, 0)),
            pair((0, 0), (0, 0)),
        ] {
            likelihood.observe(silent);
        }
        assert_eq!(likelihood, untouched);
        assert_eq!(likelihood.estimate(), None);
        assert_eq!(likelihood.interval(0.01), (0.0, None));
    }
}

#[test]
fn counts_of_any_size_give_numbers() {
    let most = crate::TRIALS_MAX;
    let count = |events, trials| Count { events, trials };
    assert_eq!(Pair::new(count(0, u64::MAX), count(0, 1)), None);
    assert_eq!(Pair::new(count(2, 1), count(0, 1)), None);
    for form in [Form::Rates, Form::Odds] {
        for (old, new) in [
            ((most / 2, most), (most / 2, most)),
            ((0, 1), (most, most)),
            ((1, 1), (0, most)),
            ((most, most), (most, most)),
            ((1, most), (0, 1)),
        ] {
            let mut likelihood = Likelihood::new(form, 1.0);
            likelihood.observe(pair(old, new));
            let values = [likelihood.log_e_above(1.0), likelihood.log_e_below(1.0)];
            assert!(
                values.iter().all(|value| value.is_finite()),
                "{form:?} {old:?} {new:?} {values:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Given the sums of a bucket, no factor is above 1 on average where the null hypothesis holds: exact odds, both ways.
    #[test]
    fn odds_are_fair_given_all_sums(
        old in 1_u64..120, new in 1_u64..120, part in 0.0_f64..1.0, ignored in 0.2_f64..5.0, truth in 0.05_f64..=1.0,
    ) {
        let events = (part * (old + new) as f64) as u64;
        let ladder = |a: u64| factors(Form::Odds, table(old, new, events, a), ignored);
        for k in 0..POINTS {
            let at_the_edge = mean_given_events(old, new, events, ignored, |a| ladder(a)[k]);
            prop_assert!((at_the_edge - 1.0).abs() < 1e-8, "{k}: {at_the_edge}");
            // Within the null hypothesis: below what is ignored for alternatives above it, and the other way round.
            let odds = if k > CENTRE { ignored * truth } else { ignored / truth };
            let within = mean_given_events(old, new, events, odds, |a| ladder(a)[k]);
            prop_assert!(within < 1.0 + 1e-8, "{k}: {within}");
        }
    }

    /// Rates are fair given the number of events, in the direction of worse and from 1 on.
    #[test]
    fn rates_are_fair_given_the_events(
        old in 1_u64..120, new in 1_u64..120, part in 0.0_f64..1.0, ignored in 1.0_f64..5.0,
    ) {
        let events = (part * (old + new) as f64) as u64;
        for k in CENTRE + 1..POINTS {
            let mean = mean_given_events(old, new, events, ignored, |a| {
                factors(Form::Rates, table(old, new, events, a), ignored)[k]
            });
            prop_assert!(mean < 1.0 + 1e-8, "{k}: {mean}");
        }
    }

    /// Rates are fair in both directions and around any ratio where events are independent.
    #[test]
    fn rates_are_fair_where_events_are_independent(
        old in 1_u64..16, new in 1_u64..16, rate in 0.001_f64..0.9, ignored in 0.2_f64..5.0, truth in 0.3_f64..=1.0,
    ) {
        for k in (0..POINTS).filter(|k| *k != CENTRE) {
            let ratio = if k > CENTRE { ignored * truth } else { ignored / truth };
            let of_new = (rate * ratio).min(0.99);
            let mean = mean_of_independent((old, of_new / ratio), (new, of_new), |pair| factors(Form::Rates, pair, ignored)[k]);
            prop_assert!(mean < 1.0 + 1e-8, "{k}: {mean}");
        }
    }

}

proptest! {
    #[test]
    fn the_order_of_buckets_does_not_matter(
        buckets in prop::collection::vec((1_u64..500, 1_u64..500, 0.0_f64..1.0, 0.0_f64..1.0), 1..30),
    ) {
        for form in [Form::Rates, Form::Odds] {
            let (mut there, mut back) = (Likelihood::new(form, 1.0), Likelihood::new(form, 1.0));
            let pair = |&(old, new, a, b): &(u64, u64, f64, f64)| {
                pair(((b * old as f64) as u64, old), ((a * new as f64) as u64, new))
            };
            buckets.iter().map(pair).for_each(|pair| there.observe(pair));
            buckets.iter().rev().map(pair).for_each(|pair| back.observe(pair));
            let close = |a: f64, b: f64| (a - b).abs() < 1e-7 * (1.0 + a.abs());
            prop_assert!(close(there.log_e_above(1.0), back.log_e_above(1.0)));
            prop_assert!(close(there.log_e_below(1.0), back.log_e_below(1.0)));
        }
    }

    #[test]
    fn an_event_more_on_the_new_version_never_speaks_for_it(
        old in 1_u64..500, new in 2_u64..500, a in 0.0_f64..1.0, b in 0.0_f64..1.0,
    ) {
        let events = (b * old as f64) as u64;
        let fewer = (a * (new - 1) as f64) as u64;
        for form in [Form::Rates, Form::Odds] {
            let log_e = |of_new| {
                let mut likelihood = Likelihood::new(form, 1.0);
                likelihood.observe(pair((events, old), (of_new, new)));
                likelihood.log_e_above(1.0)
            };
            // Without any event there was no evidence; a single one in a split that makes it likely may count against.
            prop_assume!(events + fewer > 0);
            prop_assert!(log_e(fewer + 1) >= log_e(fewer) - 1e-9, "{form:?}");
        }
    }
}
