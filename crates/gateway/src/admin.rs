//! The admin listener, for the machine itself: `/healthz`, `/metrics`, `/table`.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::counters::{self, Counters};
use crate::life::{Life, reached};
use crate::protocol::Refused;
use crate::routing::Routing;
use crate::shadow::Shadow;

/// What the admin pages show.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) routing: Arc<Routing>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) shadow: Arc<Shadow>,
    pub(crate) following: Arc<Following>,
    pub(crate) life: watch::Receiver<Life>,
}

/// How the gateway stands with the source of its tables.
#[derive(Debug, Default)]
pub(crate) struct Following(Mutex<(Option<Refused>, Option<String>)>);

impl Following {
    pub(crate) fn set_refused(&self, refused: Option<Refused>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = refused;
    }

    pub(crate) fn refused(&self) -> Option<Refused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Notes why the source cannot be read; `None` once it can. True where that is news.
    pub(crate) fn set_trouble(&self, trouble: Option<String>) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = noted.1 != trouble;
        noted.1 = trouble;
        is_news
    }

    fn trouble(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

pub(crate) async fn serve(listener: TcpListener, admin: Arc<Admin>) {
    let mut life = admin.life.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = reached(&mut life, Life::Lingering) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let admin = admin.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = admin.answer(&request);
                async { Ok::<_, Infallible>(answer) }
            });
            let mut builder = http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(30));
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "admin connection ended");
            }
        });
    }
}

impl Admin {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::GET {
            return page(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned());
        }
        match request.uri().path() {
            "/healthz" => self.health(),
            "/metrics" => page(
                StatusCode::OK,
                "text/plain; version=0.0.4",
                counters::render(&self.counters, &self.routing, &self.shadow),
            ),
            "/table" => self.table(),
            _ => page(
                StatusCode::NOT_FOUND,
                "text/plain",
                "/healthz, /metrics, /table\n".to_owned(),
            ),
        }
    }

    /// Ready as soon as there is a table, whoever it came from.
    fn health(&self) -> Response<Full<Bytes>> {
        let confirmed = self.routing.confirmed();
        let status = if confirmed.is_some() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let body = serde_json::json!({
            "table": confirmed,
            "refused": self.following.refused(),
            "trouble": self.following.trouble(),
            "lingering": *self.life.borrow() >= Life::Lingering,
            "in_flight": self.routing.under_way(),
        });
        page(status, "application/json", format!("{body}\n"))
    }

    fn table(&self) -> Response<Full<Bytes>> {
        let Some(snapshot) = self.routing.current() else {
            return page(StatusCode::NOT_FOUND, "text/plain", "no table yet\n".to_owned());
        };
        let mut shown = crate::table::Table::clone(&snapshot.table);
        shown.hide_secrets();
        match serde_json::to_string(&shown) {
            Ok(text) => page(StatusCode::OK, "application/json", text),
            Err(error) => page(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", format!("{error}\n")),
        }
    }
}

fn page(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
