//! A client of the calendar server: HTTP without retries, and writers that keep to their schedule whatever is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

/// From one write to the next, over all tenants. Each write is followed by two reads.
const EVERY: Duration = Duration::from_millis(80);

/// An answer that takes longer is no answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Asks a server for nothing but its own version.
const WHICH_VERSION: &str =
    r#"<propfind xmlns="DAV:"><prop><x:version xmlns:x="http://radicale.org/ns/"/></prop></propfind>"#;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Talks to the calendars through the gateway, on connections that are kept open.
pub struct Client {
    gateway: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// What writers saw.
#[derive(Debug, Default)]
pub struct Tally {
    /// Per tenant, the names of the events whose writing was acknowledged.
    pub acknowledged: BTreeMap<String, Vec<String>>,
    /// Per tenant, the versions that answered.
    pub versions: BTreeMap<String, BTreeSet<String>>,
    /// Every request without the answer it should have had, in words.
    pub lost: Vec<String>,
}

/// What one write came to.
struct Written {
    tenant: String,
    event: String,
    /// The version that answered just after.
    version: String,
}

impl Client {
    pub fn new(gateway: SocketAddr) -> Self {
        Self {
            gateway,
            idle: Mutex::default(),
        }
    }

    /// Makes the calendar of a tenant.
    pub async fn make_calendar(&self, tenant: &str) -> Result<(), String> {
        let method = Method::from_bytes(b"MKCALENDAR").unwrap();
        let path = format!("/{tenant}/work/");
        self.expect(StatusCode::CREATED, method, tenant, &path, String::new())
            .await
            .map(drop)
    }

    /// Which version of Radicale serves a tenant.
    pub async fn version(&self, tenant: &str) -> Result<String, String> {
        let method = Method::from_bytes(b"PROPFIND").unwrap();
        let path = format!("/{tenant}/");
        let answer = self
            .expect(
                StatusCode::MULTI_STATUS,
                method,
                tenant,
                &path,
                WHICH_VERSION.to_owned(),
            )
            .await?;
        let version = answer
            .split_once("<RADICALE:version>")
            .and_then(|(_, rest)| rest.split_once('<'));
        version
            .map(|(version, _)| version.to_owned())
            .ok_or_else(|| format!("no version in `{answer}`"))
    }

    /// The names of all events of a tenant, as its calendar shows them, in order.
    pub async fn events(&self, tenant: &str) -> Result<Vec<String>, String> {
        let path = format!("/{tenant}/work/");
        let calendar = self
            .expect(StatusCode::OK, Method::GET, tenant, &path, String::new())
            .await?;
        Ok(events_in(&calendar))
    }

    /// Writes an event and reads it back.
    async fn write(&self, tenant: String, event: String) -> Result<Written, String> {
        let path = format!("/{tenant}/work/{event}.ics");
        self.expect(StatusCode::CREATED, Method::PUT, &tenant, &path, event_text(&event))
            .await?;
        let version = self.version(&tenant).await?;
        let read = self
            .expect(StatusCode::OK, Method::GET, &tenant, &path, String::new())
            .await?;
        match events_in(&read) == [event.as_str()] {
            true => Ok(Written { tenant, event, version }),
            false => Err(format!("{path} reads `{read}`")),
        }
    }

    /// The body of an answer with this status; anything else is an error in words.
    async fn expect(
        &self,
        status: StatusCode,
        method: Method,
        tenant: &str,
        path: &str,
        body: String,
    ) -> Result<String, String> {
        let what = format!("{method} {path}");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.gateway.to_string())
            .header("authorization", format!("Basic {}", base64(&format!("{tenant}:"))))
            .header("depth", "0")
            .body(Full::from(body))
            .unwrap();
        let answered = timeout(ANSWER_MAX, self.send(request)).await;
        let (found, text) = answered
            .map_err(|_| format!("{what}: no answer in {ANSWER_MAX:?}"))?
            .map_err(|error| format!("{what}: {error}"))?;
        match found == status {
            true => Ok(text),
            false => Err(format!("{what}: {found}: {text}")),
        }
    }

    /// Sends a request once.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, String), BoxError> {
        let mut connection = match self.rested() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        self.idle.lock().unwrap().push(connection);
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    fn rested(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap();
        idle.retain(|connection| !connection.is_closed());
        let ready = idle.iter().rposition(SendRequest::is_ready)?;
        Some(idle.remove(ready))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, BoxError> {
        let stream = TcpStream::connect(self.gateway).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// Writes to each tenant in turn, open loop: the next write does not wait for the answer to the one before.
/// Ends when `stop` says so and everything under way is answered.
pub async fn write_on(client: Arc<Client>, tenants: Vec<String>, mut stop: watch::Receiver<bool>) -> Tally {
    let mut schedule = interval(EVERY);
    let mut under_way = JoinSet::new();
    for (number, tenant) in tenants.iter().cycle().enumerate() {
        tokio::select! {
            _ = schedule.tick() => {}
            _ = stop.changed() => break,
        }
        let (client, tenant) = (Arc::clone(&client), tenant.clone());
        under_way.spawn(async move { client.write(tenant, format!("event-{number}")).await });
    }
    let mut tally = Tally::default();
    for written in under_way.join_all().await {
        tally.count(written);
    }
    tally
}

impl Tally {
    fn count(&mut self, written: Result<Written, String>) {
        match written {
            Ok(Written { tenant, event, version }) => {
                self.versions.entry(tenant.clone()).or_default().insert(version);
                self.acknowledged.entry(tenant).or_default().push(event);
            }
            Err(why) => self.lost.push(why),
        }
    }

    /// The names of a tenant's acknowledged events, in order.
    pub fn events(&self, tenant: &str) -> Vec<String> {
        let mut events = self.acknowledged.get(tenant).cloned().unwrap_or_default();
        events.sort();
        events
    }
}

/// The names of the events in a calendar file, in order, as often as they occur.
pub fn events_in(calendar: &str) -> Vec<String> {
    let mut events: Vec<String> = calendar
        .lines()
        .filter_map(|line| line.strip_prefix("UID:"))
        .map(|event| event.trim_end().to_owned())
        .collect();
    events.sort();
    events
}

fn event_text(event: &str) -> String {
    [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//tidegate//test//EN",
        "BEGIN:VEVENT",
        &format!("UID:{event}"),
        "DTSTAMP:20261121T100000Z",
        "DTSTART:20261121T100000Z",
        "SUMMARY:Written during a release",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    .join("\r\n")
}

/// Base64 (RFC 4648) of a short text, for basic authentication.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bytes = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            encoded.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    encoded
}
