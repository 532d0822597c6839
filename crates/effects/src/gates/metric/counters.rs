//! Counters of events and of all, compared bucket by bucket. What was counted is taken from the counters themselves, series by series: so it is
//! whole numbers, and one that begins anew, or that is there for the first time, is no loss.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use tidegate_domain::event::{Judgement, Verdict};
use tidegate_evidence as evidence;
use tidegate_evidence::{Assignment, Bucket, Counts, Metric, Monitor, Rule};

use super::super::expectation::shown;
use super::answer::{Series, in_words};
use super::server::{Asked, Steps, finite, seconds, written_out};
use super::template::{Argument, Template, Values};
use super::with::{Absent, Counted, CountersCompared};
use super::{Lacking, Patience, unchanged, verdict};

/// The probability of failing a version that is no worse, however often it is looked at.
const ALPHA: f64 = 0.01;
/// Numbers up to here are told from their neighbours.
const COUNT_MAX: f64 = 9e15;

/// One of the two versions.
#[derive(Debug, Default)]
struct Side {
    events: Vec<Series>,
    total: Vec<Series>,
    /// As asked, for messages.
    events_query: String,
    total_query: String,
}

pub(super) async fn judge(
    asked: &Asked<'_>,
    compared: &CountersCompared,
    values: &Values,
) -> Result<Judgement, Lacking> {
    let sides = [&compared.old, &compared.new];
    let of_instances = sides.iter().any(|side| side.asks_for_instances());
    if let Some(judgement) = unchanged(values, of_instances) {
        return Ok(judgement);
    }
    let first = asked.now().await? - seconds(compared.time.over);
    let patience = Patience::of(compared.time);
    loop {
        let judged = look(asked, compared, values, first).await;
        // The test may be looked at as often as one likes.
        let is_open = matches!(verdict(&judged), Verdict::NoData | Verdict::Inconclusive);
        if !is_open || !patience.lasts().await {
            return judged;
        }
    }
}

async fn look(
    asked: &Asked<'_>,
    compared: &CountersCompared,
    values: &Values,
    first: f64,
) -> Result<Judgement, Lacking> {
    let steps = Steps::between(first, asked.now().await?, compared.time.every);
    let old = side(asked, &compared.old, values, compared.absent_events, steps).await?;
    let new = side(asked, &compared.new, values, compared.absent_events, steps).await?;
    let buckets = buckets(&old.counts(steps)?, &new.counts(steps)?, steps)?;
    judged(compared, &buckets)
}

impl Counted {
    fn asks_for_instances(&self) -> bool {
        let of_instances = |query: &Template| query.uses(Argument::NewAddresses) || query.uses(Argument::OldAddresses);
        of_instances(&self.events) || of_instances(&self.total)
    }
}

async fn side(
    asked: &Asked<'_>,
    counted: &Counted,
    values: &Values,
    absent: Absent,
    steps: Steps,
) -> Result<Side, Lacking> {
    let events_query = written_out(&counted.events, values)?;
    let total_query = written_out(&counted.total, values)?;
    let total = asked.range(&total_query, steps).await?;
    if total.is_empty() {
        return Err(Lacking::no_data(format!("`{}` has no sample", shown(&total_query))));
    }
    asked.is_fresh(&total_query).await?;
    let events = asked.range(&events_query, steps).await?;
    if events.is_empty() && absent == Absent::NoData {
        return Err(Lacking::no_data(format!(
            "`{}` has no sample: no event, or no such counter; where the first is meant say `absent_events: zero`",
            shown(&events_query)
        )));
    }
    Ok(Side {
        events,
        total,
        events_query,
        total_query,
    })
}

impl Side {
    /// What was counted between each instant and the one before; the first has none.
    fn counts(&self, steps: Steps) -> Result<Vec<Counts>, Lacking> {
        let events = Counters::of(&self.events, &self.events_query, steps)?;
        let total = Counters::of(&self.total, &self.total_query, steps)?;
        let mut counts = vec![Counts::default(); steps.count];
        // Instances of which something was known an instant before.
        let mut known = BTreeSet::new();
        let mut last = (vec![None; events.values.len()], vec![None; total.values.len()]);
        for (index, count) in counts.iter_mut().enumerate() {
            count.events = events.since(index, &mut last.0, &known)?;
            count.n = total.since(index, &mut last.1, &known)?;
            known.extend(events.present(index));
            known.extend(total.present(index));
        }
        Ok(counts)
    }
}

/// Counters by series and instant.
struct Counters<'s> {
    series: &'s [Series],
    query: &'s str,
    values: Vec<Vec<Option<f64>>>,
}

impl<'s> Counters<'s> {
    fn of(series: &'s [Series], query: &'s str, steps: Steps) -> Result<Self, Lacking> {
        let mut values = Vec::with_capacity(series.len());
        for one in series {
            let mut at = vec![None; steps.count];
            for point in &one.points {
                if let Some(index) = steps.index(point.at) {
                    at[index] = Some(finite(point.value, query)?);
                }
            }
            values.push(at);
        }
        Ok(Self { series, query, values })
    }

    fn instance(&self, index: usize) -> Option<&'s str> {
        self.series[index].labels.get("instance").map(String::as_str)
    }

    /// Whose counters are there at an instant.
    fn present(&self, at: usize) -> impl Iterator<Item = Option<&'s str>> {
        let there = (0..self.series.len()).filter(move |&index| self.values[index][at].is_some());
        there.map(|index| self.instance(index))
    }

    /// What all of them together have counted since the instant that each was seen last.
    fn since(&self, at: usize, last: &mut [Option<f64>], known: &BTreeSet<Option<&'s str>>) -> Result<u64, Lacking> {
        let mut sum = 0.0;
        for (index, last) in last.iter_mut().enumerate() {
            let Some(now) = self.values[index][at] else { continue };
            sum += match last.replace(now) {
                // An instance that was there makes a counter when the first event comes. Of one that was not, nobody knows when it has counted this.
                None if known.contains(&self.instance(index)) => now,
                None => 0.0,
                Some(before) if now >= before => now - before,
                Some(_) if self.instance(index).is_some() => now,
                Some(before) => {
                    return Err(Lacking::error(format!(
                        "`{}` goes down, from {before} to {now}, and has no label `instance`: it is no counter, or a sum in which nobody sees which one began anew; ask for the counters themselves",
                        shown(self.query)
                    )));
                }
            };
        }
        // Sums of what is not whole are a little off themselves.
        let whole = sum.round();
        if (sum - whole).abs() > 1e-6 * whole.abs().max(1.0) || !(0.0..=COUNT_MAX).contains(&whole) {
            let one = self
                .series
                .first()
                .map(|series| in_words(&series.labels))
                .unwrap_or_default();
            return Err(Lacking::error(format!(
                "`{}` has grown by {sum}, which counts nothing: ask for the counters themselves, without `rate` or `increase` ({one})",
                shown(self.query)
            )));
        }
        Ok(whole as u64)
    }
}

/// Both sides between two instants. What has more events than there were in all, because the one is counted before the other, goes
/// together with what comes after.
fn buckets(old: &[Counts], new: &[Counts], steps: Steps) -> Result<Vec<Bucket>, Lacking> {
    let mut buckets = Vec::new();
    let (mut before, mut now) = (Counts::default(), Counts::default());
    for (index, (old, new)) in old.iter().zip(new).enumerate().skip(1) {
        for (sum, more) in [(&mut before, old), (&mut now, new)] {
            sum.n += more.n;
            sum.events += more.events;
        }
        if before.events <= before.n && now.events <= now.n {
            buckets.push(Bucket {
                t: steps.at(index) - steps.first,
                old: std::mem::take(&mut before),
                new: std::mem::take(&mut now),
            });
        }
    }
    let too_many = [("old", before), ("new", now)];
    match too_many.iter().find(|(_, side)| side.events > side.n) {
        Some((side, counts)) => Err(Lacking::error(format!(
            "`{side}.events` has counted {} where `{side}.total` has counted {}: the total has to count the events too",
            counts.events, counts.n
        ))),
        None => Ok(buckets),
    }
}

fn judged(compared: &CountersCompared, buckets: &[Bucket]) -> Result<Judgement, Lacking> {
    let rule = Rule {
        metric: Metric::Errors,
        assignment: Assignment::Requests,
        alpha: ALPHA,
        margin: compared.margin,
        tolerance: compared.tolerance,
        weight: None,
        edges_ms: Vec::new(),
    };
    let misfit = |misfit: evidence::Misfit| Lacking::error(format!("{}: {}", misfit.problem, misfit.remedy));
    let mut monitor = Monitor::new(rule, &[]).map_err(misfit)?;
    for bucket in buckets {
        monitor.observe(bucket).map_err(misfit)?;
    }
    let decision = monitor.decision();
    let verdict = match decision.verdict {
        evidence::Verdict::Pass => Verdict::Pass,
        evidence::Verdict::Fail => Verdict::Fail,
        evidence::Verdict::Inconclusive => Verdict::Inconclusive,
        evidence::Verdict::NoData => Verdict::NoData,
        evidence::Verdict::Error => Verdict::Error,
    };
    let mut judgement = Judgement::new(verdict, decision.reason);
    judgement.needs = decision.needs;
    judgement.requests = decision.samples.new;
    Ok(judgement)
}
