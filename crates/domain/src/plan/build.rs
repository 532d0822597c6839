//! The planner: files, facts and the time in, a plan and its report out. Set-based: every tenant is looked at once a wave.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::report::{About, PlanReport, Problem, ProblemKind};
use super::select::Candidate;
use super::when::{Clockwork, Timetable, base_class};
use super::{
    FORMAT, LeftBehind, NoticeKey, Plan, PlannedWave, Skipped, basis, canary, content, data_steps, describe,
    environments, hotfix, in_flight, migration, required, select,
};
use crate::calendar::Profile;
use crate::files::{PlaybookFile, Project, ReleaseFile, Tenant};
use crate::id::{ComponentName, Digest, TenantName, Version};
use crate::release::Release;
use crate::service::Service;
use crate::time::Timestamp;

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
    /// How much traffic tenants have, by the hour of the week.
    pub profile: Option<Profile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundArtifact {
    /// Absolute.
    pub path: String,
    /// Of the file's content, or why it could not be read.
    pub digest: Result<Digest, String>,
}

impl PlanInput {
    /// The notices of this release that are proven to be sent, for an earlier run of it, and when.
    pub(super) fn proofs(&self) -> BTreeMap<&NoticeKey, Timestamp> {
        let run = self.state.run(&self.release.version);
        let notices = run.into_iter().flat_map(|run| &run.notices);
        let proven = notices.filter_map(|(key, notice)| Some((key, notice.proof.as_ref()?.at)));
        proven.collect()
    }
}

/// Expands the release for every tenant. There is a plan exactly when no problem blocks.
pub fn plan(input: &PlanInput) -> (Option<Plan>, PlanReport) {
    let mut report = PlanReport {
        generation: input.state.routing.generation,
        ..PlanReport::default()
    };
    let state = &input.state;
    report.problems.extend(other_service(input));
    report.problems.extend(nothing_to_patch(input));
    let repaired = input.release.patches.as_ref().or(input.release.hotfix.as_ref());
    let base = content::base_version(state, repaired);
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
            ProblemKind::NoPlaybook,
            format!("there is no playbook `{}`", input.project.service.playbook),
            "add it to `playbooks/`, or name another in tidegate.yaml",
        ));
        return (None, report);
    };
    let way = in_flight::way(input, playbook);
    let how = way.how;
    report.goes(way);
    let declared: BTreeMap<&TenantName, &Tenant> = input.project.tenants.tenants.iter().map(|t| (&t.id, t)).collect();
    let (candidates, mut left_behind) = select::candidates(input, how, &declared, &mut report.problems);
    let known = (playbook, &release, &declared);
    let (waves, times, skipped) = in_waves(input, known, &candidates, &mut left_behind, &mut report.problems);
    if waves.is_empty() {
        report.problems.push(Problem::blocks(
            ProblemKind::NobodyMoves,
            "no tenant would move".to_owned(),
            "see that tenants.yaml lists tenants and that a wave of the playbook selects them",
        ));
    }
    report.problems.extend(overdue(input, playbook, &release));
    report
        .problems
        .extend(of_content(input, playbook, &release, (&waves, &left_behind)));
    report.problems.extend(in_flight::too_many_versions(
        state,
        playbook,
        &release,
        &waves,
        &left_behind,
    ));
    report.runs = describe::runs(state);
    report.waves = describe::waves(&waves, times.expected, times.excused, &release, input);
    report.traffic = input.profile.as_ref().map(|profile| describe::traffic(&waves, profile));
    report.basis = basis::basis(input);
    report.missed = times.missed;
    report.valid_until = times.valid_until;
    let plan = Plan {
        format: FORMAT,
        service: state.name.clone(),
        policy: describe::policy(playbook, &release, how),
        release,
        schedule: times.schedule,
        waves,
        skipped,
        left_behind,
    };
    let blocked = report.blocked();
    ((!blocked).then_some(plan), report)
}

/// Who moves in which wave and when, and what they skip.
fn in_waves<'a>(
    input: &'a PlanInput,
    (playbook, release, declared): (&'a PlaybookFile, &'a Release, &'a BTreeMap<&'a TenantName, &'a Tenant>),
    candidates: &[Candidate<'_>],
    left_behind: &mut BTreeMap<TenantName, LeftBehind>,
    problems: &mut Vec<Problem>,
) -> (Vec<PlannedWave>, Timetable, BTreeMap<Version, Skipped>) {
    if !candidates.is_empty() && candidates.iter().all(|candidate| candidate.from.is_none()) {
        let waves = select::install_waves(&input.project, playbook, candidates);
        return (waves, Timetable::default(), BTreeMap::new());
    }
    let root = patched_root(&input.state, &input.release);
    let (mut waves, rest) = select::waves(
        (&input.project, playbook),
        (&input.release, &root),
        candidates,
        problems,
    );
    left_behind.extend(rest);
    let skipped = in_flight::skipped(&input.state, release, &waves);
    let impact = in_flight::impact(release, &skipped);
    let clockwork = Clockwork::new(input, playbook, (release, impact), declared);
    let mut times = clockwork.timetable(&mut waves, left_behind, problems);
    times.schedule.migrations = migration::planned(&input.state, playbook, release, &waves, &skipped);
    problems.extend(migration::problems(
        &input.state,
        playbook,
        &times.schedule.migrations,
        &waves,
    ));
    (waves, times, skipped)
}

/// What is wrong with what would run, and where it would come to.
fn of_content(
    input: &PlanInput,
    playbook: &PlaybookFile,
    release: &Release,
    (waves, left_behind): (&[PlannedWave], &BTreeMap<TenantName, LeftBehind>),
) -> Vec<Problem> {
    let mut problems = data_steps::problems(&input.state, release, waves);
    problems.extend(data_steps::apart(release, waves, left_behind));
    problems.extend(canary::problems(release, waves));
    problems.extend(hotfix::problems(input, release, waves));
    problems.extend(required::problems(input, release));
    problems.extend(environments::problems(input, playbook, release, waves));
    problems
}

/// One version is one release, and is applied once; one that came back may be applied again.
fn version_conflict(input: &PlanInput, release: &Release) -> Option<Problem> {
    let pinned = input.state.pinned.get(&release.version)?;
    let run = input.state.run(&release.version);
    let ended = run.is_none_or(|run| run.phase.came_back() && !run.holds_tenants());
    let (text, help) = match run {
        _ if ended => return None,
        _ if pinned != release => (
            format!("version {} was released with other content", release.version),
            "give this release a version of its own",
        ),
        Some(run) => (
            format!("release {} is {} already", release.version, run.phase.in_words()),
            "`tidegate status` shows how far it is; a change needs a release with a version of its own",
        ),
        None => return None,
    };
    Some(Problem::blocks(ProblemKind::VersionTaken, text, help))
}

/// Components that are overdue and stay as they are.
fn overdue(input: &PlanInput, playbook: &PlaybookFile, release: &Release) -> Vec<Problem> {
    let Some(patches) = &playbook.rolling_patches else {
        return Vec::new();
    };
    let calendars = &input.project.calendars;
    let due = input
        .state
        .patches_due(calendars, &base_class(calendars, playbook), &patches.every);
    let runs = input.state.mostly_on();
    let stays = |component: &ComponentName| {
        let artifact = |release: &Release| Some(release.components.get(component)?.artifact.digest.clone());
        artifact(release) == runs.and_then(artifact)
    };
    let overdue = due
        .into_iter()
        .filter(|patch| patch.due <= input.now && stays(&patch.component));
    let problems = overdue.map(|patch| {
        let problem = Problem::warns(
            ProblemKind::PatchOverdue,
            format!(
                "component `{}` runs unchanged since {}: an upgraded one is due since {}",
                patch.component, patch.since, patch.due
            ),
            format!(
                "list `{}` with an upgraded artifact, here or in a release of kind `patch`",
                patch.component
            ),
        );
        problem.about(About::Component(patch.component))
    });
    problems.collect()
}

/// The release that this one, and those before it in a row, patch in the end; itself where it patches none.
fn patched_root(state: &Service, release: &ReleaseFile) -> Version {
    let mut root = &release.version;
    let mut patches = release.patches.as_ref();
    // No longer a row than there are releases.
    for _ in 0..=state.pinned.len() {
        let Some(patched) = patches else { break };
        root = patched;
        patches = state.pinned.get(patched).and_then(|release| release.patches.as_ref());
    }
    root.clone()
}

/// What a release patches is there: it was applied, or tenants run it.
fn nothing_to_patch(input: &PlanInput) -> Option<Problem> {
    let patched = input.release.patches.as_ref()?;
    let state = &input.state;
    let version = &input.release.version;
    let blocks =
        |text: String, help: &str| Some(Problem::blocks(ProblemKind::Patches, text, help).about(About::Release));
    let Some(index) = state.runs.iter().rposition(|run| run.version == *patched) else {
        let known = state.pinned.contains_key(patched);
        let text = format!("release {version} patches {patched}, which nobody has applied");
        return (!known)
            .then(|| blocks(text, "correct `patches`; `tidegate releases` lists what was applied"))
            .flatten();
    };
    let mut later = state.runs[index + 1..].iter();
    let later = later.find(|run| !run.phase.has_ended() && run.hotfix.is_none() && run.version != *version)?;
    blocks(
        format!(
            "release {version} patches {patched}, and release {} is in flight after that one",
            later.version
        ),
        "end the later release first, with `tidegate abort`: it moves tenants from what is patched",
    )
}

fn other_service(input: &PlanInput) -> Option<Problem> {
    let (runs, described) = (&input.state.name, &input.project.service.service);
    (runs != described).then(|| {
        Problem::blocks(
            ProblemKind::OtherService,
            format!("the server runs service `{runs}`, tidegate.yaml describes `{described}`"),
            "plan in the directory of the service that the server runs",
        )
    })
}
