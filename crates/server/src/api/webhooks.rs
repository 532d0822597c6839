//! Webhooks: listed without their secrets, made, removed.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exchange::{Answer, Args, Body, Created, Named, Nothing};
use super::tokens::Why;
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::{Authorized, permission};
use crate::webhooks::{self, WebhookError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookList {
    pub schema_version: u32,
    pub webhooks: Vec<WebhookStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookStatus {
    pub id: String,
    pub url: String,
    pub made_ms: i64,
    pub made_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Without user name and password.
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The one answer that shows a webhook's secret.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct WebhookMade {
    pub schema_version: u32,
    pub id: String,
    pub url: String,
    /// `whsec_...` of Standard Webhooks; shown now and never again.
    pub secret: String,
}

#[derive(Debug, Deserialize)]
struct Which {
    id: String,
}

impl std::fmt::Debug for WebhookMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookMade")
            .field("id", &self.id)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(Method::GET, "/v1/webhooks", "Every webhook, without its secret", list),
        Route::guarded(
            Method::POST,
            "/v1/webhooks",
            "Tell an address what becomes of releases",
            make,
        ),
        Route::guarded(Method::DELETE, "/v1/webhooks/{id}", "Remove a webhook", remove),
    ]
}

async fn list(
    state: AppState,
    _: Authorized<permission::ManageWebhooks>,
    (): (),
) -> Result<Answer<WebhookList>, Problem> {
    let control = state.control();
    let webhooks = webhooks::list(control.store(), control.service()).await?;
    let webhooks = webhooks.into_iter().map(|(id, webhook)| WebhookStatus {
        id,
        url: webhook.url,
        made_ms: webhook.made.0,
        made_by: webhook.made_by.to_string(),
    });
    Ok(Answer(WebhookList {
        schema_version: SCHEMA_VERSION,
        webhooks: webhooks.collect(),
    }))
}

async fn make(
    state: AppState,
    by: Authorized<permission::ManageWebhooks>,
    Body(new): Body<NewWebhook>,
) -> Result<Created<WebhookMade>, Problem> {
    let reason = Why { reason: new.reason }.or("asked for over the API")?;
    let (id, secret) = webhooks::make(state.control(), state.shared.reach, &new.url, by.actor(), &reason).await?;
    Ok(Created(WebhookMade {
        schema_version: SCHEMA_VERSION,
        id,
        url: new.url,
        secret,
    }))
}

async fn remove(
    state: AppState,
    by: Authorized<permission::ManageWebhooks>,
    (Named(Which { id }), Args(why)): (Named<Which>, Args<Why>),
) -> Result<Nothing, Problem> {
    let reason = why.or("asked for over the API")?;
    webhooks::remove(state.control(), &id, by.actor(), &reason).await?;
    Ok(Nothing)
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match &error {
            WebhookError::Target(_) => Self::bad_request(error.to_string()),
            WebhookError::NoSuchWebhook { .. } => Self::not_found(error.to_string()),
            WebhookError::Random(_) | WebhookError::Store(_) => Self::unavailable(&error),
        }
    }
}
