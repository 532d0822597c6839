//! What touches the outside: the drivers that make slots run, the gates that check them, the
//! channels that people are told by, and the way to other machines.
//!
//! The crate refuses to know *when* to do anything: it is handed a wish ([`tidegate_domain::desired`]) and reports facts
//! ([`tidegate_domain::observed`]). It knows no plan, no wave and no store.

pub mod drivers;
pub mod gates;
pub mod notify;
pub mod signature;
pub mod wire;
