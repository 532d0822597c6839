//! `tidegate components patch`: a release that replaces artifacts and nothing else, handed in like that of a build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args as Arguments;
use serde_json::{Map, Value, json};
use tidegate_domain::id::{ComponentName, Version};
use tidegate_domain::plan;
use tidegate_server::api::{ComponentContent, NewRelease, SourceText};

use crate::client::Client;
use crate::context::Context;
use crate::error::CliError;
use crate::verb::releases::create::{found, hand_in};
use crate::{output, project};

#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// A component and the file that it is to run, such as `api=build/api`; may be given several times
    #[arg(value_name = "NAME=ARTIFACT", required = true)]
    parts: Vec<Part>,
    /// The version of the release
    #[arg(long, value_name = "VERSION")]
    release: Version,
    /// What the release is about
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// Write the release into this file, and hand nothing in
    #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
    output: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A component, and the file that it is to run.
#[derive(Debug, Clone)]
pub struct Part {
    component: ComponentName,
    artifact: String,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, artifact) = text
            .split_once('=')
            .filter(|(_, artifact)| !artifact.is_empty())
            .ok_or_else(|| "write a component and its artifact, such as `api=build/api`".to_owned())?;
        Ok(Self {
            component: ComponentName::new(name).map_err(|error| error.to_string())?,
            artifact: artifact.to_owned(),
        })
    }
}

/// By component, as they were found.
pub type Artifacts = BTreeMap<ComponentName, plan::FoundArtifact>;

pub fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let client = context.client()?;
    let artifacts = look_up(&args.parts)?;
    let text = text(args, &artifacts, &client)?;
    let give = (args.output.as_deref(), args.json);
    give_to((&args.release, text, artifacts), give, context)
}

/// Writes a release into a file, or hands it in.
pub fn give_to(
    (release, text, artifacts): (&Version, String, Artifacts),
    (file, json): (Option<&Path>, bool),
    context: &Context,
) -> Result<(), CliError> {
    let Some(file) = file else {
        return hand_in(release.as_str(), &request(release, text, artifacts), json, context);
    };
    std::fs::write(file, text)
        .map_err(|error| CliError::new(format!("cannot write `{}`", file.display())).because(error))?;
    output::message(&format!("next: tidegate releases create {}", file.display()));
    Ok(())
}

/// Hashes what is to be run, as if the release file lay where the command is run.
pub fn look_up(parts: &[Part]) -> Result<Artifacts, CliError> {
    let mut artifacts = Artifacts::new();
    for Part { component, artifact } in parts {
        let artifact = project::artifact(Path::new("release.yaml"), artifact);
        if artifacts.insert(component.clone(), artifact).is_some() {
            return Err(CliError::new(format!("component `{component}` is given twice"))
                .help("name each component once, with the artifact that it is to run"));
        }
    }
    Ok(artifacts)
}

/// A release that is written in no file.
fn request(release: &Version, text: String, artifacts: Artifacts) -> NewRelease {
    let artifacts = artifacts.into_iter();
    NewRelease {
        release: SourceText {
            path: format!("release {release}"),
            text,
        },
        changes: Vec::new(),
        artifacts: artifacts.map(|(name, artifact)| found(name, artifact)).collect(),
    }
}

/// What `components` of a release file says of them: other artifacts, and the configuration that they have in the release `of`, or
/// in the one that the next builds on.
pub fn components(
    artifacts: &Artifacts,
    of: Option<&Version>,
    client: &Client,
) -> Result<Map<String, Value>, CliError> {
    let mut components = Map::new();
    for (name, artifact) in artifacts {
        let of = of.map(|of| format!("?of={of}")).unwrap_or_default();
        let content: ComponentContent = client.get(&format!("/v1/components/{name}{of}"))?;
        let configuration = content.configuration;
        let component = json!({
            "artifact": artifact.path,
            "configuration": configuration.all,
            "environments": configuration.environments,
            "cells": configuration.cells,
            "tenants": configuration.tenants,
        });
        components.insert(name.to_string(), component);
    }
    Ok(components)
}

/// The release file, in the part of YAML that is JSON.
fn text(args: &Args, artifacts: &Artifacts, client: &Client) -> Result<String, CliError> {
    let components = components(artifacts, None, client)?;
    let mut release = json!({ "version": args.release, "kind": "patch", "components": components });
    if let (Some(summary), Some(fields)) = (&args.summary, release.as_object_mut()) {
        fields.insert("summary".to_owned(), Value::from(summary.clone()));
    }
    Ok(format!("{release:#}\n"))
}
