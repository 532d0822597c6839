//! Many tenants that are well, each watched for itself for a week.

use tidegate_evidence::{Assignment, Bucket, Counts, Metric, Misfit, Monitor, Rule, culprits};

use crate::canary::{ALPHA, rule};
use crate::limits::Limits;
use crate::random::Random;
use crate::world::counts;
use crate::{ERRORS, Effort};

const TENANTS: usize = 10_000;
const DAY: f64 = 86_400.0;
const DAYS: f64 = 7.0;
/// Requests a second of the tenants that stay on the old version, together.
const OTHERS: f64 = 500.0;

/// What a week of a fleet without a fault comes to.
#[derive(Debug, Default)]
pub struct Week {
    /// Tenants whose evidence has ever reached the number of tenants over alpha.
    pub rolled_back: usize,
    /// Tenants that are named at the end.
    pub named: usize,
}

pub fn print(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    let runs = effort.hours.div_ceil(10).min(1_000);
    let (mut wrong, mut named) = (0, 0);
    for run in 0..runs {
        let week = week(&mut Random::new(effort.seed, run as u64), TENANTS)?;
        wrong += usize::from(week.rolled_back > 0);
        named += usize::from(week.named > 0);
    }
    limits.share("weeks of a fleet", wrong.max(named), runs, ALPHA);
    println!(
        "{TENANTS} tenants for 7 days, {runs} runs: any tenant rolled back in {wrong} of them, any named in {named}."
    );
    Ok(())
}

/// A tenant has a median of 3 requests in 5 minutes, errors of its own rate, and a day of history. Between two of its errors
/// nothing changes but the sums, so each stretch until its next error is one bucket.
pub fn week(random: &mut Random, tenants: usize) -> Result<Week, Misfit> {
    let of_tenants = Rule {
        assignment: Assignment::Tenants,
        margin: 1.5,
        ..rule(Metric::Errors)
    };
    let needed = (tenants as f64 / ALPHA).ln();
    let mut week = Week::default();
    let mut logs = Vec::with_capacity(tenants);
    for _ in 0..tenants {
        let per_second = 0.01 * (1.5 * random.normal()).exp();
        let rate = (ERRORS * (random.normal() - 0.5).exp()).min(0.5);
        let history = Bucket {
            t: 0.0,
            old: counts(random, OTHERS * DAY, ERRORS),
            new: counts(random, per_second * DAY, rate),
        };
        let mut monitor = Monitor::new(of_tenants.clone(), &[history])?;
        let (mut left, mut reached) = (DAYS * DAY, false);
        while left > 0.0 {
            let stretch = (random.exponential() / (per_second * rate)).min(left);
            let ended = stretch < left;
            left -= stretch;
            let good = random.poisson(per_second * stretch * (1.0 - rate));
            let events = u64::from(ended);
            monitor.observe(&Bucket {
                t: 0.0,
                old: counts(random, OTHERS * stretch, ERRORS),
                new: Counts {
                    n: good + events,
                    events,
                    hist: Vec::new(),
                },
            })?;
            reached |= monitor.log_e() >= needed;
        }
        week.rolled_back += usize::from(reached);
        logs.push(monitor.log_e());
    }
    week.named = culprits(&logs, ALPHA).len();
    Ok(week)
}
