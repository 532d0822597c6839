//! Components: what runs of each in every cell, since when, and when it is to be replaced by an upgraded one.

use std::collections::BTreeSet;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidegate_domain::id::{CellName, ComponentName, Digest, Version};
use tidegate_domain::plan::base_version;
use tidegate_domain::release::Configuration;
use tidegate_domain::service::Running;
use tidegate_domain::time::Timestamp;

use super::exchange::{Answer, Args, Named};
use super::{AppState, Problem, Route, SCHEMA_VERSION, status};
use crate::auth::{Authorized, permission};
use crate::clock;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentList {
    pub schema_version: u32,
    /// How often components are replaced, by the playbook of the newest release that is completed; absent where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// By name and cell. One that a cell runs two artifacts of stands here twice.
    pub components: Vec<ComponentStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentStatus {
    pub component: ComponentName,
    pub cell: CellName,
    pub artifact: Digest,
    /// The versions of tenants that run it.
    pub versions: BTreeSet<Version>,
    pub tenants: usize,
    /// Since when the whole service runs it; absent as long as it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
    /// When an upgraded one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    pub overdue: bool,
}

/// What a component is given: what a release says that replaces nothing but its artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentContent {
    pub schema_version: u32,
    pub component: ComponentName,
    /// The release whose component goes on where a new one does not list it.
    pub release: Version,
    pub artifact: Digest,
    /// In `all`, and what is different in `environments`, `cells` and for `tenants`.
    #[schemars(with = "Map<String, Value>")]
    pub configuration: Configuration,
}

#[derive(Debug, Deserialize)]
struct Which {
    component: ComponentName,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Of {
    /// The release that gives it; left out, the one that the next release builds on.
    of: Option<Version>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(
            Method::GET,
            "/v1/components",
            "What runs of each component in every cell, and what is overdue",
            list,
        ),
        Route::guarded(
            Method::GET,
            "/v1/components/{component}",
            "What a component is given by the release that the next one builds on",
            get,
        ),
    ]
}

async fn get(
    state: AppState,
    _: Authorized<permission::Read>,
    (Named(Which { component }), Args(Of { of })): (Named<Which>, Args<Of>),
) -> Result<Answer<ComponentContent>, Problem> {
    let view = state.control().view();
    let base = of.clone().or_else(|| base_version(&view.state, None));
    let release = base.and_then(|base| view.state.pinned.get(&base));
    let found = release.and_then(|release| Some((release, release.components.get(&component)?)));
    let (release, part) = found.ok_or_else(|| {
        let what = match of {
            Some(of) => format!("no component `{component}` of {of} is known, or that version is not"),
            None => format!("no component `{component}` was released"),
        };
        Problem::not_found(what).help("`tidegate components` lists what runs; a release hands a new component in")
    })?;
    Ok(Answer(ComponentContent {
        schema_version: SCHEMA_VERSION,
        component,
        release: release.version.clone(),
        artifact: part.artifact.digest.clone(),
        configuration: part.configuration.clone(),
    }))
}

async fn list(state: AppState, _: Authorized<permission::Read>, (): ()) -> Result<Answer<ComponentList>, Problem> {
    let view = state.control().view();
    let rolling = status::rolling(&view.state);
    let now = clock::now();
    let running = view.state.running(rolling);
    Ok(Answer(ComponentList {
        schema_version: SCHEMA_VERSION,
        every: rolling.map(|rolling| rolling.every.to_string()),
        components: running.into_iter().map(|one| ComponentStatus::of(one, now)).collect(),
    }))
}

impl ComponentStatus {
    fn of(running: Running, now: Timestamp) -> Self {
        let Running {
            component,
            cell,
            artifact,
            versions,
            tenants,
            since,
            due,
        } = running;
        Self {
            component,
            cell,
            artifact,
            versions,
            tenants,
            since_ms: since.map(|at| at.0),
            due_ms: due.map(|at| at.0),
            overdue: due.is_some_and(|due| due <= now),
        }
    }
}
