//! How far the notices of a run are. What is to be sent, to whom and by when stands in its plan.

use serde::{Deserialize, Serialize};

use crate::id::Actor;
use crate::time::Timestamp;

/// One notice of a plan, as soon as something has happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notice {
    /// Raised when it has to be sent once more.
    pub attempt: u32,
    /// Since when it is to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// That it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// When and how a notice was sent, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub at: Timestamp,
    /// Where to look: the id of a mail, the number of a ticket.
    pub how: String,
    pub by: Actor,
}
