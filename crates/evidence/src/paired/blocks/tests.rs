use super::super::PairedRatio;
use super::super::tests::Chance;
use super::*;

/// Pairs whose logarithm of the ratio has the spread of a tenth around `ratio`, and keeps `kept` of it from one instant to the next.
fn series(chance: &mut Chance, count: usize, kept: f64, ratio: f64) -> Vec<(f64, f64)> {
    let mut now = chance.normal();
    (0..count)
        .map(|_| {
            let shared = (chance.normal() / 2.0).exp() * 40.0;
            let pair = (shared, shared * ratio * (now / 10.0).exp());
            now = kept * now + (1.0 - kept * kept).sqrt() * chance.normal();
            pair
        })
        .collect()
}

#[derive(Debug, Default)]
struct Seen {
    worse: usize,
    passed: usize,
    undecided: usize,
    too_few: usize,
}

fn judged(runs: u64, count: usize, kept: f64, ratio: f64, margin: f64, group: bool) -> Seen {
    let mut seen = Seen::default();
    for seed in 0..runs {
        let pairs = series(&mut Chance(seed), count, kept, ratio);
        let blocks = if group { independent_blocks(&pairs) } else { Some(pairs) };
        let Some(ratio) = blocks.and_then(|blocks| PairedRatio::of(&blocks, 0.01, 0.05)) else {
            seen.too_few += 1;
            continue;
        };
        if ratio.low > margin {
            seen.worse += 1;
        } else if ratio.high <= margin {
            seen.passed += 1;
        } else {
            seen.undecided += 1;
        }
    }
    seen
}

#[test]
fn what_moves_together_is_not_taken_for_evidence() {
    for kept in [0.5, 0.8, 0.95] {
        let at_margin = judged(300, 120, kept, 1.1, 1.1, true);
        assert!(at_margin.worse <= 12, "{kept}: {at_margin:?}");
        let equal = judged(300, 120, kept, 1.0, 1.1, true);
        assert_eq!(equal.worse, 0, "{kept}: {equal:?}");
    }
    // What it is for: without blocks the same samples are failed again and again.
    let as_they_are = judged(100, 120, 0.8, 1.1, 1.1, false);
    assert!(as_they_are.worse >= 12, "{as_they_are:?}");
}

#[test]
fn chance_keeps_most_of_its_power() {
    let worse = judged(100, 40, 0.0, 1.2, 1.05, true);
    assert!(worse.worse >= 85 && worse.passed == 0, "{worse:?}");
    let equal = judged(100, 40, 0.0, 1.0, 1.1, true);
    assert!(equal.passed >= 85 && equal.worse == 0, "{equal:?}");
}

#[test]
fn blocks_by_hand() {
    // Up and down: neighbours are unlike each other.
    let pairs: Vec<(f64, f64)> = (0..20).map(|index| (1.0, 1.0 + f64::from(index % 2))).collect();
    assert_eq!(independent_blocks(&pairs).unwrap().len(), 20);
    // In one rise there are no ten that stand for themselves.
    let rising: Vec<(f64, f64)> = (0..100).map(|index| (1.0, 1.0 + f64::from(index))).collect();
    assert_eq!(independent_blocks(&rising), None);
    // What never changes is as it is, whatever both do.
    let equal: Vec<(f64, f64)> = (1..=12)
        .map(|index| (f64::from(index), 3.0 * f64::from(index)))
        .collect();
    assert_eq!(independent_blocks(&equal).unwrap().len(), 12);
    assert_eq!(independent_blocks(&equal[..9]), None);
    assert_eq!(independent_blocks(&[]), None);
    // More than can be compared are grouped first.
    let many: Vec<(f64, f64)> = (0..401).map(|index| (1.0, 1.0 + f64::from(index % 2))).collect();
    let blocks = independent_blocks(&many).unwrap();
    assert!(blocks.len() <= PAIRS_MAX, "{}", blocks.len());
}

#[test]
fn equals_share_their_rank() {
    assert_eq!(ranks(&[5.0, 1.0, 5.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    assert_eq!(mean(&[(1.0, 2.0), (4.0, 2.0)]).0, 2.0);
}
