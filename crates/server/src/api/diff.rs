//! What two releases have different.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::change::Change;
use tidegate_domain::files::Environment;
use tidegate_domain::id::{ComponentName, Digest, Version};
use tidegate_domain::plan::Plan;
use tidegate_domain::release::{ComponentRelease, Release};

use super::exchange::{Answer, Named};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diff {
    pub schema_version: u32,
    pub from: Version,
    pub to: Version,
    /// The components that differ.
    pub components: Vec<ComponentDiff>,
    /// The changes that `to` lists.
    pub changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentDiff {
    pub component: ComponentName,
    /// Absent where the component is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_from: Option<Digest>,
    /// Absent where the component is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_to: Option<Digest>,
    /// How it is run or found differs.
    pub definition_differs: bool,
    pub configuration: Vec<VariableDiff>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariableDiff {
    /// `all`, `environment NAME`, `cell NAME` or `tenant NAME`.
    pub scope: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    version: Version,
    other: Version,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::GET,
        "/v1/releases/{version}/diff/{other}",
        "What differs from one release to another",
        get,
    )]
}

async fn get(
    state: AppState,
    _: Authorized<permission::Read>,
    Named(Pair { version, other }): Named<Pair>,
) -> Result<Answer<Diff>, Problem> {
    let (from, to) = (find(&state, &version).await?, find(&state, &other).await?);
    let names: BTreeSet<&ComponentName> = from.components.keys().chain(to.components.keys()).collect();
    let components = names.into_iter().filter_map(|name| {
        let (old, new) = (from.components.get(name), to.components.get(name));
        (old != new).then(|| component(name, old, new))
    });
    Ok(Answer(Diff {
        schema_version: SCHEMA_VERSION,
        from: version,
        to: other,
        components: components.collect(),
        changes: to.changes.clone(),
    }))
}

/// A release's content: as long as tenants may be on it, and after that from the plan that it was applied by.
async fn find(state: &AppState, version: &Version) -> Result<Release, Problem> {
    let control = state.control();
    let view = control.view();
    if let Some(release) = view.state.pinned.get(version) {
        return Ok(release.clone());
    }
    let gone = || {
        Problem::not_found(format!("what release {version} consists of is not kept"))
            .help("`tidegate releases` lists those that are")
    };
    let digest = view.state.run(version).map(|run| run.plan.clone()).ok_or_else(gone)?;
    let row = control.store().plan(digest.as_str()).await?.ok_or_else(gone)?;
    let plan: Plan = serde_json::from_str(&row.body).map_err(|error| Problem::unavailable(&error))?;
    Ok(plan.release)
}

fn component(name: &ComponentName, old: Option<&ComponentRelease>, new: Option<&ComponentRelease>) -> ComponentDiff {
    ComponentDiff {
        component: name.clone(),
        artifact_from: old.map(|part| part.artifact.digest.clone()),
        artifact_to: new.map(|part| part.artifact.digest.clone()),
        definition_differs: old.map(|part| &part.definition) != new.map(|part| &part.definition),
        configuration: variables(old, new),
    }
}

fn variables(old: Option<&ComponentRelease>, new: Option<&ComponentRelease>) -> Vec<VariableDiff> {
    let (old, new) = (flat(old), flat(new));
    let keys: BTreeSet<&(String, String)> = old.keys().chain(new.keys()).collect();
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let told = differing.map(|key| VariableDiff {
        scope: key.0.clone(),
        name: key.1.clone(),
        from: old.get(key).cloned(),
        to: new.get(key).cloned(),
    });
    told.collect()
}

/// Every variable by where it counts and its name. Of a secret only the reference is known.
fn flat(part: Option<&ComponentRelease>) -> BTreeMap<(String, String), String> {
    let mut flat = BTreeMap::new();
    let Some(ComponentRelease {
        configuration, secrets, ..
    }) = part
    else {
        return flat;
    };
    let in_environment = |environment: &Environment| format!("environment {}", environment.as_str());
    let environments = configuration.environments.iter();
    let environments = environments.map(|(environment, own)| (in_environment(environment), own));
    let cells = configuration
        .cells
        .iter()
        .map(|(cell, own)| (format!("cell {cell}"), own));
    let tenants = configuration.tenants.iter();
    let tenants = tenants.map(|(tenant, own)| (format!("tenant {tenant}"), own));
    let plain = [("all".to_owned(), &configuration.all)].into_iter().chain(environments);
    for (scope, own) in plain.chain(cells).chain(tenants) {
        flat.extend(
            own.iter()
                .map(|(name, value)| ((scope.clone(), name.clone()), value.clone())),
        );
    }
    let environments = secrets.environments.iter();
    let environments = environments.map(|(environment, own)| (in_environment(environment), own));
    let cells = secrets.cells.iter().map(|(cell, own)| (format!("cell {cell}"), own));
    let references = [("all".to_owned(), &secrets.all)]
        .into_iter()
        .chain(environments)
        .chain(cells);
    for (scope, own) in references {
        let told = own
            .iter()
            .map(|(name, reference)| ((scope.clone(), name.clone()), format!("secret from {reference}")));
        flat.extend(told);
    }
    flat
}
