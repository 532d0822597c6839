//! Letting a request in: decided by one snapshot, held while its tenant is held, and counted in on its slot.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::request::Parts;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Client, Proxy};
use crate::clock;
use crate::protocol::ErrorReason;
use crate::routing::{ComponentHolds, Forward, Snapshot, TenantIdentity, Turned, Verdict};
use crate::table::{Closed, Policy};
use crate::upstream::Busy;

/// What becomes of a request.
pub(super) enum Admission {
    Forward(Admitted),
    Maintenance {
        retry_after_s: u32,
        message: String,
    },
    Closed(Closed, Arc<Snapshot>),
    /// Of a tenant that does not exist, where the operator has declared an answer.
    Unknown(Arc<Snapshot>),
}

/// A request that may go to its slot.
pub(super) struct Admitted {
    pub(super) tenant: Arc<TenantIdentity>,
    pub(super) client: u64,
    pub(super) policy: Policy,
    pub(super) forward: Forward,
    pub(super) busy: Busy,
}

/// A request that waits. It leaves the count of held ones when this is dropped.
struct Held {
    holds: Arc<ComponentHolds>,
    deadline: Instant,
    changes: watch::Receiver<u64>,
}

impl Proxy {
    pub(super) async fn admit(&self, head: &Parts, host: &str, client: &Client) -> Result<Admission, ErrorReason> {
        let mut held: Option<Held> = None;
        loop {
            let Some(snapshot) = self.routing.current() else {
                return Err(self.refuse(ErrorReason::NoInstance));
            };
            let decided = snapshot.decide(head, host, &client.address, client.asker, &self.counters);
            let decision = match decided {
                Ok(decision) => decision,
                Err(Turned::Closed(closed)) => {
                    self.counters.closed.fetch_add(1, Ordering::Relaxed);
                    return Ok(Admission::Closed(closed, snapshot.clone()));
                }
                Err(Turned::Refused(ErrorReason::TenantUnknown)) if snapshot.table.answers.unknown.is_some() => {
                    self.refuse(ErrorReason::TenantUnknown);
                    return Ok(Admission::Unknown(snapshot.clone()));
                }
                Err(Turned::Refused(reason)) => return Err(self.refuse(reason)),
            };
            drop(snapshot);
            match decision.verdict {
                Verdict::Maintenance { retry_after_s, message } => {
                    self.counters.maintenance.fetch_add(1, Ordering::Relaxed);
                    return Ok(Admission::Maintenance { retry_after_s, message });
                }
                Verdict::Forward(forward) => {
                    if let Some(busy) = self.routing.enter(forward.serial, &forward.slot) {
                        return Ok(Admission::Forward(Admitted {
                            tenant: decision.tenant,
                            client: decision.client,
                            policy: decision.policy,
                            forward,
                            busy,
                        }));
                    }
                }
                Verdict::Hold { holds, until_ms } => {
                    let waited = match &mut held {
                        // Decided once more after subscribing, so that no change can be missed.
                        None => self.begin_hold(holds, &decision.policy).map(|begun| held = Some(begun)),
                        Some(held) => held.wait(until_ms).await,
                    };
                    waited.inspect_err(|reason| decision.tenant.series.failed(*reason, decision.client))?;
                }
            }
        }
    }

    fn begin_hold(&self, holds: Arc<ComponentHolds>, policy: &Policy) -> Result<Held, ErrorReason> {
        let before = holds.0.fetch_add(1, Ordering::Relaxed);
        let held = Held {
            holds,
            deadline: Instant::now() + super::forward::milliseconds(policy.hold_ms),
            changes: self.routing.changes(),
        };
        if before >= policy.held_requests {
            return Err(ErrorReason::HoldFull);
        }
        self.counters.held.fetch_add(1, Ordering::Relaxed);
        Ok(held)
    }

    fn refuse(&self, reason: ErrorReason) -> ErrorReason {
        self.counters.refused(reason);
        reason
    }
}

impl Held {
    /// Waits for the next table, or for the end of the hold.
    async fn wait(&mut self, until_ms: Option<u64>) -> Result<(), ErrorReason> {
        let until_ends = until_ms.map(|until_ms| {
            Instant::now() + Duration::from_millis(until_ms.saturating_sub(clock::unix_ms()).saturating_add(1))
        });
        let wake = until_ends.map_or(self.deadline, |ends| ends.min(self.deadline));
        tokio::select! {
            changed = self.changes.changed() => changed.map_err(|_| ErrorReason::HoldExpired),
            () = sleep_until(wake), if wake < self.deadline => Ok(()),
            () = sleep_until(self.deadline) => Err(ErrorReason::HoldExpired),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.holds.0.fetch_sub(1, Ordering::Relaxed);
    }
}
