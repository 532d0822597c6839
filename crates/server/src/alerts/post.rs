//! Carries messages to the channels, and says again and again that somebody watches.

use std::time::Duration as Wait;

use futures_util::future::join_all;
use tidegate_domain::files::ChannelUse;
use tidegate_domain::time::Timestamp;
use tidegate_effects::notify::{self, Kind, Message, Outcome, Role, Severity, Tenants};
use tokio::time::{sleep, timeout};

use super::book::{Letter, Sent};
use super::{AlertError, Alerts};
use crate::clock;
use crate::control::in_words;

/// Messages that are under way at the same time.
const TOGETHER: usize = 16;
/// What becomes due without news, such as a further attempt, is found after this.
const LOOK_EVERY: Wait = Wait::from_secs(1);
/// Watching has stopped where no look has gone well for so long.
const STALLED_MS: i64 = 15_000;
const HEARTBEAT_ID: &str = "heartbeat";

impl Alerts {
    pub(super) async fn send(&self) {
        loop {
            if let Err(error) = self.send_due(clock::now()).await {
                tracing::error!(trouble = in_words(&error), "cannot tell alerts");
            }
            let _ = timeout(LOOK_EVERY, self.shared.news.notified()).await;
        }
    }

    /// Makes one attempt at everything that is due.
    pub async fn send_due(&self, now: Timestamp) -> Result<(), AlertError> {
        let due = self.desk().await?.book.due(now);
        for some in due.chunks(TOGETHER) {
            let attempts = some.iter().map(async |(key, letter)| self.attempt(key, letter).await);
            let sent = join_all(attempts).await;
            let mut desk = self.desk().await?;
            let mut book = desk.book.clone();
            for one in sent {
                book.sent(one, now);
            }
            self.write(&mut desk, book).await?;
        }
        Ok(())
    }

    async fn attempt(&self, key: &str, letter: &Letter) -> Sent {
        let sent = |outcome, again_every| Sent {
            key: key.to_owned(),
            outcome,
            again_every,
        };
        let channel = match self.desk().await {
            Ok(desk) => desk.settings.file().channels.get(&letter.channel).cloned(),
            Err(error) => {
                let (reason, after) = (in_words(&error), None);
                return sent(Outcome::Retry { reason, after }, None);
            }
        };
        let Some(ChannelUse { uses, with }) = channel else {
            let reason = format!("there is no channel `{}` in alerts.yaml any more", letter.channel);
            return sent(Outcome::Refused { reason }, None);
        };
        let again_every = notify::find(&uses).and_then(|channel| (channel.again_every)(&with));
        sent(notify::send(&uses, with, letter.message.clone()).await, again_every)
    }

    /// Tells that somebody watches, for as long as that is so.
    pub(super) async fn beat(&self) {
        let mut last: Option<Timestamp> = None;
        loop {
            sleep(LOOK_EVERY).await;
            last = self.beat_if_due(last, clock::now()).await;
        }
    }

    /// Answers when it was last told.
    pub async fn beat_if_due(&self, last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let (channel, message) = {
            let desk = self.desk().await.ok()?;
            let file = desk.settings.file();
            let beat = file.heartbeat.as_ref()?;
            let is_due = last.is_none_or(|last| now - last >= beat.every || last > now);
            let is_watching = desk.looked.is_some_and(|at| (now - at).as_millis() < STALLED_MS);
            if !is_due || !is_watching {
                return last;
            }
            (file.channels.get(&beat.channel).cloned()?, self.heartbeat(now))
        };
        match notify::send(&channel.uses, channel.with, message).await {
            Outcome::Delivered { .. } => {}
            Outcome::Retry { reason, .. } | Outcome::Refused { reason } => {
                tracing::warn!(reason, "the heartbeat of alerts was not heard");
            }
        }
        Some(now)
    }

    fn heartbeat(&self, now: Timestamp) -> Message {
        Message {
            id: HEARTBEAT_ID.to_owned(),
            state: notify::State::Heartbeat,
            at: now,
            kind: Kind::Watcher,
            severity: Severity::Info,
            title: "alerts are looked for".to_owned(),
            text: String::new(),
            service: self.shared.control.service().clone(),
            cell: None,
            tenants: Tenants::default(),
            customer: None,
            role: Role::Developers,
            owner: None,
            runbook: None,
            release: None,
            since: now,
            by: None,
            link: None,
        }
    }
}
