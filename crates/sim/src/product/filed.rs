//! A product whose project stands in files, as people write them: read and planned as the command line does it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_domain::calendar::{HOURS, Profile, Traffic};
use tidegate_domain::files::{Diagnostic, Project, ReleaseFile, Severity, Source, read_project, read_release};
use tidegate_domain::id::{ComponentName, Digest, TenantName, Version};
use tidegate_domain::plan::{FoundArtifact, Plan, PlanInput, Problem, check, plan};
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;

use crate::script::{Script, TrafficLine};

/// The files of a scenario, read.
#[derive(Debug, Clone)]
pub struct Filed {
    pub project: Arc<Project>,
    releases: BTreeMap<Version, ReleaseFile>,
    profile: Option<Profile>,
}

impl Filed {
    /// `None`: the scenario has no files.
    ///
    /// # Errors
    /// What is wrong with the files, in words.
    pub fn read(script: &Script) -> Result<Option<Self>, String> {
        if script.files.is_empty() {
            return Ok(None);
        }
        let source = |(path, text): (&String, &String)| Source {
            path: path.clone(),
            text: text.clone(),
        };
        let sources: Vec<Source> = script.files.iter().map(source).collect();
        let (project, mistakes) = read_project(&sources);
        let project = project.ok_or_else(|| in_words(&mistakes))?;
        let mut releases = BTreeMap::new();
        for source in sources.iter().filter(|source| source.path.starts_with("releases/")) {
            let (release, mistakes) = read_release(source, &project);
            let release = release.ok_or_else(|| in_words(&mistakes))?;
            releases.insert(release.version.clone(), release);
        }
        Ok(Some(Self {
            project: Arc::new(project),
            releases,
            profile: profile(&script.traffic),
        }))
    }

    /// Planned and checked. `None`: there is no such release.
    pub fn plan(&self, version: &Version, state: &Service, now: Timestamp) -> Option<Result<Plan, Vec<Problem>>> {
        let release = self.releases.get(version)?;
        let found = |name: &ComponentName| FoundArtifact {
            path: format!("dist/{name}"),
            digest: Ok(Digest::of(format!("{name} {version}").as_bytes())),
        };
        let input = PlanInput {
            project: (*self.project).clone(),
            release: release.clone(),
            artifacts: release
                .components
                .keys()
                .map(|name| (name.clone(), found(name)))
                .collect(),
            state: state.clone(),
            now,
            profile: self.profile.clone(),
        };
        let (plan, mut report) = plan(&input);
        report.problems.extend(plan.iter().flat_map(|plan| check(plan, &input)));
        let sound = plan.filter(|_| !report.blocked());
        Some(sound.ok_or(report.problems))
    }
}

fn in_words(mistakes: &[Diagnostic]) -> String {
    let mistakes = mistakes.iter().filter(|mistake| mistake.severity == Severity::Error);
    let mistakes: Vec<String> = mistakes
        .map(|mistake| format!("{}: {}", mistake.file, mistake.message))
        .collect();
    mistakes.join("; ")
}

fn profile(traffic: &BTreeMap<TenantName, TrafficLine>) -> Option<Profile> {
    let of_tenant = |line: &TrafficLine| {
        let mean = |hour: &u8| f64::from(line.hourly) / if line.peak_hours.contains(hour) { 1.0 } else { 10.0 };
        let hours: BTreeSet<u8> = (0_u8..).take(HOURS).collect();
        Traffic {
            hourly: hours.iter().map(mean).collect(),
            peak_hours: line.peak_hours.clone(),
        }
    };
    let tenants: BTreeMap<TenantName, Traffic> = traffic
        .iter()
        .map(|(name, line)| (name.clone(), of_tenant(line)))
        .collect();
    (!tenants.is_empty()).then_some(Profile {
        schema_version: 1,
        measured: None,
        tenants,
    })
}
