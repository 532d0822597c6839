//! What is handed in, read with the project of the server: a release without a mistake, or all of its mistakes at once.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_domain::files::{
    NamedArtifact, ReleaseFile, Source, is_change, named_in_release, read_changes, read_project, read_release,
};
use tidegate_domain::id::{ChangeId, ComponentName, Digest};
use tidegate_domain::release::Artifact;

use super::Content;
use crate::api::plans::{mistakes, place, unplanned};
use crate::api::{FoundArtifact, PlanRequest, Problem, SourceText};

/// A release that is handed in: its file, the changes that it lists, and its artifacts as they were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRelease {
    pub release: SourceText,
    /// The files `changes/*.md` that the release lists. Others are left aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<SourceText>,
    /// One for each component that the release lists. The server takes a copy of each.
    pub artifacts: Vec<FoundArtifact>,
}

/// A release without a mistake.
#[derive(Debug)]
pub struct Understood {
    pub release: ReleaseFile,
    pub artifacts: BTreeMap<ComponentName, Artifact>,
    pub content: Content,
    /// What is doubtful in it.
    pub warnings: Vec<Value>,
}

impl Understood {
    #[must_use]
    pub fn digests(&self) -> BTreeMap<ComponentName, Digest> {
        let artifacts = self.artifacts.iter();
        artifacts
            .map(|(name, artifact)| (name.clone(), artifact.digest.clone()))
            .collect()
    }
}

impl NewRelease {
    /// With the project's files: what is planned.
    #[must_use]
    pub fn plan_request(&self, project: Vec<Source>) -> PlanRequest {
        let listed = named_in_release(&self.release.source()).changes;
        let project = project.into_iter().map(|source| SourceText {
            path: source.path,
            text: source.text,
        });
        let changes = self.changes.iter().filter(|source| is_listed(source, &listed)).cloned();
        PlanRequest {
            sources: project.chain(changes).collect(),
            release: self.release.clone(),
            artifacts: self.artifacts.clone(),
            profile: None,
        }
    }
}

/// Reads a release with the files of the server's project.
pub fn understand(request: &NewRelease, project: &[Source]) -> Result<Understood, Problem> {
    let (project, found) = read_project(project);
    let mut project = project.ok_or_else(|| mistakes("the project of the server", &found))?;
    let source = request.release.source();
    let named = named_in_release(&source);
    let texts = request.changes.iter().filter(|text| is_listed(text, &named.changes));
    let sources: Vec<Source> = texts.map(SourceText::source).collect();
    let (changes, mut found) = read_changes(&sources);
    project.changes = changes.unwrap_or_default();
    let (release, of_release) = read_release(&source, &project);
    found.extend(of_release);
    let Artifacts { artifacts, wrong } = artifacts(request, release.as_ref(), &named.artifacts)?;
    let errors: Vec<Value> = found.iter().filter(|one| one.is_error()).map(place).collect();
    let errors: Vec<Value> = errors.into_iter().chain(wrong).collect();
    match release {
        Some(release) if errors.is_empty() => {
            let digests = artifacts
                .iter()
                .map(|(name, artifact)| (name.clone(), artifact.digest.clone()));
            let content = Content::of(&release, &digests.collect(), &project.changes);
            Ok(Understood {
                release,
                artifacts,
                content,
                warnings: found.iter().map(place).collect(),
            })
        }
        Some(_) | None => {
            let word = if errors.len() == 1 { "mistake" } else { "mistakes" };
            Err(unplanned(&format!("the release has {} {word}", errors.len())).problems(errors))
        }
    }
}

/// What was planned, as content; `None` where that cannot be told any more.
#[must_use]
pub fn content_of(request: &PlanRequest) -> Option<Content> {
    let sources: Vec<Source> = request.sources.iter().map(SourceText::source).collect();
    let project = read_project(&sources).0?;
    let release = read_release(&request.release.source(), &project).0?;
    let found = request.artifacts.iter();
    let digests = found.filter_map(|found| Some((found.component.clone(), found.sha256.clone()?)));
    Some(Content::of(&release, &digests.collect(), &project.changes))
}

fn is_listed(text: &SourceText, listed: &BTreeSet<ChangeId>) -> bool {
    let name = text.path.rsplit('/').next().unwrap_or_default();
    let id = name.strip_suffix(".md").unwrap_or(name);
    is_change(&text.path) && listed.iter().any(|listed| listed.as_str() == id)
}

/// The artifacts of a release, and what is wrong with others.
struct Artifacts {
    artifacts: BTreeMap<ComponentName, Artifact>,
    wrong: Vec<Value>,
}

/// The artifact of every component that is listed, or what is wrong with it at the line of its component.
fn artifacts(
    request: &NewRelease,
    release: Option<&ReleaseFile>,
    named: &BTreeMap<ComponentName, NamedArtifact>,
) -> Result<Artifacts, Problem> {
    let mut found = BTreeMap::new();
    for artifact in &request.artifacts {
        let (component, artifact) = artifact.understand()?;
        found.insert(component, artifact);
    }
    let mut artifacts = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, listed) in named {
        let mistake = |message: String, help: &str| mistake(request, listed.line, &message, help);
        let expected = release.and_then(|release| release.components.get(name)?.sha256.as_ref());
        match found.remove(name) {
            None => wrong.push(mistake(
                format!("the artifact of component `{name}` was not handed in"),
                "`tidegate releases create` looks for it; without it, list it in `artifacts` of the request",
            )),
            Some(artifact) => match artifact.digest {
                Err(error) => wrong.push(mistake(
                    format!(
                        "cannot read the artifact of component `{name}`, {}: {error}",
                        artifact.path
                    ),
                    "build it, or correct `artifact`; it is relative to the release file",
                )),
                Ok(digest) => {
                    if let Some(expected) = expected.filter(|expected| expected.0 != digest) {
                        wrong.push(mistake(
                            format!(
                                "the artifact of component `{name}` is {digest}, the release says {}",
                                expected.0
                            ),
                            "build it again, or correct `sha256` if this is the file that shall run",
                        ));
                    }
                    let path = artifact.path;
                    artifacts.insert(name.clone(), Artifact { digest, path });
                }
            },
        }
    }
    let strangers = found.keys().map(|name| {
        mistake(
            request,
            1,
            &format!("an artifact of component `{name}` was handed in, and the release does not list it"),
            "list the component in `components` of the release, or leave the artifact out",
        )
    });
    wrong.extend(strangers);
    Ok(Artifacts { artifacts, wrong })
}

/// In the form of a diagnostic.
fn mistake(request: &NewRelease, line: usize, message: &str, help: &str) -> Value {
    json!({
        "severity": "error", "code": "artifact", "file": request.release.path, "line": line, "column": 1,
        "message": message, "label": "", "help": help,
    })
}
