//! A scenario: everything that happens to a world, line by line. What a seed makes up is written down as one first, so that
//! a run depends on its scenario alone and a failing one can be kept, cut down and replayed. `docs/simulation.md` has the
//! language.

mod print;
mod read;

use std::collections::BTreeMap;

use tidegate_domain::event::{Scope, Verdict};
use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_domain::policy::{Bake, OnFailure, OnInconclusive, Parallel};
use tidegate_domain::release::{Ownership, Reversible};
use tidegate_domain::service::{Selection, Waived};
use tidegate_domain::time::Duration;

use crate::boundary::Boundary;

pub use read::Unreadable;

#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    pub cells: Vec<CellName>,
    /// Those that exist from the start.
    pub tenants: BTreeMap<TenantName, CellName>,
    pub gateways: Vec<String>,
    /// How the worker shares its work; `None`: the product has no worker.
    pub worker: Option<Ownership>,
    pub releases: BTreeMap<Version, Release>,
    /// In order of time.
    pub actions: Vec<(Duration, Action)>,
}

/// What can be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Tenants by wave; the last wave takes who is in none.
    pub waves: Vec<Vec<TenantName>>,
    pub bake: Bake,
    pub gap: Duration,
    pub gates: u8,
    pub parallel: Parallel,
    pub on_failure: OnFailure,
    pub on_inconclusive: OnInconclusive,
    pub reversible: Reversible,
    pub rollback_window: Duration,
    /// How many people have to agree.
    pub approvals: u32,
    /// How long before its start every tenant has to be told.
    pub notice: Option<Duration>,
    /// Every other tenant is moved in windows of its own.
    pub windows: bool,
    /// The `admin` component and the worker are the same as those of the release before.
    pub only_api: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Person(Command),
    /// Applies the same plan again: nothing may change.
    ApplyAgain(Version),
    /// Rolls everything back in a copy of the world: where it is possible, every tenant must be back in the end.
    TryRollBack(Version),
    /// How the release does from now on; the tenants that it hurts, all where none is named.
    Health(Version, Verdict, Vec<TenantName>),
    /// How its gates end from now on.
    Gate(Version, GateMood),
    Slots(Version, CellName, SlotMood),
    Gateway(String, GatewayMood),
    /// A request that takes long.
    Long(TenantName, Duration),
    /// The worker processes of a version in a cell are stopped where they stand, or go on.
    Freeze(Version, CellName),
    Thaw(Version, CellName),
    /// The server's clock jumps, in milliseconds.
    Clock(i64),
    /// The server dies, or repeats itself, when it next comes to this boundary.
    Fault(Boundary),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Apply(Version),
    Hold(Version, Option<Duration>),
    Resume(Version),
    Promote(Version),
    Abort(Version),
    RollBack(Version, Scope),
    Add(TenantName, CellName),
    Remove(TenantName),
    /// In the name of somebody.
    Approve(Version, String),
    Reject(Version, String),
    /// Says that every notice of the release was sent.
    Notify(Version),
    Waive(Version, Waived, Duration),
    Freeze(Selection, Option<Duration>),
    /// Lifts every freeze.
    Unfreeze,
    OptIn(TenantName),
    OptOut(TenantName),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateMood {
    Ends(Verdict),
    /// Cannot be run for half a minute, then passes.
    Retried,
    /// Cannot be run at all.
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotMood {
    /// Starting takes this long.
    Takes(Duration),
    /// What starts does not get ready.
    Fails,
    /// What runs dies and starts again.
    Crashes,
    /// What failed or crashed comes up.
    Heals,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayMood {
    /// Serves on and is not heard.
    Lapses,
    Returns,
    /// Another incarnation takes over from the persisted table.
    Restarts,
    /// Ends in order.
    Leaves,
    /// A new one comes, without a table.
    Joins,
    /// Takes this long to take a table.
    Takes(Duration),
}

impl Script {
    /// Puts the actions in the order of their time; those of one moment stay as they are.
    pub fn sort(&mut self) {
        self.actions.sort_by_key(|(at, _)| at.as_millis());
    }
}

#[cfg(test)]
mod tests;
