//! A route: what it is called, what it needs, how it looks. Registered only with a handler that asks for an action.

use axum::extract::{DefaultBodyLimit, FromRequest, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::SchemaGenerator;

use super::exchange::{Described, Operation};
use super::{AppState, Problem};
use crate::auth::{Action, Authorized, Permission};

/// The longest body, where a route says nothing else.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Route {
    pub method: Method,
    /// With the names of its parts in braces.
    pub path: &'static str,
    pub summary: &'static str,
    /// `None` where no token is needed.
    pub action: Option<Action>,
    pub describe: fn(&mut Operation, &mut SchemaGenerator),
    pub body_bytes_max: usize,
    serve: MethodRouter<AppState>,
}

impl Route {
    /// A route whose handler cannot run without what `P` names.
    pub fn guarded<P, I, M, O, F, A>(method: Method, path: &'static str, summary: &'static str, handler: F) -> Self
    where
        P: Permission,
        I: FromRequest<AppState, M> + Described + Send + 'static,
        M: 'static,
        O: IntoResponse + Described + 'static,
        F: Fn(AppState, Authorized<P>, I) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<O, Problem>> + Send + 'static,
    {
        let handler =
            move |State(state): State<AppState>, authorized: Authorized<P>, input: I| handler(state, authorized, input);
        Self {
            describe: describe::<I, O>,
            action: Some(P::ACTION),
            serve: serve(&method, handler),
            body_bytes_max: BODY_BYTES_MAX,
            method,
            path,
            summary,
        }
    }

    /// A route for everybody who reaches the port: nothing about the service may be learned here.
    pub fn open<M, O, F>(path: &'static str, summary: &'static str, handler: F) -> Self
    where
        F: Handler<M, AppState>,
        M: 'static,
        O: Described,
    {
        Self {
            method: Method::GET,
            path,
            summary,
            action: None,
            describe: describe::<(), O>,
            serve: serve(&Method::GET, handler),
            body_bytes_max: BODY_BYTES_MAX,
        }
    }

    /// Lets bodies be longer than usual.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// What the router is given.
    pub fn into_service(self) -> (&'static str, MethodRouter<AppState>) {
        (self.path, self.serve.layer(DefaultBodyLimit::max(self.body_bytes_max)))
    }
}

fn serve<M: 'static>(method: &Method, handler: impl Handler<M, AppState>) -> MethodRouter<AppState> {
    let filter = MethodFilter::try_from(method.clone()).expect("routes use the usual methods");
    on(filter, handler)
}

fn describe<I: Described, O: Described>(operation: &mut Operation, schemas: &mut SchemaGenerator) {
    I::describe(operation, schemas);
    O::describe(operation, schemas);
}
