//! Notification channels: how people are told of an alert. A channel is a file here and a line in [`CHANNELS`].
//!
//! A channel is handed a message and makes one attempt. Whether it is made again, and who else is told then, is decided by whoever keeps the
//! message: every attempt may be made twice, so every message has a key that its receiver can tell it by.

mod alertmanager;
mod exchange;
mod heartbeat;
mod mail;
mod message;
mod pagerduty;
mod secret;
mod slack;
mod webhook;
mod words;

use std::pin::Pin;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tidegate_domain::time::{Duration, Timestamp};
use tokio::time::timeout;

pub use self::message::{Message, State, TENANTS_MAX, Tenants};

/// A kind of channel.
#[derive(Debug)]
pub struct Channel {
    /// What a file's `uses:` says.
    pub name: &'static str,
    pub takes: Takes,
    /// Says what is wrong with a `with:`, if anything is. It looks for no secret and asks nobody.
    pub validate: fn(&Value) -> Result<(), String>,
    /// How often the last message of an alert that is not resolved has to be sent again, for a receiver that takes silence for its end.
    pub again_every: fn(&Value) -> Option<Duration>,
    /// Makes one attempt, which ends by itself within a minute.
    pub send: fn(Value, Message) -> Sending,
}

/// What a channel can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// It reaches people, and a message each minute that all is well would bury the others.
    Alerts,
    /// It reaches who notices that the messages have stopped.
    Heartbeats,
    Both,
}

/// An attempt that is under way.
pub type Sending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What has come of an attempt. No reason holds anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it, and calls it so if it calls it anything.
    Delivered { reference: Option<String> },
    /// It may go well later: no earlier than the receiver asks for, where it does.
    Retry { reason: String, after: Option<Duration> },
    /// It will be answered the same until somebody changes something: a wrong key, a `with` that cannot be used.
    Refused { reason: String },
}

/// A use of a channel that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelMistake {
    #[error("there is no channel `{uses}`; there are {}", names())]
    Unknown { uses: String },
    #[error("{0}")]
    With(String),
}

/// Every channel there is.
pub const CHANNELS: &[Channel] = &[
    alertmanager::CHANNEL,
    heartbeat::CHANNEL,
    mail::CHANNEL,
    pagerduty::CHANNEL,
    slack::CHANNEL,
    webhook::CHANNEL,
];

/// From the first look for a name to the end of the answer.
const WITHIN: Duration = Duration::from_secs(30);

impl Takes {
    #[must_use]
    pub const fn includes(self, state: State) -> bool {
        match state {
            State::Heartbeat => matches!(self, Self::Heartbeats | Self::Both),
            State::Raised | State::Escalated | State::Acknowledged | State::Resolved => {
                matches!(self, Self::Alerts | Self::Both)
            }
        }
    }
}

#[must_use]
pub fn find(name: &str) -> Option<&'static Channel> {
    CHANNELS.iter().find(|channel| channel.name == name)
}

/// The names of all channels, for a message.
#[must_use]
pub fn names() -> String {
    CHANNELS
        .iter()
        .map(|channel| channel.name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Says what is wrong with the use of a channel, if anything is.
///
/// # Errors
/// There is no such channel, or it does not take what it is told.
pub fn check(uses: &str, with: &Value) -> Result<(), ChannelMistake> {
    let channel = find(uses).ok_or_else(|| ChannelMistake::Unknown { uses: uses.to_owned() })?;
    (channel.validate)(with).map_err(ChannelMistake::With)
}

/// Makes one attempt. A channel that there is not any more, or that is not for this, refuses.
pub async fn send(uses: &str, with: Value, message: Message) -> Outcome {
    let Some(channel) = find(uses) else {
        let mistake = ChannelMistake::Unknown { uses: uses.to_owned() };
        return Outcome::refused(mistake.to_string());
    };
    if !channel.takes.includes(message.state) {
        let what = match channel.takes {
            Takes::Heartbeats => "is for heartbeats, and tells nobody of alerts",
            Takes::Alerts | Takes::Both => {
                "would tell people of every heartbeat, and nobody of the one that is missing"
            }
        };
        return Outcome::refused(format!("the channel `{uses}` {what}"));
    }
    (channel.send)(with, message).await
}

impl Outcome {
    fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    fn retry(reason: impl Into<String>) -> Self {
        Self::Retry {
            reason: reason.into(),
            after: None,
        }
    }
}

/// What a file's `with:` says. Left out it says nothing, and each channel tells what it lacks.
fn told<T: DeserializeOwned>(with: &Value) -> Result<T, String> {
    let with = if with.is_null() {
        Value::Object(Map::new())
    } else {
        with.clone()
    };
    serde_json::from_value(with).map_err(|error| error.to_string())
}

/// An attempt by what its `with` says, in the time that an attempt has.
fn sending<W, F>(with: Value, attempt: impl FnOnce(W) -> F + Send + 'static) -> Sending
where
    W: DeserializeOwned + Send,
    F: Future<Output = Outcome> + Send,
{
    Box::pin(async move {
        let with = match told(&with) {
            Ok(with) => with,
            Err(reason) => return Outcome::refused(format!("`with` cannot be used: {reason}")),
        };
        in_time(WITHIN, attempt(with)).await
    })
}

async fn in_time(within: Duration, attempt: impl Future<Output = Outcome>) -> Outcome {
    let outcome = timeout(within.to_std(), attempt).await;
    outcome.unwrap_or_else(|_| Outcome::retry(format!("there was no answer within {within}")))
}

/// For a receiver that forgets nothing.
fn never_again(_: &Value) -> Option<Duration> {
    None
}

/// For what is said of an attempt itself. What a message says of its alert was decided by whoever wrote it.
fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
