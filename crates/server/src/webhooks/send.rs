//! One message to one listener.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::reach::{Reach, Target, TargetError};
use super::signature::Key;
use crate::clock;

/// From the name to the status of the answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Carries messages as far as it may. A clone is the same.
#[derive(Debug, Clone)]
pub struct Courier {
    reach: Reach,
    /// Made when it is needed first: the machine's certificates take a megabyte.
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The same for every attempt.
    pub id: &'a str,
    pub body: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("its name cannot stand in a certificate")]
    Name(#[from] InvalidDnsNameError),
    #[error("it does not prove to be who it should be")]
    Tls(#[source] io::Error),
    #[error("the exchange broke")]
    Exchange(#[from] hyper::Error),
    #[error("cannot be asked for")]
    Request(#[from] axum::http::Error),
    #[error("it answered {0}")]
    Answer(StatusCode),
    #[error("it did not answer within 10 s")]
    TimedOut,
}

impl Courier {
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            tls: Arc::default(),
        }
    }

    /// Believes these certificates instead of the machine's.
    #[cfg(test)]
    pub fn trusting(reach: Reach, roots: RootCertStore) -> Self {
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            reach,
            tls: Arc::new(OnceLock::from(Arc::new(config))),
        }
    }

    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Delivered is what was answered with 2xx. Redirections are not followed: where they lead nobody has checked.
    pub async fn send(&self, url: &str, key: &Key, message: Message<'_>) -> Result<(), SendError> {
        let sent = timeout(WITHIN, self.connect(url, key, message)).await;
        sent.unwrap_or(Err(SendError::TimedOut))
    }

    async fn connect(&self, url: &str, key: &Key, message: Message<'_>) -> Result<(), SendError> {
        let target = self.reach.target(url)?;
        let address = self.reach.resolve(&target).await?;
        let request = signed(&target, key, message)?;
        let stream = TcpStream::connect(address).await.map_err(SendError::Connect)?;
        if !target.tls {
            return exchange(stream, request).await;
        }
        let name = ServerName::try_from(target.host)?;
        let connector = TlsConnector::from(Arc::clone(self.tls.get_or_init(machine_roots)));
        let stream = connector.connect(name, stream).await.map_err(SendError::Tls)?;
        exchange(stream, request).await
    }
}

/// Believes who the machine believes.
fn machine_roots() -> Arc<ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some certificates of this machine cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!("this machine has no certificates: no webhook over https can be believed");
    }
    Arc::new(
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

fn signed(target: &Target, key: &Key, message: Message<'_>) -> Result<Request<Full<Bytes>>, SendError> {
    let timestamp = clock::now().0 / 1_000;
    let request = Request::post(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .header("webhook-id", message.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", key.sign(message.id, timestamp, message.body))
        .body(Full::new(Bytes::from(message.body.to_owned())))?;
    Ok(request)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(), SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let status = sender.send_request(request).await?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(SendError::Answer(status))
        }
    };
    tokio::pin!(answer);
    // The connection lasts no longer than the head of the answer: its body is nothing to us.
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        ended = connection => {
            ended?;
            answer.await
        }
    }
}
