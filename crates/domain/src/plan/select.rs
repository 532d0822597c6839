//! Who moves in which wave: every tenant is looked at once a wave.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::build::PlanInput;
use super::report::{About, Problem, ProblemKind};
use super::{LeftBehind, PlannedTenant, PlannedWave, hotfix};
use crate::files::{Conditions, Environment, PlaybookFile, Project, ReleaseFile, Tenant, Wave};
use crate::id::{CellName, Digest, TenantName, Version, WaveName};
use crate::policy::{Bake, Gap, GateUse, OnlyWhen, Parallel, WavePolicy, WhileInFlight};
use crate::service::{Place, Run, RunPhase, Service};
use crate::time::Duration;

/// A tenant as files and facts together say.
pub(super) struct Candidate<'a> {
    name: &'a TenantName,
    cell: &'a CellName,
    environment: Environment,
    pub(super) from: Option<Version>,
    /// The patched release, where the tenant is on that.
    replaces: Option<Version>,
    declared: Option<&'a Tenant>,
    /// What was said at run time beats the file.
    opted_in: bool,
}

/// Every tenant that files or facts know, with the version it will be on when this release begins.
pub(super) fn candidates<'a>(
    input: &'a PlanInput,
    how: WhileInFlight,
    declared: &BTreeMap<&'a TenantName, &'a Tenant>,
    problems: &mut Vec<Problem>,
) -> (Vec<Candidate<'a>>, BTreeMap<TenantName, LeftBehind>) {
    let seats = &input.state.seats;
    let broken = &input.project.broken;
    let names = declared.keys().copied().chain(broken.keys()).chain(seats.keys());
    let names: BTreeSet<&TenantName> = names.collect();
    let expected = expected(&input.state, how, input.release.patches.as_ref());
    let mut newest: BTreeMap<&CellName, Option<Version>> = BTreeMap::new();
    let mut candidates = Vec::new();
    let mut left = BTreeMap::new();
    for name in names {
        let (file, seat) = (declared.get(name).copied(), seats.get(name));
        let mistake = broken.get(name);
        let written = file.map(|file| &file.cell).or(mistake.map(|broken| &broken.cell));
        let Some(cell) = seat.map(|seat| &seat.cell).or(written) else {
            continue;
        };
        // Either is right while it is on its way.
        let to = seat.and_then(|seat| seat.leaves_for());
        if let Some(file) = file.filter(|file| file.cell != *cell && Some(&file.cell) != to) {
            problems.push(
                Problem::blocks(
                    ProblemKind::OtherCell,
                    format!(
                        "tenant `{name}` lives in cell `{cell}`, tenants.yaml says `{}`",
                        file.cell
                    ),
                    format!("a release does not change a tenant's cell: correct tenants.yaml, or `tidegate tenants move {name} --cell {} --reason …` first", file.cell),
                )
                .about(About::Tenant(name.clone())),
            );
        }
        let Expected { from, replaces } = match (expected.get(name), seat) {
            // Where releases in flight will bring it makes no difference to a hot-fix: they wait for it.
            _ if input.release.hotfix.is_some() => Expected::on(seat.and_then(|seat| seat.version.clone())),
            (Some(expected), _) => expected.clone(),
            (None, Some(seat)) => Expected::on(seat.version.clone()),
            (None, None) => {
                let newest = newest.entry(cell);
                Expected::on(newest.or_insert_with(|| input.state.newest_confirmed(cell)).clone())
            }
        };
        let stays = stays(&input.release, from.as_ref()).or_else(|| {
            mistake.map(|broken| {
                problems.push(is_broken(name, &broken.mistake));
                broken.mistake.as_str().into()
            })
        });
        if let Some(because) = stays {
            let left_behind = LeftBehind {
                cell: cell.clone(),
                on: from,
                because,
            };
            left.insert(name.clone(), left_behind);
            continue;
        }
        candidates.push(Candidate {
            name,
            cell,
            environment: environment_of(input, cell),
            from,
            replaces,
            declared: file,
            opted_in: match input.state.choices.get(name) {
                Some(choice) => choice.opt_in,
                None => file.is_some_and(|file| file.opt_in),
            },
        });
    }
    (candidates, left)
}

/// Why a release has nothing for a tenant that comes from this version.
fn stays(release: &ReleaseFile, from: Option<&Version>) -> Option<Arc<str>> {
    if let Some(fixed) = release.hotfix.as_ref().filter(|fixed| from != Some(fixed)) {
        return Some(format!("it does not run {fixed}").into());
    }
    (from == Some(&release.version)).then(|| "it is on this version already".into())
}

/// A cell that is written nowhere any more is like one of which nothing is said.
fn environment_of(input: &PlanInput, cell: &CellName) -> Environment {
    let mut cells = input.project.service.cells.iter();
    let known = cells.find(|known| known.name == *cell);
    known.map(|cell| cell.environment).unwrap_or_default()
}

fn is_broken(name: &TenantName, mistake: &str) -> Problem {
    Problem::excludes(
        ProblemKind::Tenant,
        format!("tenant `{name}` does not move: {mistake}"),
        "correct what tenants.yaml says of it, and plan again",
    )
    .about(About::Tenant(name.clone()))
}

/// Where a release finds a tenant when it begins.
#[derive(Clone)]
struct Expected {
    /// What it goes back to.
    from: Option<Version>,
    replaces: Option<Version>,
}

impl Expected {
    const fn on(from: Option<Version>) -> Self {
        Self { from, replaces: None }
    }
}

/// Where the releases in flight will have brought their tenants. One that is superseded leaves its tenants where they are; one that
/// is patched moves nobody any more: who is on it goes back to what was before.
fn expected<'a>(
    state: &'a Service,
    how: WhileInFlight,
    patched: Option<&Version>,
) -> BTreeMap<&'a TenantName, Expected> {
    let mut expected = BTreeMap::new();
    // What waits for a hot-fix moves its tenants after it.
    let (fixes, others): (Vec<&Run>, Vec<&Run>) = state.runs.iter().partition(|run| run.hotfix.is_some());
    for run in fixes.into_iter().chain(others) {
        let is_patched = patched == Some(&run.version);
        let superseded = matches!(run.phase, RunPhase::Superseded { .. });
        if run.phase.has_ended() && !(is_patched && superseded) {
            continue;
        }
        for (tenant, member) in run.members() {
            let on = state.seats.get(tenant).and_then(|seat| seat.version.as_ref());
            let found = match member.place {
                Place::Moved { .. } if is_patched => Expected {
                    from: member.from.clone(),
                    replaces: Some(run.version.clone()),
                },
                Place::Waiting if is_patched && member.replaces.as_ref() == on => Expected {
                    from: member.from.clone(),
                    replaces: member.replaces.clone(),
                },
                Place::Returning { .. } if is_patched => Expected::on(member.from.clone()),
                Place::Waiting if is_patched || how == WhileInFlight::Supersede => continue,
                Place::Waiting | Place::Moved { .. } => Expected::on(Some(run.version.clone())),
                Place::Returning { .. } | Place::Returned { .. } | Place::Left { .. } | Place::Superseded { .. } => {
                    continue;
                }
            };
            expected.insert(tenant, found);
        }
    }
    expected
}

/// Nobody runs anything yet: one wave, or one for each environment that the playbook puts in an order.
pub(super) fn install_waves(
    project: &Project,
    playbook: &PlaybookFile,
    candidates: &[Candidate<'_>],
) -> Vec<PlannedWave> {
    let mut groups: BTreeMap<usize, Vec<&Candidate<'_>>> = BTreeMap::new();
    for candidate in candidates {
        let mut ordered = playbook.environments.iter();
        let place = ordered.position(|environment| *environment == candidate.environment);
        groups.entry(place.unwrap_or(usize::MAX)).or_default().push(candidate);
    }
    let alone = groups.len() == 1;
    let gates = playbook.waves.first().map(|wave| project.plain_gates(&wave.gates));
    let gates = gates.unwrap_or_default();
    let waves = groups.into_values().map(|group| {
        let environment = group.first().map(|candidate| candidate.environment).filter(|_| !alone);
        let name = environment.map_or("install".to_owned(), |it| format!("install-{}", it.as_str()));
        install_wave(&gates, &name, &group)
    });
    waves.collect()
}

/// Nothing to compare with, nothing to go back to.
fn install_wave(gates: &[GateUse], name: &str, candidates: &[&Candidate<'_>]) -> PlannedWave {
    let bake = Bake {
        least: Duration::ZERO,
        longest: Duration::ZERO,
        requests: 0,
        ..Bake::default()
    };
    let because: Arc<str> = "nobody runs a version yet".into();
    PlannedWave {
        name: WaveName::new(name).expect("a literal of the right shape"),
        policy: WavePolicy {
            max_parallel: Parallel::default(),
            canary: None,
            bake,
            gap: Gap::ZERO,
            gates: gates.to_vec(),
            validation: None,
        },
        starts: BTreeMap::new(),
        tenants: candidates
            .iter()
            .map(|candidate| candidate.planned(because.clone()))
            .collect(),
    }
}

/// A tenant moves with the first wave that selects it.
pub(super) fn waves(
    (project, playbook): (&Project, &PlaybookFile),
    (release, root): (&ReleaseFile, &Version),
    candidates: &[Candidate<'_>],
    problems: &mut Vec<Problem>,
) -> (Vec<PlannedWave>, BTreeMap<TenantName, LeftBehind>) {
    let mut taken = vec![false; candidates.len()];
    let mut waves = Vec::new();
    let happening: Vec<&Wave> = playbook.waves.iter().filter(|wave| happens(wave, release)).collect();
    // Who a repair is for moves with the repair, whatever wave would select them else.
    let mut repaired: BTreeMap<&WaveName, BTreeMap<TenantName, PlannedTenant>> = BTreeMap::new();
    for wave in happening.iter().filter(|wave| wave.only_when.is_some()) {
        repaired.insert(&wave.name, take(wave, candidates, &mut taken, root));
    }
    let is_repair = !repaired.is_empty();
    for wave in happening {
        let tenants = match repaired.remove(&wave.name) {
            Some(tenants) => tenants,
            None => take(wave, candidates, &mut taken, root),
        };
        if tenants.is_empty() && is_repair && wave.only_when.is_none() {
            continue;
        }
        if tenants.is_empty() {
            problems.push(
                Problem::warns(
                    ProblemKind::WaveMatchesNobody,
                    format!(
                        "wave `{}` selects no tenant that is not in an earlier wave; it is left out",
                        wave.name
                    ),
                    format!("see its `select` in playbook `{}`", playbook.name),
                )
                .about(About::Wave(wave.name.clone())),
            );
            continue;
        }
        let mut policy = WavePolicy {
            max_parallel: wave.max_parallel,
            canary: wave.canary,
            bake: wave.bake,
            gap: wave.gap,
            gates: project.plain_gates(&wave.gates),
            validation: wave.validation.clone(),
        };
        if release.hotfix.is_some() {
            hotfix::shorten(&mut policy, &playbook.hotfix, project);
        }
        waves.push(PlannedWave {
            name: wave.name.clone(),
            policy,
            starts: BTreeMap::new(),
            tenants,
        });
    }
    let rest = candidates.iter().zip(&taken).filter(|(_, taken)| !**taken);
    let because: Arc<str> = "no wave selects it".into();
    let left = rest.map(|(candidate, _)| {
        (
            candidate.name.clone(),
            LeftBehind {
                cell: candidate.cell.clone(),
                on: candidate.from.clone(),
                because: because.clone(),
            },
        )
    });
    (waves, left.collect())
}

/// The tenants that a wave selects and no other wave has taken.
fn take(
    wave: &Wave,
    candidates: &[Candidate<'_>],
    taken: &mut [bool],
    root: &Version,
) -> BTreeMap<TenantName, PlannedTenant> {
    let mut tenants = Vec::new();
    for conditions in &wave.select.0 {
        let because: Arc<str> = in_words(conditions).into();
        for index in selected(conditions, candidates, taken, root) {
            taken[index] = true;
            tenants.push(candidates[index].planned(because.clone()));
        }
    }
    tenants.into_iter().collect()
}

/// A wave for a repair is none of a release that repairs nothing.
fn happens(wave: &Wave, release: &ReleaseFile) -> bool {
    match wave.only_when {
        None => true,
        Some(OnlyWhen::Patched) => release.patches.is_some(),
    }
}

/// The indices of the candidates that all conditions hold for and that no earlier wave has taken.
fn selected(conditions: &Conditions, candidates: &[Candidate<'_>], taken: &[bool], root: &Version) -> Vec<usize> {
    let mut pool: Vec<usize> = (0..candidates.len())
        .filter(|&index| (conditions.percentage.is_some() || !taken[index]) && candidates[index].fits(conditions))
        .collect();
    if let Some(percentage) = conditions.percentage {
        // A share of all that the other conditions select, so that 10 %, then 50 %, then the rest means what it says.
        let share = (pool.len() * usize::from(percentage)).div_ceil(100);
        pool.sort_by_cached_key(|&index| candidates[index].lot(root));
        pool.truncate(share);
    }
    pool.retain(|&index| !taken[index]);
    pool
}

impl Candidate<'_> {
    /// Its place in the lot that percentages draw: another for each release, and the same for those that patch it.
    fn lot(&self, root: &Version) -> Digest {
        Digest::of(format!("{root}\n{}", self.name).as_bytes())
    }

    fn planned(&self, because: Arc<str>) -> (TenantName, PlannedTenant) {
        (
            self.name.clone(),
            PlannedTenant {
                cell: self.cell.clone(),
                from: self.from.clone(),
                replaces: self.replaces.clone(),
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
        conditions.labels.iter().all(|(label, value)| has(label, value))
            && conditions.opt_in.is_none_or(|wanted| wanted == self.opted_in)
            && conditions.environment.is_none_or(|wanted| wanted == self.environment)
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
    words.extend(conditions.environment.map(|it| format!("environment {}", it.as_str())));
    words.extend(conditions.cell.as_ref().map(|cell| format!("cell {cell}")));
    words.extend(conditions.tenants.as_ref().map(|_| "named in the playbook".to_owned()));
    words.extend(conditions.percentage.map(|percentage| format!("{percentage} % by lot")));
    words.extend(conditions.rest.map(|_| "the rest".to_owned()));
    words.join(", ")
}
