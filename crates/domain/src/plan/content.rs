//! The release made complete: what every component runs, listed or not.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{FoundArtifact, PlanInput};
use super::report::{Problem, ProblemKind};
use crate::calendar::Schedule;
use crate::change::Change;
use crate::files::{self, Environment, Project, TimeZoneName};
use crate::id::{CellName, ComponentName, DatabaseName, Digest, TenantName, Version};
use crate::release::{
    Artifact, ComponentKind, ComponentRelease, Configuration, DataStep, Definition, JobTerms, Readiness,
    ReadinessCheck, Release, ReleaseKind, Reversible, SecretReference, SecretReferences, Secrets,
};
use crate::service::Service;

/// Builds the release of the input on top of `base`; problems say which component could not be completed.
pub fn release(input: &PlanInput, base: Option<&Release>, problems: &mut Vec<Problem>) -> Release {
    let file = &input.release;
    let mut components = BTreeMap::new();
    for component in &input.project.service.components {
        let definition = definition(component);
        let earlier = base.and_then(|base| base.components.get(&component.name));
        let part = match (file.components.get(&component.name), earlier) {
            (Some(listed), _) => artifact(input, &component.name, listed, problems).map(|artifact| ComponentRelease {
                definition,
                artifact,
                configuration: configuration(listed),
                secrets: secrets(component),
            }),
            (None, Some(earlier)) => {
                if earlier.definition != definition {
                    problems.push(Problem::warns(
                        ProblemKind::Component,
                        format!(
                            "component `{}` runs on as it is, though tidegate.yaml says otherwise now",
                            component.name
                        ),
                        format!(
                            "list `{}` in the release to apply what tidegate.yaml says",
                            component.name
                        ),
                    ));
                }
                Some(earlier.clone())
            }
            (None, None) => {
                problems.push(Problem::blocks(
                    ProblemKind::Component,
                    format!(
                        "component `{}` has never been released and is not in this release",
                        component.name
                    ),
                    format!(
                        "add `{}` with its artifact to `components` of the release",
                        component.name
                    ),
                ));
                None
            }
        };
        components.extend(part.map(|part| (component.name.clone(), part)));
    }
    let time_zones = time_zones(&input.project, &components);
    Release {
        version: file.version.clone(),
        kind: file.kind,
        commits: file.commits.clone(),
        components,
        environments: environments(&input.project),
        summary: file.summary.clone(),
        reason: file.reason.clone(),
        tickets: file.tickets.clone(),
        documentation: file.documentation.clone(),
        changes: changes(input, problems),
        reversible: file.reversible,
        patches: file.patches.clone(),
        hotfix: file.hotfix.clone(),
        includes: file.includes.clone(),
        downtime: file.downtime,
        steps: file.steps.iter().map(data_step).collect(),
        time_zones,
    }
}

/// Of tenants whose clocks a job is run by.
fn time_zones(
    project: &Project,
    components: &BTreeMap<ComponentName, ComponentRelease>,
) -> BTreeMap<TenantName, TimeZoneName> {
    let by_clocks = |job: &JobTerms| job.schedule.as_ref().is_some_and(Schedule::is_local_to_tenants);
    if !components.values().filter_map(ComponentRelease::job).any(by_clocks) {
        return BTreeMap::new();
    }
    let zone = |tenant: &files::Tenant| Some(project.calendars.class(tenant).ok()?.zone);
    let tenants = project.tenants.tenants.iter();
    tenants
        .filter_map(|tenant| Some((tenant.id.clone(), zone(tenant)?)))
        .filter(|(_, zone)| *zone != TimeZoneName::utc())
        .collect()
}

/// What runs where nothing is known but the files of the project: each component as `tidegate.yaml` defines it, and an
/// artifact that stands for the real one. No release that is planned has the same.
#[must_use]
pub fn assumed(project: &Project, version: &Version) -> Release {
    let component = |component: &files::Component| {
        let artifact = Artifact {
            digest: Digest::of(format!("{} {version}, assumed", component.name).as_bytes()),
            path: String::new(),
        };
        let part = ComponentRelease {
            definition: definition(component),
            artifact,
            configuration: Configuration::default(),
            secrets: Secrets::default(),
        };
        (component.name.clone(), part)
    };
    Release {
        version: version.clone(),
        kind: ReleaseKind::default(),
        commits: Vec::new(),
        components: project.service.components.iter().map(component).collect(),
        environments: environments(project),
        summary: None,
        reason: None,
        tickets: BTreeSet::new(),
        documentation: Vec::new(),
        changes: Vec::new(),
        reversible: Reversible::default(),
        patches: None,
        hotfix: None,
        includes: BTreeSet::new(),
        downtime: None,
        steps: Vec::new(),
        time_zones: BTreeMap::new(),
    }
}

/// The cells that are not for production.
fn environments(project: &Project) -> BTreeMap<CellName, Environment> {
    let cells = project.service.cells.iter();
    let others = cells.filter(|cell| cell.environment != Environment::default());
    others.map(|cell| (cell.name.clone(), cell.environment)).collect()
}

/// What is given to each component by the files alone: of those that the release lists with what it says of them. Their
/// artifacts are not looked at.
#[must_use]
pub fn described(project: &Project, release: Option<&files::ReleaseFile>) -> Release {
    let mut described = match release {
        Some(release) => assumed(project, &release.version),
        None => assumed(
            project,
            &Version::new("described").expect("a literal of the right shape"),
        ),
    };
    for component in &project.service.components {
        let listed = release.and_then(|release| release.components.get(&component.name));
        if let Some(part) = described.components.get_mut(&component.name) {
            part.secrets = secrets(component);
            part.configuration = listed.map(configuration).unwrap_or_default();
        }
    }
    described
}

fn data_step(step: &files::ReleaseStep) -> DataStep {
    DataStep {
        name: step.name.clone(),
        kind: step.kind,
        component: step.component.clone(),
        // A component has its data for itself, where nothing else is said.
        database: step
            .database
            .clone()
            .unwrap_or_else(|| DatabaseName::new(step.component.as_str()).expect("both are names, and written alike")),
        command: step.command.clone(),
        undo: step.undo.clone(),
        timeout: step.timeout,
        cells: step.cells.clone(),
        rollback: step.rollback,
    }
}

/// The listed changes, whole.
fn changes(input: &PlanInput, problems: &mut Vec<Problem>) -> Vec<Change> {
    let mut changes = Vec::new();
    for id in &input.release.changes {
        match input.project.changes.get(id) {
            Some(change) => changes.push(change.clone()),
            None => problems.push(Problem::blocks(
                ProblemKind::Change,
                format!("the release lists the change `{id}`, and there is no `changes/{id}.md`"),
                "write it with `tidegate changes new`, or take it off the list",
            )),
        }
    }
    changes
}

/// The version that unlisted components stay on: of the release that this one patches, else of the release in flight, else the
/// last completed one, else the one that most tenants are on.
pub fn base_version(state: &Service, patched: Option<&Version>) -> Option<Version> {
    if let Some(patched) = patched.filter(|patched| state.pinned.contains_key(*patched)) {
        return Some(patched.clone());
    }
    let mut others = state.runs.iter().rev().filter(|run| run.hotfix.is_none());
    let newest = others.find(|run| !run.phase.has_ended());
    if let Some(run) = newest.or_else(|| state.completed().into_iter().next()) {
        return Some(run.version.clone());
    }
    let mut counts: BTreeMap<&Version, usize> = BTreeMap::new();
    for version in state.seats.values().filter_map(|seat| seat.version.as_ref()) {
        *counts.entry(version).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(version, _)| version.clone())
}

fn artifact(
    input: &PlanInput,
    name: &ComponentName,
    listed: &files::ReleaseComponent,
    problems: &mut Vec<Problem>,
) -> Option<Artifact> {
    let found = match input.artifacts.get(name) {
        Some(FoundArtifact {
            path,
            digest: Ok(digest),
        }) => Artifact {
            digest: digest.clone(),
            path: path.clone(),
        },
        Some(FoundArtifact {
            path,
            digest: Err(error),
        }) => {
            problems.push(Problem::blocks(
                ProblemKind::Artifact,
                format!("cannot read the artifact of component `{name}`, {path}: {error}"),
                "correct `artifact`; it is relative to the release file",
            ));
            return None;
        }
        None => {
            problems.push(Problem::blocks(
                ProblemKind::Artifact,
                format!("the artifact of component `{name}` was not looked at"),
                "plan again with this program's own `tidegate plan`",
            ));
            return None;
        }
    };
    if let Some(expected) = listed.sha256.as_ref().filter(|expected| expected.0 != found.digest) {
        problems.push(Problem::blocks(
            ProblemKind::Artifact,
            format!(
                "the artifact of component `{name}` is {}, the release says {}",
                found.digest, expected.0
            ),
            "build it again, or correct `sha256` if this is the file that shall run",
        ));
        return None;
    }
    Some(found)
}

fn configuration(listed: &files::ReleaseComponent) -> Configuration {
    Configuration {
        all: plain(&listed.configuration),
        environments: by_environment(plain(&listed.environments.test), plain(&listed.environments.production)),
        cells: listed
            .cells
            .iter()
            .map(|(cell, own)| (cell.clone(), plain(own)))
            .collect(),
        tenants: listed
            .tenants
            .iter()
            .map(|(tenant, own)| (tenant.clone(), plain(own)))
            .collect(),
    }
}

fn secrets(component: &files::Component) -> Secrets {
    let of = |references: &BTreeMap<files::VariableName, SecretReference>| -> SecretReferences {
        let references = references.iter();
        references
            .map(|(name, reference)| (name.as_str().to_owned(), reference.clone()))
            .collect()
    };
    let environments = &component.environments;
    let cells = component.cells.iter();
    Secrets {
        all: of(&component.secrets),
        environments: by_environment(of(&environments.test.secrets), of(&environments.production.secrets)),
        cells: cells
            .filter(|(_, place)| !place.secrets.is_empty())
            .map(|(cell, place)| (cell.clone(), of(&place.secrets)))
            .collect(),
    }
}

/// What is said of both, without those of which nothing is said.
fn by_environment<T>(
    test: BTreeMap<String, T>,
    production: BTreeMap<String, T>,
) -> BTreeMap<Environment, BTreeMap<String, T>> {
    let both = [(Environment::Test, test), (Environment::Production, production)];
    both.into_iter().filter(|(_, own)| !own.is_empty()).collect()
}

fn plain(variables: &BTreeMap<files::VariableName, files::Scalar>) -> BTreeMap<String, String> {
    variables
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned()))
        .collect()
}

fn definition(component: &files::Component) -> Definition {
    let kind = match component.kind {
        files::ComponentKind::Http => ComponentKind::Http {
            host: component.r#match.host.as_ref().map(|host| host.as_str().to_owned()),
            path: component.r#match.path.as_str().to_owned(),
        },
        files::ComponentKind::Worker => ComponentKind::Worker {
            ownership: component.ownership,
        },
        files::ComponentKind::Job => ComponentKind::Job,
    };
    Definition {
        kind,
        command: component.command.clone(),
        environment: plain(&component.environment),
        requires: component.requires.iter().map(|name| name.as_str().to_owned()).collect(),
        instances: component.instances,
        ready: readiness(component.ready.as_ref()),
        stop_grace: component.stop.grace,
        drain: component.drain,
        after: component.after.iter().cloned().collect(),
        memory_bytes: component.memory.map(|memory| memory.0),
        job: JobTerms {
            per: component.per,
            // What is written wrongly was refused with its place.
            schedule: component.schedule.clone().and_then(|written| written.try_into().ok()),
            missed: component.missed,
            timeout: component.timeout,
        },
    }
}

fn readiness(ready: Option<&files::Ready>) -> Readiness {
    match ready {
        Some(files::Ready::Path { path, within }) => Readiness {
            check: ReadinessCheck::Path(path.as_str().to_owned()),
            within: *within,
        },
        Some(files::Ready::Command { command, within }) => Readiness {
            check: ReadinessCheck::Command(command.clone()),
            within: *within,
        },
        None => Readiness {
            check: ReadinessCheck::Started,
            within: crate::time::Duration::from_secs(30),
        },
    }
}
