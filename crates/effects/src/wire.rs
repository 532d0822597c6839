//! One HTTP exchange with another machine, in clear or over TLS. Where it may go has been decided by whoever asks.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

/// A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    /// Made when it is needed first: the machine's certificates take a megabyte.
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// Who is spoken to.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'a> {
    /// What its name resolves to, each tried until one is reached.
    pub addresses: &'a [SocketAddr],
    /// What the certificate has to stand for; `None`: in clear.
    pub certified: Option<&'a str>,
}

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("`{0}` is no address like http://host:port/path or https://host/path")]
    Address(Uri),
    #[error("its name cannot be resolved")]
    Resolve(#[source] io::Error),
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("its name cannot stand in a certificate")]
    Name(#[from] InvalidDnsNameError),
    #[error("it does not prove to be who it should be")]
    Tls(#[source] io::Error),
    #[error("the exchange broke")]
    Exchange(#[from] hyper::Error),
    #[error("its answer broke off, or is longer than {0} bytes")]
    Body(usize),
}

impl Wire {
    /// Believes these certificates instead of the machine's.
    #[must_use]
    pub fn trusting(roots: RootCertStore) -> Self {
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            tls: Arc::new(OnceLock::from(Arc::new(config))),
        }
    }

    /// Sends a request to whom its address names, over a connection of its own, and takes the answer.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange), and where the address names nobody.
    pub async fn call(
        &self,
        mut request: Request<Full<Bytes>>,
        body_max: usize,
    ) -> Result<(StatusCode, Bytes), WireError> {
        let uri = request.uri().clone();
        let no_address = || WireError::Address(uri.clone());
        let (authority, host) = uri.authority().zip(uri.host()).ok_or_else(no_address)?;
        let (tls, usual_port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            Some(_) | None => return Err(no_address()),
        };
        let named = HeaderValue::from_str(authority.as_str()).map_err(|_| no_address())?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| no_address())?;
        request.headers_mut().entry(HOST).or_insert(named);
        request
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        // An address of the sixth version stands in brackets.
        let host = host.trim_matches(['[', ']']);
        let found = lookup_host((host, uri.port_u16().unwrap_or(usual_port))).await;
        let addresses: Vec<SocketAddr> = found.map_err(WireError::Resolve)?.collect();
        let peer = Peer {
            addresses: &addresses,
            certified: tls.then_some(host),
        };
        self.exchange(peer, request, Some(body_max)).await
    }

    /// Sends a request and takes the answer; its body where `body_max` bytes of it are wanted.
    ///
    /// # Errors
    /// Where nobody answers, or not as HTTP and, over TLS, the certificate have it.
    pub async fn exchange(
        &self,
        peer: Peer<'_>,
        request: Request<Full<Bytes>>,
        body_max: Option<usize>,
    ) -> Result<(StatusCode, Bytes), WireError> {
        let stream = TcpStream::connect(peer.addresses).await.map_err(WireError::Connect)?;
        let Some(name) = peer.certified else {
            return over(stream, request, body_max).await;
        };
        let name = ServerName::try_from(name.to_owned())?;
        let connector = TlsConnector::from(Arc::clone(self.tls.get_or_init(machine_roots)));
        let stream = connector.connect(name, stream).await.map_err(WireError::Tls)?;
        over(stream, request, body_max).await
    }
}

/// Whether what is sent to this host, as it stands in an address, leaves the machine never.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// An error with its causes.
#[must_use]
pub fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(&format!(": {error}"));
        cause = error.source();
    }
    words
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
        tracing::warn!("this machine has no certificates: nobody can be believed over https");
    }
    Arc::new(
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

async fn over<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    body_max: Option<usize>,
) -> Result<(StatusCode, Bytes), WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let Some(most) = body_max else {
            return Ok((status, Bytes::new()));
        };
        let body = Limited::new(response.into_body(), most).collect().await;
        Ok((status, body.map_err(|_| WireError::Body(most))?.to_bytes()))
    };
    tokio::pin!(answer);
    // The connection lasts no longer than what is wanted of the answer.
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        ended = connection => {
            ended?;
            answer.await
        }
    }
}
