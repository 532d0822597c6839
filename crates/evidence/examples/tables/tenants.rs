//! A wave of tenants, who differ from the others before the release, too.

use tidegate_evidence::{Assignment, Bucket, Metric, Misfit, Monitor, Rule};

use crate::canary::{fails, rule};
use crate::limits::Limits;
use crate::random::Random;
use crate::world::{BUCKET, HOUR, counts};
use crate::{ERRORS, Effort};

const TENANTS: usize = 200;
const DAY: f64 = 86_400.0;
/// Of waves with a margin.
const FALSE_MOST: f64 = 0.02;
/// By how much the rate of the wave differs from its history, up or down.
const DRIFT: f64 = 0.3;

/// What each of the two sides is like.
struct Sides {
    /// Requests a second.
    traffic: (f64, f64),
    /// Errors of requests on the old version.
    rates: (f64, f64),
}

pub fn print(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    println!("| requests/s, wave | errors | versions compared | own history | own history, margin 1.5 |");
    println!("| --- | --- | --- | --- | --- |");
    for per_second in [50.0, 1000.0] {
        for wave in [0.05, 0.5] {
            for times in [1.0, 3.0, 10.0] {
                let columns = [
                    (Assignment::Requests, 1.0),
                    (Assignment::Tenants, 1.0),
                    (Assignment::Tenants, 1.5),
                ];
                let mut cells = Vec::new();
                for (assignment, margin) in columns {
                    let rule = Rule {
                        assignment,
                        margin,
                        ..rule(Metric::Errors)
                    };
                    let looks = found(effort, &rule, per_second, wave, times)?;
                    if margin > 1.0 && times < 2.0 {
                        limits.share("a wave as ever", looks.len(), effort.hours, FALSE_MOST);
                    }
                    cells.push(told(&looks, effort.hours, times > 1.0));
                }
                println!(
                    "| {per_second}, {} % | {times} times | {} |",
                    wave * 100.0,
                    cells.join(" | ")
                );
            }
        }
    }
    Ok(())
}

/// The looks at which waves fail, in order.
fn found(effort: Effort, rule: &Rule, per_second: f64, wave: f64, times: f64) -> Result<Vec<usize>, Misfit> {
    let mut looks = Vec::new();
    for hour in 0..effort.hours {
        let mut random = Random::new(effort.seed, hour as u64);
        looks.extend(hour_of(&mut random, rule, per_second, wave, times)?);
    }
    looks.sort_unstable();
    Ok(looks)
}

fn told(looks: &[usize], hours: usize, with_median: bool) -> String {
    let percent = 100.0 * looks.len() as f64 / hours as f64;
    match looks.get(looks.len() / 2) {
        Some(median) if with_median => format!("{percent:.0} %, {} s", median * 10),
        Some(_) | None => format!("{percent:.2} %"),
    }
}

/// The look at which the wave fails.
pub fn hour_of(
    random: &mut Random,
    rule: &Rule,
    per_second: f64,
    wave: f64,
    times: f64,
) -> Result<Option<usize>, Misfit> {
    let sides = Sides::draw(random, per_second, wave);
    let history = Bucket {
        t: 0.0,
        old: counts(random, sides.traffic.0 * DAY, sides.rates.0),
        new: counts(random, sides.traffic.1 * DAY, sides.rates.1),
    };
    let today = sides.rates.1 * random.between(1.0 - DRIFT, 1.0 + DRIFT) * times;
    let mut monitor = Monitor::new(rule.clone(), &[history])?;
    for look in 1..=HOUR {
        monitor.observe(&Bucket {
            t: 0.0,
            old: counts(random, sides.traffic.0 * BUCKET, sides.rates.0),
            new: counts(random, sides.traffic.1 * BUCKET, today),
        })?;
        if fails(&monitor) {
            return Ok(Some(look));
        }
    }
    Ok(None)
}

impl Sides {
    /// Tenants with Zipf's traffic and rates of their own, in an order by chance; the first of them are the wave.
    fn draw(random: &mut Random, per_second: f64, wave: f64) -> Self {
        let mut tenants: Vec<(f64, f64)> = (1..=TENANTS)
            .map(|rank| (1.0 / rank as f64, ERRORS * (random.normal() - 0.5).exp()))
            .collect();
        for last in (1..TENANTS).rev() {
            tenants.swap(last, (random.share() * (last + 1) as f64) as usize);
        }
        let all: f64 = tenants.iter().map(|(traffic, _)| traffic).sum();
        let (mut traffic, mut errors) = ((0.0, 0.0), (0.0, 0.0));
        for (share, rate) in tenants {
            let requests = per_second * share / all;
            if traffic.1 < per_second * wave {
                traffic.1 += requests;
                errors.1 += requests * rate;
            } else {
                traffic.0 += requests;
                errors.0 += requests * rate;
            }
        }
        Self {
            traffic,
            rates: (errors.0 / traffic.0, errors.1 / traffic.1),
        }
    }
}
