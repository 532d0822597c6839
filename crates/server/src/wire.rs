//! One HTTP exchange with another machine, in clear or over TLS. Where it may go has been decided by whoever asks.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
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
    #[cfg(test)]
    pub fn trusting(roots: RootCertStore) -> Self {
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            tls: Arc::new(OnceLock::from(Arc::new(config))),
        }
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
