//! Requests that take a second: a numbered feed, a numbered echo, a body in pieces. What is missing, doubled or out of order in them
//! is a loss.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::{Method, Version};
use serde_json::Value;
use tidegate_loyalty::digest::Fnv1a;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::traffic::connection::Connections;
use crate::traffic::request::{Address, Wanted, agree, document, head, incomplete};
use crate::traffic::tally::{Answer, Failure};

const PIECES: u64 = 10;
const EVERY: Duration = Duration::from_millis(100);
const PIECE_BYTES: usize = 1024;

/// Server-sent events numbered from 1, each there once and in order, and then the end.
pub async fn feed(connections: &Connections, address: &Address) -> Result<Answer, Failure> {
    let path = format!("/events?count={PIECES}&every_ms={}", EVERY.as_millis());
    let request = address.request(Wanted::get(path), Version::HTTP_11)?;
    let (response, sender) = connections.send(None, request).await?;
    let answer = head(response.status(), response.headers())?;
    let mut body = response.into_body();
    let (mut text, mut last) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| incomplete(&format!("cut after event {last}"), &error))?;
        text.extend(frame.data_ref().into_iter().flatten());
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            last = event_after(last, &event, &answer)?;
        }
    }
    if last != PIECES || !text.is_empty() {
        return Err(Failure::Incomplete(format!("the feed ended after event {last}")));
    }
    connections.put_back(sender).await;
    Ok(answer)
}

fn event_after(last: u64, event: &[u8], answer: &Answer) -> Result<u64, Failure> {
    let event = String::from_utf8_lossy(event);
    let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
    let number = field("id: ").and_then(|id| id.parse::<u64>().ok());
    let number = number.filter(|number| *number == last + 1);
    let number = number.ok_or_else(|| Failure::Incomplete(format!("`{event}` after event {last}")))?;
    let document = serde_json::from_str::<Value>(field("data: ").unwrap_or_default());
    agree(answer, &document.unwrap_or_default())?;
    Ok(number)
}

/// A WebSocket on which every message comes back with its number.
pub async fn live(connections: &Connections, address: &Address) -> Result<Answer, Failure> {
    let failed = |what: &str, error: &tungstenite::Error| incomplete(what, error);
    let url = format!("ws://{}{}/live", address.authority, address.prefix);
    let mut request = url
        .into_client_request()
        .map_err(|error| failed("no request", &error))?;
    if let Some((name, value)) = &address.header
        && let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value))
    {
        request.headers_mut().insert(name, value);
    }
    let stream = connections.stream().await?;
    let (mut socket, response) = match tokio_tungstenite::client_async(request, stream).await {
        Ok(opened) => opened,
        Err(tungstenite::Error::Http(response)) => {
            head(response.status(), response.headers())?;
            return Err(Failure::Incomplete(format!("no upgrade but {}", response.status())));
        }
        Err(error) => return Err(failed("no upgrade", &error)),
    };
    let answer = head(response.status(), response.headers())?;
    for number in 1..=PIECES {
        let sent = socket.send(Message::text(format!("message {number}"))).await;
        sent.map_err(|error| failed(&format!("cut before message {number}"), &error))?;
        let echo = socket.next().await;
        let echo = echo.ok_or_else(|| Failure::Incomplete(format!("ended before echo {number}")))?;
        let echo = echo.map_err(|error| failed(&format!("cut before echo {number}"), &error))?;
        let document = serde_json::from_slice::<Value>(&echo.into_data()).unwrap_or_default();
        agree(&answer, &document)?;
        if document["number"] != number || document["echo"] != format!("message {number}") {
            return Err(Failure::Incomplete(format!("`{document}` for message {number}")));
        }
        tokio::time::sleep(EVERY).await;
    }
    close(&mut socket).await?;
    Ok(answer)
}

/// Closes as the protocol wants it: a tunnel cut instead is seen here.
async fn close<S>(socket: &mut tokio_tungstenite::WebSocketStream<S>) -> Result<(), Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let normal = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    let closing = socket.close(Some(normal)).await;
    closing.map_err(|error| incomplete("cut before the closing", &error))?;
    match socket.next().await {
        Some(Ok(Message::Close(_))) => Ok(()),
        other => Err(Failure::Incomplete(format!("no closing but {other:?}"))),
    }
}

/// A chunked body that arrives as it was sent.
pub async fn upload(connections: &Connections, address: &Address) -> Result<Answer, Failure> {
    let piece = |number: u64| Bytes::from(vec![b'a' + (number % 26) as u8; PIECE_BYTES]);
    let mut digest = Fnv1a::default();
    (0..PIECES).for_each(|number| digest.add(&piece(number)));
    let pieces = stream::unfold(0, move |number| async move {
        if number == PIECES {
            return None;
        }
        tokio::time::sleep(EVERY).await;
        Some((Ok::<_, Infallible>(Frame::data(piece(number))), number + 1))
    });
    let wanted = Wanted {
        method: Method::POST,
        path: "/upload".to_owned(),
        id: None,
        body: StreamBody::new(pieces).boxed_unsync(),
    };
    let request = address.request(wanted, Version::HTTP_11)?;
    let (response, sender) = connections.send(None, request).await?;
    let (answer, document) = document(response).await?;
    if document["bytes"] != PIECES * PIECE_BYTES as u64 || document["digest"] != digest.hex() {
        return Err(Failure::Incomplete(format!("of the body arrived {document}")));
    }
    connections.put_back(sender).await;
    Ok(answer)
}
