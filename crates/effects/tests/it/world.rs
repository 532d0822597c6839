//! A driver of its own, a component to run, and patience with a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tidegate_domain::desired::{CellDesired, Owns, SlotDesired, SlotPhase};
use tidegate_domain::id::{CellName, ComponentName, Digest, SlotId, Version};
use tidegate_domain::observed::{CellReport, SlotState};
use tidegate_domain::release::{Artifact, ComponentKind, Definition, Drain, Readiness, ReadinessCheck, SlotSpec};
use tidegate_domain::time::Duration as Span;
use tidegate_effects::drivers::Driver as _;
use tidegate_effects::drivers::process::{Options, ProcessDriver};
use tokio::time::timeout;

/// Far more than anything here takes, for machines that are busy.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct World {
    folder: TempDir,
    pub options: Options,
    driver: Option<ProcessDriver>,
    generation: u64,
    /// Whatever a test leaves running ends with it.
    lease: Option<File>,
}

/// The program that is the service and the shim. Where a filter names tests, cargo does not build it: one that is older
/// than what it is made of would prove nothing.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let folder = test.ancestors().nth(2).expect("the test lies in `deps`");
    let program = folder.join("examples/service");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = changed(&program);
    let newest = newest(&sources.join("src")).max(newest(&sources.join("examples")));
    assert!(
        built > newest,
        "`cargo build -p tidegate-effects --examples` makes `{}` anew",
        program.display()
    );
    program
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// When something under `folder` was changed last.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path());
    entries
        .map(|path| if path.is_dir() { newest(&path) } else { changed(&path) })
        .max()
        .flatten()
}

pub fn cell() -> CellName {
    "north".parse().expect("a name")
}

/// Options for tests: quick where production is patient.
fn options(lease: PathBuf) -> Options {
    Options {
        probe_interval: Duration::from_millis(50),
        probe_timeout: Duration::from_millis(500),
        back_off: Duration::from_millis(100)..=Duration::from_millis(400),
        hand_over_max: Duration::from_secs(1),
        lease: Some(lease),
        ..Options::default()
    }
}

pub fn slot(spec: &SlotSpec) -> (SlotId, SlotDesired) {
    let desired = SlotDesired {
        spec: spec.clone(),
        phase: SlotPhase::Run,
        instances: Vec::new(),
        owns: Owns::Nothing,
    };
    (spec.id(), desired)
}

/// A cell of exactly these slots.
pub fn cell_of(slots: &[(SlotId, SlotDesired)]) -> CellDesired {
    let mut versions: BTreeMap<Version, BTreeMap<ComponentName, SlotId>> = BTreeMap::new();
    for (id, slot) in slots {
        let version = versions.entry(slot.spec.version.clone()).or_default();
        version.insert(slot.spec.component.clone(), id.clone());
    }
    CellDesired {
        slots: slots.iter().cloned().collect(),
        versions,
        routes: BTreeMap::new(),
    }
}

impl World {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let lease_path = folder.path().join("lease");
        let lease = File::create(&lease_path).expect("a lease");
        lease.try_lock().expect("nobody else has it");
        Self {
            options: options(lease_path),
            folder,
            driver: None,
            generation: 0,
            lease: Some(lease),
        }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The driver, made when it is first needed.
    pub fn driver(&mut self) -> &ProcessDriver {
        let (root, options) = (self.root(), self.options.clone());
        self.driver
            .get_or_insert_with(|| ProcessDriver::new(&root, program(), options).expect("a driver"))
    }

    /// As when the server ends: nothing is told to anybody.
    pub fn drop_driver(&mut self) {
        self.driver = None;
    }

    pub fn drop_lease(&mut self) {
        self.lease = None;
    }

    /// A component whose artifact is a small text file.
    pub fn spec(&self, component: &str, version: &str) -> SlotSpec {
        let artifact = self.file(&format!("{component}-{version}"));
        fs::write(&artifact, format!("{component} {version}")).expect("the artifact is written");
        SlotSpec {
            component: component.parse().expect("a name"),
            cell: cell(),
            version: version.parse().expect("a version"),
            artifact: Artifact {
                digest: Digest::of(&fs::read(&artifact).expect("just written")),
                path: artifact.to_string_lossy().into_owned(),
            },
            definition: Definition {
                kind: ComponentKind::Http {
                    host: None,
                    path: "/".to_owned(),
                },
                command: vec![
                    program().to_string_lossy().into_owned(),
                    "serve".to_owned(),
                    "{artifact}".to_owned(),
                ],
                environment: BTreeMap::new(),
                requires: BTreeSet::new(),
                instances: 1,
                ready: Readiness {
                    check: ReadinessCheck::Path("/ready".to_owned()),
                    within: Span::from_secs(20),
                },
                stop_grace: Span::from_secs(5),
                drain: Drain {
                    requests: Span::from_secs(1),
                    streams: Span::from_secs(1),
                },
                after: BTreeSet::new(),
                memory_bytes: None,
                job: tidegate_domain::release::JobTerms::default(),
            },
            configuration: BTreeMap::new(),
            tenant_configuration: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }

    /// Wishes for exactly these slots, by the next generation.
    pub fn wish(&mut self, slots: &[(SlotId, SlotDesired)]) -> u64 {
        let desired = cell_of(slots);
        self.generation += 1;
        let generation = self.generation;
        self.driver()
            .reconcile(&cell(), generation, &desired)
            .expect("the newest generation");
        generation
    }

    /// Waits until `seen` finds in the report what it looks for.
    pub async fn until<T>(&mut self, what: &str, mut seen: impl FnMut(&CellReport) -> Option<T>) -> T {
        let driver = self.driver();
        let mut changes = driver.changes();
        let mut last = CellReport::default();
        let wait = async {
            loop {
                changes.borrow_and_update();
                last = driver.observe(&cell());
                match seen(&last) {
                    Some(found) => return found,
                    None => changes.changed().await.expect("the driver lives"),
                }
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => panic!("waited in vain for {what}; last seen: {last:#?}"),
        }
    }

    pub async fn until_ready(&mut self, id: &SlotId) {
        self.until("a ready slot", |report| report.slots.get(id)?.is_ready().then_some(()))
            .await;
    }

    /// The reason of a slot that has failed.
    pub async fn until_failed(&mut self, id: &SlotId) -> String {
        self.until_failed_with(id, "").await
    }

    /// The reason of a slot that has failed, once it has `words` in it.
    pub async fn until_failed_with(&mut self, id: &SlotId, words: &str) -> String {
        self.until("a failed slot", |report| match report.slots.get(id)? {
            SlotState::Failed { reason, .. } => reason.contains(words).then(|| reason.clone()),
            SlotState::Unknown | SlotState::Starting { .. } | SlotState::Ready { .. } | SlotState::Stopping => None,
        })
        .await
    }

    /// The reason of a slot that is starting, once it has `word` in it.
    pub async fn until_waiting(&mut self, id: &SlotId, word: &str) -> String {
        self.until(word, |report| match report.slots.get(id)? {
            SlotState::Starting { reason, .. } if reason.contains(word) => Some(reason.clone()),
            SlotState::Starting { .. } | SlotState::Unknown | SlotState::Ready { .. } => None,
            SlotState::Failed { .. } | SlotState::Stopping => None,
        })
        .await
    }

    pub async fn until_in_force(&mut self, generation: u64) {
        self.until("the ownership", |report| (report.ownership == generation).then_some(()))
            .await;
    }

    pub async fn until_gone(&mut self, id: &SlotId) {
        self.until("an empty place", |report| {
            (!report.slots.contains_key(id)).then_some(())
        })
        .await;
    }

    pub fn directory(&self, id: &SlotId, index: u16) -> PathBuf {
        self.root()
            .join("cells/north")
            .join(id.as_str())
            .join(index.to_string())
    }

    /// The port that the driver chose.
    pub fn port(&self, id: &SlotId, index: u16) -> u16 {
        let text = fs::read(self.directory(id, index).join("instance.json")).expect("something was started");
        let value: Value = serde_json::from_slice(&text).expect("JSON");
        u16::try_from(value["port"].as_u64().expect("a number")).expect("a port")
    }

    /// The child that runs in the directory, if one was started.
    pub fn running_child(&self, id: &SlotId, index: u16) -> Option<i32> {
        let text = fs::read(self.directory(id, index).join("process.json")).ok()?;
        let value: Value = serde_json::from_slice(&text).ok()?;
        i32::try_from(value["child"]["pid"].as_i64()?).ok()
    }

    /// What the shim wrote down of who runs in the directory.
    pub fn processes(&self, id: &SlotId, index: u16) -> Processes {
        let text = fs::read(self.directory(id, index).join("process.json")).expect("a process is written down");
        let value: Value = serde_json::from_slice(&text).expect("JSON");
        let pid = |who: &str| i32::try_from(value[who]["pid"].as_i64().expect("a number")).expect("a pid");
        Processes {
            shim: pid("shim"),
            child: pid("child"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processes {
    pub shim: i32,
    pub child: i32,
}

pub fn pid(number: i32) -> Pid {
    Pid::from_raw(number).expect("not zero")
}

pub fn kill(number: i32, signal: Signal) {
    kill_process(pid(number), signal).expect("the process is there");
}

/// Whether the process is there and runs: one that nobody has taken note of yet does not.
pub fn alive(number: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    test_kill_process(pid(number)).is_ok() && !state.contains(") Z ")
}

/// Waits for what no report tells.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let look = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, look).await.is_ok(), "waited in vain for {what}");
}

pub fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
