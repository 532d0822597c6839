//! Mirrored requests: what a publisher asks for, and what a gateway has seen.
//!
//! A [`Tap`] comes with the answer to each report for as long as it is wanted, and ends by itself when it does not. Nothing of it is in a table or on
//! a disk. What was seen goes back in [`Mirrored`], which may be lost without harm: counts are cumulative, and pairs are a sample anyway.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::table::{ComponentName, TenantName, VersionKey};

/// Path of the call with what was mirrored, on the publisher.
pub const MIRRORED_PATH: &str = "/gateway/v1/mirrored";

/// One wish of the publisher. A gateway that holds taps lets go of each that an answer does not name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tap {
    /// Never used for another plan.
    pub id: String,
    /// For how long it counts without being named again.
    pub lease_ms: u64,
    /// Left out where the report said that the gateway has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<TapPlan>,
}

/// Which requests are mirrored, and to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TapPlan {
    pub component: ComponentName,
    /// Of these tenants only.
    pub tenants: BTreeSet<TenantName>,
    /// From the version that answers a request to the one that is asked the same.
    pub versions: BTreeMap<VersionKey, VersionKey>,
    /// Of the requests that match, in hundredths of a percent.
    pub basis_points: u16,
    pub endpoints: Vec<TapEndpoint>,
    /// Longest body of a request or an answer.
    pub body_bytes_max: usize,
    /// Requests that are mirrored at the same time. One that would be more is not mirrored.
    pub in_flight_max: usize,
    /// Of each answer, from the request to the end of the body.
    pub timeout_ms: u64,
    /// Headers that mirrored requests go without, in lower case.
    #[serde(default)]
    pub without_headers: Vec<String>,
}

/// Requests that may be mirrored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapEndpoint {
    pub method: String,
    /// The path in its steps: `*` is any one step, `**` at the end any number of them.
    pub path: String,
}

/// What a gateway has mirrored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mirrored {
    pub gateway: String,
    pub incarnation: String,
    /// Every tap that it holds.
    pub taps: BTreeMap<String, MirrorCounts>,
    pub pairs: Vec<MirroredPair>,
}

/// The answer to [`Mirrored`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MirroredReply {}

/// What became of the requests that a tap wants, since this process got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MirrorCounts {
    /// Matched the plan.
    pub matched: u64,
    /// Of those, fell into the share.
    pub chosen: u64,
    /// Of those, were sent once more.
    pub mirrored: u64,
    /// Were not, because as many as allowed were under way, or no memory was left for more.
    pub busy: u64,
    /// Were not, because a body of request or answer was too long.
    pub too_large: u64,
    /// Were not, because they ended early, or their answer was a stream or from the gateway itself.
    pub incomplete: u64,
    /// Were not, because the new version has no instance in the table.
    pub no_instance: u64,
    /// Were mirrored, and what was seen did not reach the publisher.
    pub undelivered: u64,
}

/// The answers to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MirroredPair {
    pub tap: String,
    /// As the instances were told it in `x-tidegate-shadow-id`.
    pub id: String,
    pub tenant: TenantName,
    pub method: String,
    /// Without the query.
    pub path: String,
    pub old: MirroredAnswer,
    pub new: MirroredAnswer,
    /// Of the old version, at the same moment as that of the new one.
    pub again: MirroredAnswer,
}

/// What an instance answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MirroredAnswer {
    Answered {
        status: u16,
        headers: Vec<(String, String)>,
        body: AnswerText,
        /// From the request to the end of the body; left out where a client was waited for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        micros: Option<u64>,
    },
    /// None came, or not in time.
    Failed { timed_out: bool },
}

/// A body as it can stand in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerText {
    Text(String),
    /// Two digits a byte.
    Hexadecimal(String),
}

impl From<Vec<u8>> for AnswerText {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(
            |error| {
                let digits = error.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
                let digits = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16));
                AnswerText::Hexadecimal(digits.collect())
            },
            AnswerText::Text,
        )
    }
}

impl AnswerText {
    /// Of the text, not of what it stands for.
    pub(crate) fn len(&self) -> usize {
        match self {
            AnswerText::Text(text) | AnswerText::Hexadecimal(text) => text.len(),
        }
    }

    /// The bytes again. Digits that are none are left out.
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            AnswerText::Text(text) => text.into_bytes(),
            AnswerText::Hexadecimal(digits) => {
                let digits: Vec<u8> = digits
                    .chars()
                    .filter_map(|digit| digit.to_digit(16))
                    .filter_map(|digit| u8::try_from(digit).ok())
                    .collect();
                digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
            }
        }
    }
}
