//! The process driver: slots as processes of this machine.
//!
//! Every instance has a directory, and every directory a lock that lives exactly as long as something runs there (see
//! [`shim`]). That lock is the truth: a driver made anew looks at the locks and goes on with what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_domain::desired::CellDesired;
use tidegate_domain::effect::EffectId;
use tidegate_domain::id::{CellName, Digest, SlotId};
use tidegate_domain::observed::{CellReport, Instance};
use tidegate_domain::release::Artifact;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::artifacts::Artifacts;
use self::cell::Wish;
use self::memory::Memory;
use self::ports::Ports;
use super::{Disturbance, Disturbing, Driver, Obtaining, OlderGeneration, Once, RunningOnce};

mod after;
pub mod artifacts;
mod cell;
mod instance;
mod launch;
mod life;
mod listener;
mod lock;
mod loopback;
mod memory;
mod once;
mod ownership;
mod pid;
mod ports;
mod readiness;
mod record;
mod secrets;
pub mod shim;

pub use self::record::LogLimits;
pub use self::secrets::reveal;

/// The only variables of the server's environment that an instance gets: never a token, never a database's address.
const INHERITED_VARIABLES: &[&str] = &["PATH", "HOME", "LANG", "TZ"];

/// Runs slots as processes under `root`. Needs a tokio runtime; dropping it leaves every process running.
#[derive(Debug)]
pub struct ProcessDriver {
    shared: Arc<Shared>,
    cells: Mutex<BTreeMap<CellName, Cell>>,
    changes: watch::Sender<u64>,
    leave_unnamed: AtomicBool,
    /// Held against a second driver on the same root.
    _lock: File,
}

/// How a [`ProcessDriver`] behaves. The defaults are for production; tests are in more of a hurry.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where instances listen. Below the range that the kernel gives to outgoing connections, which would take them.
    pub ports: RangeInclusive<u16>,
    /// Instances of a cell that may be starting at the same time.
    pub starting_max: usize,
    /// The same for cells with a limit of their own.
    pub starting_max_of: BTreeMap<CellName, usize>,
    /// From one look at a ready instance to the next.
    pub probe_interval: Duration,
    /// A probe that has no answer by then has failed.
    pub probe_timeout: Duration,
    /// Probes in a row that fail until an instance counts as not ready.
    pub probe_failures_unready: u32,
    /// Probes in a row that fail until an instance is replaced, one of a slot at a time.
    pub probe_failures_replace: u32,
    /// Lives in a row that may end badly until the slot counts as failed. It is tried again all the same.
    pub bad_lives_max: u32,
    /// The pause after a bad life, doubled with each in a row.
    pub back_off: RangeInclusive<Duration>,
    /// An instance that was ready for so long is past its starting trouble.
    pub stable_after: Duration,
    /// How long a worker may take to finish what it hands over, before its successor is told to begin.
    pub hand_over_max: Duration,
    pub log: LogLimits,
    /// Directories of stopped slots kept in a cell, for their logs.
    pub stopped_slots_kept: usize,
    /// A file that somebody holds locked: when its holder ends, in whatever way, every instance stops.
    pub lease: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum ProcessDriverError {
    #[error("cannot use `{}` for the state of instances", root.display())]
    Root {
        root: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another process drives the instances in `{}`", .0.display())]
    InUse(PathBuf),
}

/// What all instances of a driver share.
#[derive(Debug)]
struct Shared {
    layout: Layout,
    executable: PathBuf,
    options: Options,
    artifacts: Artifacts,
    ports: Ports,
    memory: Memory,
}

/// Where things lie.
#[derive(Debug, Clone)]
struct Layout {
    root: PathBuf,
}

#[derive(Debug)]
struct Cell {
    wish: watch::Sender<Option<Arc<Wish>>>,
    report: watch::Receiver<CellReport>,
    task: AbortHandle,
}

impl Options {
    fn starting_max_in(&self, cell: &CellName) -> usize {
        self.starting_max_of.get(cell).copied().unwrap_or(self.starting_max)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: 20_000..=32_000,
            starting_max: 4,
            starting_max_of: BTreeMap::new(),
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_secs(2),
            probe_failures_unready: 3,
            probe_failures_replace: 10,
            bad_lives_max: 3,
            back_off: Duration::from_millis(500)..=Duration::from_secs(30),
            stable_after: Duration::from_secs(10),
            hand_over_max: Duration::from_secs(10),
            log: LogLimits {
                file_bytes_max: 10 * 1024 * 1024,
                rotated_max: 4,
            },
            stopped_slots_kept: 10,
            lease: None,
        }
    }
}

impl ProcessDriver {
    /// Keeps its state under `root`, and starts shims by running `executable shim ...`.
    pub fn new(root: &Path, executable: PathBuf, options: Options) -> Result<Self, ProcessDriverError> {
        let failed = |source| ProcessDriverError::Root {
            root: root.to_owned(),
            source,
        };
        record::create_directory(root).map_err(failed)?;
        // Shims run elsewhere, so what they are told must mean the same everywhere.
        let root = fs::canonicalize(root).map_err(failed)?;
        let lock = lock_root(&root)?;
        let mut options = options;
        if let Some(lease) = &mut options.lease {
            *lease = std::path::absolute(&*lease).map_err(failed)?;
        }
        let layout = Layout { root };
        let shared = Shared {
            executable,
            artifacts: Artifacts::new(layout.artifacts()),
            ports: Ports::new(options.ports.clone()),
            memory: Memory::default(),
            options,
            layout,
        };
        Ok(Self {
            shared: Arc::new(shared),
            cells: Mutex::default(),
            changes: watch::Sender::new(0),
            leave_unnamed: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// Stops all that runs under the root, each cell in the order of its components, and says what that was. For a driver
    /// that was made for this alone.
    pub async fn stop_all(&self) -> Vec<(CellName, SlotId)> {
        let cells = self.shared.layout.cells();
        let mut stopped = Vec::new();
        for cell in &cells {
            // Refused only by a driver that was given a later wish, which stands.
            let _ = self.reconcile(cell, u64::MAX, &CellDesired::default());
            let slots = self.observe(cell).slots.into_keys();
            stopped.extend(slots.map(|slot| (cell.clone(), slot)));
        }
        let none_left = |_: &u64| cells.iter().all(|cell| self.observe(cell).slots.is_empty());
        // Fails only where the driver is gone.
        let _ = self.changes().wait_for(none_left).await;
        stopped
    }

    fn open_cell(&self, cell: &CellName) -> Cell {
        let (wish, wishes) = watch::channel(None);
        let (reports, report) = watch::channel(CellReport::default());
        let task = cell::Supervisor::new(
            Arc::clone(&self.shared),
            cell.clone(),
            wishes,
            reports,
            self.changes.clone(),
        );
        let task = tokio::spawn(task.run()).abort_handle();
        Cell { wish, report, task }
    }
}

impl Driver for ProcessDriver {
    fn reconcile(&self, cell: &CellName, generation: u64, desired: &CellDesired) -> Result<(), OlderGeneration> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cells.entry(cell.clone()).or_insert_with(|| self.open_cell(cell));
        let current = known.wish.borrow().as_ref().map_or(0, |wish| wish.generation);
        if generation < current {
            return Err(OlderGeneration {
                cell: cell.clone(),
                offered: generation,
                current,
            });
        }
        let wish = Wish::new(generation, desired, self.leave_unnamed.load(Ordering::SeqCst));
        known.wish.send_if_modified(|held| {
            let new = held.as_deref() != Some(&wish);
            if new {
                *held = Some(Arc::new(wish));
            }
            new
        });
        Ok(())
    }

    fn observe(&self, cell: &CellName) -> CellReport {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells
            .get(cell)
            .map(|known| known.report.borrow().clone())
            .unwrap_or_default()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn obtain<'a>(&'a self, artifact: &'a Artifact) -> Obtaining<'a> {
        Box::pin(async move { self.shared.artifacts.obtain(artifact).await.map(drop) })
    }

    fn artifact(&self, digest: &Digest) -> Option<PathBuf> {
        Some(self.shared.artifacts.path(digest)).filter(|path| path.exists())
    }

    fn run_once<'a>(&'a self, id: &'a EffectId, task: Once<'a>) -> RunningOnce<'a> {
        Box::pin(once::run(&self.shared, id, task))
    }

    fn disturb<'a>(
        &'a self,
        cell: &'a CellName,
        slot: &'a SlotId,
        of: &'a Instance,
        how: Disturbance,
    ) -> Disturbing<'a> {
        Box::pin(async move {
            let index = of.id.parse().map_err(|_| format!("`{}` is no instance", of.id))?;
            let directory = self.shared.layout.instance(cell, slot, index);
            life::disturb(&directory, how).await.map_err(|error| in_words(&error))
        })
    }

    fn running(&self) -> BTreeMap<CellName, BTreeMap<SlotId, usize>> {
        let layout = &self.shared.layout;
        let cells = layout.cells().into_iter();
        let running = cells.map(|name| {
            let mut slots: BTreeMap<SlotId, usize> = BTreeMap::new();
            for found in cell::running(&layout.cell(&name)) {
                *slots.entry(found).or_default() += 1;
            }
            (name, slots)
        });
        running.filter(|(_, slots)| !slots.is_empty()).collect()
    }

    fn leave_unnamed(&self, leave: bool) {
        self.leave_unnamed.store(leave, Ordering::SeqCst);
    }

    fn keep_artifacts(&self, digests: &BTreeSet<Digest>) {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keep = BTreeSet::new();
        for wish in cells.values().filter_map(|cell| cell.wish.borrow().clone()) {
            keep.extend(wish.slots.values().map(|slot| slot.spec.artifact.digest.clone()));
        }
        keep.extend(digests.iter().cloned());
        let paths = keep.iter().map(|digest| self.shared.artifacts.path(digest));
        self.shared.artifacts.collect(&paths.collect());
    }
}

impl Drop for ProcessDriver {
    fn drop(&mut self) {
        let cells = self.cells.get_mut().unwrap_or_else(PoisonError::into_inner);
        for cell in cells.values() {
            cell.task.abort();
        }
    }
}

impl Layout {
    fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Where a command is run once. The number of the attempt at its end makes the name its own.
    fn once(&self, id: &EffectId) -> record::InstanceDirectory {
        // The many runs of jobs do not displace what the few steps have printed.
        let folder = if id.kind() == Some("job") { "jobs" } else { "steps" };
        record::InstanceDirectory::new(self.root.join(folder).join(id.as_str().replace('/', ".")))
    }

    fn cell(&self, cell: &CellName) -> PathBuf {
        self.root.join("cells").join(cell.as_str())
    }

    /// Those that anything was ever started in.
    fn cells(&self) -> Vec<CellName> {
        let folders = fs::read_dir(self.root.join("cells")).into_iter().flatten().flatten();
        folders
            .filter_map(|folder| folder.file_name().to_str()?.parse().ok())
            .collect()
    }

    fn slot(&self, cell: &CellName, slot: &SlotId) -> PathBuf {
        self.cell(cell).join(slot.as_str())
    }

    fn instance(&self, cell: &CellName, slot: &SlotId, index: u16) -> record::InstanceDirectory {
        record::InstanceDirectory::new(self.slot(cell, slot).join(index.to_string()))
    }
}

/// The last `count` lines that an instance wrote, oldest first. Needs no driver, and works for stopped slots as long as
/// their directory is kept.
pub fn logs(root: &Path, cell: &CellName, slot: &SlotId, instance: u16, count: usize) -> io::Result<Vec<String>> {
    // A slot's name comes from whoever asks here, and must not lead elsewhere.
    if slot.as_str().starts_with('.') || slot.as_str().contains('/') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{slot}` is not a slot"),
        ));
    }
    let layout = Layout { root: root.to_owned() };
    shim::log::last_lines(&layout.instance(cell, slot, instance).log(), count)
}

/// The last `count` lines that a command wrote which was run once, oldest first.
pub fn once_logs(root: &Path, id: &EffectId, count: usize) -> io::Result<Vec<String>> {
    let layout = Layout { root: root.to_owned() };
    shim::log::last_lines(&layout.once(id).log(), count)
}

/// Takes the root for this driver. A driver that has just ended may have left its lock to a process it was starting, which
/// lets go of it as it begins.
fn lock_root(root: &Path) -> Result<File, ProcessDriverError> {
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(10);
    let failed = |source| ProcessDriverError::Root {
        root: root.to_owned(),
        source,
    };
    let lock = File::create(root.join("driver.lock")).map_err(failed)?;
    for _ in 0..TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(ProcessDriverError::InUse(root.to_owned()))
}

/// Those of the named variables that this process has.
fn variables_of(names: &'static [&'static str]) -> impl Iterator<Item = (&'static str, OsString)> {
    names.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)))
}

/// An error with all its causes, for people.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
