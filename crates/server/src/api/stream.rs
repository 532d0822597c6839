//! The journal as it is written, as server-sent events: a reader who comes back goes on where it was.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde_json::json;
use tidegate_store::JournalFilter;
use tokio::sync::watch;
use tokio::time::timeout;

use super::exchange::{Args, Described, Operation};
use super::journal::JournalLine;
use super::{AppState, Problem, Route};
use crate::auth::{Authorized, permission};
use crate::control::View;

/// Rows read at once.
const PAGE: u32 = 200;

/// Rows that no turn has written, such as a token's, are found within this time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct From {
    /// Begin after this row; without it, and without `Last-Event-ID`, with the rows to come.
    #[serde(default)]
    after: Option<i64>,
}

/// What a reader who comes back has seen last.
struct LastSeen(Option<i64>);

struct Events<S>(S);

/// Where a reader is.
struct Reader {
    state: AppState,
    changes: watch::Receiver<std::sync::Arc<View>>,
    after: i64,
    page: std::vec::IntoIter<JournalLine>,
}

pub fn routes() -> Vec<Route> {
    vec![Route::guarded(
        Method::GET,
        "/v1/journal/stream",
        "The journal as it is written, as server-sent events whose id is the row's number",
        get,
    )]
}

async fn get(
    state: AppState,
    _: Authorized<permission::Read>,
    (LastSeen(seen), Args(from)): (LastSeen, Args<From>),
) -> Result<Events<impl Stream<Item = Result<Event, Infallible>> + Send + 'static>, Problem> {
    let control = state.control();
    let after = match seen.or(from.after) {
        Some(after) => after,
        None => control.store().journal_head(control.service().as_str()).await?,
    };
    let reader = Reader {
        changes: control.changes(),
        after,
        page: Vec::new().into_iter(),
        state,
    };
    Ok(Events(stream::unfold(reader, |mut reader| async {
        let line = reader.next().await?;
        let event = Event::default()
            .id(line.seq.to_string())
            .event("journal")
            .json_data(&line);
        Some((Ok(event.ok()?), reader))
    })))
}

impl Reader {
    /// The next row; `None` where the store is gone, and the reader may come back with what it has seen.
    async fn next(&mut self) -> Option<JournalLine> {
        loop {
            if let Some(line) = self.page.next() {
                self.after = line.seq;
                return Some(line);
            }
            self.changes.borrow_and_update();
            let control = self.state.control();
            let rows = control
                .store()
                .journal(control.service().as_str(), JournalFilter::All, self.after, PAGE)
                .await;
            let lines: Vec<JournalLine> = rows.ok()?.iter().map(JournalLine::of).collect();
            if lines.is_empty() {
                // Elapsed or changed: either way it is time to look.
                let _ = timeout(LOOK_EVERY, self.changes.changed()).await;
            }
            self.page = lines.into_iter();
        }
    }
}

impl FromRequestParts<AppState> for LastSeen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("last-event-id") else {
            return Ok(Self(None));
        };
        let seen = value.to_str().ok().and_then(|text| text.parse().ok());
        seen.map(|seen| Self(Some(seen)))
            .ok_or_else(|| Problem::bad_request("`Last-Event-ID` is the number of a row"))
    }
}

impl Described for LastSeen {
    fn describe(operation: &mut Operation, _: &mut SchemaGenerator) {
        operation.parameters.push(json!({
            "name": "Last-Event-ID", "in": "header", "required": false, "schema": { "type": "integer" },
            "description": "the number of the row that was seen last; browsers send it by themselves",
        }));
    }
}

impl<S> Described for Events<S> {
    fn describe(operation: &mut Operation, schemas: &mut SchemaGenerator) {
        let line = schemas.subschema_for::<JournalLine>().to_value();
        let content = json!({ "text/event-stream": { "schema": {
            "type": "string", "description": "events named `journal`", "contentSchema": line,
            "contentMediaType": "application/json",
        } } });
        operation.answer = Some((StatusCode::OK, content));
    }
}

impl<S: Stream<Item = Result<Event, Infallible>> + Send + 'static> IntoResponse for Events<S> {
    fn into_response(self) -> Response {
        Sse::new(self.0).keep_alive(KeepAlive::default()).into_response()
    }
}
