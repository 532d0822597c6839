//! The component `ledger`: books events for the tenants it was given. Its control is the worker protocol, `docs/worker.md`.

mod assignment;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use crate::api;
use crate::artifact::Artifact;
use crate::options::Options;
use crate::problem::Problem;
use crate::serve::{Lifecycle, Phase};
use crate::store::Store;
use assignment::{Assignment, AssignmentError, Scope};

/// How often the logs are looked at.
const TURN: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Worker {
    artifact: Arc<Artifact>,
    data: PathBuf,
    assignment: Mutex<Assignment>,
}

/// Starts booking (nothing, until activated) and returns the control.
pub fn router(artifact: Arc<Artifact>, options: &Options, lifecycle: &Lifecycle) -> Router {
    let worker = Arc::new(Worker {
        artifact,
        data: options.data.clone(),
        assignment: Mutex::default(),
    });
    tokio::spawn(book(Arc::clone(&worker), lifecycle.busy()));
    Router::new()
        .route("/worker/activate", post(activate))
        .route("/worker/deactivate", post(deactivate))
        .route("/worker/status", get(status))
        .merge(api::health(Arc::new(Store::new(&options.data))))
        .with_state(worker)
}

/// Ends with the batch in hand when the process is asked to end.
async fn book(worker: Arc<Worker>, mut phase: tokio::sync::watch::Receiver<Phase>) {
    let mut turns = tokio::time::interval(TURN);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
        }
        let worker = Arc::clone(&worker);
        // A panic in one turn is no reason to stop booking.
        let _ = tokio::task::spawn_blocking(move || worker.turn()).await;
    }
}

impl Worker {
    /// One batch for each tenant. Whoever holds the assignment between two tenants finds nothing half done.
    fn turn(&self) {
        self.assignment().discover(&self.data);
        let mut last = None;
        loop {
            let mut assignment = self.assignment();
            let Some(tenant) = assignment.next_after(last.as_ref()) else {
                return;
            };
            assignment.book(&tenant);
            last = Some(tenant);
        }
    }

    fn assignment(&self) -> MutexGuard<'_, Assignment> {
        self.assignment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn activate(State(worker): State<Arc<Worker>>, Json(scope): Json<Scope>) -> Response {
    change(worker, move |assignment, data| assignment.activate(scope, data)).await
}

async fn deactivate(State(worker): State<Arc<Worker>>, Json(scope): Json<Scope>) -> Response {
    change(worker, move |assignment, _| assignment.deactivate(&scope)).await
}

async fn change(
    worker: Arc<Worker>,
    work: impl FnOnce(&mut Assignment, &Path) -> Result<(), AssignmentError> + Send + 'static,
) -> Response {
    let changed = tokio::task::spawn_blocking({
        let worker = Arc::clone(&worker);
        move || work(&mut worker.assignment(), &worker.data)
    });
    match changed.await {
        Ok(Ok(())) => status(State(worker)).await,
        Ok(Err(error @ AssignmentError::Outdated { .. })) => {
            Problem::new(StatusCode::CONFLICT, error.to_string()).into_response()
        }
        Ok(Err(error @ AssignmentError::Ledger { .. })) => Problem::unavailable(&error).into_response(),
        Err(error) => Problem::unavailable(&error).into_response(),
    }
}

async fn status(State(worker): State<Arc<Worker>>) -> Response {
    let version = worker.artifact.version.clone();
    match tokio::task::spawn_blocking(move || worker.assignment().status()).await {
        Ok(status) => {
            let mut document = json!(status);
            document["version"] = json!(version);
            Json(document).into_response()
        }
        Err(error) => Problem::unavailable(&error).into_response(),
    }
}
