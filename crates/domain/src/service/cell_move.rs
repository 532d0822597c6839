//! A tenant on its way from one cell to another.

use serde::{Deserialize, Serialize};

use super::Seat;
use crate::id::{Actor, CellName};
use crate::time::Timestamp;

/// Where a tenant moves to, who asked for it, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellMove {
    pub to: CellName,
    pub stage: MoveStage,
    pub since: Timestamp,
    pub by: Actor,
    pub reason: String,
    /// It stays closed in the new cell until a person opens it: somebody copies its data meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MoveStage {
    /// Served where it was, while the new cell gets what it runs.
    Preparing,
    /// Nobody serves it and no worker works for it, from this generation on; what is in flight ends.
    Closed { generation: u64, since: Timestamp },
    /// In the new cell, and closed until a person opens it.
    Arrived { since: Timestamp },
}

/// Why no request of a tenant is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closed {
    /// A person has suspended it.
    Suspended,
    /// It moves to another cell.
    Moving,
}

impl MoveStage {
    /// No request of the tenant is served.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        match self {
            Self::Preparing => false,
            Self::Closed { .. } | Self::Arrived { .. } => true,
        }
    }

    /// The tenant has not left its cell yet.
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        match self {
            Self::Preparing | Self::Closed { .. } => true,
            Self::Arrived { .. } => false,
        }
    }

    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Closed { .. } => "closed",
            Self::Arrived { .. } => "arrived",
        }
    }
}

impl Seat {
    /// A place where nothing is under way.
    #[must_use]
    pub const fn new(cell: CellName, version: Option<crate::id::Version>, epoch: u64) -> Self {
        Self {
            cell,
            version,
            before: None,
            epoch,
            moving: None,
            suspended: false,
            starting: false,
        }
    }

    /// Where it moves to, while it has not left yet.
    #[must_use]
    pub fn leaves_for(&self) -> Option<&CellName> {
        let moving = self.moving.as_ref().filter(|moving| moving.stage.is_leaving());
        moving.map(|moving| &moving.to)
    }

    /// It lives in the cell, or is on its way there.
    #[must_use]
    pub fn belongs_to(&self, cell: &CellName) -> bool {
        self.cell == *cell || self.leaves_for() == Some(cell)
    }

    /// No worker works for it: its data may be on their way.
    #[must_use]
    pub fn is_closed_for_move(&self) -> bool {
        self.moving.as_ref().is_some_and(|moving| moving.stage.is_closed())
    }

    /// Why none of its requests is served. Who is suspended stays so in whatever cell.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        if self.suspended {
            Some(Closed::Suspended)
        } else {
            self.is_closed_for_move().then_some(Closed::Moving)
        }
    }
}
