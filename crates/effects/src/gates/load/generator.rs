//! Sends the requests of a schedule, each at its instant whatever became of the others.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::super::pool::{Pool, Wanted};
use super::schedule::{Shot, Side};
use super::with::Ask;

/// A request that leaves later than this after its instant has not been sent on schedule.
pub(in crate::gates) const LATE: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gates) enum Outcome {
    /// From its instant to the end of the answer.
    Answered(Duration),
    /// Answered with a status of 400 or more, cut off, or not answered in time.
    Failed,
    /// Never sent: too many were under way.
    Dropped,
}

#[derive(Debug, Clone, Copy)]
pub(in crate::gates) struct Sent {
    pub shot: Shot,
    pub outcome: Outcome,
    /// It left more than [`LATE`] after its instant.
    pub late: bool,
}

#[derive(Debug)]
pub(in crate::gates) struct Generator {
    pub requests: Vec<Ask>,
    pub old: Arc<Pool>,
    pub new: Arc<Pool>,
    pub timeout: Duration,
    pub in_flight_at_most: usize,
}

impl Generator {
    /// What became of each request, in the order in which that was known. The next shot is asked for when the one before was sent.
    pub async fn run(&self, begin: Instant, shots: impl IntoIterator<Item = Shot>) -> Vec<Sent> {
        let room = Arc::new(Semaphore::new(self.in_flight_at_most));
        let mut under_way = JoinSet::new();
        let mut all = Vec::new();
        for (number, shot) in shots.into_iter().enumerate() {
            let instant = begin + shot.at;
            sleep_until(instant).await;
            let late = instant.elapsed() > LATE;
            while let Some(ended) = under_way.try_join_next() {
                all.extend(ended.ok());
            }
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                all.push(Sent {
                    shot,
                    outcome: Outcome::Dropped,
                    late,
                });
                continue;
            };
            let pool = match shot.side {
                Side::Old => Arc::clone(&self.old),
                Side::New => Arc::clone(&self.new),
            };
            let ask = self.requests[shot.request].clone();
            let deadline = instant + self.timeout;
            under_way.spawn(async move {
                let request = ask.request.to(ask.path);
                let answered = timeout_at(deadline, pool.send(number, request, Wanted::Status)).await;
                let outcome = match answered {
                    Ok(Ok(answer)) if answer.status.as_u16() < 400 => Outcome::Answered(instant.elapsed()),
                    Ok(Ok(_) | Err(_)) | Err(_) => Outcome::Failed,
                };
                drop(permit);
                Sent { shot, outcome, late }
            });
        }
        while let Some(ended) = under_way.join_next().await {
            all.extend(ended.ok());
        }
        all
    }
}
