//! One HTTP exchange with another machine, in clear or over TLS. Where it may go has been decided by whoever asks.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

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

/// How much of an answer's body is taken.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// All of it; more than this is an error.
    Whole(usize),
    /// So much of it; one that is longer or breaks off is cut.
    Beginning(usize),
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
    pub async fn call(&self, request: Request<Full<Bytes>>, body_max: usize) -> Result<(StatusCode, Bytes), WireError> {
        let response = self.send(request, Wanted::Whole(body_max)).await?;
        Ok((response.status(), response.into_body()))
    }

    /// The same for who asks what became of the request, and not for the body: of that the beginning is taken, as far as it comes.
    ///
    /// # Errors
    /// As for [`call`](Self::call), without those of the body.
    pub async fn outcome(&self, request: Request<Full<Bytes>>, body_max: usize) -> Result<Response<Bytes>, WireError> {
        self.send(request, Wanted::Beginning(body_max)).await
    }

    async fn send(&self, mut request: Request<Full<Bytes>>, wanted: Wanted) -> Result<Response<Bytes>, WireError> {
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
        self.with(peer, request, wanted).await
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
        let wanted = body_max.map_or(Wanted::Beginning(0), Wanted::Whole);
        let response = self.with(peer, request, wanted).await?;
        Ok((response.status(), response.into_body()))
    }

    async fn with(
        &self,
        peer: Peer<'_>,
        request: Request<Full<Bytes>>,
        wanted: Wanted,
    ) -> Result<Response<Bytes>, WireError> {
        let stream = TcpStream::connect(peer.addresses).await.map_err(WireError::Connect)?;
        let Some(name) = peer.certified else {
            return over(stream, request, wanted).await;
        };
        over(self.encrypted(name, stream).await?, request, wanted).await
    }

    /// A connection that nobody on its way can read, to whoever proves to be called so.
    ///
    /// # Errors
    /// Where the certificate says otherwise, or nobody vouches for it.
    pub async fn encrypted(&self, name: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, WireError> {
        let name = ServerName::try_from(name.to_owned())?;
        let connector = TlsConnector::from(Arc::clone(self.tls.get_or_init(machine_roots)));
        connector.connect(name, stream).await.map_err(WireError::Tls)
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

async fn over<S>(stream: S, request: Request<Full<Bytes>>, wanted: Wanted) -> Result<Response<Bytes>, WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = match wanted {
            Wanted::Whole(most) => {
                let body = Limited::new(body, most).collect().await;
                body.map_err(|_| WireError::Body(most))?.to_bytes()
            }
            Wanted::Beginning(most) => beginning(body, most).await,
        };
        Ok(Response::from_parts(head, body))
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

async fn beginning(mut body: Incoming, most: usize) -> Bytes {
    let mut taken = BytesMut::new();
    while taken.len() < most {
        let Some(Ok(frame)) = body.frame().await else {
            break;
        };
        if let Some(data) = frame.data_ref() {
            taken.extend_from_slice(data);
        }
    }
    taken.truncate(most);
    taken.freeze()
}
