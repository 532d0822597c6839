//! Version 1 of the worker protocol, as the driver speaks it (`docs/worker.md`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidegate_domain::desired::Owns;
use tidegate_domain::id::TenantName;

use super::super::loopback::{self, Answer, CallError};

/// What a worker says it owns. It may say more, which is not of interest here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    owned: BTreeMap<TenantName, u64>,
    #[serde(default)]
    cell: Option<u64>,
}

/// What a worker is to take or to let go of, with the epochs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Share {
    Tenants(BTreeMap<TenantName, u64>),
    Cell(u64),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CallFailed {
    #[error("`{path}`")]
    Call {
        path: &'static str,
        #[source]
        source: CallError,
    },
    #[error("`{path}` answers {status}: {text}")]
    Refused {
        path: &'static str,
        status: u16,
        text: String,
    },
    #[error("`{path}` answers what is not protocol version 1")]
    Answer {
        path: &'static str,
        #[source]
        source: serde_json::Error,
    },
}

const ACTIVATE: &str = "/worker/activate";
const DEACTIVATE: &str = "/worker/deactivate";
const STATUS: &str = "/worker/status";
/// Of a refusal, for people.
const TEXT_CHARS_MAX: usize = 200;

pub(super) async fn status(address: SocketAddr, limit: Duration) -> Result<Status, CallFailed> {
    let answer = accepted(STATUS, loopback::get(address, STATUS, limit).await)?;
    serde_json::from_slice(&answer.body).map_err(|source| CallFailed::Answer { path: STATUS, source })
}

pub(super) async fn activate(address: SocketAddr, share: &Share, limit: Duration) -> Result<(), CallFailed> {
    post(address, ACTIVATE, share, limit).await
}

/// Returns when the worker has finished what it had begun.
pub(super) async fn deactivate(address: SocketAddr, share: &Share, limit: Duration) -> Result<(), CallFailed> {
    post(address, DEACTIVATE, share, limit).await
}

async fn post(
    address: SocketAddr,
    path: &'static str,
    body: &(impl Serialize + Sync),
    limit: Duration,
) -> Result<(), CallFailed> {
    let body = serde_json::to_vec(body).expect("names and numbers serialise");
    accepted(path, loopback::post(address, path, body.into(), limit).await).map(drop)
}

fn accepted(path: &'static str, answer: Result<Answer, CallError>) -> Result<Answer, CallFailed> {
    let answer = answer.map_err(|source| CallFailed::Call { path, source })?;
    if answer.status.is_success() {
        return Ok(answer);
    }
    let text = String::from_utf8_lossy(&answer.body)
        .chars()
        .take(TEXT_CHARS_MAX)
        .collect();
    Err(CallFailed::Refused {
        path,
        status: answer.status.as_u16(),
        text,
    })
}

impl Status {
    /// What the worker owns and shall not. A wrong epoch is not let go of but replaced.
    pub fn extra(&self, owns: &Owns) -> Vec<Share> {
        let (tenants, cell) = match owns {
            Owns::Nothing => (self.owned.clone(), self.cell),
            Owns::Tenants(keep) => {
                let mut tenants = self.owned.clone();
                tenants.retain(|tenant, _| !keep.contains_key(tenant));
                (tenants, self.cell)
            }
            Owns::Cell(_) => (self.owned.clone(), None),
        };
        let tenants = (!tenants.is_empty()).then_some(Share::Tenants(tenants));
        tenants.into_iter().chain(cell.map(Share::Cell)).collect()
    }

    /// What the worker shall own and does not, or not in the right epoch; `None` where there is nothing.
    pub fn missing(&self, owns: &Owns) -> Option<Share> {
        match owns {
            Owns::Nothing => None,
            Owns::Tenants(tenants) => {
                let mut missing = tenants.clone();
                missing.retain(|tenant, epoch| self.owned.get(tenant) != Some(epoch));
                (!missing.is_empty()).then_some(Share::Tenants(missing))
            }
            Owns::Cell(epoch) => (self.cell != Some(*epoch)).then_some(Share::Cell(*epoch)),
        }
    }
}

#[cfg(test)]
mod tests;
