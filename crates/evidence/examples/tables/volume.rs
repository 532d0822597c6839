//! The volume of a fleet: false alarms in a week with days, weekends, a holiday and levels that shift; tenants that fall silent.

use tidegate_evidence::Misfit;
use tidegate_evidence::alert::{At, Budget, Change, Common, Direction, Watch};

use crate::Effort;
use crate::limits::Limits;
use crate::random::Random;

const BUCKETS_PER_HOUR: usize = 12;
const DAY: usize = 24 * BUCKETS_PER_HOUR;
const WEEK: usize = 7 * DAY;
const WEEKS_BEFORE: usize = 4;
/// Tenants of one country have their days and their holidays together.
const COUNTRIES: usize = 3;
/// Noise of the rate that lasts: an autoregression of the logarithm.
const NOISE: f64 = 0.15;
const NOISE_KEPT: f64 = 0.9;
/// By how much some levels shift for good.
const SHIFT: f64 = 1.25;

struct Tenant {
    /// Mean requests in 5 minutes.
    level: f64,
    /// Hours by which its days begin later.
    zone: usize,
    country: usize,
    noise: f64,
    watch: Watch,
}

/// Alarms in one week of tenants to which nothing has happened.
#[derive(Debug, Default)]
pub struct False {
    pub drops: usize,
    pub spikes: usize,
}

pub fn print(effort: Effort, limits: &mut Limits) -> Result<(), Misfit> {
    let mut random = Random::new(effort.seed, 0);
    let mut fleet = fleet(&mut random, 10_000);
    learn(&mut random, &mut fleet);
    let alarms = healthy_week(&mut random, &mut fleet);
    println!(
        "{} tenants for 7 days, false alarms: {} drops, {} spikes.\n",
        fleet.len(),
        alarms.drops,
        alarms.spikes
    );
    limits.most("false alarms of a week", (alarms.drops + alarms.spikes) as f64, 7.0);
    println!("| requests in 5 min | tenants | found in a day | missing until then: median | 90 % | time: median |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (low, high) in [(0.1, 0.3), (0.3, 1.0), (1.0, 3.0), (3.0, 10.0), (10.0, 100.0)] {
        let silent: Vec<Option<Silence>> = fleet
            .iter()
            .filter(|tenant| (low..high).contains(&tenant.level))
            .map(|tenant| silence(&mut random, tenant))
            .collect();
        let found: Vec<Silence> = silent.iter().copied().flatten().collect();
        println!(
            "| {low} to {high} | {} | {:.0} % | {:.0} | {:.0} | {:.0} min |",
            silent.len(),
            100.0 * found.len() as f64 / silent.len() as f64,
            quantile(found.iter().map(|silence| silence.missing), 0.5),
            quantile(found.iter().map(|silence| silence.missing), 0.9),
            quantile(found.iter().map(|silence| silence.minutes), 0.5),
        );
    }
    Ok(())
}

fn quantile(values: impl Iterator<Item = f64>, quantile: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
        .get((values.len() as f64 * quantile) as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// Tenants with a median of 3 requests in 5 minutes.
fn fleet(random: &mut Random, tenants: usize) -> Vec<Tenant> {
    let budget = Budget {
        series: 10_000,
        per_day: 1.0,
    };
    let tenant = |index: usize| Tenant {
        level: 3.0 * (1.5 * random.normal()).exp(),
        zone: 8 * (index % COUNTRIES),
        country: index % COUNTRIES,
        noise: 0.0,
        watch: Watch::new(300, budget),
    };
    (0..tenants).map(tenant).collect()
}

/// The usual rate at a bucket of the tenant's own week, 1 on average: busy by day, little by night and at weekends.
fn shape(bucket: usize) -> f64 {
    let hour = (bucket % DAY) as f64 / BUCKETS_PER_HOUR as f64;
    let busy = (std::f64::consts::PI * (hour - 6.0) / 14.0).sin();
    let by_day = if (6.0..20.0).contains(&hour) {
        busy.max(0.0)
    } else {
        0.0
    };
    let weekend = if bucket % WEEK / DAY >= 5 { 0.3 } else { 1.0 };
    (0.1 + by_day) * weekend / 0.377
}

impl Tenant {
    fn local(&self, bucket: usize) -> usize {
        bucket + self.zone * BUCKETS_PER_HOUR
    }

    fn at(&self, bucket: usize) -> At {
        At {
            second: bucket as i64 * 300,
            hour: self.local(bucket) % WEEK / BUCKETS_PER_HOUR,
        }
    }

    fn usual(&self, bucket: usize) -> f64 {
        self.level * shape(self.local(bucket))
    }

    /// Requests of a bucket in which the usual rate is multiplied.
    fn count(&mut self, random: &mut Random, bucket: usize, factor: f64) -> f64 {
        let spread = NOISE * (1.0 - NOISE_KEPT * NOISE_KEPT).sqrt();
        self.noise = NOISE_KEPT * self.noise + spread * random.normal();
        random.poisson(self.usual(bucket) * factor * self.noise.exp()) as f64
    }
}

fn learn(random: &mut Random, fleet: &mut [Tenant]) {
    for bucket in 0..WEEKS_BEFORE * WEEK {
        for tenant in &mut *fleet {
            let count = tenant.count(random, bucket, 1.0);
            tenant.watch.observe(tenant.at(bucket), count, 1.0, None);
        }
    }
}

/// On the third day one country has a holiday, and one tenant of twenty has more requests from the fourth day on.
fn healthy_week(random: &mut Random, fleet: &mut [Tenant]) -> False {
    let mut alarms = False::default();
    let mut common = [Common::default(); COUNTRIES];
    let mut counts = vec![0.0; fleet.len()];
    for bucket in WEEKS_BEFORE * WEEK..(WEEKS_BEFORE + 1) * WEEK {
        for (index, tenant) in fleet.iter_mut().enumerate() {
            let day = tenant.local(bucket) % WEEK / DAY;
            let holiday = if day == 2 && tenant.country == 0 { 0.3 } else { 1.0 };
            let shifted = if bucket % WEEK >= 3 * DAY && index % 20 == 0 {
                SHIFT
            } else {
                1.0
            };
            counts[index] = tenant.count(random, bucket, holiday * shifted);
        }
        for (country, common) in common.iter_mut().enumerate() {
            let of_country = fleet
                .iter()
                .zip(&counts)
                .filter(|(tenant, _)| tenant.country == country);
            common
                .take(of_country.map(|(tenant, count)| (*count, tenant.watch.expected(tenant.at(bucket).hour, None))));
        }
        for (tenant, count) in fleet.iter_mut().zip(&counts) {
            let factor = common[tenant.country].factor();
            match tenant.watch.observe(tenant.at(bucket), *count, factor, None) {
                Some(Change::Began(alarm)) if alarm.direction == Direction::Drop => alarms.drops += 1,
                Some(Change::Began(_)) => alarms.spikes += 1,
                Some(Change::Ended { .. }) | None => {}
            }
        }
    }
    alarms
}

#[derive(Debug, Clone, Copy)]
pub struct Silence {
    /// Requests that would have come until the alarm.
    pub missing: f64,
    pub minutes: f64,
}

/// A tenant that falls silent at an hour of a weekday by chance; `None` where no alarm tells within a day.
fn silence(random: &mut Random, tenant: &Tenant) -> Option<Silence> {
    let start = (WEEKS_BEFORE + 1) * WEEK + (random.share() * 4.0 * DAY as f64) as usize;
    let mut watch = tenant.watch.clone();
    let mut missing = 0.0;
    for bucket in start..start + DAY {
        missing += tenant.usual(bucket);
        if let Some(Change::Began(_)) = watch.observe(tenant.at(bucket), 0.0, 1.0, None) {
            return Some(Silence {
                missing,
                minutes: ((bucket - start + 1) * 5) as f64,
            });
        }
    }
    None
}

/// A small fleet: its false alarms, and how many tenants of at least one request in 5 minutes are found when they fall silent.
#[cfg(test)]
pub fn small(seed: u64, tenants: usize) -> (False, usize, usize) {
    let mut random = Random::new(seed, 0);
    let mut fleet = fleet(&mut random, tenants);
    learn(&mut random, &mut fleet);
    let alarms = healthy_week(&mut random, &mut fleet);
    let loud = fleet.iter().filter(|tenant| tenant.level >= 1.0);
    let found: Vec<bool> = loud.map(|tenant| silence(&mut random, tenant).is_some()).collect();
    (alarms, found.iter().filter(|found| **found).count(), found.len())
}
