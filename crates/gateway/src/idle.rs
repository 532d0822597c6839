//! A limit on silence, for everything that is polled.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Expires when nothing has moved for `limit`. Costs nothing while things move: the timer runs only while waiting.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    limit: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl IdleTimer {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            sleep: None,
            is_running: false,
        }
    }

    /// To be called whenever something moved.
    pub(crate) fn moved(&mut self) {
        self.is_running = false;
    }

    /// To be called whenever nothing is ready; ready itself once the silence is too long.
    pub(crate) fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = Instant::now() + self.limit;
        let is_running = std::mem::replace(&mut self.is_running, true);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if !is_running {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(context)
    }
}
