//! TLS towards clients, with a certificate that is read again when its files change. Connections that stand keep theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Error)]
pub enum TlsError {
    #[error("could not read {path} as PEM")]
    Read {
        path: PathBuf,
        #[source]
        source: pem::Error,
    },
    #[error("certificate in {certificate} and key in {key} do not make a server")]
    Pair {
        certificate: PathBuf,
        key: PathBuf,
        #[source]
        source: rustls::Error,
    },
}

/// The certificate in use.
#[derive(Debug)]
pub(crate) struct Certificate {
    config: ArcSwap<ServerConfig>,
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            config: ArcSwap::from_pointee(read(certificate, key)?),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// Reads the files again when they change. A pair that does not work is told of, and the one in use stays.
    pub(crate) async fn follow(self: Arc<Self>) {
        let stamps = || (stamp(&self.certificate), stamp(&self.key));
        let mut seen = stamps();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = stamps();
            if now == seen {
                continue;
            }
            match read(&self.certificate, &self.key) {
                Ok(config) => {
                    self.config.store(Arc::new(config));
                    seen = now;
                    tracing::info!("certificate read again");
                }
                // Perhaps one of the two files is still to come: so it is tried again.
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "new certificate not used"),
            }
        }
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let unread = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Read { path, source }
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .map_err(unread(certificate))?
        .collect();
    let chain = chain.map_err(unread(certificate))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(unread(key))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|source| TlsError::Pair {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            source,
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
