//! Components: what runs of each in every cell, since when, and when it is to be replaced by an upgraded one.

use std::collections::BTreeSet;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{CellName, ComponentName, Digest, Version};
use tidegate_domain::service::Running;
use tidegate_domain::time::Timestamp;

use super::exchange::Answer;
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

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::GET,
        "/v1/components",
        "What runs of each component in every cell, and what is overdue",
        list,
    )]
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
