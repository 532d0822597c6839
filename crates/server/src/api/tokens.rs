//! Tokens: listed without their secrets, made, removed.

use std::collections::BTreeSet;

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::time::Timestamp;

use super::commands::checked_reason;
use super::exchange::{Answer, Args, Body, Created, Named, Nothing};
use super::{AppState, Problem, Route, SCHEMA_VERSION};
use crate::auth::tokens::{self, Wish};
use crate::auth::{Authorized, Role, Scope, permission};
use crate::clock;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenList {
    pub schema_version: u32,
    pub tokens: Vec<TokenStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenStatus {
    pub id: String,
    /// The principal.
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
    pub expires_ms: i64,
    pub made_ms: i64,
    pub made_by: String,
    /// To the minute; absent where it was never used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The principal: what the journal will name as actor.
    pub name: String,
    pub roles: BTreeSet<Role>,
    #[serde(default)]
    pub scope: Scope,
    /// At the most 366 days from now.
    pub expires_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The one answer that shows a token.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct TokenMade {
    pub schema_version: u32,
    pub id: String,
    /// Shown now and never again.
    pub token: String,
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
    pub expires_ms: i64,
}

#[derive(Debug, Deserialize)]
struct Which {
    id: String,
}

/// Why, where there is no body to say it in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Stands in the journal.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Why {
    /// What the journal says; `otherwise` where nothing was said.
    pub fn or(&self, otherwise: &str) -> Result<String, Problem> {
        self.reason
            .as_deref()
            .map_or_else(|| Ok(otherwise.to_owned()), checked_reason)
    }
}

impl std::fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenMade")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::guarded(Method::GET, "/v1/tokens", "Every token, without its secret", list),
        Route::guarded(
            Method::POST,
            "/v1/tokens",
            "Make a token; its secret is in this answer alone",
            make,
        ),
        Route::guarded(
            Method::DELETE,
            "/v1/tokens/{id}",
            "Remove a token; it does not count from here on",
            remove,
        ),
    ]
}

async fn list(state: AppState, _: Authorized<permission::ManageTokens>, (): ()) -> Result<Answer<TokenList>, Problem> {
    let control = state.control();
    let tokens = tokens::list(control.store(), control.service()).await?;
    let tokens = tokens.into_iter().map(|(id, token, used)| TokenStatus {
        id,
        name: token.name,
        roles: token.roles,
        scope: token.scope,
        expires_ms: token.expires.0,
        made_ms: token.made.0,
        made_by: token.made_by.to_string(),
        used_ms: used.map(|used| used.0),
    });
    Ok(Answer(TokenList {
        schema_version: SCHEMA_VERSION,
        tokens: tokens.collect(),
    }))
}

async fn make(
    state: AppState,
    by: Authorized<permission::ManageTokens>,
    Body(new): Body<NewToken>,
) -> Result<Created<TokenMade>, Problem> {
    let reason = Why { reason: new.reason }.or("asked for over the API")?;
    let wish = Wish {
        name: new.name,
        roles: new.roles,
        scope: new.scope,
        expires: Timestamp(new.expires_ms),
    };
    let control = state.control();
    let made = tokens::make(
        control.store(),
        control.service(),
        &wish,
        by.actor(),
        &reason,
        clock::now(),
    )
    .await?;
    Ok(Created(TokenMade {
        schema_version: SCHEMA_VERSION,
        id: made.id,
        token: made.secret.reveal().to_owned(),
        name: wish.name,
        roles: wish.roles,
        scope: wish.scope,
        expires_ms: wish.expires.0,
    }))
}

async fn remove(
    state: AppState,
    by: Authorized<permission::ManageTokens>,
    (Named(Which { id }), Args(why)): (Named<Which>, Args<Why>),
) -> Result<Nothing, Problem> {
    let reason = why.or("asked for over the API")?;
    let control = state.control();
    tokens::remove(
        control.store(),
        control.service(),
        &id,
        by.actor(),
        &reason,
        clock::now(),
    )
    .await?;
    Ok(Nothing)
}
