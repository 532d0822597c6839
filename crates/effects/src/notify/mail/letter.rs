//! A message as a mail.

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};

use super::super::message::digest;
use super::super::words;
use super::super::{Message, Outcome, State};

/// A mail as it goes over the wire.
pub(super) struct Letter {
    /// With its angle brackets. The same for every attempt, so that a mail that came twice can be told.
    pub id: String,
    pub bytes: Vec<u8>,
}

impl Letter {
    pub fn write(message: &Message, from: &Mailbox, to: &Mailbox) -> Result<Self, Outcome> {
        let cannot = |error: lettre::error::Error| Outcome::refused(format!("no mail can be written: {error}"));
        let (first, id) = (first_id(message, from, to), id(message, from, to));
        let mut builder = lettre::Message::builder()
            .from(from.clone())
            .to(to.clone())
            .subject(subject(message))
            .message_id(Some(id.clone()))
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            // Programs that answer for people who are away keep silent.
            .raw_header(raw("X-Auto-Response-Suppress", "All"))
            .date_now();
        if id != first {
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        let mail = builder.singlepart(SinglePart::plain(body(message))).map_err(cannot)?;
        Ok(Self {
            id,
            bytes: mail.formatted(),
        })
    }
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn subject(message: &Message) -> String {
    let severity = message.severity.as_str();
    format!("[{severity}] {}: {}", message.service, words::headline(message))
}

/// Of the mail that the alert was raised with, which the others are answers to.
fn first_id(message: &Message, from: &Mailbox, to: &Mailbox) -> String {
    let name = digest(&format!("alert\n{}\n{}", message.id, to.email));
    format!("<alert.{name}@{}>", from.email.domain())
}

/// Another for each address: there are relays that deliver equal ids only once.
fn id(message: &Message, from: &Mailbox, to: &Mailbox) -> String {
    match message.state {
        State::Raised => first_id(message, from, to),
        State::Escalated | State::Acknowledged | State::Resolved | State::Heartbeat => {
            let name = digest(&format!("{}\n{}", message.key(), to.email));
            format!("<{}.{name}@{}>", message.state.as_str(), from.email.domain())
        }
    }
}

fn body(message: &Message) -> String {
    let mut parts = vec![opening(message), words::text(message)];
    let facts = words::facts(message);
    let facts: Vec<String> = facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    parts.push(facts.join("\n"));
    let links = words::links(message);
    let links: Vec<String> = links.iter().map(|(name, link)| format!("{name}: {link}")).collect();
    parts.push(links.join("\n"));
    let role = message.role.as_str();
    parts.push(format!(
        "You get this because alerts of {} for {role} go to this address. Whoever keeps the project's files of Tidegate can change that.",
        message.service
    ));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// What it means for whoever reads it.
fn opening(message: &Message) -> String {
    let headline = words::headline(message);
    let meaning = match message.state {
        State::Raised => "Nobody looks after it yet.",
        State::Escalated => "Nobody has acknowledged it in time, so you are told too.",
        State::Acknowledged => "Somebody looks after it. There is nothing to do for you.",
        State::Resolved => "It is over. There is nothing to do for you.",
        State::Heartbeat => "There is nothing to do for you.",
    };
    format!("{headline}\n{meaning}")
}

#[cfg(test)]
mod tests;
