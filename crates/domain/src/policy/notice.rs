use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calendar::Period;
use crate::change::{Audience, Impact};
use crate::id::WaveName;
use crate::release::ReleaseKind;

/// One kind of message about a release: to whom, how long before, and for which releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeRule {
    /// What the message is.
    pub kind: NoticeKind,
    /// The kinds of release it is sent for. Left out, every kind.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub releases: BTreeSet<ReleaseKind>,
    /// The impacts it is sent for: of the release's changes, the greatest counts. Left out, every impact.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub impact: BTreeSet<Impact>,
    /// Whether it is sent only for releases with planned downtime, or only for those without. Left out, for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime: Option<bool>,
    /// The waves whose tenants it is about. Left out, every wave.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub waves: BTreeSet<WaveName>,
    /// The audiences whose contacts get it. Left out, every contact.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub audience: BTreeSet<Audience>,
    /// The least time before the tenant's start, in the tenant's own calendar. A confirmation has none: it is sent when the
    /// wave is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Period>,
    /// It is sent no earlier than this before the tenant's start. Left out, as soon as the plan is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Period>,
    /// Whether a tenant moves only after it is proven that this was sent in time. Left out, only for the kind `notice`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// It tells its readers that they have nothing to do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nothing_needed: bool,
}

/// What a message about a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// What comes, weeks ahead.
    Preview,
    /// What comes, days ahead.
    Reminder,
    /// The notice that is owed before a tenant moves.
    Notice,
    /// That the wave has moved and is good.
    Confirmation,
    /// One short message, for a release that asks nothing of its readers.
    Note,
}

impl NoticeRule {
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required.unwrap_or(self.kind == NoticeKind::Notice)
    }
}

impl NoticeKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Reminder => "reminder",
            Self::Notice => "notice",
            Self::Confirmation => "confirmation",
            Self::Note => "note",
        }
    }
}
