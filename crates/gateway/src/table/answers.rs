//! What gateways answer where no version does.

use serde::{Deserialize, Serialize};

/// Why a tenant's requests are not served. The publisher knows; the gateway only says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// Until a person resumes it.
    Suspended,
    /// Until it is in another cell. What components call as a part of requests in flight still passes.
    Moving,
}

/// What the operator of the service wants to be answered, each where it differs from the gateway's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answers {
    /// To a request of a tenant that does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<Answer>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// From 400 to 599.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// One sentence for the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The HTML that browsers get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Answers {
    pub(crate) fn of(&self, closed: Closed) -> Option<&Answer> {
        match closed {
            Closed::Suspended => self.suspended.as_ref(),
            Closed::Moving => self.moving.as_ref(),
        }
    }

    pub(super) fn statuses(&self) -> impl Iterator<Item = u16> {
        let all = [&self.unknown, &self.suspended, &self.moving];
        all.into_iter().filter_map(|answer| answer.as_ref()?.status)
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
