//! Drivers make the desired slots of a cell run, and tell what they see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::pin::Pin;

use tidegate_domain::desired::CellDesired;
use tidegate_domain::effect::EffectId;
use tidegate_domain::event::Judgement;
use tidegate_domain::id::{CellName, Digest, SlotId};
use tidegate_domain::observed::{CellReport, Instance};
use tidegate_domain::release::Artifact;
use tokio::sync::watch;

use self::process::artifacts::ArtifactError;

mod once;
pub mod process;

pub use self::once::Once;

/// What [`Driver::obtain`] answers.
pub type Obtaining<'a> = Pin<Box<dyn Future<Output = Result<(), ArtifactError>> + Send + 'a>>;

/// What [`Driver::run_once`] answers.
pub type RunningOnce<'a> = Pin<Box<dyn Future<Output = Judgement> + Send + 'a>>;

/// What [`Driver::disturb`] answers.
pub type Disturbing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// How a life of an instance is ended on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// As every stop: politely, and after its grace firmly.
    Restart,
    /// At once, as by the kernel when memory is short.
    Kill,
}

/// The border between deciding what runs and making it run.
///
/// Level-triggered: a driver is told how a cell shall be, as often as one likes, and works towards it by itself until it
/// is told otherwise. It keeps no truth of its own: made anew, it finds what runs and goes on.
pub trait Driver: Send + Sync {
    /// Takes `desired` as the wish for `cell` and returns at once. The same wish twice changes nothing; an empty one
    /// stops everything in the cell.
    fn reconcile(&self, cell: &CellName, generation: u64, desired: &CellDesired) -> Result<(), OlderGeneration>;

    /// What was seen last in `cell`; empty as long as no wish was given for it.
    fn observe(&self, cell: &CellName) -> CellReport;

    /// Counts the changes of what [`Driver::observe`] answers, in any cell: who waits on it learns of readiness within
    /// milliseconds.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Makes sure that `artifact` is what its digest says, and that it can be run whatever becomes of the file later.
    fn obtain<'a>(&'a self, artifact: &'a Artifact) -> Obtaining<'a>;

    /// Where the copy of an artifact is, once it was obtained.
    fn artifact(&self, _: &Digest) -> Option<PathBuf> {
        None
    }

    /// Runs a command to its end, and says how it ended. Asked again with the same id, by whatever server, it waits
    /// for what it has begun, or tells how that had ended: the command is begun again only where its end cannot be known,
    /// because the machine went down with it.
    fn run_once<'a>(&'a self, id: &'a EffectId, task: Once<'a>) -> RunningOnce<'a>;

    /// Ends the life of an instance on purpose, and returns when it is over. The driver brings the instance back as after any other end.
    fn disturb<'a>(&'a self, _: &'a CellName, _: &'a SlotId, _: &'a Instance, _: Disturbance) -> Disturbing<'a> {
        Box::pin(async { Err("this driver cannot end a single instance".to_owned()) })
    }

    /// The slots that run, with how many instances each, whether they were wished for or not. Only looks.
    fn running(&self) -> BTreeMap<CellName, BTreeMap<SlotId, usize>>;

    /// Whether slots that no wish names are left running, where they were found. Counts for wishes given from here on.
    fn leave_unnamed(&self, leave: bool);

    /// Artifacts to keep although no slot uses them now, so that going back needs no file of long ago. Others may be
    /// deleted from here on.
    fn keep_artifacts(&self, digests: &BTreeSet<Digest>);
}

/// A wish that a newer one has replaced already.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("generation {offered} for cell `{cell}` is older than {current}, which is being made so")]
pub struct OlderGeneration {
    pub cell: CellName,
    pub offered: u64,
    pub current: u64,
}
