//! What is to be told to the publisher next, and what it already has.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::{Counters, Series, SeriesKey};
use crate::protocol::{BUCKET_MS, Mark, Report, SeriesTotals};

/// Rows in one report. With more series active than this, each is told less often than every second.
const ROWS_PER_REPORT: usize = 2_000;
/// Rows kept for a publisher that is away. Beyond, the oldest marks go: figures are cumulative, so only time resolution is
/// lost.
const ROWS_KEPT: usize = 24_000;
/// A series is forgotten when nothing can count on it any more and it has not changed for this long.
const FORGOTTEN_AFTER_MS: u64 = 600_000;

#[derive(Debug)]
pub(crate) struct Reporter {
    gateway: String,
    incarnation: String,
    /// Who has acknowledged what `known` says is acknowledged.
    publisher: Option<String>,
    known: Vec<Known>,
    closed: VecDeque<Mark>,
    /// The border up to which marks were taken.
    border_ms: u64,
    /// Where the rows of now begin next, so that every series gets its turn.
    turn: usize,
    sent: Sent,
}

#[derive(Debug)]
struct Known {
    series: Arc<Series>,
    marked: u64,
    acknowledged: u64,
    changed_ms: u64,
}

/// What the report under way holds.
#[derive(Debug, Default)]
struct Sent {
    closed_rows: usize,
    /// Positions in `known` and the state that was told.
    now: Vec<(usize, u64)>,
}

impl Reporter {
    pub(crate) fn new(gateway: String, incarnation: String, now_ms: u64) -> Self {
        Self {
            gateway,
            incarnation,
            publisher: None,
            known: Vec::new(),
            closed: VecDeque::new(),
            border_ms: now_ms / BUCKET_MS * BUCKET_MS,
            turn: 0,
            sent: Sent::default(),
        }
    }

    /// The next report; one without marks says that nothing has changed, which is news as well: the figures are fresh. To be
    /// called soon after each border.
    pub(crate) fn report(&mut self, counters: &Counters, now_ms: u64) -> Report {
        self.meet(counters, now_ms);
        let border_ms = now_ms / BUCKET_MS * BUCKET_MS;
        if border_ms > self.border_ms {
            self.border_ms = border_ms;
            self.close_bucket(border_ms);
            self.forget(counters, now_ms);
        }
        let mut marks = self.closed_marks();
        let rows_left = ROWS_PER_REPORT.saturating_sub(self.sent.closed_rows);
        let (now, more) = self.rows_of_now(rows_left);
        if !now.is_empty() {
            marks.push(Mark {
                at_ms: now_ms,
                series: now,
            });
        }
        Report {
            gateway: self.gateway.clone(),
            incarnation: self.incarnation.clone(),
            publisher: self.publisher.clone(),
            more,
            taps: None,
            marks,
        }
    }

    /// This publisher has the last report. One that was another before is to be told everything, also what has not changed since.
    pub(crate) fn acknowledged(&mut self, publisher: String) {
        let sent = std::mem::take(&mut self.sent);
        for (position, changes) in sent.now {
            self.known[position].acknowledged = changes;
        }
        let mut rows = sent.closed_rows;
        while let Some(mark) = self.closed.front_mut() {
            let taken = rows.min(mark.series.len());
            mark.series.drain(..taken);
            rows -= taken;
            if !mark.series.is_empty() {
                break;
            }
            self.closed.pop_front();
        }
        if self.publisher.as_ref() != Some(&publisher) {
            self.publisher = Some(publisher);
            self.known.iter_mut().for_each(|known| known.acknowledged = 0);
        }
    }

    fn meet(&mut self, counters: &Counters, now_ms: u64) {
        let all = counters.all_series();
        if all.len() == self.known.len() {
            return;
        }
        let known: HashSet<SeriesKey> = self.known.iter().map(|known| known.series.key.clone()).collect();
        let new = all.into_iter().filter(|series| !known.contains(&series.key));
        self.known.extend(new.map(|series| Known {
            series,
            marked: 0,
            acknowledged: 0,
            changed_ms: now_ms,
        }));
    }

    fn close_bucket(&mut self, border_ms: u64) {
        let mut series = Vec::new();
        for known in &mut self.known {
            let changes = known.series.changes();
            if changes != known.marked {
                known.marked = changes;
                known.changed_ms = border_ms;
                series.push(known.series.totals());
            }
        }
        if !series.is_empty() {
            self.closed.push_back(Mark {
                at_ms: border_ms,
                series,
            });
        }
        while self.closed.len() > 1 && self.closed.iter().map(|mark| mark.series.len()).sum::<usize>() > ROWS_KEPT {
            self.closed.pop_front();
        }
    }

    fn forget(&mut self, counters: &Counters, now_ms: u64) {
        self.known.retain(|known| {
            let is_old = known.acknowledged == known.series.changes()
                && known.series.in_flight() == 0
                && now_ms.saturating_sub(known.changed_ms) > FORGOTTEN_AFTER_MS;
            !(is_old && counters.forget(&known.series.key))
        });
    }

    fn closed_marks(&mut self) -> Vec<Mark> {
        let mut rows_left = ROWS_PER_REPORT;
        let mut marks = Vec::new();
        for mark in &self.closed {
            let taken = rows_left.min(mark.series.len());
            rows_left -= taken;
            if taken > 0 {
                marks.push(Mark {
                    at_ms: mark.at_ms,
                    series: mark.series[..taken].to_vec(),
                });
            }
        }
        self.sent.closed_rows = ROWS_PER_REPORT - rows_left;
        marks
    }

    /// And whether there are more.
    fn rows_of_now(&mut self, rows_max: usize) -> (Vec<SeriesTotals>, bool) {
        self.sent.now.clear();
        let count = self.known.len();
        let mut series = Vec::new();
        let mut looked_at = 0;
        while looked_at < count && series.len() < rows_max {
            let position = (self.turn + looked_at) % count;
            looked_at += 1;
            let known = &self.known[position];
            let changes = known.series.changes();
            if changes != known.acknowledged {
                self.sent.now.push((position, changes));
                series.push(known.series.totals());
            }
        }
        self.turn = (self.turn + looked_at).checked_rem(count).unwrap_or(0);
        (series, looked_at < count)
    }
}
