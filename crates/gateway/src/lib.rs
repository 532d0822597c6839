//! The data plane: takes requests in, finds the tenant, forwards to the slot that the routing table names, and counts.
//!
//! It refuses to know stores, plans, releases, waves, gates and who may do what. It knows one document, the
//! [`Table`](table::Table), and whoever publishes it by the follow [`protocol`]. It can run without anybody publishing:
//! from a table file, or from the last table it persisted.

mod admin;
mod clock;
mod counters;
mod follow;
mod handover;
mod idle;
mod life;
mod listen;
mod options;
pub mod preview;
pub mod protocol;
mod proxy;
mod routing;
mod run;
mod shadow;
pub mod table;
mod tenant;
mod upstream;

pub use follow::{PersistError, PublisherError};
pub use handover::HandoverError;
pub use listen::{ListenError, TlsError};
pub use options::{Fault, Options, Source, Tls};
pub use run::{Gateway, StartError, run};
