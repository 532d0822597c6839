//! One question to the server of another service.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use http_body_util::Full;
use serde::Deserialize;
use tidegate_domain::files::OtherService;
use tidegate_domain::release::Companion;
use tidegate_domain::service::CompanionPhase;
use tidegate_effects::drivers::process::reveal;
use tidegate_effects::wire::Wire;
use tokio::time::timeout;

use super::Question;
use crate::control::in_words;

/// From the name to the end of the answer.
const WITHIN: Duration = Duration::from_secs(5);

/// A release of 100,000 tenants is told in a few kilobytes: they are counted, not named.
const BYTES_MAX: usize = 4_000_000;

/// What of a release's status counts here. A server of another version may say more.
#[derive(Debug, Deserialize)]
struct Told {
    phase: String,
    #[serde(default)]
    together: Vec<Listed>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    service: String,
    version: String,
}

/// How far it is, or why that is not to be had, in words.
pub(super) async fn phase(wire: &Wire, server: &OtherService, question: &Question) -> Result<CompanionPhase, String> {
    let token = reveal(&server.token).map_err(|reason| format!("there is no token for its server: {reason}"))?;
    let asked = timeout(WITHIN, ask(wire, server, &token, &question.companion));
    let (status, body) = asked.await.unwrap_or_else(|_| {
        let within = WITHIN.as_secs();
        Err(format!("its server did not answer within {within} s"))
    })?;
    match status {
        StatusCode::OK => told(&body, question),
        StatusCode::NOT_FOUND => Ok(CompanionPhase::NotApplied),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(format!("its server refuses the token: {status}")),
        status => Err(format!("its server answered {status}")),
    }
}

async fn ask(
    wire: &Wire,
    server: &OtherService,
    token: &str,
    companion: &Companion,
) -> Result<(StatusCode, Bytes), String> {
    let address = format!(
        "{}/v1/releases/{}",
        server.server.as_str().trim_end_matches('/'),
        companion.version
    );
    let request = Request::get(address)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::new(Bytes::new()))
        .map_err(|_| "the token cannot stand in a request".to_owned())?;
    let answer = wire.call(request, BYTES_MAX).await;
    answer.map_err(|error| format!("its server cannot be reached: {}", in_words(&error)))
}

pub(super) fn told(body: &[u8], question: &Question) -> Result<CompanionPhase, String> {
    let told: Told = serde_json::from_slice(body).map_err(|_| "its server answered something else".to_owned())?;
    let listed = told
        .together
        .iter()
        .map(|one| (one.service.as_str(), one.version.as_str()));
    let own = question.together.iter();
    if !listed.eq(own.map(|one| (one.service.as_str(), one.version.as_str()))) {
        return Err("its own `together` lists other releases, or the same in another order".to_owned());
    }
    match told.phase.as_str() {
        "queued" | "moving" => Ok(CompanionPhase::Applied),
        "completed" => Ok(CompanionPhase::Completed),
        "rolled back" => Ok(CompanionPhase::RolledBack),
        "aborted" | "superseded" => Ok(CompanionPhase::Stopped),
        other => Err(format!("its server says that it is `{}`", other.escape_debug())),
    }
}
