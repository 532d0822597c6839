//! `tidegate releases create`: a build hands in what it has made. The files of the project are the server's; here are only
//! the release, the changes it lists, and its artifacts.

use std::path::{Path, PathBuf};

use clap::Args as Arguments;
use tidegate_domain::files::{CHANGES_FOLDER, named_in_release};
use tidegate_domain::id::ComponentName;
use tidegate_domain::plan;
use tidegate_server::api::{CreatedRelease, FoundArtifact, NewRelease, SourceText};

use super::blocked;
use crate::context::Context;
use crate::error::CliError;
use crate::{output, project};

#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The release to hand in; by default `release.yaml` of the project
    pub release: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let given = args.release.clone();
    let path = given.unwrap_or_else(|| project::beside(context, "release.yaml"));
    let (version, request) = request(&path, context)?;
    hand_in(&version, &request, args.json, context)
}

/// Hands a release in, and says what has become of it.
pub fn hand_in(version: &str, request: &NewRelease, json: bool, context: &Context) -> Result<(), CliError> {
    let created: CreatedRelease = context.client()?.put(&format!("/v1/releases/{version}"), request)?;
    if json {
        return output::json(&created);
    }
    let release = &created.release;
    if created.has_effect {
        output::message(&format!("release {} is handed in", release.version));
    } else {
        output::message(&format!(
            "release {} was handed in before: nothing has changed; it is {}",
            release.version, release.state
        ));
    }
    let blocks = blocked(release);
    if !blocks.is_empty() {
        output::message(blocks.trim_end());
    }
    output::message(&match release.state.as_str() {
        "applied" => "next: tidegate status".to_owned(),
        "superseded" | "withdrawn" => "next: give the release a version of its own, and hand it in".to_owned(),
        _ => format!(
            "next: tidegate releases, or tidegate plan --created {}",
            release.version
        ),
    });
    Ok(())
}

/// What is sent, and the version under which. A file that cannot be understood is sent as it is: the server tells every mistake.
fn request(path: &Path, context: &Context) -> Result<(String, NewRelease), CliError> {
    let source = project::text(path)?;
    let named = named_in_release(&source);
    let mut changes = Vec::new();
    for id in &named.changes {
        let file = project::beside(context, CHANGES_FOLDER).join(format!("{id}.md"));
        // One that is not there is a mistake of the release that lists it.
        if file.is_file() {
            let source = project::text(&file)?;
            changes.push(SourceText {
                path: source.path,
                text: source.text,
            });
        }
    }
    let artifacts = named
        .artifacts
        .into_iter()
        .map(|(component, artifact)| found(component, project::artifact(path, &artifact.path)));
    let version = named
        .version
        .map_or_else(|| "unreadable".to_owned(), |version| version.to_string());
    let request = NewRelease {
        artifacts: artifacts.collect(),
        changes,
        release: SourceText {
            path: source.path,
            text: source.text,
        },
    };
    Ok((version, request))
}

/// An artifact as it was found, in the words of the API.
pub fn found(component: ComponentName, artifact: plan::FoundArtifact) -> FoundArtifact {
    let plan::FoundArtifact { path, digest } = artifact;
    let (sha256, error) = match digest {
        Ok(digest) => (Some(digest), None),
        Err(error) => (None, Some(error)),
    };
    FoundArtifact {
        component,
        path,
        sha256,
        error,
    }
}
