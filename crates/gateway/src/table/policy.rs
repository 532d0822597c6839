//! Limits and timeouts of one component. Everything has a limit; a table changes only what it names.

use serde::{Deserialize, Serialize};

/// What the gateway grants the requests of one component. Times are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    pub protocol: Protocol,
    /// To open a connection to an instance.
    pub connect_ms: u32,
    /// From the last byte of the request that was taken to the head of the answer.
    pub first_byte_ms: u32,
    /// Between two pieces of a body, in either direction. Event streams may be silent for `stream_idle_ms` instead.
    pub body_idle_ms: u32,
    /// Between two pieces of an event stream, and between two bytes of an upgraded connection.
    pub stream_idle_ms: u32,
    /// How long one request may be held.
    pub hold_ms: u32,
    /// How many requests of the component may be held at once; the next is refused with `Retry-After`.
    pub held_requests: u32,
    /// Longest request body in bytes; `None` for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_bytes: Option<u64>,
}

/// What instances of a component speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1, with upgrades.
    #[default]
    Http1,
    /// HTTP/2 with prior knowledge, as gRPC needs it. No upgrades.
    Http2,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            protocol: Protocol::Http1,
            connect_ms: 2_000,
            first_byte_ms: 60_000,
            body_idle_ms: 60_000,
            stream_idle_ms: 600_000,
            hold_ms: 20_000,
            held_requests: 1_000,
            request_bytes: None,
        }
    }
}
