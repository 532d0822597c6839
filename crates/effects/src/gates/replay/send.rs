//! Sends recorded requests to both versions, and compares what they answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tidegate_domain::id::{CellName, TenantName};
use tidegate_evidence::shadow::{Comparison, Record};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::pairing::Pairing;
use super::super::pool::{Answer, NoAnswer, Pool, Wanted};
use super::with::{Expect, With};
use super::workload::{Entry, Workload, by_name};

/// A longer answer is not compared.
const ANSWER_BYTES_MAX: usize = 5_000_000;
/// What stands for no answer: it is of no class that an instance answers with.
const NO_ANSWER: u16 = 599;

/// Where the requests of a cell go.
pub(super) struct Place {
    cell: CellName,
    old: Option<Pool>,
    new: Pool,
}

/// What was sent, and what came of it.
pub(super) struct Seen {
    pub comparison: Comparison,
    pub counts: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub pairs: u64,
    /// Answers with a status below 400, of the version that is compared with.
    pub fine: u64,
    /// Requests that it did not answer.
    pub silent: u64,
    /// Not compared: an answer was too long.
    pub too_long: u64,
    /// Not sent: the tenant lives in none of the cells.
    pub homeless: u64,
    /// Not sent: the file has no answer to compare with.
    pub without_answer: u64,
}

pub(super) struct Replay<'r> {
    pub with: &'r With,
    pub places: &'r [Place],
    pub homes: &'r BTreeMap<TenantName, CellName>,
    pub seen: &'r Mutex<Seen>,
}

/// What became of one request.
enum Reply {
    Record(Box<Record>),
    TooLong,
}

impl Place {
    pub fn new(pairing: Pairing) -> Self {
        Self {
            old: (!pairing.old.is_empty()).then(|| Pool::new(&pairing.old)),
            new: Pool::new(&pairing.new),
            cell: pairing.cell,
        }
    }
}

impl Replay<'_> {
    /// One request after another, as they stand.
    pub async fn go(&self, workload: &Workload) {
        for turn in 0..self.with.times as usize {
            let begin = Instant::now();
            for (number, entry) in workload.entries.iter().enumerate() {
                if let Some(speed) = self.with.speed {
                    sleep_until(begin + entry.at.div_f64(speed)).await;
                }
                match self.place_of(entry) {
                    Some(place) => self.compare(place, number + turn, entry).await,
                    None => self.count(|counts| counts.homeless += 1),
                }
            }
        }
    }

    /// That of its tenant's cell; without a tenant, the first.
    fn place_of(&self, entry: &Entry) -> Option<&Place> {
        let Some(tenant) = &entry.tenant else {
            return self.places.first();
        };
        let home = self.homes.get(tenant)?;
        self.places.iter().find(|place| place.cell == *home)
    }

    async fn compare(&self, place: &Place, number: usize, entry: &Entry) {
        let first = match (self.with.expect, &place.old, &entry.recorded) {
            (Expect::Old, Some(old), _) => self.ask(old, number, entry).await,
            (Expect::Recorded, _, Some(recorded)) => Reply::Record(Box::new(recorded.clone())),
            (Expect::Recorded, _, None) => return self.count(|counts| counts.without_answer += 1),
            // Nothing is asked where there is nothing to compare with.
            (Expect::Old, None, _) => return,
        };
        let new = self.ask(&place.new, number, entry);
        let (new, again) = match &place.old {
            None => (new.await, None),
            // Both at once, and each first as often: what one of them changes the other meets as often as the other way round.
            Some(old) => {
                let again = self.ask(old, number + 1, entry);
                let (new, again) = if number.is_multiple_of(2) {
                    tokio::join!(biased; new, again)
                } else {
                    let (again, new) = tokio::join!(biased; again, new);
                    (new, again)
                };
                (new, Some(again))
            }
        };
        self.observe(first, new, again);
    }

    fn observe(&self, first: Reply, new: Reply, again: Option<Reply>) {
        let (Reply::Record(mut first), Reply::Record(new)) = (first, new) else {
            return self.count(|counts| counts.too_long += 1);
        };
        let again = match again {
            Some(Reply::TooLong) => return self.count(|counts| counts.too_long += 1),
            Some(Reply::Record(again)) => Some(again),
            None => None,
        };
        // The first answer may have been slow because nobody had asked before. The other two were asked at once.
        first.milliseconds = again.as_ref().and_then(|again| again.milliseconds);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.counts.pairs += 1;
        seen.counts.fine += u64::from(first.status < 400);
        seen.counts.silent += u64::from(first.status == NO_ANSWER);
        // Refused are only times that are none, and these are measured.
        let _ = seen.comparison.observe(&first, &new, again.as_deref());
    }

    async fn ask(&self, pool: &Pool, number: usize, entry: &Entry) -> Reply {
        let begin = Instant::now();
        let sent = pool.send(number, entry.request(), Wanted::Body(ANSWER_BYTES_MAX));
        let answer = match timeout(self.with.timeout.to_std(), sent).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(NoAnswer::TooLong)) => return Reply::TooLong,
            Ok(Err(NoAnswer::Broken)) | Err(_) => None,
        };
        Reply::Record(Box::new(record(entry, answer, begin.elapsed().as_secs_f64() * 1_000.0)))
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).counts);
    }
}

fn record(entry: &Entry, answer: Option<Answer>, milliseconds: f64) -> Record {
    let mut record = Record {
        id: entry.id.clone(),
        method: entry.method.to_string(),
        path: entry.path.to_string(),
        tenant: None,
        status: NO_ANSWER,
        headers: BTreeMap::new(),
        body: Vec::new(),
        milliseconds: Some(milliseconds),
    };
    if let Some(answer) = answer {
        record.status = answer.status.as_u16();
        // A value that is no text is compared as far as it is one.
        let headers: Vec<_> = answer
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        record.headers = by_name(headers.iter().map(|(name, value)| (*name, value.as_ref())));
        record.body = answer.body.into();
    }
    record
}
