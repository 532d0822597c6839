//! Every tenant and cell, watched: what is usual for each, and what is not so now.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tidegate_domain::files::{AlertKind, AlertWatch};
use tidegate_domain::id::{CellName, TenantName};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_evidence::alert::{
    At, Budget, Change, Common, Direction, Ended, HOURS, Monitorable, ShareRule, ShareWatch, Usual, Watch,
};
use tidegate_gateway::protocol::LATENCY_EDGES_MICROS;

use super::meter::Bucket;
use super::words;
use super::{Alarm, Subject};
use crate::counters::Totals;

/// What is watched of one tenant or cell, as it is kept: about 3 kB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    volume: Watch,
    errors: ShareWatch,
    timeouts: ShareWatch,
    slow: ShareWatch,
    usual: Usual,
    /// Of a cell: by how much its tenants together are above or below what is expected of them.
    #[serde(default)]
    common: Common,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fleet {
    pub series: BTreeMap<Subject, Series>,
    /// Buckets that were judged, so that all series are written within an hour.
    round: u64,
}

/// What a bucket has changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    Began(Alarm),
    Ended {
        subject: Subject,
        kind: AlertKind,
        why: Ended,
    },
}

/// What is to be written after a bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    pub found: Vec<Found>,
    /// Series to keep as they are now.
    pub changed: BTreeSet<Subject>,
    pub removed: Vec<Subject>,
}

/// More evidence than this is not left to be counted again after a restart.
const LOG_EVIDENCE_KEPT: f64 = 3.0;
const HOUR_MS: i64 = 3_600_000;
/// The first of January 1970 was a Thursday.
const DAYS_FROM_MONDAY: i64 = 3;
/// Kinds that are watched of each series.
const KINDS: usize = 5;

/// What befalls so many tenants of a cell at once, such as a holiday, is expected of each of them.
const MANY: usize = 20;
/// What is mostly of so many tenants is theirs alone.
const FEW: usize = 3;

/// What holds for all series of a bucket.
struct Rules<'a> {
    watch: &'a AlertWatch,
    budget: Budget,
    bucket_seconds: u32,
    at: At,
}

impl Fleet {
    /// Takes the next bucket in. `homes` are the tenants that are served now, each with its cell: of others nothing is known in it.
    /// `known` are all that there are.
    pub fn judge(
        &mut self,
        bucket: &Bucket,
        homes: &BTreeMap<TenantName, CellName>,
        known: &BTreeSet<Subject>,
        watch: &AlertWatch,
    ) -> Judged {
        let removed: Vec<Subject> = self.series.keys().filter(|one| !known.contains(one)).cloned().collect();
        for subject in &removed {
            self.series.remove(subject);
        }
        let rules = Rules::new(watch, bucket.begin, homes.len());
        let mut judged = Judged {
            removed,
            ..Judged::default()
        };
        let cells: BTreeSet<&CellName> = homes.values().collect();
        for cell in cells {
            let tenants: Vec<(&TenantName, &Totals)> = homes
                .iter()
                .filter(|(_, home)| *home == cell)
                .map(|(tenant, _)| (tenant, bucket.counts.get(tenant).unwrap_or(&NOTHING)))
                .collect();
            self.judge_cell(cell, &tenants, &rules, &mut judged);
        }
        self.round += 1;
        let every = (3_600 / u64::from(rules.bucket_seconds)).clamp(1, 360);
        for (place, (subject, series)) in self.series.iter().enumerate() {
            if place as u64 % every == self.round % every || series.log_evidence() > LOG_EVIDENCE_KEPT {
                judged.changed.insert(subject.clone());
            }
        }
        judged
    }

    fn judge_cell(
        &mut self,
        cell: &CellName,
        tenants: &[(&TenantName, &Totals)],
        rules: &Rules<'_>,
        judged: &mut Judged,
    ) {
        let whole = Subject::Cell(cell.clone());
        let mut common = self.of(&whole, rules).common;
        let hour = rules.at.hour;
        let expected = |tenant: &TenantName| {
            let series = self.series.get(&Subject::Tenant(tenant.clone()));
            series.map_or(0.0, |series| series.volume.expected(hour, None))
        };
        let volumes: Vec<(f64, f64)> = tenants
            .iter()
            .map(|(tenant, totals)| (totals.requests as f64, expected(tenant)))
            .collect();
        common.take(volumes.iter().copied());
        // Of a few tenants, what befalls one befalls a good part of all.
        let factor = if tenants.len() >= MANY { common.factor() } else { 1.0 };
        let mut sum = Totals::default();
        for (tenant, totals) in tenants {
            sum.add(totals);
            let subject = Subject::Tenant((*tenant).clone());
            let changes = self.of(&subject, rules).observe(totals, factor, rules);
            judged.take(&subject, cell, &changes);
        }
        let series = self.of(&whole, rules);
        series.common = common;
        let before = series.clone();
        let mut changes = series.observe(&sum, 1.0, rules);
        changes.retain(|(kind, change)| match change {
            Change::Began(_) if is_of_few(*kind, tenants, &volumes) => {
                series.take_back(*kind, &before);
                false
            }
            Change::Began(_) | Change::Ended { .. } => true,
        });
        judged.take(&whole, cell, &changes);
    }

    /// With another interval everything begins anew.
    fn of(&mut self, subject: &Subject, rules: &Rules<'_>) -> &mut Series {
        let series = self.series.entry(subject.clone()).or_insert_with(|| Series::new(rules));
        if series.volume.bucket_seconds() != rules.bucket_seconds {
            *series = Series::new(rules);
        }
        series
    }

    /// Whether an alarm lasts.
    pub fn has_alarm(&self, subject: &Subject, kind: AlertKind) -> bool {
        let Some(series) = self.series.get(subject) else {
            return false;
        };
        let volume = |direction| series.volume.alarm().is_some_and(|alarm| alarm.direction == direction);
        match kind {
            AlertKind::Errors => series.errors.alarm().is_some(),
            AlertKind::Timeouts => series.timeouts.alarm().is_some(),
            AlertKind::Latency => series.slow.alarm().is_some(),
            AlertKind::VolumeDrop => volume(Direction::Drop),
            AlertKind::VolumeSpike => volume(Direction::Spike),
            AlertKind::Watcher => false,
        }
    }

    /// Why silence of a tenant would not be found, if it would not.
    pub fn not_monitorable(&self, subject: &Subject) -> Option<String> {
        let Some(series) = self.series.get(subject) else {
            return Some("nothing has been seen of it yet".to_owned());
        };
        match series.volume.monitorable() {
            Monitorable::Yes => None,
            Monitorable::Learning => Some("less than a day of it has been seen".to_owned()),
            Monitorable::TooQuiet {
                expected_per_day,
                needed,
            } => Some(format!(
                "{expected_per_day:.1} requests are expected in a day, and about {needed:.0} have to be missing"
            )),
        }
    }
}

static NOTHING: Totals = Totals::NONE;

impl Judged {
    fn take(&mut self, subject: &Subject, cell: &CellName, changes: &[(AlertKind, Change)]) {
        for (kind, change) in changes {
            self.changed.insert(subject.clone());
            self.found.push(match change {
                Change::Began(alarm) => Found::Began(words::alarm(subject, cell, *kind, alarm)),
                Change::Ended { why, .. } => Found::Ended {
                    subject: subject.clone(),
                    kind: *kind,
                    why: *why,
                },
            });
        }
    }
}

impl<'a> Rules<'a> {
    fn new(watch: &'a AlertWatch, begin: Timestamp, tenants: usize) -> Self {
        let second = begin.0.div_euclid(1_000);
        let hours = begin.0.div_euclid(HOUR_MS) + 24 * DAYS_FROM_MONDAY;
        Self {
            watch,
            budget: Budget {
                series: u32::try_from(tenants * KINDS).unwrap_or(u32::MAX).max(1),
                per_day: watch.false_alarms_per_day,
            },
            bucket_seconds: seconds(watch.interval),
            at: At {
                second,
                hour: usize::try_from(hours.rem_euclid(HOURS as i64)).unwrap_or(0),
            },
        }
    }

    fn share(&self, percent: f64) -> ShareRule {
        ShareRule {
            tolerated: percent / 100.0,
            bucket_seconds: self.bucket_seconds,
            budget: self.budget,
        }
    }

    fn watches(&self, kind: AlertKind) -> bool {
        self.watch.kinds.contains(&kind)
    }
}

fn seconds(interval: Duration) -> u32 {
    u32::try_from(interval.as_millis() / 1_000).unwrap_or(300).max(1)
}

impl Series {
    fn new(rules: &Rules<'_>) -> Self {
        Self {
            volume: Watch::new(rules.bucket_seconds, rules.budget),
            errors: ShareWatch::default(),
            timeouts: ShareWatch::default(),
            slow: ShareWatch::default(),
            usual: Usual::default(),
            common: Common::default(),
        }
    }

    fn observe(&mut self, totals: &Totals, common: f64, rules: &Rules<'_>) -> Vec<(AlertKind, Change)> {
        let mut changes = Vec::new();
        let (second, watch) = (rules.at.second, rules.watch);
        self.volume.allow(rules.budget);
        if let Some(change) = self.volume.observe(rules.at, totals.requests as f64, common, None) {
            let kind = match direction(&change) {
                Direction::Drop => AlertKind::VolumeDrop,
                Direction::Spike => AlertKind::VolumeSpike,
            };
            changes.push((kind, change));
        }
        let errors = rules.share(watch.errors_percent);
        let change = self.errors.observe(second, totals.requests, totals.errors, &errors);
        changes.extend(change.map(|change| (AlertKind::Errors, change)));
        let timeouts = rules.share(watch.timeouts_percent);
        let change = self
            .timeouts
            .observe(second, totals.requests, totals.timeouts, &timeouts);
        changes.extend(change.map(|change| (AlertKind::Timeouts, change)));
        let bins = totals.sample().latency;
        if let Some(bin) = self.slowest_bin(watch) {
            let (all, slow) = (bins.iter().sum(), bins[bin..].iter().sum());
            let change = self.slow.observe(second, all, slow, &rules.share(watch.slow_percent));
            changes.extend(change.map(|change| (AlertKind::Latency, change)));
        }
        if self.slow.alarm().is_none() {
            self.usual.learn(&bins, rules.bucket_seconds);
        }
        changes.retain(|(kind, _)| rules.watches(*kind));
        changes
    }

    /// The first bin whose answers are slow.
    fn slowest_bin(&self, watch: &AlertWatch) -> Option<usize> {
        let usual = self.usual.slowest(&LATENCY_EDGES_MICROS)? as f64;
        let slack = f64::from(watch.slow_slack_ms) * 1_000.0;
        let limit = (usual * watch.slow_ratio).max(usual + slack);
        Some(LATENCY_EDGES_MICROS.partition_point(|edge| (*edge as f64) <= limit) + 1)
            .filter(|bin| *bin <= LATENCY_EDGES_MICROS.len())
    }

    /// What one detector knew before.
    fn take_back(&mut self, kind: AlertKind, before: &Self) {
        match kind {
            AlertKind::Errors => self.errors.clone_from(&before.errors),
            AlertKind::Timeouts => self.timeouts.clone_from(&before.timeouts),
            AlertKind::Latency => self.slow.clone_from(&before.slow),
            AlertKind::VolumeDrop | AlertKind::VolumeSpike => self.volume.clone_from(&before.volume),
            AlertKind::Watcher => {}
        }
    }

    fn log_evidence(&self) -> f64 {
        let shares = [&self.errors, &self.timeouts, &self.slow].map(ShareWatch::log_evidence);
        shares.into_iter().fold(self.volume.log_evidence(), f64::max)
    }
}

/// Whether a few tenants make up most of what is wrong with their cell: then it is theirs, not everybody's.
fn is_of_few(kind: AlertKind, tenants: &[(&TenantName, &Totals)], volumes: &[(f64, f64)]) -> bool {
    let of_tenant = |((_, totals), (counted, expected)): (&(&TenantName, &Totals), &(f64, f64))| match kind {
        AlertKind::Errors => totals.errors as f64,
        AlertKind::Timeouts => totals.timeouts as f64,
        AlertKind::VolumeDrop => (expected - counted).max(0.0),
        AlertKind::VolumeSpike => (counted - expected).max(0.0),
        AlertKind::Latency | AlertKind::Watcher => totals.requests as f64,
    };
    let mut parts: Vec<f64> = tenants.iter().zip(volumes).map(of_tenant).collect();
    parts.sort_by(|a, b| b.total_cmp(a));
    let of_few: f64 = parts.iter().take(FEW).sum();
    of_few * 2.0 > parts.iter().sum()
}

fn direction(change: &Change) -> Direction {
    match change {
        Change::Began(alarm) | Change::Ended { alarm, .. } => alarm.direction,
    }
}

#[cfg(test)]
mod tests;
