//! A small service for tests, and a driver and gateways that do as they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tidegate_domain::desired::CellDesired;
use tidegate_domain::effect::EffectId;
use tidegate_domain::event::{Event, EventKind, Judgement, Verdict};
use tidegate_domain::files::{Source, read_project, read_release};
use tidegate_domain::id::{Actor, CellName, ComponentName, Digest, ServiceName, SlotId, TenantName, Version};
use tidegate_domain::observed::{CellReport, Instance, SlotState};
use tidegate_domain::plan::{FoundArtifact, Plan, PlanInput, plan};
use tidegate_domain::release::Artifact;
use tidegate_domain::service::Service;
use tidegate_effects::drivers::process::artifacts::ArtifactError;
use tidegate_effects::drivers::{Driver, Obtaining, OlderGeneration, Once, RunningOnce};
use tidegate_gateway::protocol::{Confirmed, Follow};
use tokio::sync::watch;

use crate::clock;
use crate::control::{Control, View};

mod world;

pub use self::world::World;

const SERVICE: &str = "
service: shop
playbook: quick
cells: [{name: eu}, {name: us}]
gateway: {tenant_from: [{header: x-tenant}]}
components:
  - {name: api, command: ['{artifact}', '{port}']}
  - {name: admin, match: {path: /admin}, command: ['{artifact}', '{port}'], drain: {requests: 1s, streams: 2s}}
  - {name: ledger, kind: worker, command: ['{artifact}']}
";

pub fn service() -> ServiceName {
    ServiceName::new("shop").unwrap()
}

pub fn version(text: &str) -> Version {
    Version::new(text).unwrap()
}

pub fn tenant(text: &str) -> TenantName {
    TenantName::new(text).unwrap()
}

pub fn cell(text: &str) -> CellName {
    CellName::new(text).unwrap()
}

/// Half of the tenants live in `eu`, half in `us`; `bake` is of the only wave.
pub fn planned(state: &Service, release: &str, tenants: usize, bake: &str) -> Plan {
    let source = |path: &str, text: String| Source {
        path: path.to_owned(),
        text,
    };
    let each = (0..tenants).map(|n| format!("  - {{id: t{n}, cell: {}}}\n", ["eu", "us"][n % 2]));
    let playbook = format!(
        "name: quick\nrollback_window: 0s\nhealth: {{interval: 100ms}}\nwaves: [{{name: all, select: {{rest: true}}, bake: {bake}}}]"
    );
    let sources = [
        source("tidegate.yaml", SERVICE.to_owned()),
        source("tenants.yaml", format!("tenants:\n{}", each.collect::<String>())),
        source("playbooks/quick.yaml", playbook),
    ];
    let (project, problems) = read_project(&sources);
    let project = project.unwrap_or_else(|| panic!("{problems:?}"));
    let text = format!(
        "version: {release}\ncomponents: {{api: {{artifact: api}}, admin: {{artifact: admin}}, ledger: {{artifact: ledger}}}}"
    );
    let (file, problems) = read_release(&source("release.yaml", text), &project);
    let file = file.unwrap_or_else(|| panic!("{problems:?}"));
    let artifact = |name: &str| {
        let found = FoundArtifact {
            path: format!("/{name}"),
            digest: Ok(Digest::of(format!("{name} {release}").as_bytes())),
        };
        (ComponentName::new(name).unwrap(), found)
    };
    let input = PlanInput {
        profile: None,
        project,
        release: file,
        artifacts: ["api", "admin", "ledger"].map(artifact).into(),
        state: state.clone(),
        now: clock::now(),
    };
    let (plan, report) = plan(&input);
    plan.unwrap_or_else(|| panic!("{:?}", report.problems))
}

pub fn event(kind: EventKind) -> Event {
    Event {
        actor: Actor::principal("ada"),
        reason: Some("a test asks for it".to_owned()),
        kind,
    }
}

/// Waits until what is shown is as expected; a test that waits in vain shows what it saw last.
pub async fn shows(control: &Control, expected: impl Fn(&View) -> bool) {
    let mut changes = control.changes();
    let seen = tokio::time::timeout(Duration::from_secs(20), changes.wait_for(|view| expected(view))).await;
    assert!(matches!(seen, Ok(Ok(_))), "{:#?}", control.view().waiting);
}

/// A call of a gateway that has confirmed `generation` of the memory store.
pub fn follow(gateway: &str, incarnation: &str, generation: Option<u64>, in_flight: &[(&SlotId, u64)]) -> Follow {
    Follow {
        gateway: gateway.to_owned(),
        incarnation: incarnation.to_owned(),
        listening: vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
        confirmed: generation.map(|generation| Confirmed {
            epoch: "memory".to_owned(),
            generation,
        }),
        persist_micros: 0,
        in_flight: in_flight
            .iter()
            .map(|(slot, count)| (slot.as_str().into(), *count))
            .collect(),
        refused: None,
        lingering: false,
        leaving: false,
        wait_ms: 0,
        routes: None,
    }
}

/// Makes everything so at once, unless it is told to be slow.
#[derive(Debug)]
pub struct FakeDriver {
    wishes: Mutex<BTreeMap<CellName, (u64, CellDesired)>>,
    changes: watch::Sender<u64>,
    /// Slots of this version are said to be starting.
    slow: Mutex<Option<Version>>,
    /// Every artifact is another than was planned.
    changed: Mutex<bool>,
    /// What runs although nobody has wished for it.
    pub running: Mutex<BTreeMap<CellName, BTreeMap<SlotId, usize>>>,
    pub leaves_unnamed: Mutex<bool>,
}

impl FakeDriver {
    pub fn new() -> Self {
        Self {
            wishes: Mutex::default(),
            changes: watch::Sender::new(0),
            slow: Mutex::default(),
            changed: Mutex::default(),
            running: Mutex::default(),
            leaves_unnamed: Mutex::default(),
        }
    }

    pub fn find_artifacts_changed(&self, changed: bool) {
        *self.changed.lock().unwrap() = changed;
    }

    pub fn be_slow_with(&self, version: Option<Version>) {
        *self.slow.lock().unwrap() = version;
        self.changes.send_modify(|count| *count += 1);
    }

    /// Waits until the wishes are as expected.
    pub async fn wishes_for(&self, expected: impl Fn(&BTreeMap<CellName, (u64, CellDesired)>) -> bool) {
        let mut changes = self.changes.subscribe();
        let seen = tokio::time::timeout(Duration::from_secs(20), changes.wait_for(|_| expected(&self.wishes()))).await;
        assert!(seen.is_ok(), "{:?}", self.wishes());
    }

    pub fn wishes(&self) -> MutexGuard<'_, BTreeMap<CellName, (u64, CellDesired)>> {
        self.wishes.lock().unwrap()
    }
}

impl Driver for FakeDriver {
    fn obtain<'a>(&'a self, artifact: &'a Artifact) -> Obtaining<'a> {
        let changed = *self.changed.lock().unwrap();
        let error = changed.then(|| ArtifactError::Changed {
            path: artifact.path.clone().into(),
            expected: artifact.digest.clone(),
            found: Digest::of(b"changed"),
        });
        Box::pin(async move { error.map_or(Ok(()), Err) })
    }

    fn run_once<'a>(&'a self, _: &'a EffectId, task: Once<'a>) -> RunningOnce<'a> {
        let judgement = Judgement::new(Verdict::Pass, format!("{} is done", task.spec().component));
        Box::pin(async move { judgement })
    }

    fn reconcile(&self, cell: &CellName, generation: u64, desired: &CellDesired) -> Result<(), OlderGeneration> {
        let before = self.wishes().insert(cell.clone(), (generation, desired.clone()));
        if let Some((current, _)) = before
            && generation < current
        {
            let (cell, offered) = (cell.clone(), generation);
            return Err(OlderGeneration { cell, offered, current });
        }
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    fn observe(&self, cell: &CellName) -> CellReport {
        let slow = self.slow.lock().unwrap().clone();
        let wishes = self.wishes();
        let Some((generation, desired)) = wishes.get(cell) else {
            return CellReport::default();
        };
        let states = desired.slots.iter().map(|(id, slot)| {
            let address = SocketAddr::from(([127, 0, 0, 1], 9000));
            let ready = vec![Instance {
                id: "0".to_owned(),
                address,
            }];
            let state = if Some(&slot.spec.version) == slow.as_ref() {
                SlotState::Starting {
                    reason: "slow".to_owned(),
                    ready: Vec::new(),
                }
            } else {
                SlotState::Ready { ready }
            };
            (id.clone(), state)
        });
        CellReport {
            generation: *generation,
            slots: states.collect(),
            ownership: *generation,
        }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn running(&self) -> BTreeMap<CellName, BTreeMap<SlotId, usize>> {
        self.running.lock().unwrap().clone()
    }

    fn leave_unnamed(&self, leave: bool) {
        *self.leaves_unnamed.lock().unwrap() = leave;
    }

    fn keep_artifacts(&self, _: &BTreeSet<Digest>) {}
}
