//! Carries messages to the channels, and says again and again that somebody watches.

use std::time::Duration as Wait;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tidegate_domain::files::{AlertKind, AlertRole, AlertSeverity, ChannelUse};
use tidegate_domain::time::Timestamp;
use tidegate_effects::notify::{self, Message, Outcome, Tenants};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::book::{Letter, Sent};
use super::{AlertError, Alerts};
use crate::clock;
use crate::control::in_words;

/// Messages that are begun at the same time.
const TOGETHER: usize = 64;
/// What becomes due without news, such as a further attempt, is found after this.
const LOOK_EVERY: Wait = Wait::from_secs(1);
/// Watching has stopped where no look has gone well for so long.
const STALLED_MS: i64 = 15_000;
const HEARTBEAT_ID: &str = "heartbeat";

impl Alerts {
    /// Sends what is due for ever; a channel that does not answer holds up no other.
    pub(super) async fn send(&self) {
        let mut under_way = JoinSet::new();
        loop {
            let alerts = self.clone();
            under_way.spawn(async move {
                if let Err(error) = alerts.send_due(clock::now()).await {
                    tracing::error!(trouble = in_words(&error), "cannot tell alerts");
                }
            });
            while under_way.try_join_next().is_some() {}
            let _ = timeout(LOOK_EVERY, self.shared.news.notified()).await;
        }
    }

    /// Makes one attempt at everything that is due and not under way.
    pub async fn send_due(&self, now: Timestamp) -> Result<(), AlertError> {
        let due = {
            let mut desk = self.desk().await?;
            let mut due = desk.book.due(now);
            due.retain(|(key, _)| !desk.under_way.contains(key));
            due.truncate(TOGETHER);
            desk.under_way.extend(due.iter().map(|(key, _)| key.clone()));
            due
        };
        if due.is_empty() {
            return Ok(());
        }
        let mut attempts: FuturesUnordered<_> = due
            .iter()
            .map(async |(key, letter)| self.attempt(key, letter).await)
            .collect();
        let mut trouble = Ok(());
        while let Some(sent) = attempts.next().await {
            let mut desk = self.desk().await?;
            desk.under_way.remove(&sent.key);
            let mut book = desk.book.clone();
            book.sent(sent, now);
            if let Err(error) = self.write(&mut desk, book).await {
                // It is sent again under its key.
                trouble = Err(error.into());
            }
        }
        trouble
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
            kind: AlertKind::Watcher,
            severity: AlertSeverity::Info,
            title: "alerts are looked for".to_owned(),
            text: String::new(),
            service: self.shared.control.service().clone(),
            cell: None,
            tenants: Tenants::default(),
            customer: None,
            role: AlertRole::Developers,
            owner: None,
            runbook: None,
            release: None,
            since: now,
            by: None,
            link: None,
        }
    }
}
