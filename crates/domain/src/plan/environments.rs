//! From test to production: the order that a release goes through environments in, and what differs between them.

mod drift;

use std::collections::BTreeSet;

pub use self::drift::{ComponentDrift, VariableDrift, drift};

use super::PlannedWave;
use super::build::PlanInput;
use super::report::{About, Problem, ProblemKind};
use crate::files::{Environment, PlaybookFile};
use crate::id::WaveName;
use crate::release::Release;

/// What stands in the way, where the playbook has environments.
pub(super) fn problems(
    input: &PlanInput,
    playbook: &PlaybookFile,
    release: &Release,
    waves: &[PlannedWave],
) -> Vec<Problem> {
    let order = &playbook.environments;
    if order.is_empty() {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut before: Option<(usize, &WaveName)> = None;
    for wave in waves {
        let environments = wave.environments(release);
        let mut places = environments
            .iter()
            .map(|it| order.iter().position(|listed| listed == it));
        match (environments.len(), places.next().flatten()) {
            (1, Some(place)) => {
                if let Some((_, later)) = before.filter(|(reached, _)| place < *reached) {
                    problems.push(too_late(order, wave, order[place], later));
                } else {
                    before = Some((place, &wave.name));
                }
            }
            (1, None) => problems.push(not_listed(playbook, wave, &environments)),
            (_, _) => problems.push(mixed(wave, &environments)),
        }
    }
    problems.extend(untried(input, playbook, release, waves));
    problems.extend(drift::undeclared(input, release));
    problems
}

fn words(environments: &BTreeSet<Environment>) -> String {
    let words: Vec<String> = environments.iter().map(|it| format!("`{}`", it.as_str())).collect();
    words.join(" and in ")
}

fn mixed(wave: &PlannedWave, environments: &BTreeSet<Environment>) -> Problem {
    let message = format!(
        "wave `{}` would move tenants in {} together",
        wave.name,
        words(environments)
    );
    let remedy = "make a wave for each of them, with `environment: ..` in its `select`";
    Problem::blocks(ProblemKind::Environment, message, remedy).about(About::Wave(wave.name.clone()))
}

fn not_listed(playbook: &PlaybookFile, wave: &PlannedWave, environments: &BTreeSet<Environment>) -> Problem {
    let message = format!(
        "wave `{}` moves tenants in {}, which is none of the `environments` of playbook `{}`",
        wave.name,
        words(environments),
        playbook.name
    );
    let remedy = "add it to `environments`, at the place where a release comes to it";
    Problem::blocks(ProblemKind::Environment, message, remedy).about(About::Wave(wave.name.clone()))
}

fn too_late(order: &[Environment], wave: &PlannedWave, environment: Environment, later: &WaveName) -> Problem {
    let message = format!(
        "wave `{}` moves tenants in `{}` after wave `{later}`, and a release goes through that environment before",
        wave.name,
        environment.as_str()
    );
    let order: Vec<&str> = order.iter().map(|it| it.as_str()).collect();
    let remedy = format!("put the waves in the order of `environments`: {}", order.join(", "));
    Problem::blocks(ProblemKind::Environment, message, remedy).about(About::Wave(wave.name.clone()))
}

/// Environments that a release would go past: nobody there moves, or is on it already.
fn untried(input: &PlanInput, playbook: &PlaybookFile, release: &Release, waves: &[PlannedWave]) -> Option<Problem> {
    let moving: BTreeSet<Environment> = waves.iter().flat_map(|wave| wave.environments(release)).collect();
    let seats = input.state.seats.values();
    let on_it = seats.filter(|seat| seat.version.as_ref() == Some(&release.version));
    let there: BTreeSet<Environment> = on_it.map(|seat| release.environment_of(&seat.cell)).collect();
    let order = &playbook.environments;
    let last = order.iter().rposition(|environment| moving.contains(environment))?;
    let mut passed = order[..last].iter();
    let passed = passed.find(|environment| !moving.contains(environment) && !there.contains(environment))?;
    let message = format!(
        "no tenant in `{}` moves, and tenants in `{}` would",
        passed.as_str(),
        order[last].as_str()
    );
    let remedy = format!(
        "see that tenants live in a cell with `environment: {0}` and that a wave selects them, or take `{0}` off `environments` of playbook `{1}`",
        passed.as_str(),
        playbook.name
    );
    Some(Problem::blocks(ProblemKind::Environment, message, remedy).about(About::Playbook))
}
