//! The REST API: JSON over HTTP under `/v1`, with a token that names a principal.
//!
//! [`routes`] is the one table of it. The router and the OpenAPI document are both made from it, so that neither knows a route
//! which the other does not. A mutation becomes an event with the token's principal as its actor, and is answered after the
//! turn that took it: what is refused is refused in the answer.

mod alerts;
mod approvals;
pub(crate) mod backups;
mod commands;
mod compaction;
mod components;
pub(crate) mod created;
mod diff;
mod exchange;
mod freezes;
mod gates;
mod gateways;
mod history;
mod jobs;
pub(crate) mod journal;
mod logs;
mod migrations;
mod notices;
pub mod openapi;
pub(crate) mod plans;
mod probes;
mod problem;
mod profile;
pub(crate) mod releases;
mod reports;
mod reservations;
mod restored;
mod route;
mod shadow;
mod status;
mod steps;
mod stream;
mod tenants;
mod tokens;
mod waivers;
mod webhooks;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tidegate_domain::id::CellName;
use tidegate_effects::drivers::Driver;
use tokio::sync::{Mutex, MutexGuard, Notify, watch};
use tokio::time::timeout;

pub use self::alerts::{
    AlertAcknowledged, AlertList, AlertStatus, AlertSymptom, NewSilence, SilenceList, SilenceStatus, WatchedTenant,
    WatchedTenants,
};
pub use self::approvals::Approve;
pub use self::backups::{Backup, BackupMade};
pub use self::commands::{Hold, Reason, RollBack, Target};
pub use self::compaction::{CompactJournal, JournalCompacted};
pub use self::components::{ComponentContent, ComponentList, ComponentStatus};
pub use self::created::{CreatedRelease, CreatedStatus, NewRelease};
pub use self::diff::{ComponentDiff, Diff, VariableDiff};
pub use self::freezes::{FreezeList, FreezeStatus, NewFreeze};
pub use self::gates::{AnswerGate, GateList, OverrideGate, WaveGates};
pub use self::gateways::{Gateway, GatewayList};
pub use self::history::{History, HistoryRow};
pub use self::jobs::{FailedRuns, JobList, JobRunStatus, JobStatus, RunJob};
pub use self::journal::{Journal, JournalCheck, JournalLine, JournalStatus};
pub use self::logs::Logs;
pub use self::migrations::{MigrationList, MigrationStatus, SetMigrations};
pub use self::notices::{NoticeList, NoticeStatus, ProveNotices};
pub use self::plans::{FoundArtifact, KeptPlan, PlanRequest, Planned, SourceText};
pub use self::problem::Problem;
pub use self::profile::{TenantTraffic, TrafficProfile};
pub use self::releases::{Applied, Apply, ReleaseList};
pub use self::reports::Report;
pub use self::reservations::{FreeTimeStatus, ReservationList, ReservationStatus, Reserve};
pub use self::restored::{
    ConfirmRestored, GatewaySeen, PendingEffect, RestoreConfirmed, RestoredStatus, SlotDiffers, TenantDiffers,
};
pub use self::route::Route;
pub use self::shadow::{Shadow, ShadowCounts, ShadowEndpoint, ShadowField, ShadowLatency, ShadowReport, Shadows};
pub use self::status::{
    ApprovalStatus, CellStatus, CompanionStatus, GateOverride, GateQuestion, GateStatus, HealthStatus, HoldStatus,
    JobFailures, MaintenanceStatus, NoticeCounts, PatchStatus, ReleaseStatus, SlotStatus, Status, StepStatus,
    TenantCounts, ValidationStatus, WaitingText, WaiverStatus, WaveStatus,
};
pub use self::steps::StepList;
pub use self::tenants::{
    ListedTenant, MoveTenant, NewTenant, SyncTenants, TenantList, TenantMoving, TenantStatus, TenantsSynced,
};
pub use self::tokens::{NewToken, TokenList, TokenMade, TokenStatus};
pub use self::waivers::Waive;
pub use self::webhooks::{NewWebhook, WebhookList, WebhookMade, WebhookStatus};
use crate::alerts::Alerts;
use crate::control::Control;
use crate::gateways::Gateways;
use crate::traffic::Traffic;
use crate::webhooks::Reach;

/// Of every document that the API answers with.
pub const SCHEMA_VERSION: u32 = 1;

/// From the last byte of a request to the first of its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What handlers work with. A clone is the same.
#[derive(Debug, Clone)]
pub struct AppState {
    shared: Arc<Shared>,
}

struct Shared {
    control: Control,
    alerts: Alerts,
    gateways: Gateways,
    traffic: Traffic,
    cells: PathBuf,
    /// The cells that the service file has.
    declared: BTreeSet<CellName>,
    driver: Arc<dyn Driver>,
    reach: Reach,
    /// The folder with the files of the project.
    project: PathBuf,
    /// Held from planning again until the plan is taken: of two that apply at once, the second plans on what the first did.
    applying: Mutex<()>,
    /// Of two that hand in one version at once, the second finds what the first handed in.
    handing_in: Mutex<()>,
    /// Something was handed in.
    handed_in: Notify,
    /// Two that write to one name would stand in each other's way.
    backing_up: Mutex<()>,
    /// Why what is old cannot be dropped.
    not_dropped: watch::Sender<Option<String>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("cells", &self.cells)
            .finish_non_exhaustive()
    }
}

impl AppState {
    /// `cells` is the folder in which the driver keeps what instances print, `project` that of the project's files.
    #[must_use]
    pub fn new(
        control: Control,
        gateways: Gateways,
        cells: PathBuf,
        driver: Arc<dyn Driver>,
        reach: Reach,
        project: PathBuf,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                alerts: Alerts::new(control.clone(), project.clone()),
                traffic: Traffic::new(control.store().clone(), control.service().clone()),
                control,
                gateways,
                cells,
                declared: BTreeSet::new(),
                driver,
                reach,
                project,
                handing_in: Mutex::new(()),
                handed_in: Notify::new(),
                applying: Mutex::new(()),
                backing_up: Mutex::new(()),
                not_dropped: watch::Sender::new(None),
            }),
        }
    }

    /// What has been measured.
    #[must_use]
    pub(crate) fn with_traffic(mut self, traffic: Traffic) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.traffic = traffic;
        }
        self
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.shared.traffic
    }

    /// The cells that the service file has: tenants may come there although nothing has run in them.
    #[must_use]
    pub fn with_declared(mut self, declared: BTreeSet<CellName>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.declared = declared;
        }
        self
    }

    pub(crate) fn declared(&self) -> &BTreeSet<CellName> {
        &self.shared.declared
    }

    pub(crate) fn alerts(&self) -> &Alerts {
        &self.shared.alerts
    }

    pub(crate) fn control(&self) -> &Control {
        &self.shared.control
    }

    /// Held from planning again until the plan is taken.
    pub(crate) async fn applying(&self) -> MutexGuard<'_, ()> {
        self.shared.applying.lock().await
    }

    /// Held while the store is copied, or its journal is compacted: a copy has either all old rows or none.
    pub(crate) async fn backing_up(&self) -> MutexGuard<'_, ()> {
        self.shared.backing_up.lock().await
    }

    /// Why what is old cannot be dropped; `None` where it was.
    pub(crate) fn cannot_drop(&self, trouble: Option<String>) {
        self.shared.not_dropped.send_replace(trouble);
    }

    /// Where the store lies.
    pub(crate) fn state_dir(&self) -> &Path {
        &self.shared.cells
    }

    pub(crate) fn project(&self) -> &Path {
        &self.shared.project
    }

    /// Until something is handed in.
    pub(crate) async fn handed_in(&self) {
        self.shared.handed_in.notified().await;
    }
}

/// Every route there is.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        probes::routes(),
        openapi::routes(),
        status::routes(),
        plans::routes(),
        profile::routes(),
        releases::routes(),
        created::routes(),
        components::routes(),
        commands::routes(),
        approvals::routes(),
        waivers::routes(),
        reports::routes(),
        shadow::routes(),
        reservations::routes(),
        steps::routes(),
        jobs::routes(),
        migrations::routes(),
        freezes::routes(),
        gates::routes(),
        notices::routes(),
        diff::routes(),
        tenants::routes(),
        history::routes(),
        journal::routes(),
        stream::routes(),
        logs::routes(),
        gateways::routes(),
        backups::routes(),
        compaction::routes(),
        restored::routes(),
        tokens::routes(),
        webhooks::routes(),
        alerts::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The API as a service. Paths are taken as they are written: nothing is cleaned up before a route is looked for.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let (path, service) = route.into_service();
        router = router.route(path, service);
    }
    router
        .fallback(async || Problem::not_found("there is nothing here; `/openapi.json` lists what there is"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "this method does not work here",
            )
        })
        .layer(middleware::from_fn(in_time))
        .with_state(state)
}

async fn in_time(request: Request, next: Next) -> Response {
    match timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timed-out",
            "the answer took longer than 30 s",
        )
        .into_response(),
    }
}

#[cfg(test)]
mod tests;
