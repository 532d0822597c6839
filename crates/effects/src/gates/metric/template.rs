//! A query with arguments. They stand only where a label is compared with a text, and get into it as text: whatever a value is, it is no other
//! query.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use tidegate_domain::id::ComponentName;

use super::super::{Target, TargetSlot};

/// What a query is not longer than, in bytes.
const BYTES_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    Version,
    Wave,
    Cells,
    OldAddresses,
    NewAddresses,
}

impl Argument {
    const ALL: [Self; 5] = [
        Self::Version,
        Self::Wave,
        Self::Cells,
        Self::OldAddresses,
        Self::NewAddresses,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Wave => "wave",
            Self::Cells => "cells",
            Self::OldAddresses => "old_addresses",
            Self::NewAddresses => "new_addresses",
        }
    }

    fn is_list(self) -> bool {
        match self {
            Self::Version | Self::Wave => false,
            Self::Cells | Self::OldAddresses | Self::NewAddresses => true,
        }
    }
}

/// The values of the arguments.
#[derive(Debug, Default)]
pub(super) struct Values {
    version: String,
    wave: String,
    cells: Vec<String>,
    pub old_addresses: Vec<String>,
    pub new_addresses: Vec<String>,
    /// The new version has instances, and it has them in common with the old one.
    pub is_unchanged: bool,
}

impl Values {
    /// Of all components, or of one. With `apart`, without the instances that both versions have: these are no comparison.
    pub fn of(target: &Target, component: Option<&ComponentName>, apart: bool) -> Self {
        let is_meant = |slot: &&TargetSlot| component.is_none_or(|name| slot.component == *name);
        let addresses = |slots: &[TargetSlot]| {
            let mut all: Vec<SocketAddr> = slots
                .iter()
                .filter(is_meant)
                .flat_map(|slot| slot.addresses.clone())
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let (mut old, mut new) = (addresses(&target.old), addresses(&target.slots));
        let common: Vec<SocketAddr> = new.iter().filter(|address| old.contains(address)).copied().collect();
        if apart {
            old.retain(|address| !common.contains(address));
            new.retain(|address| !common.contains(address));
        }
        let mut cells: Vec<String> = target.slots.iter().map(|slot| slot.cell.to_string()).collect();
        cells.sort_unstable();
        cells.dedup();
        let in_words = |all: &[SocketAddr]| all.iter().map(SocketAddr::to_string).collect();
        Self {
            version: target.version.to_string(),
            wave: target.wave.to_string(),
            cells,
            old_addresses: in_words(&old),
            new_addresses: in_words(&new),
            is_unchanged: new.is_empty() && !common.is_empty(),
        }
    }

    fn get(&self, argument: Argument) -> &[String] {
        match argument {
            Argument::Version => std::slice::from_ref(&self.version),
            Argument::Wave => std::slice::from_ref(&self.wave),
            Argument::Cells => &self.cells,
            Argument::OldAddresses => &self.old_addresses,
            Argument::NewAddresses => &self.new_addresses,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    written: String,
    pieces: Vec<Piece>,
    /// It without texts and comments.
    skeleton: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Filled {
        argument: Argument,
        place: Place,
        quote: char,
    },
}

/// What a text is compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    Pattern,
}

impl Template {
    /// # Errors
    /// In words, for the one who wrote it.
    pub fn read(written: &str) -> Result<Self, String> {
        let written = written.trim();
        if written.is_empty() {
            return Err("it is empty".to_owned());
        }
        if written.len() > BYTES_MAX {
            return Err(format!("it is longer than {BYTES_MAX} bytes"));
        }
        let mut reader = Reader::default();
        let mut rest = written;
        while let Some(next) = rest.chars().next() {
            rest = match argument_at(rest) {
                Some((name, behind)) if reader.takes(name)? => behind,
                Some(_) | None => {
                    reader.take(next);
                    &rest[next.len_utf8()..]
                }
            };
        }
        if let Some(text) = reader.text {
            return Err(format!("the text that begins with {} does not end", text.quote));
        }
        reader.pieces.push(Piece::Text(reader.kept));
        Ok(Self {
            written: written.to_owned(),
            pieces: reader.pieces,
            skeleton: reader.skeleton,
        })
    }

    pub fn uses(&self, wanted: Argument) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Filled { argument, .. } if *argument == wanted))
    }

    /// Whether it is a metric, perhaps with labels, and nothing else: of that the server knows when it was measured.
    pub fn is_selector(&self) -> bool {
        let is_name = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | ':');
        let skeleton = self.skeleton.trim();
        let labels = skeleton.trim_start_matches(is_name);
        let is_named = labels.len() < skeleton.len() && !skeleton.starts_with(|first: char| first.is_ascii_digit());
        let labels = labels.trim();
        let closed = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}'));
        is_named && (labels.is_empty() || closed.is_some_and(|labels| !labels.contains('}')))
    }

    /// As it stands in the playbook.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The query to ask; or the argument that has no value.
    pub fn fill(&self, values: &Values) -> Result<String, Argument> {
        let mut query = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => query.push_str(text),
                Piece::Filled { argument, place, quote } => {
                    let values = values.get(*argument);
                    if values.is_empty() {
                        return Err(*argument);
                    }
                    query.push_str(&quoted(&compared(values, *argument, *place), *quote));
                }
            }
        }
        Ok(query)
    }
}

/// `${name}` at the beginning of a text, and what is behind it. Numbers are left alone: `label_replace` has its `${1}`.
fn argument_at(text: &str) -> Option<(&str, &str)> {
    let (name, behind) = text.strip_prefix("${")?.split_once('}')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_name.then_some((name, behind))
}

fn compared(values: &[String], argument: Argument, place: Place) -> String {
    match place {
        Place::Plain => values.join(""),
        Place::Pattern => {
            let all: Vec<String> = values.iter().map(|value| literally(value)).collect();
            if argument.is_list() {
                format!("(?:{})", all.join("|"))
            } else {
                all.join("")
            }
        }
    }
}

/// As a regular expression (RE2) that matches nothing else.
fn literally(value: &str) -> String {
    let mut pattern = String::new();
    for character in value.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// As it stands between quotes.
fn quoted(value: &str, quote: char) -> String {
    let mut text = String::new();
    for character in value.chars() {
        if character == '\\' || character == quote {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// How far a query has been read.
#[derive(Debug, Default)]
struct Reader {
    pieces: Vec<Piece>,
    kept: String,
    skeleton: String,
    text: Option<Text>,
    in_comment: bool,
    /// The last characters that are no blanks, outside of texts.
    before: [char; 2],
}

#[derive(Debug, Clone, Copy)]
struct Text {
    quote: char,
    place: Option<Place>,
    /// The character before was a backslash that takes the next one with it.
    escaped: bool,
}

impl Reader {
    fn take(&mut self, character: char) {
        self.kept.push(character);
        if let Some(text) = &mut self.text {
            if text.escaped {
                text.escaped = false;
            } else if character == '\\' && text.quote != '`' {
                text.escaped = true;
            } else if character == text.quote {
                self.text = None;
                self.before = ['\0', character];
            }
        } else if self.in_comment {
            self.in_comment = character != '\n';
        } else if character == '#' {
            self.in_comment = true;
        } else if matches!(character, '"' | '\'' | '`') {
            let place = match self.before {
                ['=' | '!', '~'] => Some(Place::Pattern),
                // A comparison of numbers.
                ['=' | '<' | '>', '='] => None,
                [_, '='] => Some(Place::Plain),
                [_, _] => None,
            };
            self.text = Some(Text {
                quote: character,
                place,
                escaped: false,
            });
        } else {
            self.skeleton.push(character);
            if !character.is_whitespace() {
                self.before = [self.before[1], character];
            }
        }
    }

    /// Whether `${name}` is an argument here. It is text in a comment, and so are other names where no label is compared.
    fn takes(&mut self, name: &str) -> Result<bool, String> {
        let found = Argument::ALL.into_iter().find(|argument| argument.name() == name);
        if self.in_comment || self.text.is_some_and(|text| text.escaped) {
            return Ok(false);
        }
        let Some(text) = self.text else {
            return Err(format!(
                "`${{{name}}}` stands outside of a text: compare a label with it, as in `{{version=\"${{version}}\"}}`"
            ));
        };
        match (found, text.place) {
            (Some(_), _) if text.quote == '`' => Err(format!("`${{{name}}}` stands in back quotes: write double ones")),
            (Some(_), None) => Err(format!("`${{{name}}}` stands where no label is compared with it")),
            (Some(argument), Some(Place::Plain)) if argument.is_list() => Err(format!(
                "`${{{name}}}` is a list: compare the label with `=~` or `!~`, not with `=` or `!=`"
            )),
            (Some(argument), Some(place)) => {
                self.pieces.push(Piece::Text(std::mem::take(&mut self.kept)));
                self.pieces.push(Piece::Filled {
                    argument,
                    place,
                    quote: text.quote,
                });
                Ok(true)
            }
            (None, Some(_)) => {
                let known = Argument::ALL.map(|argument| format!("`${{{}}}`", argument.name()));
                Err(format!(
                    "there is no argument `${{{name}}}`; there are: {}",
                    known.join(", ")
                ))
            }
            (None, None) => Ok(false),
        }
    }
}
