//! The channel `slack`: an incoming webhook of Slack, or of what speaks like it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::exchange::{self, Receiver, Way};
use super::secret::Hidden;
use super::{Channel, Message, Outcome, Takes, never_again, sending, told, words};

pub const CHANNEL: Channel = Channel {
    name: "slack",
    takes: Takes::Alerts,
    validate: |with| told::<With>(with).map(|_| ()),
    again_every: never_again,
    send: |with, message| {
        sending(with, async move |with: With| {
            attempt(&with, &message).await.unwrap_or_else(|end| end)
        })
    },
};

/// The limits of Slack for a section's text, one of its fields, and the number of those, by
/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>.
const SECTION_CHARACTERS_MAX: usize = 3_000;
const FIELD_CHARACTERS_MAX: usize = 2_000;
const FIELDS_MAX: usize = 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    /// Whoever knows it can post, so it is a secret.
    url: Hidden,
}

async fn attempt(with: &With, message: &Message) -> Result<Outcome, Outcome> {
    let url = with.url.reveal("address of the incoming webhook")?;
    let found = exchange::address(url.as_str(), Way::Private);
    let uri = found.map_err(|reason| Outcome::refused(format!("the incoming webhook cannot be used: {reason}")))?;
    let receiver = Receiver {
        name: "Slack",
        secret: Some(&url),
    };
    Ok(exchange::send(exchange::json(uri, body(message).to_string()), receiver).await)
}

fn body(message: &Message) -> Value {
    let headline = words::headline(message);
    let mut blocks = vec![section(&bold(&headline))];
    let text = words::text(message);
    if !text.is_empty() {
        blocks.push(section(&escaped(&text, SECTION_CHARACTERS_MAX)));
    }
    let fields: Vec<Value> = words::facts(message)
        .iter()
        .take(FIELDS_MAX)
        .map(|(name, value)| {
            let name = bold(name);
            let value = escaped(value, FIELD_CHARACTERS_MAX - name.chars().count() - 1);
            marked(&format!("{name}\n{value}"))
        })
        .collect();
    blocks.push(json!({ "type": "section", "fields": fields }));
    let links: Vec<String> = words::links(message)
        .iter()
        .filter_map(|(name, link)| linked(name, link))
        .collect();
    if !links.is_empty() {
        blocks.push(json!({ "type": "context", "elements": [marked(&links.join("  "))] }));
    }
    // The text is for notifications, and for those who do not see blocks.
    let unseen = escaped(
        &format!("[{}] {headline}", message.severity.as_str()),
        SECTION_CHARACTERS_MAX,
    );
    json!({ "text": unseen, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": marked(text) })
}

/// `verbatim`: what looks like a channel or an address in it stays what it is.
fn marked(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn bold(line: &str) -> String {
    format!("*{}*", escaped(line, SECTION_CHARACTERS_MAX - 2))
}

/// What Slack would read as a mention, a link or the end of one is text: `<!channel>` wakes a whole company. No more than so many characters
/// come out of it, and none of them is half of an escape.
fn escaped(text: &str, most: usize) -> String {
    let mut safe = String::new();
    let mut length = 0;
    for character in text.chars() {
        let written = match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            other => other.to_string(),
        };
        length += written.chars().count();
        if length >= most {
            safe.push('…');
            break;
        }
        safe.push_str(&written);
    }
    safe
}

/// A link that is too long for its place is left out rather than broken.
fn linked(name: &str, link: &str) -> Option<String> {
    let link = link
        .replace('|', "%7C")
        .replace('<', "%3C")
        .replace('>', "%3E")
        .replace('&', "&amp;");
    (link.chars().count() <= SECTION_CHARACTERS_MAX / 3).then(|| format!("<{link}|{name}>"))
}

#[cfg(test)]
mod tests;
