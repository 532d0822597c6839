//! Samples of a number that goes up and down, on both versions at the same instants.

#[cfg(test)]
mod tests;

use tidegate_domain::event::{Judgement, Verdict};
use tidegate_evidence::{Against, BLOCKS_MIN, PairedRatio, independent_blocks};

use super::super::expectation::shown;
use super::answer::Series;
use super::server::{Asked, Steps, only, seconds, written_out};
use super::template::{Argument, Values};
use super::with::{SamplesCompared, Worse};
use super::{Lacking, Patience, unchanged, verdict};

/// The probability of failing a version that is just at the margin.
const ALPHA: f64 = 0.01;
/// The probability of passing one.
const MISS: f64 = 0.05;
/// Where fewer of ten instants have a sample of both, what is missing may be what is bad.
const COVERED: f64 = 0.9;

pub(super) async fn judge(
    asked: &Asked<'_>,
    compared: &SamplesCompared,
    values: &Values,
) -> Result<Judgement, Lacking> {
    let of_instances = compared.old.uses(Argument::OldAddresses) || compared.new.uses(Argument::NewAddresses);
    if let Some(judgement) = unchanged(values, of_instances) {
        return Ok(judgement);
    }
    let old = written_out(&compared.old, values)?;
    let new = written_out(&compared.new, values)?;
    let patience = Patience::of(compared.time);
    loop {
        let judged = look(asked, compared, [&old, &new]).await;
        // What is there is judged once: asked again and again, this test would err more often than it promises.
        if verdict(&judged) != Verdict::NoData || !patience.lasts().await {
            return judged;
        }
    }
}

async fn look(asked: &Asked<'_>, compared: &SamplesCompared, queries: [&str; 2]) -> Result<Judgement, Lacking> {
    let now = asked.now().await?;
    let steps = Steps::between(now - seconds(compared.time.over), now, compared.time.every);
    let mut sides = Vec::new();
    for query in queries {
        let series = asked.range(query, steps).await?;
        let values = by_instant(only(&series, query)?, query, steps)?;
        asked.is_fresh(query).await?;
        sides.push(values);
    }
    let pairs = pairs(&sides[0], &sides[1], queries)?;
    Ok(judged(compared, &pairs))
}

/// `NaN` is no sample: what is a share of nothing at an instant has none there.
fn by_instant(series: &Series, query: &str, steps: Steps) -> Result<Vec<Option<f64>>, Lacking> {
    let mut values = vec![None; steps.count];
    for point in &series.points {
        if point.value.is_nan() {
            continue;
        }
        if !(point.value.is_finite() && point.value > 0.0) {
            return Err(Lacking::error(format!(
                "`{}` is {} at an instant, which has no ratio to anything: compare what is above 0, or hold it to a limit with `at_most`",
                shown(query),
                point.value
            )));
        }
        if let Some(index) = steps.index(point.at) {
            values[index] = Some(point.value);
        }
    }
    Ok(values)
}

fn pairs(old: &[Option<f64>], new: &[Option<f64>], queries: [&str; 2]) -> Result<Vec<(f64, f64)>, Lacking> {
    let both = old.iter().zip(new).filter_map(|(old, new)| Some(((*old)?, (*new)?)));
    let pairs: Vec<(f64, f64)> = both.collect();
    if pairs.len() as f64 >= COVERED * old.len() as f64 {
        return Ok(pairs);
    }
    let there = |values: &[Option<f64>]| values.iter().flatten().count();
    Err(Lacking::no_data(format!(
        "of {} instants {} have a sample of both: {} of `{}`, {} of `{}`",
        old.len(),
        pairs.len(),
        there(old),
        shown(queries[0]),
        there(new),
        shown(queries[1])
    )))
}

fn judged(compared: &SamplesCompared, pairs: &[(f64, f64)]) -> Judgement {
    let margin = compared.margin;
    let worse_is_more: Vec<(f64, f64)> = pairs
        .iter()
        .map(|&(old, new)| match compared.worse {
            Worse::Higher => (old, new),
            Worse::Lower => (new, old),
        })
        .collect();
    let blocks = independent_blocks(&worse_is_more).unwrap_or_default();
    let Some(ratio) = PairedRatio::of(&blocks, ALPHA, MISS) else {
        let reason = format!(
            "{} pairs of samples are not {BLOCKS_MIN} that stand for themselves: samples of neighbouring instants move together",
            pairs.len()
        );
        return open(reason, "a longer `over`");
    };
    let found = format!(
        "{} {:.3} (between {:.3} and {:.3}, {} pairs in {} blocks) with {margin} at most",
        match compared.worse {
            Worse::Higher => "the new version has the old one's times",
            Worse::Lower => "the old version has the new one's times",
        },
        ratio.estimate,
        ratio.low,
        ratio.high,
        pairs.len(),
        blocks.len()
    );
    match ratio.decide(margin) {
        Against::Above => Judgement::new(Verdict::Fail, found),
        Against::AtMost => Judgement::new(Verdict::Pass, found),
        Against::Open => open(
            format!("{found}, which is not shown either way"),
            "a longer `over`, or a larger `margin`",
        ),
    }
}

fn open(reason: String, needs: &str) -> Judgement {
    let mut judgement = Judgement::new(Verdict::Inconclusive, reason);
    judgement.needs = Some(needs.to_owned());
    judgement
}
