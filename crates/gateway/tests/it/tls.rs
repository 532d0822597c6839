//! TLS towards clients, and a certificate that changes under them. The keys are for these tests only.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tidegate_gateway::{Gateway, Options, Source, StartError, Tls};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{get, request};
use crate::upstream::Upstream;
use crate::world::{options, table, until};

const FIRST: (&str, &str) = (include_str!("tls/first.pem"), include_str!("tls/first.key"));
const SECOND: (&str, &str) = (include_str!("tls/second.pem"), include_str!("tls/second.key"));

fn place(directory: &Path, (certificate, key): (&str, &str)) -> Tls {
    let tls = Tls {
        listen: ([127, 0, 0, 1], 0).into(),
        certificate: directory.join("server.pem"),
        key: directory.join("server.key"),
    };
    fs::write(&tls.certificate, certificate).unwrap();
    fs::write(&tls.key, key).unwrap();
    tls
}

async fn gateway(directory: &Path, old: &Upstream) -> Gateway {
    let file = directory.join("routes.json");
    fs::write(&file, serde_json::to_vec(&table(&[old.address], &[])).unwrap()).unwrap();
    let tls = Some(place(directory, FIRST));
    Gateway::start(Options {
        tls,
        ..options(directory, Source::File(file))
    })
    .await
    .unwrap()
}

/// Connects to a server that must prove to be one of these.
async fn connect(address: SocketAddr, trusted: &[&str], protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots
            .add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap())
            .unwrap();
    }
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::try_from("acme.shop.example").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, TcpStream::connect(address).await?)
        .await
}

async fn send_http1(stream: TlsStream<TcpStream>, request: Request<Full<Bytes>>) -> serde_json::Value {
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driver);
    let answer = sender.send_request(request).await.unwrap();
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn both_protocols_are_spoken_over_tls() {
    let old = Upstream::start("old").await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway(directory.path(), &old).await;
    let address = gateway.tls().unwrap();
    let stream = connect(address, &[FIRST.0], "http/1.1").await.unwrap();
    let told = send_http1(stream, get("acme", "/")).await;
    assert_eq!(told["headers"]["x-forwarded-proto"], "https");

    let stream = connect(address, &[FIRST.0], "h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(driver);
    let mut asked = request("POST", "acme", "/", &[], "body");
    *asked.uri_mut() = "https://acme.shop.example/".parse().unwrap();
    let answers = futures_util::future::join_all((0..50).map(|_| sender.send_request(asked.clone()))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status() == 200));
    assert!(
        connect(address, &[SECOND.0], "http/1.1").await.is_err(),
        "the test client does check"
    );
}

#[tokio::test]
async fn a_new_certificate_is_used_without_losing_anything() {
    let old = Upstream::start("old").await;
    let directory = tempfile::tempdir().unwrap();
    let gateway = gateway(directory.path(), &old).await;
    let address = gateway.tls().unwrap();
    let stream = connect(address, &[FIRST.0], "http/1.1").await.unwrap();
    let (mut standing, driver) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driver);

    let (is_over, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (ends, counts) = (is_over.clone(), lost.clone());
    let load = tokio::spawn(async move {
        while !ends.load(Ordering::SeqCst) {
            match connect(address, &[FIRST.0, SECOND.0], "http/1.1").await {
                Ok(stream) => drop(send_http1(stream, get("acme", "/")).await),
                Err(_) => drop(counts.fetch_add(1, Ordering::SeqCst)),
            }
        }
    });
    // The key comes first, so that the pair does not match for a while.
    fs::write(directory.path().join("server.key"), SECOND.1).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert!(connect(address, &[FIRST.0], "http/1.1").await.is_ok());
    fs::write(directory.path().join("server.pem"), SECOND.0).unwrap();
    until("new certificate", || async {
        connect(address, &[SECOND.0], "http/1.1").await.is_ok()
    })
    .await;
    is_over.store(true, Ordering::SeqCst);
    load.await.unwrap();
    assert_eq!(lost.load(Ordering::SeqCst), 0);
    standing.ready().await.unwrap();
    assert_eq!(standing.send_request(get("acme", "/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_key_that_does_not_fit_is_told_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let source = Source::File(directory.path().join("routes.json"));
    let tls = Some(place(directory.path(), (FIRST.0, SECOND.1)));
    let started = Gateway::start(Options {
        tls,
        ..options(directory.path(), source)
    })
    .await;
    assert!(matches!(started, Err(StartError::Tls(_))), "{started:?}");
}
