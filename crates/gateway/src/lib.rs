//! The data plane: takes requests in, finds the tenant, forwards to the slot that the routing table names, and counts.
//!
//! It refuses to know stores, plans, releases, waves, gates and who may do what. It knows one document, the
//! [`Table`](table::Table), and whoever publishes it by the follow [`protocol`]. It can run without anybody publishing:
//! from a table file, or from the last table it persisted.

pub mod protocol;
pub mod table;
