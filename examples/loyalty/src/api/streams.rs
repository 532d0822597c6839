//! What takes its time: a numbered feed, a numbered echo, slow answers and slow uploads.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, Query, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;

use super::Api;
use crate::digest::Fnv1a;
use crate::problem::Problem;
use crate::reply::Caller;

const SLOW_MS_MAX: u64 = 120_000;
const EVENTS_MAX: u64 = 100_000;

#[derive(Debug, Deserialize)]
pub struct Slow {
    milliseconds: u64,
}

pub async fn slow(Extension(caller): Extension<Caller>, Query(slow): Query<Slow>) -> Response {
    let milliseconds = slow.milliseconds.min(SLOW_MS_MAX);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    caller.json(&json!({"milliseconds": milliseconds}))
}

#[derive(Debug, Deserialize)]
pub struct Feed {
    count: u64,
    every_ms: u64,
}

/// `count` events, numbered from 1, one each `every_ms`.
pub async fn events(
    Extension(caller): Extension<Caller>,
    Query(feed): Query<Feed>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = feed.count.min(EVENTS_MAX);
    let every = Duration::from_millis(feed.every_ms.clamp(1, SLOW_MS_MAX));
    Sse::new(stream::unfold(1, move |number| {
        let document = caller.document(&json!({"number": number}));
        async move {
            if number > last {
                return None;
            }
            if number > 1 {
                tokio::time::sleep(every).await;
            }
            let event = Event::default().id(number.to_string()).data(document.to_string());
            Some((Ok(event), number + 1))
        }
    }))
}

/// Answers each text with its number on this connection, until the client closes.
pub async fn live(State(api): State<Api>, Extension(caller): Extension<Caller>, upgrade: WebSocketUpgrade) -> Response {
    let busy = api.lifecycle.busy();
    upgrade.max_message_size(64 << 10).on_upgrade(async move |socket| {
        echo(socket, &caller).await;
        drop(busy);
    })
}

async fn echo(mut socket: WebSocket, caller: &Caller) {
    let mut number: u64 = 0;
    while let Some(Ok(message)) = socket.recv().await {
        match message {
            Message::Text(text) => {
                number += 1;
                let document = caller.document(&json!({"number": number, "echo": text.as_str()}));
                if socket.send(Message::text(document.to_string())).await.is_err() {
                    return;
                }
            }
            // The library answers pings and the closing itself.
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
        }
    }
}

/// Takes a body of any length as it comes, and tells what arrived.
pub async fn upload(Extension(caller): Extension<Caller>, body: Body) -> Response {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut digest) = (0_u64, Fnv1a::default());
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => {
                bytes += chunk.len() as u64;
                digest.add(&chunk);
            }
            Err(error) => return Problem::bad_request(error.to_string()).into_response(),
        }
    }
    caller.json(&json!({"bytes": bytes, "digest": digest.hex()}))
}
