use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tidegate_domain::effect::{EffectId, Milestone};
use tidegate_domain::id::Version;
use tokio::net::TcpListener;

use super::*;

/// For `localhost`, and for these tests only.
const CERTIFICATE: &[u8] = include_bytes!("tests/localhost.pem");

/// One who listens, and answers as it is told.
#[derive(Clone, Default)]
struct Listener {
    heard: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    answers: Arc<Mutex<Option<StatusCode>>>,
}

impl Listener {
    async fn listen(&self) -> String {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let router = Router::new().route("/hook", post(hear)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        format!("http://{address}/hook")
    }

    fn answer(&self, status: StatusCode) {
        *self.answers.lock().unwrap() = Some(status);
    }

    fn heard(&self) -> Vec<(HeaderMap, String)> {
        self.heard.lock().unwrap().clone()
    }
}

async fn hear(State(listener): State<Listener>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body = String::from_utf8(body.to_vec()).unwrap();
    listener.heard.lock().unwrap().push((headers, body));
    listener.answers.lock().unwrap().unwrap_or(StatusCode::NO_CONTENT)
}

fn here() -> Courier {
    Courier::new(Reach::WithLoopback)
}

async fn control() -> Control {
    Control::start(Store::memory(), ServiceName::new("shop").unwrap())
        .await
        .unwrap()
}

fn started() -> Effect {
    let release = Version::new("2.1.0").unwrap();
    Effect {
        id: EffectId::announce(&release, None, Milestone::ReleaseStarted, 1),
        body: EffectBody::Announce(Announcement {
            service: ServiceName::new("shop").unwrap(),
            release,
            wave: None,
            milestone: Milestone::ReleaseStarted,
            at: Timestamp(1_800_000_000_000),
            reason: None,
        }),
    }
}

async fn webhook(control: &Control, url: &str) -> String {
    let by = Actor::principal("ada");
    make(control, Reach::WithLoopback, url, &by, "a test").await.unwrap().1
}

#[tokio::test]
async fn nobody_listening_is_over_at_once() {
    let done = deliver(&control().await, &Courier::new(Reach::Public), &started()).await;
    assert!(matches!(done, Done::Over(judgement) if judgement.verdict == Verdict::Pass));
}

#[tokio::test]
async fn a_message_is_signed_so_that_its_listener_can_check_it() {
    let (control, listener) = (control().await, Listener::default());
    let secret = webhook(&control, &listener.listen().await).await;
    assert!(matches!(deliver(&control, &here(), &started()).await, Done::Over(_)));
    let heard = listener.heard();
    let [(headers, body)] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert!(!id.contains('.'), "{id}");
    let key: Key = serde_json::from_value(json!(secret.strip_prefix("whsec_").unwrap())).unwrap();
    assert_eq!(
        header("webhook-signature"),
        key.sign(&id, timestamp.parse().unwrap(), body)
    );
    let message: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(message["type"], "release.started");
    assert_eq!(message["timestamp"], "2027-01-15T08:00:00Z");
    assert_eq!(message["data"]["release"], "2.1.0");
}

#[tokio::test]
async fn who_has_heard_is_not_told_again_and_who_has_not_is() {
    let (control, good, bad) = (control().await, Listener::default(), Listener::default());
    webhook(&control, &good.listen().await).await;
    webhook(&control, &bad.listen().await).await;
    bad.answer(StatusCode::INTERNAL_SERVER_ERROR);
    let Done::Again { at, why } = deliver(&control, &here(), &started()).await else {
        panic!()
    };
    assert!(at > clock::now() && why.contains("500"), "{why}");
    bad.answer(StatusCode::FOUND);
    let again = deliver(&control, &here(), &started()).await;
    assert!(
        matches!(again, Done::Again { .. }),
        "a redirection is not followed: {again:?}"
    );
    bad.answer(StatusCode::OK);
    assert!(matches!(deliver(&control, &here(), &started()).await, Done::Over(_)));
    assert_eq!((good.heard().len(), bad.heard().len()), (1, 3));
    let ids: std::collections::BTreeSet<String> = bad
        .heard()
        .iter()
        .map(|(headers, _)| headers["webhook-id"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "one message keeps its id over all attempts");
    assert!(control.store().facts("shop", HEARD_KIND).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_webhook_to_this_machine_hears_nothing_once_that_is_forbidden() {
    let (control, listener) = (control().await, Listener::default());
    webhook(&control, &listener.listen().await).await;
    assert!(matches!(
        deliver(&control, &Courier::new(Reach::Public), &started()).await,
        Done::Again { .. }
    ));
    assert!(listener.heard().is_empty());
}

/// One TLS connection at a time, each answered with 204.
async fn listen_over_tls() -> String {
    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tests/localhost.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = Vec::new();
            while !request.ends_with(b"started\"}") && stream.read_buf(&mut request).await.unwrap() > 0 {}
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    });
    format!("https://localhost:{port}/hook")
}

#[tokio::test]
async fn over_tls_a_listener_is_believed_by_its_certificate() {
    use rustls::RootCertStore;
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};

    let control = control().await;
    webhook(&control, &listen_over_tls().await).await;
    let Done::Again { why, .. } = deliver(&control, &here(), &started()).await else {
        panic!("a certificate that nobody vouches for")
    };
    assert!(why.contains("prove"), "{why}");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let courier = Courier::trusting(Reach::WithLoopback, roots);
    let done = deliver(&control, &courier, &started()).await;
    assert!(matches!(done, Done::Over(_)), "{done:?}");
}

#[test]
fn the_pauses_add_up_to_some_days_and_then_it_is_given_up() {
    let total: i64 = PAUSES.iter().map(|pause| pause.as_millis()).sum();
    assert!((3..5).contains(&(total / 86_400_000)), "{total}");
    assert!(PAUSES.windows(2).all(|pair| pair[0] < pair[1]));
}
