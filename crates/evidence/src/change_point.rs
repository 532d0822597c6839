//! Change points in a series of figures, one a run: where its level has become another.
//!
//! Where a segment may be cut is what E-divisive says, the energy statistic of Matteson and James (arXiv 1306.4933); whether the two sides differ,
//! Student's t test in place of permutations, so that the same series always gives the same answer. The series is looked at in windows that
//! overlap by half, first with a p-value ten times the one asked for; then the weakest are given up, one by one, until each that is left
//! differs from its neighbours by the p-value asked for: Fleming et al., Hunter (arXiv 2301.03034). The place of a cut is chosen before it is tested, so
//! that more than this share of quiet series has one: the tests print how many.

use std::ops::Range;

/// Figures looked at together.
const WINDOW: usize = 50;

/// How seldom two sides of one level may look so different.
const P_VALUE_MAX: f64 = 0.001;

/// At the first look, with what the windows cut off not seen yet.
const FIRST_P_VALUE_MAX: f64 = 10.0 * P_VALUE_MAX;

/// With fewer figures on a side, nothing is known of how they scatter.
const SIDE_MIN: usize = 2;

/// From here on the level is another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The place of the first figure of the new level.
    pub at: usize,
    /// The mean since the change before, or since the beginning.
    pub before: f64,
    /// The mean up to the change after, or up to the end.
    pub after: f64,
    pub p_value: f64,
}

impl ChangePoint {
    /// By which share the level has risen, or fallen where it is below 0.
    #[must_use]
    pub fn change(&self) -> f64 {
        self.after / self.before - 1.0
    }
}

/// The changes of level in a series, in their order. None where a figure is none.
#[must_use]
pub fn change_points(series: &[f64]) -> Vec<ChangePoint> {
    if series.iter().any(|figure| !figure.is_finite()) {
        return Vec::new();
    }
    let mut cuts = Vec::new();
    let mut begin = 0;
    while begin < series.len() {
        let window = begin..series.len().min(begin + WINDOW);
        let is_last = window.end == series.len();
        divide(series, window, &mut cuts);
        if is_last {
            break;
        }
        begin += WINDOW / 2;
    }
    cuts.sort_unstable();
    cuts.dedup();
    merged(series, cuts)
}

/// Cuts a segment where its two sides differ most, and each side again, for as long as they differ.
fn divide(series: &[f64], segment: Range<usize>, cuts: &mut Vec<usize>) {
    let Some(cut) = best_cut(&series[segment.clone()]).map(|cut| segment.start + cut) else {
        return;
    };
    let (left, right) = (segment.start..cut, cut..segment.end);
    if p_value(&series[left.clone()], &series[right.clone()]) <= FIRST_P_VALUE_MAX {
        cuts.push(cut);
        divide(series, left, cuts);
        divide(series, right, cuts);
    }
}

/// Gives up the weakest cut until each one stands between two segments that differ.
fn merged(series: &[f64], mut cuts: Vec<usize>) -> Vec<ChangePoint> {
    loop {
        let points: Vec<ChangePoint> = (0..cuts.len()).map(|index| point(series, &cuts, index)).collect();
        let weakest = points
            .iter()
            .enumerate()
            .max_by(|(_, a), (_, b)| a.p_value.total_cmp(&b.p_value));
        match weakest {
            Some((index, point)) if point.p_value > P_VALUE_MAX => drop(cuts.remove(index)),
            Some(_) | None => return points,
        }
    }
}

fn point(series: &[f64], cuts: &[usize], index: usize) -> ChangePoint {
    let at = cuts[index];
    let begin = if index == 0 { 0 } else { cuts[index - 1] };
    let end = cuts.get(index + 1).copied().unwrap_or(series.len());
    let (left, right) = (&series[begin..at], &series[at..end]);
    ChangePoint {
        at,
        before: mean(left),
        after: mean(right),
        p_value: p_value(left, right),
    }
}

/// The cut with the largest energy statistic: `mn/(m+n) (2 E|X-Y| - E|X-X'| - E|Y-Y'|)`.
fn best_cut(segment: &[f64]) -> Option<usize> {
    let distance = |a: usize, b: usize| (segment[a] - segment[b]).abs();
    let all = segment.len();
    let distances_of = |range: Range<usize>| -> f64 {
        range
            .clone()
            .map(|a| (range.start..a).map(|b| distance(a, b)).sum::<f64>())
            .sum()
    };
    let (mut within_left, mut within_right) = (0.0, distances_of(0..all));
    let mut between = 0.0;
    let mut best: Option<(usize, f64)> = None;
    for cut in 1..all {
        // The figure before the cut changes its side.
        let moved = cut - 1;
        let to_left: f64 = (0..moved).map(|other| distance(moved, other)).sum();
        let to_right: f64 = (cut..all).map(|other| distance(moved, other)).sum();
        within_left += to_left;
        within_right -= to_right;
        between += to_right - to_left;
        let (m, n) = (cut as f64, (all - cut) as f64);
        if cut < SIDE_MIN || all - cut < SIDE_MIN {
            continue;
        }
        let apart = 2.0 * between / (m * n);
        let scatter = 2.0 * within_left / (m * (m - 1.0)) + 2.0 * within_right / (n * (n - 1.0));
        let energy = m * n / (m + n) * (apart - scatter);
        if best.is_none_or(|(_, most)| energy > most) {
            best = Some((cut, energy));
        }
    }
    best.map(|(cut, _)| cut)
}

/// Student's t test of two sides with one variance, two-sided.
fn p_value(left: &[f64], right: &[f64]) -> f64 {
    let freedom = (left.len() + right.len()).saturating_sub(2);
    if left.len() < SIDE_MIN || right.len() < SIDE_MIN {
        return 1.0;
    }
    let squares = |side: &[f64]| {
        let mean = mean(side);
        side.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>()
    };
    let variance = (squares(left) + squares(right)) / freedom as f64;
    let error = (variance * (1.0 / left.len() as f64 + 1.0 / right.len() as f64)).sqrt();
    let apart = (mean(left) - mean(right)).abs();
    if apart == 0.0 {
        return 1.0;
    }
    // Figures that do not scatter at all differ for certain.
    if error == 0.0 {
        0.0
    } else {
        beyond(apart / error, freedom)
    }
}

/// How seldom Student's t with whole degrees of freedom is farther from 0 than `t`: Abramowitz and Stegun 26.7.3 and 26.7.4.
fn beyond(t: f64, freedom: usize) -> f64 {
    let angle = (t / (freedom as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let is_even = freedom.is_multiple_of(2);
    let (mut term, mut place) = if is_even { (1.0, 1) } else { (cosine, 2) };
    let mut sum = 0.0;
    while place < freedom {
        sum += term;
        term *= place as f64 / (place + 1) as f64 * cosine * cosine;
        place += 2;
    }
    let within = if is_even {
        sine * sum
    } else {
        2.0 / std::f64::consts::PI * (angle + sine * sum)
    };
    (1.0 - within).clamp(0.0, 1.0)
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

#[cfg(test)]
mod tests;
