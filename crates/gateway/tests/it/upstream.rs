//! Instances of a service.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub type Body = BoxBody<Bytes, Infallible>;

/// One instance; it ends when this is dropped.
pub struct Upstream {
    pub address: SocketAddr,
    pub requests: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Upstream {
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Tells what it got, and does what the path says.
    pub async fn start(label: &'static str) -> Self {
        Self::serve(move |stream, requests| async move {
            let service = service_fn(move |request| {
                requests.fetch_add(1, Ordering::SeqCst);
                async move { Ok::<_, Infallible>(answer(label, request).await) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new());
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        })
        .await
    }

    /// Waits for the first request on a connection, and for the next ones only for a moment.
    pub async fn start_closing_idle(idle: Duration) -> Self {
        Self::serve(move |mut stream, requests| async move {
            let mut limit = Duration::from_secs(60);
            while let Ok(Some(_)) = tokio::time::timeout(limit, read_request(&mut stream)).await {
                requests.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                if stream.write_all(answer).await.is_err() {
                    return;
                }
                limit = idle;
            }
        })
        .await
    }

    /// Takes requests and closes the connection without an answer.
    pub async fn start_mute() -> Self {
        Self::serve(|mut stream, requests| async move {
            if read_request(&mut stream).await.is_some() {
                requests.fetch_add(1, Ordering::SeqCst);
            }
        })
        .await
    }

    /// Answers every request with these bytes, then closes.
    pub async fn start_saying(answer: &'static [u8]) -> Self {
        Self::serve(move |mut stream, requests| async move {
            if read_request(&mut stream).await.is_some() {
                requests.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(answer).await;
            }
        })
        .await
    }

    /// Echoes WebSocket messages.
    pub async fn start_websocket() -> Self {
        use futures_util::{SinkExt, StreamExt};
        Self::serve(|stream, requests| async move {
            requests.fetch_add(1, Ordering::SeqCst);
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
                return;
            };
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() && socket.send(message).await.is_err() {
                    return;
                }
            }
        })
        .await
    }

    pub async fn serve<F>(handle: impl Fn(TcpStream, Arc<AtomicU64>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicU64::new(0));
        let counted = requests.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                connections.spawn(handle(stream, counted.clone()));
            }
        });
        Self {
            address,
            requests,
            task,
        }
    }
}

/// Reads one request with a `content-length` body or none.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            if bytes.len() >= end + 4 + length.map_or(0, |length| length.parse().unwrap()) {
                return Some(bytes);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn answer(label: &'static str, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let number = |name: &str| {
        let query = request.uri().query().unwrap_or_default();
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let (ms, count, status) = (number("ms"), number("count"), number("status"));
    tokio::time::sleep(Duration::from_millis(if path == "/events" { 0 } else { ms })).await;
    let mut response = match path.as_str() {
        "/events" => events(count, Duration::from_millis(ms)),
        "/upload" => {
            let bytes = request.into_body().collect().await.map(|body| body.to_bytes().len());
            Response::new(full(format!("{bytes:?}")))
        }
        "/echo" => Response::new(request.into_body().map_err(|error| panic!("{error}")).boxed()),
        "/early" => Response::new(full("early".to_owned())),
        _ => told(request).await,
    };
    if status != 0 {
        *response.status_mut() = StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap();
    }
    response.headers_mut().insert("x-version", label.parse().unwrap());
    response
}

/// What arrived, as JSON.
async fn told(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let headers: serde_json::Map<_, _> = head
        .headers
        .keys()
        .map(|name| {
            let values: Vec<_> = head
                .headers
                .get_all(name)
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect();
            (name.to_string(), values.join("|").into())
        })
        .collect();
    let body = body
        .collect()
        .await
        .map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    let told = serde_json::json!({
        "method": head.method.as_str(),
        "target": head.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    Response::new(full(told.to_string()))
}

fn events(count: u64, every: Duration) -> Response<Body> {
    let events = futures_util::stream::unfold(0, move |number| async move {
        if number >= count {
            return None;
        }
        tokio::time::sleep(every).await;
        Some((Ok(Frame::data(Bytes::from(format!("data: {number}\n\n")))), number + 1))
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(events)));
    response
        .headers_mut()
        .insert("content-type", "text/event-stream".parse().unwrap());
    response
}

fn full(text: String) -> Body {
    Full::new(Bytes::from(text)).boxed()
}
