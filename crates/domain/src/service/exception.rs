//! What people decided at run time about when tenants may be moved: freezes, waivers, and who wants to be first.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Seat, Service};
use crate::id::{Actor, CellName, TenantName};
use crate::time::Timestamp;

/// Whom a decision is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    Everybody,
    Cells(BTreeSet<CellName>),
    Tenants(BTreeSet<TenantName>),
}

/// Nobody of the selection is moved forward from `from` on, whatever their windows say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    pub of: Selection,
    pub from: Timestamp,
    /// `None`: until a person lifts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    pub by: Actor,
    pub reason: String,
    pub at: Timestamp,
}

/// A person let a release move tenants without what they would have to wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    pub of: Waived,
    pub tenants: Selection,
    /// It counts for no longer than this.
    pub until: Timestamp,
    pub by: Actor,
    pub reason: String,
    pub at: Timestamp,
}

/// What a waiver lets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waived {
    /// Notices need not be proven, nor have run their length.
    Notice,
    /// Windows need not be open. Freezes that were put on after the waiver count all the same.
    Window,
    /// Customers need not have reported that an earlier wave works for them.
    Validation,
    /// Tenants need not have migrated.
    Migration,
}

/// Whether a tenant wants to be among the first, said at run time: beats what its file says, from the next plan on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub opt_in: bool,
    pub by: Actor,
    pub at: Timestamp,
}

impl Waived {
    pub const ALL: [Self; 4] = [Self::Notice, Self::Window, Self::Validation, Self::Migration];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Window => "window",
            Self::Validation => "validation",
            Self::Migration => "migration",
        }
    }

    /// By its word.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|waived| waived.as_str() == text)
    }
}

impl Selection {
    #[must_use]
    pub fn holds(&self, tenant: &TenantName, cell: &CellName) -> bool {
        match self {
            Self::Everybody => true,
            Self::Cells(cells) => cells.contains(cell),
            Self::Tenants(tenants) => tenants.contains(tenant),
        }
    }

    #[must_use]
    pub fn in_words(&self) -> String {
        let names = |names: Vec<&str>| names.join(", ");
        match self {
            Self::Everybody => "everybody".to_owned(),
            Self::Cells(cells) => format!("cell {}", names(cells.iter().map(CellName::as_str).collect())),
            Self::Tenants(tenants) => format!("tenant {}", names(tenants.iter().map(TenantName::as_str).collect())),
        }
    }
}

impl Service {
    /// The freeze that keeps the tenant where it is now: of several the one that lasts longest. Those put on before windows
    /// were `waived` for it keep it no more.
    #[must_use]
    pub fn frozen(
        &self,
        (tenant, seat): (&TenantName, &Seat),
        now: Timestamp,
        waived: Option<Timestamp>,
    ) -> Option<(u32, &Freeze)> {
        let counts = |freeze: &Freeze| {
            freeze.from <= now
                && freeze.until.is_none_or(|until| now < until)
                && freeze.of.holds(tenant, &seat.cell)
                && waived.is_none_or(|waived| waived < freeze.at)
        };
        let frozen = self.freezes.iter().filter(|(_, freeze)| counts(freeze));
        let frozen = frozen.max_by_key(|(_, freeze)| freeze.until.map_or(i64::MAX, |until| until.0));
        frozen.map(|(number, freeze)| (*number, freeze))
    }
}
