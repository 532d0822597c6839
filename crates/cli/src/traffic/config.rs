//! What to send, where, and how often.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use tidegate_loyalty::tenant::Tenant;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub gateway: SocketAddr,
    pub tenants: Vec<TenantConfig>,
    pub tenant_in: TenantPlace,
    /// Without it, as [`Rates::demo`].
    #[serde(default = "Rates::demo")]
    pub rates: Rates,
    /// How long to send. Without it, until stdin closes.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// Part of every id of a write: a run on data of an earlier run needs another seed.
    #[serde(default)]
    pub seed: u64,
    /// How long an answer may take beyond what was asked for.
    #[serde(default = "Config::default_timeout_ms")]
    pub timeout_ms: u64,
    /// More than this at once are not sent, and counted as dropped: then the figures of the run are not to be trusted.
    #[serde(default = "Config::default_in_flight_max")]
    pub in_flight_max: u32,
    /// Data directory of each cell. Cells that are not listed are not audited.
    #[serde(default)]
    pub data: BTreeMap<String, PathBuf>,
    /// Whether a worker books the events, so that what it did is audited too.
    #[serde(default = "Config::default_worker")]
    pub worker: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    pub name: Tenant,
    pub cell: String,
}

/// How a request names its tenant; `{tenant}` stands for the name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantPlace {
    Host(String),
    Path(String),
    Header(String),
}

/// How often per second each class is sent, all tenants together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    pub get: f64,
    pub post: f64,
    pub slow_get: f64,
    pub feed: f64,
    pub live: f64,
    pub upload: f64,
    pub http2: f64,
    pub reuse: f64,
}

/// What is sent, and so what can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A balance, on a kept connection.
    Get,
    /// Points earned, each with an id of its own, on a kept connection.
    Post,
    /// A balance that takes a second.
    SlowGet,
    /// Numbered server-sent events, for a second.
    Feed,
    /// A numbered WebSocket echo, for a second.
    Live,
    /// A chunked body sent over a second.
    Upload,
    /// Streams of 200 ms, parallel on one connection of HTTP/2 with prior knowledge.
    Http2,
    /// Ten requests, GET and POST in turn, on one connection, 1 to 10 ms apart: what closes idle connections loses one.
    Reuse,
}

impl Class {
    pub const ALL: [Class; 8] = [
        Class::Get,
        Class::Post,
        Class::SlowGet,
        Class::Feed,
        Class::Live,
        Class::Upload,
        Class::Http2,
        Class::Reuse,
    ];
}

impl Rates {
    pub fn of(&self, class: Class) -> f64 {
        match class {
            Class::Get => self.get,
            Class::Post => self.post,
            Class::SlowGet => self.slow_get,
            Class::Feed => self.feed,
            Class::Live => self.live,
            Class::Upload => self.upload,
            Class::Http2 => self.http2,
            Class::Reuse => self.reuse,
        }
    }

    /// About 150 requests per second, a little of everything.
    pub fn demo() -> Rates {
        Rates {
            get: 80.0,
            post: 40.0,
            slow_get: 4.0,
            feed: 3.0,
            live: 3.0,
            upload: 2.0,
            http2: 10.0,
            reuse: 2.0,
        }
    }
}

impl Config {
    /// 10 s.
    pub fn default_timeout_ms() -> u64 {
        10_000
    }

    pub fn default_worker() -> bool {
        true
    }

    pub fn default_in_flight_max() -> u32 {
        2_000
    }
}
