//! A change: one entry of a release, with what each of its readers is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::LocalDate;
use crate::id::ChangeId;

mod text;
pub use text::{Endpoint, FieldName, FlagName, OwnerName, PicturePath, Ticket, WebAddress};

/// One entry of a release, whole: the release carries it, so what was told outlives the file it was written in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub id: ChangeId,
    /// One line in the reader's words.
    pub title: String,
    pub kind: ChangeKind,
    pub impact: Impact,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub endpoints: BTreeSet<Endpoint>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub fields: BTreeSet<FieldName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<FlagName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_in: Option<OptIn>,
    /// The last day, in the reader's time zone, on which the old way works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<LocalDate>,
    /// What the reader has to do until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Who sees to it that its readers do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documentation: Vec<Link>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Picture>,
    /// What each audience is told, as Markdown. The audience of the change is exactly those that stand here.
    pub sections: BTreeMap<Audience, String>,
}

/// What is done to the service, in the words of [Keep a Changelog](https://keepachangelog.com/en/1.1.0/). The order is that
/// of a changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    Security,
    Added,
    Changed,
    Deprecated,
    Removed,
    Fixed,
}

/// Who reads of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Who calls the service's interfaces.
    Developer,
    /// Who uses its features.
    Marketing,
    /// Who runs it for a customer.
    Operations,
    /// Support, customer success and sales: those who are asked about it.
    Internal,
}

/// What a change asks of its readers; the greatest of its changes is the impact of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Nobody notices.
    #[default]
    None,
    /// Something is new, and what was there works as before.
    Additive,
    /// Works on for those who do something until the deadline.
    ActionRequired,
    /// What worked does not work any more.
    Breaking,
}

/// A feature that a customer turns on or off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptIn {
    /// The state that it arrives in.
    pub ships: Ships,
    /// How a customer turns it on or off.
    #[schemars(length(min = 1))]
    pub how: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ships {
    Disabled,
    Enabled,
}

/// A page to read on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What the page is called.
    #[schemars(length(min = 1))]
    pub title: String,
    /// Where it is.
    pub address: WebAddress,
}

/// A picture of what looks different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// The picture's file, relative to the file of the change.
    pub file: PicturePath,
    /// What it shows, for readers who do not see it.
    #[schemars(length(min = 1))]
    pub shows: String,
}

/// A change as one audience reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entry<'a> {
    pub id: &'a ChangeId,
    pub kind: ChangeKind,
    pub impact: Impact,
    pub title: &'a str,
    /// Markdown.
    pub text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<LocalDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_in: Option<&'a OptIn>,
    pub documentation: &'a [Link],
    pub pictures: &'a [Picture],
}

/// What `audience` is told of `changes`: what asks most of the reader first, then by kind, then by id, whatever order the
/// changes come in.
#[must_use]
pub fn entries_for<'a>(changes: impl IntoIterator<Item = &'a Change>, audience: Audience) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = changes
        .into_iter()
        .filter_map(|change| change.entry_for(audience))
        .collect();
    entries.sort_by_key(|entry| (std::cmp::Reverse(entry.impact), entry.kind, entry.id));
    entries
}

impl Change {
    pub fn audience(&self) -> impl Iterator<Item = Audience> + '_ {
        self.sections.keys().copied()
    }

    fn entry_for(&self, audience: Audience) -> Option<Entry<'_>> {
        let text = self.sections.get(&audience)?;
        Some(Entry {
            id: &self.id,
            kind: self.kind,
            impact: self.impact,
            title: &self.title,
            text,
            action: self.action.as_deref(),
            deadline: self.deadline,
            opt_in: self.opt_in.as_ref(),
            documentation: &self.documentation,
            pictures: &self.pictures,
        })
    }
}

impl Audience {
    pub const ALL: [Self; 4] = [Self::Developer, Self::Marketing, Self::Operations, Self::Internal];

    /// The word of the files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::Marketing => "marketing",
            Self::Operations => "operations",
            Self::Internal => "internal",
        }
    }

    /// The heading of its section in a file of a change.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Developer => "Developers",
            Self::Marketing => "Marketing",
            Self::Operations => "Operations",
            Self::Internal => "Internal",
        }
    }
}

impl Impact {
    /// Whether its readers have something to do, so that it comes with an action and a deadline.
    #[must_use]
    pub const fn asks_for_action(self) -> bool {
        match self {
            Self::None | Self::Additive => false,
            Self::ActionRequired | Self::Breaking => true,
        }
    }

    /// The word of the files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Additive => "additive",
            Self::ActionRequired => "action-required",
            Self::Breaking => "breaking",
        }
    }
}

impl ChangeKind {
    /// The word of the files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Deprecated => "deprecated",
            Self::Removed => "removed",
            Self::Fixed => "fixed",
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests;
