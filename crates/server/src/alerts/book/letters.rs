//! Messages on their way: each is written down with what it tells of, and stays until a channel has taken it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tidegate_domain::id::ChannelName;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_effects::notify::{self, Message, Outcome};

use super::Book;
use super::grouping::message;
use super::rows::Row;
use crate::alerts::alert::Told;

/// One message to one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    pub alert: String,
    pub channel: ChannelName,
    pub message: Message,
    pub due: Timestamp,
    /// Attempts that were made.
    pub attempts: usize,
    /// The channel has taken it before, and wants to hear it again and again.
    #[serde(default)]
    pub again: bool,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub key: String,
    pub outcome: Outcome,
    /// How often the channel wants to hear it.
    pub again_every: Option<Duration>,
}

/// From one attempt to the next; the last one is repeated.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(900),
];
/// What could not be told for a day is not told any more.
const GIVEN_UP_AFTER: Duration = Duration::from_days(1);

impl Book {
    /// Tells these channels how the alert stands.
    pub(super) fn write_letters(
        &mut self,
        id: &str,
        state: notify::State,
        channels: &BTreeSet<ChannelName>,
        now: Timestamp,
    ) {
        let Some(alert) = self.alerts.get_mut(id) else { return };
        let message = message(alert, state, &self.service, now);
        alert.told.extend(channels.iter().cloned());
        self.touched.insert(Row::Alert(id.to_owned()));
        for channel in channels {
            // What is told again and again is told with the newest message.
            let replaced = self.letters.iter();
            let replaced =
                replaced.filter(|(_, letter)| letter.again && letter.alert == id && letter.channel == *channel);
            let replaced: Vec<String> = replaced.map(|(key, _)| key.clone()).collect();
            for key in replaced {
                self.letters.remove(&key);
                self.touched.insert(Row::Letter(key));
            }
            let key = format!("{id}/{channel}/{:015}/{}", now.0, state.as_str());
            let letter = Letter {
                alert: id.to_owned(),
                channel: channel.clone(),
                message: message.clone(),
                due: now,
                attempts: 0,
                again: false,
            };
            self.letters.insert(key.clone(), letter);
            self.touched.insert(Row::Letter(key));
        }
    }

    /// Messages to send now: of each alert the oldest one to each channel, so that nobody hears the end before the beginning.
    pub fn due(&self, now: Timestamp) -> Vec<(String, Letter)> {
        let mut first = BTreeSet::new();
        let letters = self.letters.iter();
        let oldest = letters.filter(|(_, letter)| first.insert((&letter.alert, &letter.channel)));
        let due = oldest.filter(|(_, letter)| letter.due <= now);
        due.map(|(key, letter)| (key.clone(), letter.clone())).collect()
    }

    /// Takes note of an attempt.
    pub fn sent(&mut self, sent: Sent, now: Timestamp) {
        let Some(letter) = self.letters.get_mut(&sent.key) else {
            return;
        };
        self.touched.insert(Row::Letter(sent.key.clone()));
        letter.attempts += 1;
        let (alert, was_taken) = (letter.alert.clone(), letter.again);
        let told = |delivered: bool, note: Option<String>| Told {
            channel: letter.channel.to_string(),
            what: letter.message.state.as_str().to_owned(),
            at_ms: now.0,
            delivered,
            note,
        };
        let told = match sent.outcome {
            Outcome::Delivered { reference } => {
                let told = told(true, reference);
                let is_over = letter.message.state == notify::State::Resolved;
                match sent.again_every.filter(|_| !is_over) {
                    Some(every) => {
                        letter.again = true;
                        letter.due = now + every;
                    }
                    None => _ = self.letters.remove(&sent.key),
                }
                (!was_taken).then_some(told)
            }
            Outcome::Retry { reason, after } => {
                let pause = PAUSES[(letter.attempts - 1).min(PAUSES.len() - 1)];
                letter.due = now + after.map_or(pause, |after| after.max(pause));
                let is_given_up = !was_taken && letter.due - letter.message.at > GIVEN_UP_AFTER;
                tracing::warn!(alert, channel = %letter.channel, reason, "an alert was not told");
                let told = is_given_up.then(|| told(false, Some(reason)));
                if is_given_up {
                    self.letters.remove(&sent.key);
                }
                told
            }
            Outcome::Refused { reason } => {
                tracing::error!(alert, channel = %letter.channel, reason, "a channel refuses an alert");
                let told = told(false, Some(reason));
                self.letters.remove(&sent.key);
                Some(told)
            }
        };
        if let (Some(told), Some(of)) = (told, self.alerts.get_mut(&alert)) {
            of.remember(told);
            self.touched.insert(Row::Alert(alert));
        }
    }
}
