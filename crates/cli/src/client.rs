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
use tidegate_server::api::Problem;
use tokio::net::TcpStream;

use crate::error::{CliError, Exit};

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

    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.call(Method::GET, path, None::<&Value>)
    }

    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.call(Method::POST, path, Some(body))
    }

    pub fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.call(Method::PUT, path, Some(body))
    }

    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.call(Method::DELETE, path, None::<&Value>)
    }

    /// A stream of server-sent events.
    pub fn events(&self, path: &str) -> Result<Events<'_>, CliError> {
        let begun = async { tokio::time::timeout(ANSWER_WITHIN, self.send(Method::GET, path, None)).await };
        let response = self.runtime.block_on(begun).map_err(|_| self.late())??;
        let status = response.status();
        let body = response.into_body();
        if status.is_success() {
            return Ok(Events { client: self, body });
        }
        let body = self
            .runtime
            .block_on(body.collect())
            .map_err(|error| self.broken(error))?;
        Err(problem(status, &body.to_bytes()))
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
        let (status, bytes) = self.runtime.block_on(answer).map_err(|_| self.late())??;
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

    fn late(&self) -> CliError {
        CliError::timed_out(format!(
            "the server at {} did not answer within a minute",
            self.authority
        ))
    }

    fn broken(&self, error: hyper::Error) -> CliError {
        CliError::new(format!("the connection to the server at {} broke", self.authority)).because(error)
    }
}

/// Events as they come. Only that there is news is of interest: what it is, is asked for.
pub struct Events<'a> {
    client: &'a Client,
    body: Incoming,
}

impl Events<'_> {
    /// Returns when there is news, or after `limit`; an error where there will be none any more.
    pub fn wait(&mut self, limit: Duration) -> Result<(), CliError> {
        let Self { client, body } = self;
        let news = async { tokio::time::timeout(limit, body.frame()).await };
        match client.runtime.block_on(news) {
            Err(_) | Ok(Some(Ok(_))) => Ok(()),
            Ok(Some(Err(error))) => Err(client.broken(error)),
            Ok(None) => Err(CliError::new(format!(
                "the server at {} has ended the stream",
                client.authority
            ))),
        }
    }
}

/// `path` with the arguments that have a value.
pub fn with_query(path: &str, arguments: &[(&str, Option<&str>)]) -> String {
    let mut text = path.to_owned();
    let given = arguments.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    for (index, (name, value)) in given.enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(byte)),
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    text
}

/// A problem document (RFC 9457) as an error.
fn problem(status: StatusCode, body: &[u8]) -> CliError {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return CliError::new(format!("the server answered {status}"));
    };
    let exit = match status {
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY
        | StatusCode::TOO_MANY_REQUESTS => Exit::Refused,
        _ => Exit::Error,
    };
    let told: Vec<String> = problem.problems.iter().map(one_problem).collect();
    let diagnostics = (!told.is_empty()).then(|| told.join("\n\n"));
    CliError {
        exit,
        help: problem.help,
        diagnostics,
        ..CliError::new(problem.detail)
    }
}

/// One of several things that stand in the way: a mistake in a file with its place, or what blocks a plan.
fn one_problem(problem: &Value) -> String {
    let text = |name: &str| problem.get(name).and_then(Value::as_str);
    let word = match text("severity") {
        Some("warns" | "warning") => "warning",
        _ => "error",
    };
    let mut told = format!("{word}: {}", text("message").unwrap_or_default());
    if let (Some(file), Some(line), Some(column)) = (text("file"), problem["line"].as_u64(), problem["column"].as_u64())
    {
        told.push_str(&format!("\n  --> {file}:{line}:{column}"));
    }
    let place = &problem["where"];
    if let (Some(file), Some(line)) = (place["file"].as_str(), place["line"].as_u64()) {
        told.push_str(&format!("\n  --> {file}:{line}"));
    }
    if let Some(help) = text("help").or(text("remedy")) {
        told.push_str(&format!("\nhelp: {help}"));
    }
    told
}

#[cfg(test)]
mod tests;
