//! For whoever watches the server itself. No token is needed, so nothing here has a name of the service in it.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::SchemaGenerator;
use serde_json::json;
use tidegate_domain::service::RunPhase;

use super::exchange::{Described, Operation};
use super::{AppState, Problem, Route};

struct Text;

pub fn routes() -> Vec<Route> {
    vec![
        Route::open::<_, Text, _>("/healthz", "The server answers", async || "ok\n"),
        Route::open::<_, Text, _>("/readyz", "The server decides and serves", ready),
        Route::open::<_, Text, _>("/metrics", "Figures of the server, as Prometheus reads them", metrics),
    ]
}

async fn ready(State(state): State<AppState>) -> Response {
    if state.control().view().trouble.is_some() {
        return Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "no turn is possible; `tidegate status` says why",
        )
        .into_response();
    }
    "ok\n".into_response()
}

async fn metrics(State(state): State<AppState>) -> Response {
    let view = state.control().view();
    let service = &view.state;
    let gateways = state.shared.gateways.status();
    let runs = || service.runs.iter();
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let figures = [
        (
            "tidegate_routing_generation",
            "generation of the routing as it shall be",
            service.routing.generation,
        ),
        (
            "tidegate_routing_confirmed",
            "generation that all gateways have confirmed",
            service.routing.confirmed,
        ),
        ("tidegate_tenants", "tenants", count(service.seats.len())),
        (
            "tidegate_releases_in_flight",
            "releases on their way",
            count(runs().filter(|run| run.in_flight()).count()),
        ),
        (
            "tidegate_releases_held",
            "releases on their way that are held",
            count(
                runs()
                    .filter(|run| run.hold.is_some() && matches!(run.phase, RunPhase::Moving))
                    .count(),
            ),
        ),
        (
            "tidegate_gateways",
            "registered gateway processes",
            count(gateways.len()),
        ),
        (
            "tidegate_gateways_lapsed",
            "gateway processes that do not answer",
            count(gateways.iter().filter(|gateway| gateway.lapsed).count()),
        ),
        (
            "tidegate_trouble",
            "1 while no turn is possible",
            u64::from(view.trouble.is_some()),
        ),
    ];
    let mut text = String::new();
    for (name, help, value) in figures {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

impl Described for Text {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.answer = Some((
            StatusCode::OK,
            json!({ "text/plain": { "schema": { "type": "string" } } }),
        ));
    }
}
