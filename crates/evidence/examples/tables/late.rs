//! A fault that begins at once, and one that begins on the seventh day: a fixed start beside a detector.

use tidegate_evidence::{Budget, Counts, Detector, Form, Likelihood, Misfit, Pair};

use crate::limits::Limits;
use crate::random::Random;
use crate::world::Canary;
use crate::{ERRORS, Effort, canary};

const DAY: usize = 8_640;
const BUDGET: Budget = Budget {
    per_day: 0.01,
    buckets_per_day: DAY as u32,
    monitors: 1,
};
/// Buckets after which it is given up.
const PATIENCE: usize = 2 * DAY;

/// Buckets until a fault is found by both; [`PATIENCE`] where it is not.
pub struct Taken {
    pub detector: usize,
    pub fixed: usize,
    /// Alarms before the fault.
    pub false_alarms: usize,
}

pub fn print(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    println!("| requests/s, split | fault begins | detector | fixed start | false alarms of the detector before |");
    println!("| --- | --- | --- | --- | --- |");
    let runs = effort.hours.clamp(1, 200);
    for setting in [(50.0, 0.05), (50.0, 0.5)] {
        for days in [0, 6] {
            let bad = canary(setting, 10.0 * ERRORS, crate::Slower::No);
            let taken: Vec<Taken> = (0..runs)
                .filter_map(|run| find(&mut Random::new(effort.seed, run as u64), &bad, days * DAY))
                .collect();
            let median = |which: fn(&Taken) -> usize| {
                let mut buckets: Vec<usize> = taken.iter().map(which).collect();
                buckets.sort_unstable();
                match buckets[buckets.len() / 2] {
                    PATIENCE => "more than two days".to_owned(),
                    buckets => format!("{} s", buckets * 10),
                }
            };
            let false_alarms: usize = taken.iter().map(|taken| taken.false_alarms).sum();
            limits.share("days of a detector", false_alarms, runs * days, BUDGET.per_day);
            println!(
                "| {}, {} % | day {days} | {} | {} | {false_alarms} in {} days |",
                setting.0,
                setting.1 * 100.0,
                median(|taken| taken.detector),
                median(|taken| taken.fixed),
                runs * days
            );
        }
    }
    Ok(())
}

fn pair((old, new): &(Counts, Counts)) -> Option<Pair> {
    let count = |counts: &Counts| tidegate_evidence::Count {
        events: counts.events,
        trials: counts.n,
    };
    Pair::new(count(old), count(new))
}

/// `healthy` buckets as ever, then the fault. `None` where a bucket could not be.
pub fn find(random: &mut Random, bad: &Canary, healthy: usize) -> Option<Taken> {
    let mut detector = Detector::new(Form::Rates, 1.0);
    let mut fixed = Likelihood::new(Form::Rates, 1.0);
    let mut good = bad.clone();
    good.error_rates.1 = good.error_rates.0;
    let mut false_alarms = 0;
    for _ in 0..healthy {
        let pair = pair(&good.errors(random))?;
        detector.observe(pair);
        fixed.observe(pair);
        if detector.alarms(BUDGET) {
            false_alarms += 1;
            detector = Detector::new(Form::Rates, 1.0);
        }
    }
    let (mut found, mut found_fixed) = (None, None);
    for bucket in 1..=PATIENCE {
        let pair = pair(&bad.errors(random))?;
        detector.observe(pair);
        fixed.observe(pair);
        if detector.alarms(BUDGET) {
            found = found.or(Some(bucket));
        }
        if fixed.log_e_above(1.0) >= BUDGET.log_threshold() {
            found_fixed = found_fixed.or(Some(bucket));
        }
        if found.is_some() && found_fixed.is_some() {
            break;
        }
    }
    Some(Taken {
        detector: found.unwrap_or(PATIENCE),
        fixed: found_fixed.unwrap_or(PATIENCE),
        false_alarms,
    })
}
