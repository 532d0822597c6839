//! A recorded series, watched as it would have been.

use super::{At, Budget, Change, Monitorable, Watch};

/// Counts are added up over about five minutes, or stand for longer where they are longer apart.
const BUCKET_SECONDS: i64 = 300;
const STEP_SECONDS_MOST: i64 = 86_400;

/// One row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub at: At,
    /// Not negative.
    pub count: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    pub bucket_seconds: u32,
    pub changes: Vec<Change>,
    /// Buckets that were counted.
    pub buckets: usize,
    /// Buckets between the first and the last of which not all is known. They are no zeros.
    pub missing: usize,
    /// How it is at the end.
    pub monitorable: Monitorable,
}

/// Watches a series whose instants rise.
pub fn replay(points: &[Point], budget: Budget) -> Replay {
    let step = usual_step(points);
    // Whole steps, or buckets would hold now one line more and now one less.
    let lines = (BUCKET_SECONDS + step - 1) / step;
    let bucket = step * lines;
    let mut watch = Watch::new(u32::try_from(bucket).unwrap_or(u32::MAX), budget);
    let (mut changes, mut buckets) = (Vec::new(), 0);
    let bucket_of = |point: &Point| point.at.second.div_euclid(bucket);
    for together in points.chunk_by(|a, b| bucket_of(a) == bucket_of(b)) {
        // A part of a bucket is no drop. What is left of it is not known.
        if (together.len() as i64) < lines {
            continue;
        }
        let at = At {
            second: bucket_of(&together[0]) * bucket,
            hour: together[0].at.hour,
        };
        let count = together.iter().map(|point| point.count).sum();
        changes.extend(watch.observe(at, count, 1.0, None));
        buckets += 1;
    }
    let span = match (points.first(), points.last()) {
        (Some(first), Some(last)) => (bucket_of(last) - bucket_of(first) + 1) as usize,
        _ => 0,
    };
    Replay {
        bucket_seconds: u32::try_from(bucket).unwrap_or(u32::MAX),
        changes,
        buckets,
        missing: span - buckets,
        monitorable: watch.monitorable(),
    }
}

/// How far apart most of them are, in seconds.
fn usual_step(points: &[Point]) -> i64 {
    let mut gaps: Vec<i64> = points
        .windows(2)
        .map(|two| two[1].at.second - two[0].at.second)
        .collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(BUCKET_SECONDS);
    usual.clamp(1, STEP_SECONDS_MOST)
}
