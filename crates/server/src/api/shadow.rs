//! What mirrored requests of a wave have shown: where the new version answers otherwise, by endpoint and field.
//!
//! Examples are values of tenants, as far as the playbook does not redact them, so whoever sees them needs what it takes to see logs.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{CellName, ComponentName, Version, WaveName};
use tidegate_effects::gates::shadow::KEPT_FILE;
use tokio::task::spawn_blocking;

use super::exchange::{Answer, Named};
use super::releases::no_such_release;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::layout;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shadows {
    pub schema_version: u32,
    /// One for each gate `shadow` of the wave that has compared, in the order of its gates.
    pub comparisons: Vec<Shadow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shadow {
    /// Which gate of the wave it is, from 0.
    pub gate: usize,
    pub component: ComponentName,
    /// Where requests were mirrored.
    pub cells: BTreeSet<CellName>,
    pub verdict: String,
    pub reason: String,
    pub counts: ShadowCounts,
    /// Not compared, since instances that have just started are slow.
    pub warm_up: u64,
    /// Requests that the new version did not answer.
    pub unanswered_by_new: u64,
    /// Requests that the old version did not answer once more.
    pub unanswered_by_old: u64,
    /// Gateways that cannot mirror.
    pub unable: Vec<String>,
    pub report: ShadowReport,
}

/// What became of the requests that were to be mirrored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowCounts {
    /// That might be mirrored.
    pub matched: u64,
    /// Of those, fell into the share.
    pub chosen: u64,
    pub mirrored: u64,
    /// Chosen and not mirrored, for want of room.
    pub busy: u64,
    /// Chosen and not mirrored, because a body was too long.
    pub too_large: u64,
    /// Chosen and not mirrored, because they ended early, or became a stream.
    pub incomplete: u64,
    /// Chosen and not mirrored, because the new version had no instance.
    pub no_instance: u64,
    /// Mirrored, and the answers were lost.
    pub undelivered: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowReport {
    pub pairs: u64,
    /// Those with differences, or whose latency was judged.
    pub endpoints: Vec<ShadowEndpoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowEndpoint {
    pub endpoint: String,
    pub pairs: u64,
    /// What failed first, then what is open, then noise.
    pub fields: Vec<ShadowField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<ShadowLatency>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowField {
    /// `status`, `header NAME`, `body` or a path in JSON.
    pub field: String,
    pub kind: String,
    pub verdict: String,
    /// Pairs in which the new version differs from the old one.
    pub differs: u64,
    /// Pairs in which the old version differs from itself.
    pub noise: u64,
    /// An example of the old version; redacted where the rules say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShadowLatency {
    pub verdict: String,
    pub reason: String,
}

/// As the gate has left it.
#[derive(Debug, Deserialize)]
struct Kept {
    component: ComponentName,
    cells: BTreeSet<CellName>,
    verdict: String,
    reason: String,
    counts: ShadowCounts,
    warm_up: u64,
    unanswered_by_new: u64,
    unanswered_by_old: u64,
    unable: Vec<String>,
    report: ShadowReport,
}

#[derive(Debug, Clone, Deserialize)]
struct OfWave {
    version: Version,
    wave: WaveName,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::GET,
        "/v1/releases/{version}/waves/{wave}/shadow",
        "What mirrored requests of a wave have shown",
        get,
    )]
}

async fn get(
    state: AppState,
    by: Authorized<permission::ReadLogs>,
    Named(OfWave { version, wave }): Named<OfWave>,
) -> Result<Answer<Shadows>, Problem> {
    let view = state.control().view();
    let run = view.state.run(&version).ok_or_else(|| no_such_release(&version))?;
    if !run.waves.iter().any(|known| known.name == wave) {
        let words = format!("release {version} has no wave `{wave}`");
        return Err(Problem::not_found(words).help("`tidegate status` lists its waves"));
    }
    let folder = layout::gates_folder(state.state_dir()).join(version.as_str());
    let read = spawn_blocking(move || read(&folder, &wave)).await;
    let comparisons = read
        .map_err(|error| Problem::unavailable(&error))?
        .map_err(|error| Problem::unavailable(&error))?;
    for cell in comparisons.iter().flat_map(|shadow| &shadow.cells) {
        by.within(cell)?;
    }
    Ok(Answer(Shadows {
        schema_version: SCHEMA_VERSION,
        comparisons,
    }))
}

/// Gates of a wave have folders named by it and by their number.
fn read(folder: &Path, wave: &WaveName) -> io::Result<Vec<Shadow>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files: Vec<(usize, PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(wave.as_str())?.strip_prefix('.'));
        let file = entry.path().join(KEPT_FILE);
        if let Some(number) = number.and_then(|number| number.parse().ok())
            && file.is_file()
        {
            files.push((number, file));
        }
    }
    files.sort();
    let read = files.into_iter().map(|(gate, file)| {
        let kept: Kept = serde_json::from_slice(&fs::read(file)?)?;
        Ok(Shadow {
            gate,
            component: kept.component,
            cells: kept.cells,
            verdict: kept.verdict,
            reason: kept.reason,
            counts: kept.counts,
            warm_up: kept.warm_up,
            unanswered_by_new: kept.unanswered_by_new,
            unanswered_by_old: kept.unanswered_by_old,
            unable: kept.unable,
            report: kept.report,
        })
    });
    read.collect()
}
