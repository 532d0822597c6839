//! Instances of the service: connections to them, how busy they are, and whether they can be trusted with a request.

mod balance;
mod budget;
mod connection;
mod pool;

#[cfg(test)]
mod tests;

pub(crate) use balance::{Busy, Slot, SlotLoad};
pub(crate) use connection::{Class, Connection, Cut, SendFailure};
pub(crate) use pool::{CheckoutError, Engaged, Instance, Reuse};
