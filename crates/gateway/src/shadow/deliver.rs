//! What was seen goes to the publisher: soon, in small calls, and not twice.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::tap::HeldTap;
use super::{Seen, Shadow, lock};
use crate::follow::Publisher;
use crate::life::{Life, reached};
use crate::protocol::{MIRRORED_PATH, Mirrored, MirroredReply};

/// Without news: what was counted.
const EVERY: Duration = Duration::from_secs(1);
/// After the first of several, so that they go together.
const GATHERING: Duration = Duration::from_millis(50);
/// What one call holds. It is written on a thread that requests are answered on.
const CALL_BYTES: usize = 256 * 1024;
const CALL_PAIRS: usize = 100;

/// Tells the publisher until the process is over. What it does not take is counted and gone.
pub(crate) async fn deliver(
    publisher: Publisher,
    shadow: Arc<Shadow>,
    (gateway, incarnation): (String, String),
    mut life: watch::Receiver<Life>,
) {
    loop {
        tokio::select! {
            () = shadow.news.notified() => tokio::time::sleep(GATHERING).await,
            () = tokio::time::sleep(EVERY) => {}
            () = reached(&mut life, Life::Over) => return,
        }
        loop {
            let batch = shadow.batch();
            let counts = shadow.counts();
            let is_last = batch.len() < CALL_PAIRS && lock(&shadow.seen).is_empty();
            if batch.is_empty() && counts.is_empty() {
                break;
            }
            let (pairs, held): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|seen| (seen.pair, (seen.tap, seen.room))).unzip();
            let call = Mirrored {
                gateway: gateway.clone(),
                incarnation: incarnation.clone(),
                taps: counts,
                pairs,
            };
            if let Err(error) = publisher.call::<_, MirroredReply>(MIRRORED_PATH, &call).await {
                tracing::debug!(error = &error as &dyn Error, "mirrored requests not delivered");
                count_lost(held.iter().map(|(tap, _)| tap));
            }
            if is_last {
                break;
            }
        }
    }
}

fn count_lost<'a>(taps: impl Iterator<Item = &'a Arc<HeldTap>>) {
    let mut lost: HashMap<&str, (&Arc<HeldTap>, u64)> = HashMap::new();
    for tap in taps {
        lost.entry(&tap.id).or_insert((tap, 0)).1 += 1;
    }
    for (tap, count) in lost.into_values() {
        tap.counts.undelivered.fetch_add(count, Ordering::Relaxed);
    }
}

impl Shadow {
    /// The oldest that fit into one call.
    fn batch(&self) -> Vec<Seen> {
        let mut seen = lock(&self.seen);
        let mut bytes = 0;
        let count = seen.iter().take(CALL_PAIRS).take_while(|seen| {
            let is_within = bytes < CALL_BYTES;
            bytes += seen.room.bytes();
            is_within
        });
        let count = count.count();
        seen.drain(..count).collect()
    }
}
