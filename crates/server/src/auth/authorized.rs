//! The extractor that stands before every handler.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tidegate_domain::id::{Actor, CellName};

use super::tokens::{self, Known};
use super::{Action, Permission, Principal, Role, Scope, bearer};
use crate::api::{AppState, Problem};
use crate::clock;

/// Proof that the request's token may do what `P` names. There is no other way to make one.
#[derive(Debug)]
pub struct Authorized<P> {
    principal: Principal,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Authorized<P> {
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.principal.actor
    }

    #[must_use]
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.principal.roles
    }

    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.principal.scope
    }

    /// Refuses what lies in a cell that the token is not for.
    pub fn within(&self, cell: &CellName) -> Result<(), Problem> {
        if self.principal.scope.holds(cell) {
            return Ok(());
        }
        Err(refuse(
            &self.principal,
            P::ACTION,
            &format!("the token is not for cell `{cell}`"),
        ))
    }

    /// Refuses a token that is for some cells only.
    pub fn whole_service(&self) -> Result<(), Problem> {
        match self.principal.scope {
            Scope::Service => Ok(()),
            Scope::Cells(_) => Err(refuse(&self.principal, P::ACTION, "the token is for some cells only")),
        }
    }
}

impl<P: Permission> FromRequestParts<AppState> for Authorized<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let path = parts.uri.path();
        let Some(text) = bearer::token(&parts.headers) else {
            return Err(Problem::unauthenticated(
                "a token is needed: `Authorization: Bearer tg_...`",
            ));
        };
        let control = state.control();
        let known = tokens::find(control.store(), control.service(), text, clock::now()).await;
        let principal = match known.map_err(|error| Problem::store(&error))? {
            Known::Valid(principal) => principal,
            Known::Expired { id, at } => {
                tracing::warn!(
                    token = id,
                    action = P::ACTION.in_words(),
                    path,
                    "an expired token was used"
                );
                return Err(Problem::unauthenticated(&format!("the token expired at {at}")));
            }
            Known::Unknown => {
                tracing::warn!(action = P::ACTION.in_words(), path, "an unknown token was used");
                return Err(Problem::unauthenticated(
                    "the token is not known here; it may have been removed",
                ));
            }
        };
        if !principal.may(P::ACTION) {
            return Err(denied(&principal, P::ACTION));
        }
        Ok(Self {
            principal,
            permission: PhantomData,
        })
    }
}

fn denied(principal: &Principal, action: Action) -> Problem {
    let has_role = action.roles().iter().any(|role| principal.roles.contains(role));
    if has_role {
        return refuse(principal, action, "the token is for some cells only");
    }
    let roles: Vec<&str> = action.roles().iter().copied().map(Role::as_str).collect();
    refuse(
        principal,
        action,
        &format!("it needs one of the roles {}", roles.join(", ")),
    )
}

fn refuse(principal: &Principal, action: Action, why: &str) -> Problem {
    let actor = &principal.actor;
    tracing::warn!(%actor, action = action.in_words(), why, "refused");
    Problem::forbidden(format!("{actor} may not {}: {why}", action.in_words()))
}
