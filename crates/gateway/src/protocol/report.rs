//! Counters on their way to the publisher.
//!
//! Every figure is cumulative since the incarnation began, so a report that is lost costs nothing: the next one has it.
//! Beside the newest figures a report carries *marks*: the figures as they stood at each wall-aligned 10 s border. The
//! difference of two marks is a bucket. A mark is repeated until a report with it was acknowledged, and only series that
//! changed since the mark before are in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::shadow::Tap;

/// Width of a bucket; marks are taken where Unix time is a multiple of it.
pub const BUCKET_MS: u64 = 10_000;

/// Upper edges of the latency bins in microseconds, each 5/4 of the one before (rounded). Bin `i` counts latencies up to
/// and with edge `i`; one more bin counts what is above the last.
pub const LATENCY_EDGES_MICROS: [u64; 56] = latency_edges();

/// One call with counters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub gateway: String,
    pub incarnation: String,
    /// Who acknowledged the reports before, by its own name of itself: what it has been told is not told again. `None` while nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// More series have changed than this report has room for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// The taps that the gateway holds: their plans need not be told again. `None` of a gateway that cannot mirror.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taps: Option<BTreeSet<String>>,
    /// Oldest first. Marks with `at_ms` on a border close a bucket; the last one is of now and closes none.
    pub marks: Vec<Mark>,
}

/// The answer to [`Report`]: the publisher has everything in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ReportReply {
    /// A name of this process of the publisher. One that is new to the gateway knows nothing of earlier reports, and is told all figures.
    #[serde(default)]
    pub publisher: String,
    /// What is to be mirrored now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taps: Vec<Tap>,
}

/// Figures as they stood at one moment. A series that is not in it had not changed since the mark before, or comes in a
/// later report where there are too many for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Unix milliseconds.
    pub at_ms: u64,
    pub series: Vec<SeriesTotals>,
}

/// What happened to one tenant on one version in one cell since the incarnation began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesTotals {
    pub tenant: String,
    /// Version label: `2.1.0`.
    pub version: String,
    pub cell: String,
    /// Answers that came from the service.
    pub requests: RequestClasses,
    /// Answers the gateway made itself because the service gave none, and answers it could not complete.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<ErrorReason, u64>,
    /// Those of `errors` that are a time limit of the service.
    #[serde(default)]
    pub timeouts: u64,
    /// The same as requests that failed, but one client counts once in a bucket however often it fails in it: 5xx, and those of `errors` that
    /// are the service's.
    #[serde(default)]
    pub error_clients: u64,
    /// Time from the request's head to the answer's head, as `[bin, count]` of the bins that are not empty.
    #[serde(default)]
    pub latency: Vec<(u8, u64)>,
    /// Under way at this moment; not cumulative.
    #[serde(default)]
    pub in_flight: u64,
}

/// Answers by class of status. An answer of class 1xx (an upgrade) counts with 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestClasses {
    #[serde(rename = "2xx")]
    pub successes: u64,
    #[serde(rename = "3xx")]
    pub redirections: u64,
    #[serde(rename = "4xx")]
    pub client_errors: u64,
    #[serde(rename = "5xx")]
    pub server_errors: u64,
}

/// Why the gateway answered itself. The word stands in the header `x-tidegate-error` and in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorReason {
    /// The request cannot be understood in one way only.
    BadRequest,
    /// Two places name different tenants.
    TenantConflict,
    /// No place names a tenant.
    TenantMissing,
    /// The tenant named has no route.
    TenantUnknown,
    /// A bearer token that does not verify, or has expired.
    TokenRefused,
    /// No component matches host and path.
    ComponentUnknown,
    /// A preview header that is forged, expired or for another tenant.
    PreviewRefused,
    /// The request body is longer than allowed.
    BodyTooLarge,
    /// The client stopped sending its body.
    ClientTimeout,
    /// Held for as long as allowed.
    HoldExpired,
    /// Too many requests are held.
    HoldFull,
    /// No table yet, or a slot without instances.
    NoInstance,
    /// No instance could be reached.
    Unreachable,
    /// The instance took too long to connect to or to answer.
    UpstreamTimeout,
    /// The instance closed or broke the connection before its answer was complete.
    UpstreamBroken,
    /// The instance answered with something that is not HTTP, or upgraded unasked.
    UpstreamProtocol,
    /// Cut at the end of the slot's drain.
    Drained,
}

impl ErrorReason {
    pub const ALL: [ErrorReason; 17] = [
        ErrorReason::BadRequest,
        ErrorReason::TenantConflict,
        ErrorReason::TenantMissing,
        ErrorReason::TenantUnknown,
        ErrorReason::TokenRefused,
        ErrorReason::ComponentUnknown,
        ErrorReason::PreviewRefused,
        ErrorReason::BodyTooLarge,
        ErrorReason::ClientTimeout,
        ErrorReason::HoldExpired,
        ErrorReason::HoldFull,
        ErrorReason::NoInstance,
        ErrorReason::Unreachable,
        ErrorReason::UpstreamTimeout,
        ErrorReason::UpstreamBroken,
        ErrorReason::UpstreamProtocol,
        ErrorReason::Drained,
    ];

    /// Whether the service failed, and not its client.
    pub fn is_of_service(self) -> bool {
        match self {
            ErrorReason::HoldExpired
            | ErrorReason::HoldFull
            | ErrorReason::NoInstance
            | ErrorReason::Unreachable
            | ErrorReason::UpstreamTimeout
            | ErrorReason::UpstreamBroken
            | ErrorReason::UpstreamProtocol
            | ErrorReason::Drained => true,
            ErrorReason::BadRequest
            | ErrorReason::TenantConflict
            | ErrorReason::TokenRefused
            | ErrorReason::TenantMissing
            | ErrorReason::TenantUnknown
            | ErrorReason::ComponentUnknown
            | ErrorReason::PreviewRefused
            | ErrorReason::BodyTooLarge
            | ErrorReason::ClientTimeout => false,
        }
    }

    /// The word as it stands in headers and reports.
    pub fn word(self) -> &'static str {
        match self {
            ErrorReason::BadRequest => "bad_request",
            ErrorReason::TenantConflict => "tenant_conflict",
            ErrorReason::TenantMissing => "tenant_missing",
            ErrorReason::TenantUnknown => "tenant_unknown",
            ErrorReason::TokenRefused => "token_refused",
            ErrorReason::ComponentUnknown => "component_unknown",
            ErrorReason::PreviewRefused => "preview_refused",
            ErrorReason::BodyTooLarge => "body_too_large",
            ErrorReason::ClientTimeout => "client_timeout",
            ErrorReason::HoldExpired => "hold_expired",
            ErrorReason::HoldFull => "hold_full",
            ErrorReason::NoInstance => "no_instance",
            ErrorReason::Unreachable => "unreachable",
            ErrorReason::UpstreamTimeout => "upstream_timeout",
            ErrorReason::UpstreamBroken => "upstream_broken",
            ErrorReason::UpstreamProtocol => "upstream_protocol",
            ErrorReason::Drained => "drained",
        }
    }
}

/// The bin of [`LATENCY_EDGES_MICROS`] that counts a latency.
pub fn latency_bin(micros: u64) -> usize {
    LATENCY_EDGES_MICROS.partition_point(|edge| *edge < micros)
}

const fn latency_edges() -> [u64; 56] {
    let mut edges = [0; 56];
    let mut edge = 250;
    let mut index = 0;
    while index < edges.len() {
        edges[index] = edge;
        edge = (edge * 5 + 2) / 4;
        index += 1;
    }
    edges
}

#[cfg(test)]
mod tests;
