//! Which request is sent to which side at which instant. All of it is fixed before the first is sent, so that a slow answer delays no other
//! request (G. Tene's "coordinated omission").

use std::time::Duration;

use super::with::With;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gates) enum Side {
    Old,
    New,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gates) struct Shot {
    /// Since the beginning.
    pub at: Duration,
    pub side: Side,
    /// Which pair of blocks it belongs to; `None` while instances warm up.
    pub pair: Option<usize>,
    /// Which request of the mix.
    pub request: usize,
}

/// Blocks of the same length, number of requests and order of requests, to the sides in the order old, new, new, old, and again: what
/// drifts evenly adds as much to one side as to the other. Where there is no old version everything goes to the new one.
pub(in crate::gates) fn schedule(with: &With, has_old: bool) -> Vec<Shot> {
    let weights: Vec<u32> = with.requests.iter().map(|ask| ask.weight).collect();
    let mut mix = Mix::new(&weights);
    let mut shots = Vec::new();
    let mut start = Duration::ZERO;
    let side = |side| if has_old { side } else { Side::New };
    if let Some(first) = with.stages.first() {
        let gap = Duration::from_secs(1) / first.rate;
        let count = with.warm_up.to_std().as_nanos() / gap.as_nanos().max(1);
        for (index, sides) in (0..count).zip([Side::Old, Side::New].into_iter().cycle()) {
            shots.push(Shot {
                at: gap * u32::try_from(index).unwrap_or(u32::MAX),
                side: side(sides),
                pair: None,
                request: mix.next(),
            });
        }
        start = with.warm_up.to_std();
    }
    let mut pair = 0;
    for stage in &with.stages {
        let blocks = 2 * with.pairs as u64;
        let in_block = u32::try_from(stage.requests() / blocks).unwrap_or(u32::MAX);
        let gap = Duration::from_secs(1) / stage.rate;
        for _ in 0..with.pairs {
            let requests: Vec<usize> = (0..in_block).map(|_| mix.next()).collect();
            let order = if pair % 2 == 0 {
                [Side::Old, Side::New]
            } else {
                [Side::New, Side::Old]
            };
            for block in order {
                for &request in &requests {
                    shots.push(Shot {
                        at: start,
                        side: side(block),
                        pair: Some(pair),
                        request,
                    });
                    start += gap;
                }
            }
            pair += 1;
        }
    }
    shots
}

/// Requests in the proportion of their weights, as evenly as can be: who is furthest behind is next.
pub(in crate::gates) struct Mix<'w> {
    weights: &'w [u32],
    ahead: Vec<i64>,
}

impl<'w> Mix<'w> {
    pub fn new(weights: &'w [u32]) -> Self {
        Self {
            weights,
            ahead: vec![0; weights.len()],
        }
    }

    pub fn next(&mut self) -> usize {
        let mut next = 0;
        for (index, &weight) in self.weights.iter().enumerate() {
            self.ahead[index] += i64::from(weight);
            if self.ahead[index] > self.ahead[next] {
                next = index;
            }
        }
        self.ahead[next] -= self.weights.iter().copied().map(i64::from).sum::<i64>();
        next
    }
}
