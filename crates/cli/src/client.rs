//! Talks to the server: one request, one answer, over loopback or a network that the operator trusts.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::error::CliError;

/// From the first byte sent to the last one received.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

pub struct Client {
    authority: String,
    token: String,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    pub fn new(endpoint: &str, token: String) -> Result<Self, CliError> {
        let wrong = || {
            CliError::new(format!("`{endpoint}` is not the address of a server"))
                .help("write it like http://127.0.0.1:7070")
        };
        let uri: Uri = endpoint.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong());
        }
        let authority = uri.authority().ok_or_else(wrong)?.to_string();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::new("cannot start the client").because(error))?;
        Ok(Self {
            authority,
            token,
            runtime,
        })
    }

    #[expect(dead_code, reason = "the reading verbs come with the API")]
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.call(Method::GET, path, None::<&Value>)
    }

    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.call(Method::POST, path, Some(body))
    }

    #[expect(dead_code, reason = "the reading verbs come with the API")]
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.call(Method::DELETE, path, None::<&Value>)
    }

    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, CliError> {
        let body = body.map(serde_json::to_vec).transpose();
        let body = body.map_err(|error| CliError::new("cannot write the request").because(error))?;
        let answer = async { tokio::time::timeout(ANSWER_WITHIN, self.exchange(method, path, body)).await };
        let (status, bytes) = self.runtime.block_on(answer).map_err(|_| {
            CliError::timed_out(format!(
                "the server at {} did not answer within a minute",
                self.authority
            ))
        })??;
        if !status.is_success() {
            return Err(problem(status, &bytes));
        }
        let bytes = if bytes.is_empty() {
            Bytes::from_static(b"null")
        } else {
            bytes
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            CliError::new(format!("cannot understand the answer of the server to {path}"))
                .because(error)
                .help("the server may be of another version: compare `tidegate --version` on both sides")
        })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<(StatusCode, Bytes), CliError> {
        let response = self.send(method, path, body).await?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| self.broken(error))?;
        Ok((status, body.to_bytes()))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<http::Response<Incoming>, CliError> {
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| {
            CliError::new(format!("cannot reach the server at {}", self.authority))
                .because(error)
                .help("start it with `tidegate serve`")
        })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broken(error))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| CliError::new(format!("cannot ask for {path}")).because(error))?;
        sender.send_request(request).await.map_err(|error| self.broken(error))
    }

    fn broken(&self, error: hyper::Error) -> CliError {
        CliError::new(format!("the connection to the server at {} broke", self.authority)).because(error)
    }
}

/// A problem document (RFC 9457) as an error; 4xx is a refusal.
fn problem(status: StatusCode, body: &[u8]) -> CliError {
    let document: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    let message = text("detail")
        .or_else(|| text("title"))
        .unwrap_or_else(|| format!("the server answered {status}"));
    let mut error = if status.is_client_error() {
        CliError::refused(message)
    } else {
        CliError::new(message)
    };
    error.help = text("help");
    let lines = document
        .get("problems")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(one_problem);
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        error.diagnostics = Some(lines.join("\n"));
    }
    error
}

fn one_problem(problem: &Value) -> String {
    let text = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut line = format!(
        "error: {}",
        if text("text").is_empty() {
            text("message")
        } else {
            text("text")
        }
    );
    if !text("help").is_empty() {
        line.push_str(&format!("\nhelp: {}", text("help")));
    }
    line
}
