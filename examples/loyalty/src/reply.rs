//! Who answers, to whom: each request names its tenant, each answer names tenant and version, in headers and in the body, so that a
//! client can prove an answer stale or misdirected.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use crate::artifact::Artifact;
use crate::problem::Problem;
use crate::tenant::Tenant;

/// Set by the gateway; this service is never reached otherwise.
const TENANT_HEADER: &str = "x-tidegate-tenant";

/// Whom the request is for and which version answers it.
#[derive(Debug, Clone)]
pub struct Caller {
    pub tenant: Tenant,
    pub artifact: Arc<Artifact>,
}

impl Caller {
    /// The body every answer has, with what `fields` adds to it.
    pub fn document(&self, fields: &Value) -> Value {
        let mut document = json!({"version": self.artifact.version, "tenant": self.tenant});
        if let (Some(document), Some(fields)) = (document.as_object_mut(), fields.as_object()) {
            document.extend(fields.clone());
        }
        document
    }

    pub fn json(&self, fields: &Value) -> Response {
        Json(self.document(fields)).into_response()
    }
}

/// Finds the tenant, and marks the answer.
pub async fn mark(State(artifact): State<Arc<Artifact>>, mut request: Request, next: Next) -> Response {
    let tenant = tenant_of(request.headers());
    let marked = tenant.as_ref().ok().cloned();
    let mut response = match tenant {
        Ok(tenant) => {
            let artifact = Arc::clone(&artifact);
            request.extensions_mut().insert(Caller { tenant, artifact });
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    let mut insert = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    insert("x-loyalty-version", &artifact.version);
    if let Some(tenant) = marked {
        insert("x-loyalty-tenant", tenant.as_str());
    }
    response
}

fn tenant_of(headers: &HeaderMap) -> Result<Tenant, Problem> {
    let value = headers.get(TENANT_HEADER).and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| Problem::bad_request(format!("missing `{TENANT_HEADER}`")))?;
    value.parse().map_err(|error| Problem::bad_request(format!("{error}")))
}
