//! What is written down of a gateway process.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tidegate_gateway::protocol::Follow;
use tidegate_store::{Fact, FactChange};

pub const KIND: &str = "gateway";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    pub gateway: String,
    pub incarnation: String,
    pub listening: Vec<SocketAddr>,
}

impl Registered {
    pub fn of(call: &Follow) -> Self {
        Self {
            gateway: call.gateway.clone(),
            incarnation: call.incarnation.clone(),
            listening: call.listening.clone(),
        }
    }

    pub fn read(fact: &Fact) -> Option<Self> {
        serde_json::from_str(&fact.body).ok()
    }

    pub fn put(&self) -> FactChange {
        FactChange::Put(Fact {
            kind: KIND.to_owned(),
            key: self.key(),
            body: serde_json::to_string(self).expect("it has text keys only"),
        })
    }

    pub fn delete(&self) -> FactChange {
        FactChange::Delete {
            kind: KIND.to_owned(),
            key: self.key(),
        }
    }

    fn key(&self) -> String {
        format!("{}/{}", self.gateway, self.incarnation)
    }
}
