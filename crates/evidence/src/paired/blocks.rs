//! Samples of neighbouring instants move together: a hundred of them may say no more than ten that are far apart, and a test that takes
//! them for a hundred errs far more often than it promises.
//!
//! They are grouped into blocks, twice as long each time, until the blocks' ratios look as if each were a throw of its own (G. S. Fishman,
//! Management Science 24, 1978), by the ratio of J. von Neumann on their ranks (R. Bartels, J. Am. Stat. Assoc. 77, 1982), which a few spoiled
//! samples do not blind.

#[cfg(test)]
mod tests;

use super::PAIRS_MAX;

/// With fewer nobody can see that they move together.
pub const BLOCKS_MIN: usize = 10;
/// Standard deviations of the rank ratio from which on blocks are grouped further. A throw of chance is grouped without need in a
/// quarter of the cases: that costs power, and to take what moves together for chance costs the promise.
const SUSPICIOUS: f64 = 0.67;

/// The means of `(old, new)` over blocks of neighbouring instants that are as good as independent, as geometric means, so that a block's
/// ratio is the mean of its ratios. All are above 0. `None` where there are fewer than [`BLOCKS_MIN`] such blocks. Pairs whose ratio never
/// changes are taken as they are. The last pairs are left out where they fill no block.
pub fn independent_blocks(pairs: &[(f64, f64)]) -> Option<Vec<(f64, f64)>> {
    let mut length = pairs.len().div_ceil(PAIRS_MAX).max(1);
    while pairs.len() / length >= BLOCKS_MIN {
        let blocks: Vec<(f64, f64)> = pairs.chunks_exact(length).map(mean).collect();
        let ratios: Vec<f64> = blocks.iter().map(|(old, new)| new / old).collect();
        if !move_together(&ratios) {
            return Some(blocks);
        }
        length *= 2;
    }
    None
}

fn mean(block: &[(f64, f64)]) -> (f64, f64) {
    let of = |side: fn(&(f64, f64)) -> f64| {
        let logs: f64 = block.iter().map(|pair| side(pair).ln()).sum();
        (logs / block.len() as f64).exp()
    };
    (of(|pair| pair.0), of(|pair| pair.1))
}

/// Whether neighbours are more alike than chance would have them.
fn move_together(ratios: &[f64]) -> bool {
    let count = ratios.len() as f64;
    let ranks = ranks(ratios);
    let middle = f64::midpoint(1.0, count);
    let spread: f64 = ranks.iter().map(|rank| (rank - middle).powi(2)).sum();
    if spread == 0.0 {
        return false;
    }
    let steps: f64 = ranks.windows(2).map(|two| (two[1] - two[0]).powi(2)).sum();
    let alike = 1.0 - steps / spread / 2.0;
    alike > SUSPICIOUS * ((count - 2.0) / (count * count - 1.0)).sqrt()
}

/// From 1 on; those that are equal share the mean of theirs. The same ratio may come out of other numbers a rounding away.
fn ranks(ratios: &[f64]) -> Vec<f64> {
    let is_same = |one: f64, other: f64| (one - other).abs() <= 1e-12 * one.abs();
    let mut order: Vec<usize> = (0..ratios.len()).collect();
    order.sort_by(|&a, &b| ratios[a].total_cmp(&ratios[b]));
    let mut ranks = vec![0.0; ratios.len()];
    let mut first = 0;
    while first < order.len() {
        let equal = order[first..].iter();
        let equal = equal
            .take_while(|&&index| is_same(ratios[order[first]], ratios[index]))
            .count();
        let shared = first as f64 + f64::midpoint(1.0, equal as f64);
        for &index in &order[first..first + equal] {
            ranks[index] = shared;
        }
        first += equal;
    }
    ranks
}
