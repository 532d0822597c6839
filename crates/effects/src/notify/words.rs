//! A message in words, for every channel that people read.

use super::message::{Message, State, Tenants};

/// The longest title that is told: it is the subject of a mail.
const TITLE_CHARACTERS_MAX: usize = 160;
/// The longest text that is told; where to read more is the message's link.
const TEXT_CHARACTERS_MAX: usize = 2_000;
/// Of a name that others have chosen.
const NAME_CHARACTERS_MAX: usize = 200;

/// What has become of the alert, in one line.
pub(super) fn headline(message: &Message) -> String {
    let state = match message.state {
        State::Raised => "Raised",
        State::Escalated => "Escalated",
        State::Acknowledged => "Acknowledged",
        State::Resolved => "Resolved",
        State::Heartbeat => "Heartbeat",
    };
    format!("{state}: {}", title(message))
}

pub(super) fn title(message: &Message) -> String {
    cut(&one_line(&message.title), TITLE_CHARACTERS_MAX)
}

/// The text, whose only control characters are line breaks.
pub(super) fn text(message: &Message) -> String {
    let lines: Vec<String> = message.text.lines().map(one_line).collect();
    cut(lines.join("\n").trim_end(), TEXT_CHARACTERS_MAX)
}

/// What a reader looks for first, each with its name.
pub(super) fn facts(message: &Message) -> Vec<(&'static str, String)> {
    let tenants = (!message.tenants.is_empty()).then(|| tenants(&message.tenants));
    let by = match message.state {
        State::Acknowledged => "Acknowledged by",
        State::Resolved => "Resolved by",
        State::Raised | State::Escalated | State::Heartbeat => "By",
    };
    let named = |name: &String| cut(&one_line(name), NAME_CHARACTERS_MAX);
    let facts = [
        ("Severity", Some(message.severity.as_str().to_owned())),
        ("Kind", Some(message.kind.as_str().to_owned())),
        ("Service", Some(message.service.to_string())),
        ("Cell", message.cell.as_ref().map(ToString::to_string)),
        ("Tenants", tenants),
        ("Customer", message.customer.as_ref().map(ToString::to_string)),
        ("Since", Some(message.since.rfc3339())),
        ("Release in progress", message.release.as_ref().map(ToString::to_string)),
        ("Owner", message.owner.as_ref().map(named)),
        (by, message.by.as_ref().map(named)),
    ];
    let told = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    told.collect()
}

/// Where to go on, as far as it is an address of the web.
pub(super) fn links(message: &Message) -> Vec<(&'static str, &str)> {
    let links = [("Runbook", &message.runbook), ("Alert", &message.link)];
    let usable = links
        .into_iter()
        .filter_map(|(name, link)| Some((name, link.as_deref()?)));
    usable.filter(|(_, link)| is_web_address(link)).collect()
}

fn is_web_address(text: &str) -> bool {
    let is_plain = |character: char| !character.is_control() && !character.is_whitespace();
    (text.starts_with("https://") || text.starts_with("http://")) && text.chars().all(is_plain)
}

fn tenants(tenants: &Tenants) -> String {
    let names: Vec<&str> = tenants.names.iter().map(|name| name.as_str()).collect();
    let listed = names.join(", ");
    match tenants.count.saturating_sub(names.len()) {
        0 => listed,
        more => format!("{listed} and {more} more ({} tenants)", tenants.count),
    }
}

/// Without line breaks and other control characters, which end a header or a label early.
pub(super) fn one_line(text: &str) -> String {
    let is_break = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
    let words = text.split(|character: char| is_break(character) || character == ' ');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// At most so many characters, the last of which says that there was more.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests;
