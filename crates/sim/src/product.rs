//! The product that a world releases: an API, an admin component on another path, and a worker where the scenario has one.

mod filed;
mod hotfix;
mod people;
mod plant;

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::event::MigrationsSet;
use tidegate_domain::id::{
    ChangeId, ComponentName, DatabaseName, Digest, PlaybookName, ServiceName, StepName, TenantName, Version, WaveName,
};
use tidegate_domain::plan::{FORMAT, Plan, PlannedTenant, PlannedWave, Schedule};
use tidegate_domain::policy::{Canary, Downtime, GateUse, HealthPolicy, Manual, Policy, WavePolicy, WhileInFlight};
use tidegate_domain::release::{
    AfterStep, Artifact, ComponentKind, ComponentRelease, Configuration, DataStep, DataStepKind, Definition, Drain,
    JobTerms, Readiness, ReadinessCheck, Release, ReleaseKind, Secrets,
};
use tidegate_domain::service::{Member, MigrationState, Place, Service};
use tidegate_domain::time::Duration;

pub use self::filed::Filed;
pub use self::people::{PEOPLE, roles};
use crate::script::{self, Script};

pub const PREPARE_WITHIN: Duration = Duration::from_secs(120);
pub const SWITCH_WITHIN: Duration = Duration::from_secs(60);
pub const JUDGED_EVERY: Duration = Duration::from_secs(10);
pub const DRAIN: Drain = Drain {
    requests: Duration::from_secs(10),
    streams: Duration::from_secs(60),
};

/// Of releases that work on data in it.
const DOWNTIME: Downtime = Downtime {
    longest: Duration::from_secs(300),
    overrun: Duration::from_secs(300),
    undo: Duration::from_secs(120),
    announce: Duration::from_secs(60),
};

pub fn service() -> ServiceName {
    ServiceName::new("loyalty").expect("a name")
}

pub fn api() -> ComponentName {
    ComponentName::new("api").expect("a name")
}

pub fn ledger() -> ComponentName {
    ComponentName::new("ledger").expect("a name")
}

/// The name of a wave by its place.
pub fn wave_name(index: usize) -> WaveName {
    WaveName::new(&format!("w{}", index + 1)).expect("a name")
}

/// What a person who plans `version` now would apply. The worlds have no files; the plan follows from the scenario and
/// from where the tenants are.
pub fn plan(script: &Script, version: &Version, state: &Service) -> Option<Plan> {
    let wanted = script.releases.get(version)?;
    let how = while_in_flight(script, version, state);
    if hotfix::is_in_vain(script, version, state) {
        return None;
    }
    let mut free: BTreeMap<TenantName, PlannedTenant> = BTreeMap::new();
    if state.seats.is_empty() && state.runs.is_empty() {
        for (tenant, cell) in &script.tenants {
            let planned = PlannedTenant {
                cell: cell.clone(),
                from: None,
                replaces: None,
                because: "it is there".into(),
            };
            free.insert(tenant.clone(), planned);
        }
    }
    for (tenant, seat) in &state.seats {
        let planned = PlannedTenant {
            cell: seat.cell.clone(),
            from: will_be_on(state, tenant, how).or(seat.version.as_ref()).cloned(),
            replaces: None,
            because: "it is there".into(),
        };
        free.insert(tenant.clone(), planned);
    }
    free.retain(|_, planned| planned.from.as_ref() != Some(version));
    if let Some(fixed) = &wanted.hotfix {
        free.retain(|tenant, _| state.seats.get(tenant).and_then(|seat| seat.version.as_ref()) == Some(fixed));
        free.values_mut().for_each(|planned| planned.from = Some(fixed.clone()));
    }
    if hotfix::is_lost(script, version, free.values()) {
        return None;
    }
    let last = wanted.waves.len() - 1;
    let mut waves = Vec::new();
    for (index, names) in wanted.waves.iter().enumerate() {
        let tenants = if index == last {
            std::mem::take(&mut free)
        } else {
            names.iter().filter_map(|name| free.remove_entry(name)).collect()
        };
        waves.push(PlannedWave {
            name: wave_name(index),
            policy: wave_policy(wanted),
            starts: BTreeMap::new(),
            tenants,
        });
    }
    if in_downtime(wanted) && is_apart(&waves) {
        return None;
    }
    Some(Plan {
        format: FORMAT,
        service: service(),
        release: release(script, version),
        policy: policy(wanted, how),
        schedule: Schedule::default(),
        waves,
        skipped: BTreeMap::new(),
        left_behind: BTreeMap::new(),
    })
}

/// All tenants of a cell are out of service together for it.
fn in_downtime(wanted: &script::Release) -> bool {
    wanted.steps.contains_key(&DataStepKind::DuringDowntime)
}

/// A cell has tenants in two waves.
fn is_apart(waves: &[PlannedWave]) -> bool {
    let mut seen = BTreeSet::new();
    waves.iter().any(|wave| {
        let cells: BTreeSet<_> = wave.tenants.values().map(|tenant| &tenant.cell).collect();
        cells.into_iter().any(|cell| !seen.insert(cell))
    })
}

/// As the scenario says; but work on data is never skipped.
fn while_in_flight(script: &Script, version: &Version, state: &Service) -> WhileInFlight {
    let earlier = state.runs.iter().filter(|run| !run.phase.has_ended());
    let works = |version: &Version| script.releases.get(version).is_some_and(|it| !it.steps.is_empty());
    // Nor is the first release that somebody gets: there is nothing to go back to.
    let is_first = earlier
        .clone()
        .any(|run| run.members().any(|(_, member)| member.from.is_none()));
    let mut all = earlier.map(|run| &run.version).chain([version]);
    match script.releases[version].while_in_flight {
        WhileInFlight::Supersede if is_first || all.any(works) => WhileInFlight::Queue,
        WhileInFlight::Parallel if all.any(|it| script.releases.get(it).is_some_and(in_downtime)) => {
            WhileInFlight::Queue
        }
        how @ (WhileInFlight::Queue | WhileInFlight::Supersede | WhileInFlight::Parallel) => how,
    }
}

/// Where the releases in flight will have brought a tenant.
fn will_be_on<'a>(state: &'a Service, tenant: &TenantName, how: WhileInFlight) -> Option<&'a Version> {
    let (fixes, others): (Vec<_>, Vec<_>) = state.runs.iter().rev().partition(|run| run.hotfix.is_some());
    let runs = others.into_iter().chain(fixes).filter(|run| !run.phase.has_ended());
    let moves = |member: &Member| match member.place {
        Place::Waiting => how != WhileInFlight::Supersede,
        Place::Moved { .. } => true,
        Place::Returning { .. } | Place::Returned { .. } | Place::Left { .. } | Place::Superseded { .. } => false,
    };
    let mut moving = runs.filter(|run| run.members().any(|(name, member)| name == tenant && moves(member)));
    moving.next().map(|run| &run.version)
}

fn policy(wanted: &script::Release, how: WhileInFlight) -> Policy {
    Policy {
        playbook: PlaybookName::new("simulated").expect("a name"),
        prepare_within: PREPARE_WITHIN,
        switch_within: SWITCH_WITHIN,
        rollback_window: wanted.rollback_window,
        on_failure: wanted.on_failure,
        on_inconclusive: wanted.on_inconclusive,
        on_unmigrated: None,
        health: HealthPolicy {
            alpha: 0.01,
            false_alarms_per_day: 0.01,
            margin: 1.5,
            error_margin_percent: 1.0,
            error_ceiling_percent: 5.0,
            latency_quantile: 0.95,
            latency_ratio: 1.5,
            latency_slack: Duration::from_millis(50),
            interval: JUDGED_EVERY,
        },
        emergency: None,
        downtime: in_downtime(wanted).then_some(DOWNTIME),
        reservations: None,
        while_in_flight: how,
        // No scenario has more releases than that: what it is for is tried with planned ones.
        max_versions: 9,
        patch_every: None,
    }
}

/// The name of a gate by its place.
pub fn gate_name(place: u8) -> String {
    format!("gate-{place}")
}

/// One that asks people has the name of its place too.
fn gate(wanted: &script::Release, place: u8) -> GateUse {
    let rule = wanted.gate_rules.get(&place).copied().unwrap_or_default();
    let question = |expires: Duration| {
        let who = serde_json::json!({"roles": ["approver"]});
        serde_json::json!({"question": "may it go on?", "who": who, "expires": expires})
    };
    let gate = match rule.asks_for {
        Some(expires) => GateUse::new(Manual::NAME, question(expires)),
        None => GateUse::new(&gate_name(place), serde_json::Value::Null),
    };
    GateUse {
        name: rule.asks_for.and_then(|_| gate_name(place).parse().ok()),
        on_no_data: rule.on_no_data,
        on_inconclusive: rule.on_inconclusive,
        dry_run: rule.dry_run,
        ..gate
    }
}

fn wave_policy(wanted: &script::Release) -> WavePolicy {
    WavePolicy {
        max_parallel: wanted.parallel,
        canary: wanted.canary.map(|(least, longest)| Canary {
            least,
            longest,
            requests: 20,
            warm_up: Duration::from_secs(5),
            ..Canary::default()
        }),
        bake: wanted.bake,
        gap: wanted.gap.into(),
        gates: (0..wanted.gates).map(|place| gate(wanted, place)).collect(),
        validation: None,
    }
}

fn release(script: &Script, version: &Version) -> Release {
    let http = |path: &str| ComponentKind::Http {
        host: None,
        path: path.to_owned(),
    };
    let older = unchanged_since(script, version);
    let mut components = BTreeMap::from([
        (api(), component(http("/"), version, "api")),
        (
            ComponentName::new("admin").expect("a name"),
            component(http("/admin"), older, "admin"),
        ),
    ]);
    if let Some(ownership) = script.worker {
        let worker = component(ComponentKind::Worker { ownership }, older, "ledger");
        components.insert(ledger(), worker);
    }
    if let Some(job) = script.job {
        let mut tally = component(ComponentKind::Job, version, "tally");
        tally.definition.job = job.terms();
        components.insert(ComponentName::new("tally").expect("a name"), tally);
    }
    Release {
        version: version.clone(),
        kind: ReleaseKind::Scheduled,
        commits: hotfix::commits(script, version),
        components,
        environments: BTreeMap::new(),
        summary: None,
        reason: None,
        tickets: BTreeSet::new(),
        documentation: Vec::new(),
        changes: Vec::new(),
        reversible: script.releases[version].reversible,
        patches: None,
        hotfix: script.releases[version].hotfix.clone(),
        includes: hotfix::includes(script, version),
        together: script.releases[version].together.clone(),
        downtime: in_downtime(&script.releases[version]).then_some(DOWNTIME.longest),
        time_zones: BTreeMap::new(),
        steps: script.releases[version]
            .steps
            .iter()
            .map(|it| step(it, script.releases[version].for_good))
            .collect(),
    }
}

/// What is said of tenants and the one change that breaks somebody.
pub fn migrations(state: MigrationState, tenants: BTreeSet<TenantName>) -> MigrationsSet {
    MigrationsSet {
        change: ChangeId::new("loud").expect("a name"),
        tenants,
        state,
        owner: None,
        deadline: None,
    }
}

/// Called as its kind is, on the one database there is.
fn step((kind, rollback): (&DataStepKind, &AfterStep), for_good: bool) -> DataStep {
    DataStep {
        name: StepName::new(kind.as_str()).expect("a name"),
        kind: *kind,
        component: api(),
        database: DatabaseName::new("main").expect("a name"),
        command: vec!["{artifact}".to_owned(), kind.as_str().to_owned()],
        undo: match kind {
            DataStepKind::DuringDowntime if for_good => Vec::new(),
            DataStepKind::Expand | DataStepKind::DuringDowntime => vec!["{artifact}".to_owned(), "undo".to_owned()],
            DataStepKind::Migrate | DataStepKind::Contract => Vec::new(),
        },
        timeout: match kind {
            DataStepKind::DuringDowntime => Duration::from_secs(60),
            DataStepKind::Expand | DataStepKind::Migrate | DataStepKind::Contract => Duration::from_secs(600),
        },
        cells: BTreeSet::new(),
        rollback: *rollback,
    }
}

/// The version whose other components this one keeps.
fn unchanged_since<'a>(script: &'a Script, version: &'a Version) -> &'a Version {
    let mut since = version;
    while script.releases[since].only_api {
        match script.releases.range(..since.clone()).next_back() {
            Some((before, _)) => since = before,
            None => break,
        }
    }
    since
}

fn component(kind: ComponentKind, version: &Version, name: &str) -> ComponentRelease {
    ComponentRelease {
        definition: Definition {
            kind,
            command: vec!["{artifact}".to_owned()],
            environment: BTreeMap::new(),
            requires: BTreeSet::new(),
            instances: 1,
            ready: Readiness {
                check: ReadinessCheck::Started,
                within: Duration::from_secs(30),
            },
            stop_grace: Duration::from_secs(5),
            drain: DRAIN,
            after: BTreeSet::new(),
            memory_bytes: None,
            job: JobTerms::default(),
        },
        artifact: Artifact {
            digest: Digest::of(format!("{name} {version}").as_bytes()),
            path: format!("dist/{name}"),
        },
        configuration: Configuration::default(),
        secrets: Secrets::default(),
    }
}
