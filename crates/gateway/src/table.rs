//! The table: everything a gateway knows, as one document with a generation.
//!
//! Whoever publishes it builds a [`Table`], numbers it with a generation that grows within one epoch, and sends it whole.
//! A gateway accepts it whole or refuses it whole ([`Table::validate`], [`Table::may_follow`]).

mod answers;
mod name;
mod policy;
mod route;
mod source;
mod validate;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use answers::{Answer, Answers, Closed};
pub use name::{ComponentName, InstanceId, NAME_BYTES_MAX, SlotId, TenantName, VersionKey};
pub use policy::{Policy, Protocol};
pub use route::{Mode, Route, RouteGroup, Routes, Split};
pub use source::{ClientSource, JwtSource, JwtVerification, PathSource, TenantSource};
pub use validate::{Refusal, TableError};

/// The document format this gateway writes. It reads this one and the one before it, where there is one.
pub const FORMAT: u32 = 1;

/// The routing table of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// Identity of the publisher's store. Generations compare only within one epoch.
    pub epoch: String,
    /// Grows with every change of the document within an epoch.
    pub generation: u64,
    /// Name of the service, for logs and metrics.
    pub service: String,
    /// Where a request names its tenant, in the order in which the places are asked. All that answer must agree.
    pub tenant_from: Vec<TenantSource>,
    /// What distinguishes the clients of a tenant, for sticky splits and for counting clients that saw errors.
    #[serde(default)]
    pub client_from: ClientSource,
    /// How a request names its component: the longest path wins, a rule with a host wins over one without. A rule whose
    /// component the tenant's version does not have is passed over.
    pub components: Vec<ComponentRule>,
    /// Every slot that may be used. One that is not listed here is never used for a new request.
    pub slots: BTreeMap<SlotId, Slot>,
    /// Every version that a route, split or preview may name.
    pub versions: BTreeMap<VersionKey, Version>,
    /// Where each tenant is.
    pub routes: Routes,
    /// What is answered where no version does.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// Secret for signed previews; without it previews are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_key: Option<PreviewKey>,
}

/// How requests find one component, and what it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentRule {
    pub name: ComponentName,
    /// Exact host, or `{tenant}` as one label: `{tenant}.admin.example`. `None` matches every host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Path prefix on segment borders: `/admin` matches `/admin` and `/admin/x`, not `/administrator`.
    #[serde(default = "root")]
    pub path: String,
    #[serde(default)]
    pub policy: Policy,
}

/// One running version of a component in a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub component: ComponentName,
    /// Version label as people write it, for counters: `2.1.0`.
    pub version: String,
    pub cell: String,
    pub instances: Vec<Instance>,
    #[serde(default)]
    pub phase: Phase,
}

/// One process of a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub id: InstanceId,
    pub address: SocketAddr,
}

/// Whether a slot is on its way out. A slot that is draining still takes what routes send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Active,
    /// Emptying. What is still in flight at a deadline (Unix milliseconds) is cut and counted as cut; without a deadline
    /// it may take for ever.
    Draining {
        /// For plain requests and their answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requests_until_ms: Option<u64>,
        /// For event streams and upgraded connections.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        streams_until_ms: Option<u64>,
    },
}

/// One version in one cell: the slot of each component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Version label as people write it: `2.1.0`. Sent upstream as `x-tidegate-version`.
    pub label: String,
    pub cell: String,
    pub slots: BTreeMap<ComponentName, SlotId>,
}

/// The shared secret of signed previews, in hexadecimal. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PreviewKey(String);

impl Table {
    /// Makes the table fit to be shown.
    pub(crate) fn hide_secrets(&mut self) {
        self.preview_key = None;
        for source in &mut self.tenant_from {
            if let TenantSource::Jwt(JwtSource {
                verify: JwtVerification::Keys(keys),
                ..
            }) = source
            {
                "(hidden)".clone_into(keys);
            }
        }
    }
}

impl PreviewKey {
    pub fn from_hexadecimal(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key's bytes, or `None` where the text is not hexadecimal.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let text = self.0.as_bytes();
        let pairs = text.chunks_exact(2);
        if text.is_empty() || !pairs.remainder().is_empty() {
            return None;
        }
        pairs
            .map(|pair| {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
            })
            .collect()
    }
}

impl fmt::Debug for PreviewKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PreviewKey(..)")
    }
}

fn root() -> String {
    "/".to_owned()
}
