//! The control plane: loops around the state machine, the publisher's side of the gateway protocol, the API.
//!
//! It refuses to know how to decide: what moves when is [`tidegate_domain`]'s. It reads the wall clock, asks drivers and
//! gateways what they see, hands out what shall be, has effects performed, and answers people.
//!
//! Every loop starts from the store alone, so that going on after a kill is the normal path:
//!
//! - [`control`] turns: takes events, has the state machine decide, shows what it decided;
//! - `reconcile` hands the desired document to drivers and gateways, and tells what they see;
//! - [`gateways`] is who serves and by which table; `counters` is what they counted; `health` judges by it;
//! - [`alerts`] looks for what is not as usual, and tells people;
//! - `traffic` measures the week of each tenant from the counters, for plans;
//! - `intake` keeps releases that were handed in, and plans and applies them where the playbook says so;
//! - `retention` drops what is over and old, and exports old rows of the journal first;
//! - `perform` does what shall be done once; `supervise` keeps the gateway process running.
//!
//! [`stop`] ends all of it, with or without a server that runs.

pub mod alerts;
pub mod api;
pub mod auth;
mod clock;
mod companions;
pub mod control;
mod counters;
#[cfg(test)]
mod earlier;
#[cfg(test)]
mod fixture;
pub mod gateways;
pub mod health;
mod incarnation;
mod intake;
mod layout;
mod perform;
mod project;
mod reconcile;
mod restored;
mod retention;
mod running;
mod secret;
mod serve;
mod stop;
mod supervise;
mod table;
mod traffic;
pub mod webhooks;

pub use project::ProjectError;
pub use restored::{RestoreError, Restored, ServiceRestored, restore};
pub use serve::{Options, ServeError, serve};
pub use stop::{StopError, Stopped, stop};
