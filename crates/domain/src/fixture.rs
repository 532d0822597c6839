//! A small shop for tests: two cells, six tenants, two waves; and a world of drivers and gateways that do as they are told.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::desired::{Desired, desired};
use crate::event::{Event, EventKind, Judgement, Verdict};
use crate::files::{Source, read_project, read_release};
use crate::id::{Actor, CellName, ComponentName, Digest, TenantName, Version, WaveName};
use crate::journal::Entry;
use crate::observed::{CellReport, CellReports, GatewayReport, Instance, SlotState};
use crate::plan::{FoundArtifact, Plan, PlanInput, PlanReport, plan};
use crate::service::Service;
use crate::step::{Refused, Step, step};
use crate::time::{Duration, Timestamp};

const SERVICE: &str = "
service: shop
playbook: two-waves
cells: [{name: eu}, {name: us}]
gateway: {tenant_from: [{header: x-tenant}]}
components:
  - {name: api, command: ['{artifact}', '{port}'], instances: 2}
  - {name: ledger, kind: worker, ownership: tenant, command: ['{artifact}']}
";
const TENANTS: &str = "
tenants:
  - {id: acme, cell: eu, opt_in: true}
  - {id: bolt, cell: eu}
  - {id: cato, cell: eu}
  - {id: dune, cell: us, opt_in: true}
  - {id: echo, cell: us}
  - {id: flux, cell: us}
";
pub const PLAYBOOK: &str = "
name: two-waves
waves:
  - {name: first, select: {opt_in: true}, bake: {least: 10m, longest: 1h, requests: 100}}
  - {name: rest, select: {rest: true}, gap: 1h, max_parallel: {tenants: 3}, bake: {least: 10m, longest: 1h, requests: 100}}
rollback_window: 2h
";

/// What a test changes of the shop.
pub struct Shop {
    pub service: String,
    pub playbook: String,
    pub tenants: String,
    /// Files of changes, by the names of these.
    pub changes: BTreeMap<String, String>,
    pub state: Service,
    pub now: Timestamp,
    pub journal: Vec<Entry>,
    pub last: Option<Step>,
    /// Slots that never come up, by a part of their id.
    pub broken: Vec<String>,
    /// Gateways hear of new tables.
    pub gateways_follow: bool,
}

pub fn version(text: &str) -> Version {
    Version::new(text).unwrap()
}

pub fn tenant(text: &str) -> TenantName {
    TenantName::new(text).unwrap()
}

pub fn shop() -> Shop {
    Shop {
        service: SERVICE.to_owned(),
        playbook: PLAYBOOK.to_owned(),
        tenants: TENANTS.to_owned(),
        changes: BTreeMap::new(),
        state: Service::new("shop".parse().unwrap()),
        now: Timestamp(1_800_000_000_000),
        journal: Vec::new(),
        last: None,
        broken: Vec::new(),
        gateways_follow: true,
    }
}

/// A shop whose tenants all run 1.0.0.
pub fn installed() -> Shop {
    let mut shop = shop();
    shop.apply("1.0.0");
    shop.settle();
    assert!(shop.on("1.0.0").len() == 6, "{:?}", shop.state.seats);
    shop
}

fn source(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

impl Shop {
    pub fn input(&self, version: &str, more: &str) -> PlanInput {
        let mut sources = vec![
            source("tidegate.yaml", &self.service),
            source("tenants.yaml", &self.tenants),
            source("playbooks/two-waves.yaml", &self.playbook),
        ];
        let changes = self.changes.iter();
        sources.extend(changes.map(|(name, text)| source(&format!("changes/{name}.md"), text)));
        let (project, problems) = read_project(&sources);
        let project = project.unwrap_or_else(|| panic!("{problems:?}"));
        let names: Vec<&str> = project
            .service
            .components
            .iter()
            .map(|part| part.name.as_str())
            .collect();
        let listed: Vec<String> = names
            .iter()
            .map(|name| format!("{name}: {{artifact: {name}}}"))
            .collect();
        let text = format!("version: {version}\ncomponents: {{{}}}\n{more}", listed.join(", "));
        let (release, problems) = read_release(&source("release.yaml", &text), &project);
        let release = release.unwrap_or_else(|| panic!("{problems:?}"));
        let found = |name: &str| {
            let digest = Ok(Digest::of(format!("{name} {version}").as_bytes()));
            (
                ComponentName::new(name).unwrap(),
                FoundArtifact {
                    path: format!("/{name}"),
                    digest,
                },
            )
        };
        let artifacts = names.into_iter().map(found).collect();
        PlanInput {
            project,
            release,
            artifacts,
            state: self.state.clone(),
            now: self.now,
            profile: None,
        }
    }

    pub fn plan(&self, version: &str) -> (Option<Plan>, PlanReport) {
        plan(&self.input(version, ""))
    }

    pub fn apply(&mut self, version: &str) {
        self.apply_with(version, "");
    }

    pub fn apply_with(&mut self, version: &str, more: &str) {
        let (plan, report) = plan(&self.input(version, more));
        let plan = plan.unwrap_or_else(|| panic!("{:?}", report.problems));
        self.take(apply(plan)).unwrap();
    }

    /// Applies a plan that a test has changed.
    pub fn apply_changed(&mut self, version: &str, change: impl FnOnce(&mut Plan)) {
        let (plan, report) = self.plan(version);
        let mut plan = plan.unwrap_or_else(|| panic!("{:?}", report.problems));
        change(&mut plan);
        self.take(apply(plan)).unwrap();
    }

    pub fn take(&mut self, kind: EventKind) -> Result<(), Refused> {
        self.take_from("ada", kind)
    }

    /// In the name of somebody.
    pub fn take_from(&mut self, person: &str, kind: EventKind) -> Result<(), Refused> {
        let reason = Some("a test asks for it".to_owned());
        let event = Event {
            actor: Actor::principal(person),
            reason,
            kind,
        };
        let mut step = step(&self.state, &[event], self.now);
        self.state = step.state.clone();
        self.journal.append(&mut step.journal);
        let refused = step.refused[0].clone();
        self.last = Some(step);
        refused.map_or(Ok(()), Err)
    }

    /// Lets drivers and gateways do what is desired until nothing changes.
    pub fn settle(&mut self) {
        for _ in 0..100 {
            let before = self.state.clone();
            self.observe();
            if self.state == before {
                return;
            }
        }
        panic!(
            "the world does not settle: {:?}",
            self.last.as_ref().map(|step| &step.waiting)
        );
    }

    pub fn observe(&mut self) {
        self.take(self.observation()).unwrap();
    }

    /// What drivers and gateways see where they have done all that is desired.
    pub fn observation(&self) -> EventKind {
        let desired = desired(&self.state);
        let confirmed = if self.gateways_follow {
            desired.generation
        } else {
            self.state.routing.confirmed
        };
        let gateways = GatewayReport {
            confirmed: Some(confirmed),
            ..GatewayReport::default()
        };
        let cells = self.cells(&desired);
        EventKind::Observed { cells, gateways }
    }

    fn cells(&self, desired: &Desired) -> CellReports {
        let address: SocketAddr = "127.0.0.1:9000".parse().unwrap();
        let mut reports = BTreeMap::new();
        for (name, cell) in &desired.cells {
            let mut report = CellReport {
                generation: desired.generation,
                ownership: desired.generation,
                ..CellReport::default()
            };
            for id in cell.slots.keys() {
                let broken = self.broken.iter().any(|part| id.as_str().contains(part));
                let ready = vec![Instance {
                    id: "0".to_owned(),
                    address,
                }];
                let state = if broken {
                    SlotState::Failed {
                        reason: "it ends with 1".to_owned(),
                        ready: Vec::new(),
                    }
                } else {
                    SlotState::Ready { ready }
                };
                report.slots.insert(id.clone(), state);
            }
            reports.insert(name.clone(), report);
        }
        reports
    }

    pub fn judge(&mut self, release: &str, wave: &str, verdict: Verdict, requests: u64) {
        let version = version(release);
        let wave = WaveName::new(wave).unwrap();
        let run = self.state.run(&version).unwrap();
        let attempt = run.waves.iter().find(|w| w.name == wave).unwrap().attempt;
        let reason = format!("{} over {requests} requests", verdict.in_words());
        let judgement = Judgement {
            verdict,
            reason,
            needs: None,
            requests,
            culprits: BTreeMap::new(),
        };
        self.take(EventKind::Judged {
            version,
            wave,
            attempt,
            judgement,
        })
        .unwrap();
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.observe();
        self.settle();
    }

    /// Through both waves, everything well.
    pub fn complete(&mut self, release: &str) {
        self.settle();
        self.judge(release, "first", Verdict::Pass, 500);
        self.pass(Duration::from_secs(600));
        self.pass(Duration::from_hours(1));
        self.judge(release, "rest", Verdict::Pass, 500);
        self.pass(Duration::from_secs(600));
    }

    pub fn on(&self, release: &str) -> Vec<&str> {
        let here = |seat: &crate::service::Seat| seat.version.as_ref().is_some_and(|v| v.as_str() == release);
        self.state
            .seats
            .iter()
            .filter(|(_, seat)| here(seat))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    pub fn slots(&self, cell: &str) -> Vec<String> {
        let cell = &self.state.cells[&CellName::new(cell).unwrap()];
        cell.slots
            .values()
            .map(|slot| format!("{} {} {:?}", slot.component, slot.version, slot.phase))
            .collect()
    }

    pub fn phase(&self, release: &str) -> &'static str {
        self.state.run(&version(release)).unwrap().phase.in_words()
    }

    pub fn waiting(&self) -> String {
        let waiting = self.last.iter().flat_map(|step| &step.waiting);
        waiting.map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }
}

pub fn apply(plan: Plan) -> EventKind {
    EventKind::Apply {
        plan: Box::new(plan),
        author: None,
    }
}
