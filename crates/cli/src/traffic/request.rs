//! How a request names its tenant, and how an answer is read.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request, Response, StatusCode, Version};
use serde_json::Value;

use super::config::{Config, TenantPlace};
use super::connection::{Body, ConnectionError};
use super::tally::{Answer, Failure};

/// A request in the words of the service, before it is known how the tenant is named.
#[derive(Debug)]
pub struct Wanted {
    pub method: Method,
    pub path: String,
    pub id: Option<String>,
    pub body: Body,
}

impl Wanted {
    pub fn get(path: impl Into<String>) -> Wanted {
        Wanted {
            method: Method::GET,
            path: path.into(),
            id: None,
            body: Empty::new().boxed_unsync(),
        }
    }

    pub fn post(path: impl Into<String>, id: String, document: &Value) -> Wanted {
        Wanted {
            method: Method::POST,
            path: path.into(),
            id: Some(id),
            body: Full::new(Bytes::from(document.to_string())).boxed_unsync(),
        }
    }
}

/// Host, path and further header by which the tenant is found.
#[derive(Debug)]
pub struct Address {
    pub authority: String,
    pub prefix: String,
    pub header: Option<(String, String)>,
}

impl Address {
    pub fn of(config: &Config, tenant: &str) -> Address {
        let mut address = Address {
            authority: config.gateway.to_string(),
            prefix: String::new(),
            header: None,
        };
        match &config.tenant_in {
            TenantPlace::Host(host) => address.authority = host.replace("{tenant}", tenant),
            TenantPlace::Path(path) => address.prefix = path.replace("{tenant}", tenant),
            TenantPlace::Header(name) => address.header = Some((name.clone(), tenant.to_owned())),
        }
        address
    }

    /// # Errors
    /// The configured place of the tenant is no valid host, path or header.
    pub fn request(&self, wanted: Wanted, version: Version) -> Result<Request<Body>, Failure> {
        let path = format!("{}{}", self.prefix, wanted.path);
        let mut request = Request::builder().method(wanted.method).version(version);
        request = if version == Version::HTTP_2 {
            request.uri(format!("http://{}{path}", self.authority))
        } else {
            request.uri(path).header(HOST, &self.authority)
        };
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        if let Some(id) = &wanted.id {
            request = request
                .header("idempotency-key", id)
                .header(CONTENT_TYPE, "application/json");
        }
        request
            .body(wanted.body)
            .map_err(|error| Failure::Incomplete(error.to_string()))
    }
}

/// Who answered, from the head alone; the failure if the gateway or an error of the service did.
pub fn head(status: StatusCode, headers: &HeaderMap) -> Result<Answer, Failure> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    if let Some(reason) = text("x-tidegate-error") {
        return Err(Failure::Gateway(reason));
    }
    let (Some(version), Some(tenant)) = (text("x-loyalty-version"), text("x-loyalty-tenant")) else {
        return Err(Failure::Incomplete(format!("{status} by nobody who gives a name")));
    };
    let answer = Answer { version, tenant };
    if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(answer);
    }
    Err(Failure::Service {
        status: status.as_u16(),
        answer,
    })
}

/// Reads an answer to its end. Its body must be a document of the version and the tenant that its head names.
///
/// # Errors
/// Every failure that [`head`] knows; a body that ends early or is not such a document.
pub async fn document(response: Response<Incoming>) -> Result<(Answer, Value), Failure> {
    let answer = head(response.status(), response.headers());
    let body = response.into_body().collect().await;
    let answer = answer?;
    let body = body
        .map_err(|error| incomplete("the body broke off", &error))?
        .to_bytes();
    let document =
        serde_json::from_slice::<Value>(&body).map_err(|error| incomplete("the body is not whole", &error))?;
    agree(&answer, &document)?;
    Ok((answer, document))
}

/// # Errors
/// The document is not by whom the head said.
pub fn agree(answer: &Answer, document: &Value) -> Result<(), Failure> {
    if document["version"] == answer.version.as_str() && document["tenant"] == answer.tenant.as_str() {
        return Ok(());
    }
    let reason = format!("head by {} for {}, body {document}", answer.version, answer.tenant);
    Err(Failure::Incomplete(reason))
}

/// The error and its causes in one line.
pub fn incomplete(what: &str, error: &dyn std::error::Error) -> Failure {
    let mut reason = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    Failure::Incomplete(reason)
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Failure {
        incomplete("the connection failed", &error)
    }
}
