//! The planner: files, facts and the time in, a plan and its report out. Set-based: every tenant is looked at once a wave.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::report::{PlanReport, Problem, Rollback, WaveReport};
use super::{FORMAT, LeftBehind, Plan, PlannedTenant, PlannedWave, content};
use crate::files::{Conditions, PlaybookFile, Project, ReleaseFile, Tenant};
use crate::id::{CellName, ComponentName, Digest, TenantName, Version, WaveName};
use crate::policy::{Bake, HealthPolicy, Parallel, Policy, WavePolicy};
use crate::release::{Release, Reversible};
use crate::service::{Place, RunPhase, Service};
use crate::time::{Duration, Timestamp};

/// All that a plan is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanInput {
    pub project: Project,
    pub release: ReleaseFile,
    /// The artifacts of the listed components, as they were found.
    pub artifacts: BTreeMap<ComponentName, FoundArtifact>,
    /// Where every tenant is.
    pub state: Service,
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundArtifact {
    /// Absolute.
    pub path: String,
    /// Of the file's content, or why it could not be read.
    pub digest: Result<Digest, String>,
}

/// A tenant as files and facts together say.
struct Candidate<'a> {
    name: &'a TenantName,
    cell: &'a CellName,
    from: Option<Version>,
    declared: Option<&'a Tenant>,
    /// Its place in the lot that percentages draw.
    lot: Digest,
}

/// Expands the release for every tenant. There is a plan exactly when no problem blocks.
pub fn plan(input: &PlanInput) -> (Option<Plan>, PlanReport) {
    let mut report = PlanReport {
        generation: input.state.routing.generation,
        ..PlanReport::default()
    };
    let state = &input.state;
    if state.name != input.project.service.service {
        report.problems.push(Problem::blocks(
            format!(
                "the server runs service `{}`, tidegate.yaml describes `{}`",
                state.name, input.project.service.service
            ),
            "plan in the directory of the service that the server runs",
        ));
    }
    let last = state.runs.iter().rev().find(|run| !run.phase.has_ended());
    report.after = last
        .map(|run| run.version.clone())
        .filter(|version| *version != input.release.version);
    let base = content::base_version(state);
    let release = content::release(
        input,
        base.and_then(|base| state.pinned.get(&base)),
        &mut report.problems,
    );
    if let Some(conflict) = version_conflict(input, &release) {
        // Tenants may be on that version already: what else could be said of them would only confuse.
        report.problems.push(conflict);
        return (None, report);
    }
    let Some(playbook) = input.project.playbooks.get(&input.project.service.playbook) else {
        report.problems.push(Problem::blocks(
            format!("there is no playbook `{}`", input.project.service.playbook),
            "add it to `playbooks/`, or name another in tidegate.yaml",
        ));
        return (None, report);
    };
    let (candidates, mut left_behind) = candidates(input, &mut report.problems);
    let first_install = !candidates.is_empty() && candidates.iter().all(|candidate| candidate.from.is_none());
    let waves = if first_install {
        vec![install_wave(playbook, &candidates)]
    } else {
        let (waves, rest) = waves(playbook, &candidates, &mut report.problems);
        left_behind.extend(rest);
        waves
    };
    if waves.is_empty() {
        report.problems.push(Problem::blocks(
            "no tenant would move".to_owned(),
            "see that tenants.yaml lists tenants and that a wave of the playbook selects them",
        ));
    }
    report.waves = describe(&waves, &release, input.now);
    let plan = Plan {
        format: FORMAT,
        service: state.name.clone(),
        release,
        policy: policy(playbook),
        waves,
        left_behind,
    };
    let blocked = report.blocked();
    ((!blocked).then_some(plan), report)
}

/// One version is one release.
fn version_conflict(input: &PlanInput, release: &Release) -> Option<Problem> {
    let pinned = input.state.pinned.get(&release.version)?;
    let ended = input.state.run(&release.version).is_none_or(|run| {
        matches!(run.phase, RunPhase::RolledBack { .. } | RunPhase::Aborted { .. }) && !run.holds_tenants()
    });
    (pinned != release && !ended).then(|| {
        Problem::blocks(
            format!("version {} was released with other content", release.version),
            "give this release a version of its own",
        )
    })
}

/// Every tenant that files or facts know, with the version it will be on when this release begins.
fn candidates<'a>(
    input: &'a PlanInput,
    problems: &mut Vec<Problem>,
) -> (Vec<Candidate<'a>>, BTreeMap<TenantName, LeftBehind>) {
    let declared: BTreeMap<&TenantName, &Tenant> = input.project.tenants.tenants.iter().map(|t| (&t.id, t)).collect();
    let seats = &input.state.seats;
    let names: BTreeSet<&TenantName> = declared.keys().copied().chain(seats.keys()).collect();
    let moves_to = in_flight_targets(&input.state);
    let mut newest: BTreeMap<&CellName, Option<Version>> = BTreeMap::new();
    let mut candidates = Vec::new();
    let mut left = BTreeMap::new();
    for name in names {
        let (file, seat) = (declared.get(name).copied(), seats.get(name));
        let Some(cell) = seat.map(|seat| &seat.cell).or(file.map(|file| &file.cell)) else {
            continue;
        };
        if let Some(file) = file.filter(|file| file.cell != *cell) {
            problems.push(Problem::blocks(
                format!(
                    "tenant `{name}` lives in cell `{cell}`, tenants.yaml says `{}`",
                    file.cell
                ),
                "a release does not change a tenant's cell: correct tenants.yaml",
            ));
        }
        let from = match (moves_to.get(name), seat) {
            (Some(version), _) => Some((*version).clone()),
            (None, Some(seat)) => seat.version.clone(),
            (None, None) => newest
                .entry(cell)
                .or_insert_with(|| input.state.newest_confirmed(cell))
                .clone(),
        };
        if from.as_ref() == Some(&input.release.version) {
            let because = "it is on this version already".to_owned();
            left.insert(
                name.clone(),
                LeftBehind {
                    cell: cell.clone(),
                    on: from,
                    because,
                },
            );
            continue;
        }
        let lot = Digest::of(format!("{}\n{name}", input.release.version).as_bytes());
        candidates.push(Candidate {
            name,
            cell,
            from,
            declared: file,
            lot,
        });
    }
    (candidates, left)
}

/// Where the releases in flight will have brought their tenants.
fn in_flight_targets(state: &Service) -> BTreeMap<&TenantName, &Version> {
    let mut targets = BTreeMap::new();
    for run in state.runs.iter().filter(|run| !run.phase.has_ended()) {
        for (tenant, member) in run.members() {
            match member.place {
                Place::Waiting | Place::Moved { .. } => {
                    targets.insert(tenant, &run.version);
                }
                Place::Returning { .. } | Place::Returned { .. } | Place::Left { .. } => {}
            }
        }
    }
    targets
}

/// Nobody runs anything yet: one wave, nothing to compare with, nothing to go back to.
fn install_wave(playbook: &PlaybookFile, candidates: &[Candidate<'_>]) -> PlannedWave {
    let bake = Bake {
        least: Duration::ZERO,
        longest: Duration::ZERO,
        requests: 0,
    };
    let gates = playbook
        .waves
        .first()
        .map(|wave| wave.gates.clone())
        .unwrap_or_default();
    let because = "nobody runs a version yet".to_owned();
    PlannedWave {
        name: WaveName::new("install").expect("a literal of the right shape"),
        policy: WavePolicy {
            max_parallel: Parallel::default(),
            bake,
            gap: Duration::ZERO,
            gates,
        },
        tenants: candidates
            .iter()
            .map(|candidate| candidate.planned(because.clone()))
            .collect(),
    }
}

/// A tenant moves with the first wave that selects it.
fn waves(
    playbook: &PlaybookFile,
    candidates: &[Candidate<'_>],
    problems: &mut Vec<Problem>,
) -> (Vec<PlannedWave>, BTreeMap<TenantName, LeftBehind>) {
    let mut taken = vec![false; candidates.len()];
    let mut waves = Vec::new();
    for wave in &playbook.waves {
        let mut tenants = BTreeMap::new();
        for conditions in &wave.select.0 {
            let because = in_words(conditions);
            for index in selected(conditions, candidates, &taken) {
                taken[index] = true;
                tenants.extend([candidates[index].planned(because.clone())]);
            }
        }
        if tenants.is_empty() {
            problems.push(Problem::warns(
                format!(
                    "wave `{}` selects no tenant that is not in an earlier wave; it is left out",
                    wave.name
                ),
                format!("see its `select` in playbook `{}`", playbook.name),
            ));
            continue;
        }
        let policy = WavePolicy {
            max_parallel: wave.max_parallel,
            bake: wave.bake,
            gap: wave.gap,
            gates: wave.gates.clone(),
        };
        waves.push(PlannedWave {
            name: wave.name.clone(),
            policy,
            tenants,
        });
    }
    let rest = candidates.iter().zip(&taken).filter(|(_, taken)| !**taken);
    let left = rest.map(|(candidate, _)| {
        let because = "no wave selects it".to_owned();
        (
            candidate.name.clone(),
            LeftBehind {
                cell: candidate.cell.clone(),
                on: candidate.from.clone(),
                because,
            },
        )
    });
    (waves, left.collect())
}

/// The indices of the candidates that all conditions hold for and that no earlier wave has taken.
fn selected(conditions: &Conditions, candidates: &[Candidate<'_>], taken: &[bool]) -> Vec<usize> {
    let mut pool: Vec<usize> = (0..candidates.len())
        .filter(|&index| candidates[index].fits(conditions))
        .collect();
    if let Some(percentage) = conditions.percentage {
        // A share of all that the other conditions select, so that 10 %, then 50 %, then the rest means what it says.
        let share = (pool.len() * usize::from(percentage)).div_ceil(100);
        pool.sort_by(|&a, &b| candidates[a].lot.cmp(&candidates[b].lot));
        pool.truncate(share);
    }
    pool.retain(|&index| !taken[index]);
    pool
}

impl Candidate<'_> {
    fn planned(&self, because: String) -> (TenantName, PlannedTenant) {
        (
            self.name.clone(),
            PlannedTenant {
                cell: self.cell.clone(),
                from: self.from.clone(),
                because,
            },
        )
    }

    /// Everything but the percentage and `rest`, which look at more than one tenant.
    fn fits(&self, conditions: &Conditions) -> bool {
        let has = |label: &_, value: &_| {
            self.declared
                .is_some_and(|tenant| tenant.labels.get(label).is_some_and(|own| own == value))
        };
        let opted_in = self.declared.is_some_and(|tenant| tenant.opt_in);
        conditions.labels.iter().all(|(label, value)| has(label, value))
            && conditions.opt_in.is_none_or(|wanted| wanted == opted_in)
            && conditions.cell.as_ref().is_none_or(|cell| cell == self.cell)
            && conditions
                .tenants
                .as_ref()
                .is_none_or(|tenants| tenants.contains(self.name))
    }
}

fn in_words(conditions: &Conditions) -> String {
    let mut words: Vec<String> = conditions
        .labels
        .iter()
        .map(|(label, value)| format!("label {}={}", label.as_str(), value.as_str()))
        .collect();
    match conditions.opt_in {
        Some(true) => words.push("opted in".to_owned()),
        Some(false) => words.push("has not opted in".to_owned()),
        None => {}
    }
    words.extend(conditions.cell.as_ref().map(|cell| format!("cell {cell}")));
    words.extend(conditions.tenants.as_ref().map(|_| "named in the playbook".to_owned()));
    words.extend(conditions.percentage.map(|percentage| format!("{percentage} % by lot")));
    words.extend(conditions.rest.map(|_| "the rest".to_owned()));
    words.join(", ")
}

fn policy(playbook: &PlaybookFile) -> Policy {
    let health = &playbook.health;
    Policy {
        playbook: playbook.name.clone(),
        prepare_within: playbook.prepare_within,
        switch_within: playbook.switch_within,
        rollback_window: playbook.rollback_window,
        on_failure: playbook.on_failure,
        on_inconclusive: playbook.on_inconclusive,
        health: HealthPolicy {
            error_margin_percent: health.errors.margin_percent,
            error_ceiling_percent: health.errors.ceiling_percent,
            latency_quantile: health.latency.quantile,
            latency_ratio: health.latency.ratio,
            latency_slack: Duration::from_millis(health.latency.slack_ms),
            interval: health.interval,
        },
    }
}

fn describe(waves: &[PlannedWave], release: &Release, now: Timestamp) -> Vec<WaveReport> {
    let mut at = now;
    let mut reports: Vec<WaveReport> = Vec::new();
    for wave in waves {
        let mut from: BTreeMap<String, usize> = BTreeMap::new();
        for tenant in wave.tenants.values() {
            *from
                .entry(tenant.from.as_ref().map_or("-".to_owned(), ToString::to_string))
                .or_default() += 1;
        }
        let because = match reports.last() {
            None => "at once: it is the first wave".to_owned(),
            Some(before) if wave.policy.gap.is_zero() => format!("when wave {} is confirmed", before.wave),
            Some(before) => format!("{} after wave {} is confirmed", wave.policy.gap, before.wave),
        };
        if !reports.is_empty() {
            at = at + wave.policy.gap;
        }
        let rollback = match release.reversible {
            _ if wave.tenants.values().all(|tenant| tenant.from.is_none()) => Rollback::NothingBefore,
            Reversible::Always => Rollback::Clean,
            Reversible::Until(stage) => Rollback::Until(stage.as_str().to_owned()),
        };
        reports.push(WaveReport {
            wave: wave.name.clone(),
            tenants: wave.tenants.len(),
            cells: wave.tenants.values().map(|tenant| tenant.cell.clone()).collect(),
            from,
            not_before: at,
            because,
            least_bake: wave.policy.bake.least,
            rollback,
        });
        at = at + wave.policy.bake.least;
    }
    reports
}
