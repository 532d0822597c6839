//! Why a document cannot be compared, and where it says so.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

/// A place in one of the documents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The name of the document as references write it, empty for the one that was handed in as the root.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub document: String,
    /// A JSON pointer (RFC 6901), empty for the whole document.
    pub pointer: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.document, self.pointer)
    }
}

/// What keeps a document from being read. Nothing is compared then: half a comparison would pass for a whole one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    #[error(
        "{place}: the document names no version that is known here: found {found}\nhelp: write `openapi: 3.0.x` or `openapi: 3.1.x`"
    )]
    Version { place: Place, found: String },
    #[error("{place}: expected {expected} here\nhelp: {expected} is what OpenAPI has at this place")]
    Form { place: Place, expected: &'static str },
    #[error(
        "{place}: the reference `{reference}` leads nowhere\nhelp: add what it names, or hand in the document it is in"
    )]
    NoTarget { place: Place, reference: String },
    #[error(
        "{place}: the reference `{reference}` leads back to itself\nhelp: let one of the references name a definition"
    )]
    Loop { place: Place, reference: String },
    #[error(
        "{place}: schemas are nested more than {limit} levels deep\nhelp: give the inner ones names and refer to them"
    )]
    TooDeep { place: Place, limit: usize },
    #[error("{place}: the documents have more than {limit} schemas\nhelp: compare them in parts")]
    TooMany { place: Place, limit: usize },
}
