//! What a gateway and its publisher say to each other: three calls, all made by the gateway, all idempotent.
//!
//! [`Follow`] is registration, heartbeat, confirmation and request for the next table in one. [`Report`] carries counters, and its answer what is to
//! be mirrored; [`Mirrored`] what came of that. All are `POST` with JSON and `authorization: Bearer TOKEN`.

mod report;
mod shadow;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::table::{SlotId, Table, TenantName, VersionKey};

pub use report::{
    BUCKET_MS, ErrorReason, LATENCY_EDGES_MICROS, Mark, Report, ReportReply, RequestClasses, SeriesTotals, latency_bin,
};
pub use shadow::{
    AnswerText, MIRRORED_PATH, MirrorCounts, Mirrored, MirroredAnswer, MirroredPair, MirroredReply, Tap, TapEndpoint,
    TapPlan,
};

/// Path of the follow call on the publisher.
pub const FOLLOW_PATH: &str = "/gateway/v1/follow";
/// Path of the counters call on the publisher.
pub const COUNTERS_PATH: &str = "/gateway/v1/counters";

/// One gateway process tells where it is and asks for a newer table.
///
/// The publisher answers at once when it has a table other than `confirmed` that is not the one in `refused`; else when one
/// appears, and after `wait_ms` at the latest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Follow {
    /// Name of the gateway, the same over restarts.
    pub gateway: String,
    /// Name of this process. During a restart two incarnations of one gateway are registered for a while.
    pub incarnation: String,
    /// Where it takes requests.
    pub listening: Vec<SocketAddr>,
    /// The table that every new request is routed by and that survives a restart. `None` before the first.
    pub confirmed: Option<Confirmed>,
    /// What persisting the confirmed table took, in microseconds.
    #[serde(default)]
    pub persist_micros: u64,
    /// Requests, streams and tunnels under way per slot; a slot that is not named has none. Slots that have left the table
    /// are named until they are empty.
    #[serde(default)]
    pub in_flight: BTreeMap<SlotId, u64>,
    /// The newest table that was not taken, and why.
    #[serde(default)]
    pub refused: Option<Refused>,
    /// The process takes no new connections and ends when its last ones do.
    #[serde(default)]
    pub lingering: bool,
    /// The process's last call: it uses no slot any more, and need not be waited for.
    #[serde(default)]
    pub leaving: bool,
    /// How long the publisher may wait for news, in milliseconds.
    pub wait_ms: u64,
    /// Which version every tenant of the confirmed table is on, where the publisher has asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<BTreeMap<TenantName, VersionKey>>,
}

/// A table by its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    pub epoch: String,
    pub generation: u64,
}

/// A table that a gateway did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub epoch: String,
    pub generation: u64,
    pub reason: String,
}

/// The answer to [`Follow`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowReply {
    /// For how long the publisher counts on this gateway without hearing from it again.
    pub lease_ms: u64,
    /// The newest table, where it is not the confirmed one.
    pub table: Option<Table>,
    /// Asks for [`Follow::routes`] with the next call: a publisher that was restored from a copy does not know what its
    /// gateways serve.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tell_routes: bool,
}
