//! What the answers to a load say about a version.

use std::time::Duration;

use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::time::Duration as Span;
use tidegate_evidence::{Against, Count, PairedRatio, binomial, share_at_least, share_at_most};

use super::generator::{Outcome, Sent};
use super::schedule::Side;
use super::with::With;

/// The probability of failing a version that is no worse, for each question that is asked.
const ALPHA: f64 = 0.01;
/// The probability of passing a version that is just at a limit.
const MISS: f64 = 0.05;
/// More errors than the old version by a smaller probability than this are not passed over.
const SUSPICIOUS: f64 = 0.1;
/// A run in which a smaller share of a side's requests was sent on schedule did not reach its rate.
const REACHED: f64 = 0.95;
/// Of a block the slowest of ten are left out of its mean: one pause of the machine does not decide a block.
const KEPT: f64 = 0.9;

#[derive(Debug, Default)]
pub(in crate::gates) struct Seen {
    scheduled: u64,
    on_schedule: u64,
    dropped: u64,
    failed: u64,
    /// In milliseconds, rising.
    times: Vec<f64>,
    /// The same by pair.
    blocks: Vec<Vec<f64>>,
}

impl Seen {
    pub fn of(all: &[Sent], side: Side) -> Self {
        let mut seen = Self::default();
        for sent in all.iter().filter(|sent| sent.shot.side == side) {
            let Some(pair) = sent.shot.pair else { continue };
            seen.scheduled += 1;
            seen.on_schedule += u64::from(!sent.late && sent.outcome != Outcome::Dropped);
            match sent.outcome {
                Outcome::Answered(time) => {
                    let time = milliseconds(time);
                    seen.times.push(time);
                    if seen.blocks.len() <= pair {
                        seen.blocks.resize(pair + 1, Vec::new());
                    }
                    seen.blocks[pair].push(time);
                }
                Outcome::Failed => seen.failed += 1,
                Outcome::Dropped => seen.dropped += 1,
            }
        }
        seen.times.sort_by(f64::total_cmp);
        seen
    }

    pub fn errors(&self) -> Count {
        Count {
            events: self.failed,
            trials: self.scheduled - self.dropped,
        }
    }

    pub fn has_reached(&self) -> bool {
        self.on_schedule as f64 >= REACHED * self.scheduled as f64
    }

    fn quantile(&self, share: f64) -> String {
        let rank = (self.times.len() as f64 * share).ceil() as usize;
        match self.times.get(rank.saturating_sub(1)) {
            Some(time) => format!("{time:.1}"),
            None => "-".to_owned(),
        }
    }

    pub fn in_words(&self, name: &str) -> String {
        format!(
            "{name}: {} of {} requests sent on schedule, {} dropped, {} failed, p50/p95/p99 {}/{}/{} ms",
            self.on_schedule,
            self.scheduled,
            self.dropped,
            self.failed,
            self.quantile(0.5),
            self.quantile(0.95),
            self.quantile(0.99)
        )
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Answers to one of the questions that are asked: a verdict, why, and what would decide.
pub(in crate::gates) struct Answer {
    pub verdict: Verdict,
    pub why: String,
    pub needs: Option<String>,
}

impl Answer {
    pub fn new(verdict: Verdict, why: String) -> Self {
        Self {
            verdict,
            why,
            needs: None,
        }
    }

    pub fn open(why: String, needs: &str) -> Self {
        Self {
            verdict: Verdict::Inconclusive,
            why,
            needs: Some(needs.to_owned()),
        }
    }
}

pub(in crate::gates) fn judge(with: &With, all: &[Sent], has_old: bool) -> Judgement {
    let (old, new) = (Seen::of(all, Side::Old), Seen::of(all, Side::New));
    let answers = if !new.has_reached() || (has_old && !old.has_reached()) {
        vec![rate_not_reached()]
    } else {
        questions(with, &old, &new, has_old)
    };
    let worst = [Verdict::Fail, Verdict::Inconclusive];
    let decisive = worst
        .into_iter()
        .find_map(|verdict| answers.iter().find(|answer| answer.verdict == verdict));
    let whys: Vec<&str> = match decisive {
        Some(answer) => vec![&answer.why],
        None => answers.iter().map(|answer| answer.why.as_str()).collect(),
    };
    let sides = if has_old {
        format!("{}; {}", old.in_words("old"), new.in_words("new"))
    } else {
        new.in_words("new")
    };
    let verdict = decisive.map_or(Verdict::Pass, |answer| answer.verdict);
    let mut judgement = Judgement::new(verdict, format!("{} ({sides})", whys.join("; ")));
    judgement.needs = decisive.and_then(|answer| answer.needs.clone());
    judgement.requests = new.errors().trials;
    judgement
}

pub(in crate::gates) fn rate_not_reached() -> Answer {
    Answer::open(
        "the load did not reach its rate".to_owned(),
        "a lower `rate`, a larger `in_flight_at_most` or a machine with more room",
    )
}

fn questions(with: &With, old: &Seen, new: &Seen, has_old: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    if has_old {
        answers.push(errors(old, new));
        answers.push(ratio(with, old, new));
    }
    if let Some(percent) = with.errors_at_most_percent {
        answers.push(share("errors", new.errors(), percent / 100.0));
    }
    if let Some(limit) = with.p95_at_most {
        answers.push(share(&format!("answers slower than {limit}"), slower(new, limit), 0.05));
    }
    if answers.is_empty() {
        answers.push(Answer::open(
            "no old version runs here to compare with, and no limit is declared".to_owned(),
            "`errors_at_most_percent` or `p95_at_most`",
        ));
    }
    answers
}

/// Requests without an answer are slower than any limit.
fn slower(new: &Seen, limit: Span) -> Count {
    let limit = milliseconds(limit.to_std());
    let slow = new.times.iter().filter(|&&time| time > limit).count();
    Count {
        events: slow as u64 + new.failed,
        trials: new.errors().trials,
    }
}

pub(in crate::gates) fn share(what: &str, count: Count, limit: f64) -> Answer {
    let found = format!(
        "{what}: {:.2} % ({} of {}) with {:.2} % at most",
        count.share() * 100.0,
        count.events,
        count.trials,
        limit * 100.0
    );
    if share_at_least(count, ALPHA) > limit {
        Answer::new(Verdict::Fail, found)
    } else if share_at_most(count, MISS) <= limit {
        Answer::new(Verdict::Pass, found)
    } else {
        Answer::open(
            format!("{found}, which is not shown yet"),
            "more requests: a longer stage",
        )
    }
}

/// Of all errors of both, as many on the new version as its share of the requests makes likely?
fn errors(old: &Seen, new: &Seen) -> Answer {
    let (before, now) = (old.errors(), new.errors());
    let together = Count {
        events: now.events,
        trials: before.events + now.events,
    };
    let share = now.trials as f64 / (before.trials + now.trials).max(1) as f64;
    let probability = binomial(together, share);
    let found = format!("{} errors after {} on the old version", now.events, before.events);
    if probability <= ALPHA {
        Answer::new(Verdict::Fail, format!("{found}: more by a chance of {probability:.2e}"))
    } else if probability < SUSPICIOUS {
        Answer::open(
            format!("{found}: more, but not surely"),
            "more requests: a longer stage",
        )
    } else {
        Answer::new(Verdict::Pass, found)
    }
}

fn ratio(with: &With, old: &Seen, new: &Seen) -> Answer {
    let blocks = old.blocks.iter().zip(&new.blocks);
    let pairs: Vec<(f64, f64)> = blocks.filter_map(|(old, new)| Some((mean(old)?, mean(new)?))).collect();
    let Some(ratio) = PairedRatio::of(&pairs, ALPHA, MISS) else {
        return Answer::open(
            format!("only {} pairs of blocks have answers on both versions", pairs.len()),
            "requests that both versions answer",
        );
    };
    let limit = with.at_most_slower;
    let found = format!(
        "the new version takes {:.3} times as long (between {:.3} and {:.3}, {} pairs) with {limit} at most",
        ratio.estimate,
        ratio.low,
        ratio.high,
        pairs.len()
    );
    match ratio.decide(limit) {
        Against::Above => Answer::new(Verdict::Fail, found),
        Against::AtMost => Answer::new(Verdict::Pass, found),
        Against::Open => Answer::open(
            format!("{found}, which is not shown either way"),
            "more `pairs`, longer stages, or a larger `at_most_slower`",
        ),
    }
}

/// Without the slowest.
fn mean(times: &[f64]) -> Option<f64> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let kept = &times[..(times.len() as f64 * KEPT).ceil() as usize];
    (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / kept.len() as f64)
}
