//! Where two responses can differ, and how such places are named in rules.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

use super::endpoint::is_identifier;

/// A part of a response. Elements of an array are one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Status,
    /// By lower-case name.
    Header(String),
    /// The bytes of a body that is not compared as JSON.
    Body,
    /// A path in a JSON body, such as `$.items[].price`.
    Json(String),
}

/// How a field differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The status is of another class, such as 5xx for 2xx.
    Class,
    /// The old version has it, the new one does not.
    Missing,
    /// The new version has it, the old one does not.
    Added,
    /// One is a string and the other a number, say.
    Type,
    /// One is `null`, and the other a value.
    Null,
    /// One is `null`, and the other does not have the field.
    NullOrAbsent,
    /// The same elements in another order.
    Order,
    Value,
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    Key(&'a str),
    Element,
}

/// Fields by path: `$.total`, `$.items[].price`; `*` is any one step, `**` any number of them. What lies below a path is meant, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<PatternStep>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternStep {
    Key(String),
    Element,
    AnyOne,
    Any,
}

impl Kind {
    /// Whether clients break on it, other than on a value that they only show.
    pub fn is_structural(self) -> bool {
        match self {
            Self::Class | Self::Missing | Self::Added | Self::Type | Self::Null | Self::NullOrAbsent => true,
            Self::Order | Self::Value => false,
        }
    }

    pub fn in_words(self) -> &'static str {
        match self {
            Self::Class => "another class of status",
            Self::Missing => "missing in the new version",
            Self::Added => "added by the new version",
            Self::Type => "another type",
            Self::Null => "null against a value",
            Self::NullOrAbsent => "null against absent",
            Self::Order => "another order",
            Self::Value => "another value",
        }
    }
}

impl Pattern {
    /// Reads `$.items[].price`.
    ///
    /// # Errors
    ///
    /// `None` where it does not begin with `$`, or a step is empty.
    pub fn read(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix("[]") {
                steps.push(PatternStep::Element);
                rest = behind;
                continue;
            }
            rest = rest.strip_prefix('.')?;
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            rest = behind;
            steps.push(match name {
                "" => return None,
                "*" => PatternStep::AnyOne,
                "**" => PatternStep::Any,
                name => PatternStep::Key(name.to_owned()),
            });
        }
        Some(Self(steps))
    }

    /// Whether `path` is meant, or lies below what is meant. Steps of the pattern times those of the path.
    pub fn covers(&self, path: &[Step<'_>]) -> bool {
        // reached[i]: the first i steps of the pattern can stand for what was seen of the path.
        let mut reached = vec![false; self.0.len() + 1];
        reached[0] = true;
        self.skip_any(&mut reached);
        for step in path {
            if reached[self.0.len()] {
                return true;
            }
            let mut next = vec![false; reached.len()];
            for (index, pattern) in self.0.iter().enumerate().filter(|(index, _)| reached[*index]) {
                match (pattern, step) {
                    (PatternStep::Any, _) => next[index] = true,
                    (PatternStep::AnyOne, _) | (PatternStep::Element, Step::Element) => next[index + 1] = true,
                    (PatternStep::Key(name), Step::Key(key)) => next[index + 1] |= name == key,
                    (PatternStep::Key(_), Step::Element) | (PatternStep::Element, Step::Key(_)) => {}
                }
            }
            self.skip_any(&mut next);
            reached = next;
        }
        reached[self.0.len()]
    }

    /// `**` stands for no step, too.
    fn skip_any(&self, reached: &mut [bool]) {
        for (index, step) in self.0.iter().enumerate() {
            if *step == PatternStep::Any && reached[index] {
                reached[index + 1] = true;
            }
        }
    }
}

/// The path as it is shown: keys that are identifiers of something become `{}`, so that they are one field, and not told.
pub fn written(path: &[Step<'_>]) -> String {
    let mut text = "$".to_owned();
    for step in path {
        match step {
            Step::Element => text.push_str("[]"),
            Step::Key(key) if is_name(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Key(_) => text.push_str(".{}"),
        }
    }
    text
}

/// Whether a key is written by a programmer, and not by data.
fn is_name(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    let begins = key.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '$'));
    begins && key.len() <= 64 && key.bytes().all(plain) && !is_identifier(key)
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status => f.write_str("status"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Body => f.write_str("body"),
            Self::Json(path) => f.write_str(path),
        }
    }
}
