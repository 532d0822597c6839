//! Errors as RFC 9457 problem documents.

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_engine::TurnError;
use tidegate_store::StoreError;

use crate::auth::tokens::TokenError;
use crate::control::{SubmitError, in_words};

/// What stopped a request, as it is sent: `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The kind of the problem, a path that is documented in `docs/api.md`: `/problems/refused`.
    pub r#type: Box<str>,
    pub title: Box<str>,
    /// The HTTP status.
    pub status: u16,
    /// What was asked for and what stopped it, in one sentence.
    pub detail: String,
    /// What works instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where several things stand in the way: each of them, with at least `message` or `text`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Value>,
}

impl Problem {
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("/problems/{kind}").into(),
            title: status.canonical_reason().unwrap_or("error").into(),
            status: status.as_u16(),
            detail: detail.into(),
            help: None,
            problems: Vec::new(),
        }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn problems(mut self, problems: Vec<Value>) -> Self {
        self.problems = problems;
        self
    }

    #[must_use]
    pub fn unauthenticated(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    #[must_use]
    pub fn forbidden(detail: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    #[must_use]
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "refused", detail)
    }

    /// The store does not work: nobody's request is at fault.
    #[must_use]
    pub fn store(error: &StoreError) -> Self {
        Self::unavailable(error)
    }

    /// What a person on the machine must look at; the text names no secret.
    #[must_use]
    pub fn unavailable(error: &dyn Error) -> Self {
        let detail = in_words(error);
        tracing::error!(detail, "a request could not be served");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"tidegate\""),
            );
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::store(&error)
    }
}

impl From<TurnError> for Problem {
    fn from(error: TurnError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match &error {
            SubmitError::Refused(refused) => Self::refused(refused.to_string()),
            SubmitError::Restored => Self::refused(error.to_string())
                .help("look at `tidegate status`, then `tidegate restore --confirm --reason ...`"),
            SubmitError::KeyUsed { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key-used", error.to_string())
                .help("draw a new `Idempotency-Key` for every command"),
            SubmitError::NotWritten(_)
            | SubmitError::NotRead(_)
            | SubmitError::Postponed { .. }
            | SubmitError::Stopping => Self::unavailable(&error),
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match &error {
            TokenError::Name { .. } | TokenError::NoRole | TokenError::NoCell | TokenError::Expiry => {
                Self::bad_request(error.to_string())
            }
            TokenError::NoSuchToken { .. } => Self::not_found(error.to_string()),
            TokenError::Random(_) | TokenError::File { .. } | TokenError::Store(_) => Self::unavailable(&error),
        }
    }
}
