//! The functional core of Tidegate: the words, the files people write, the planner, the plan linter and the state machine.
//!
//! Everything here is a function of its arguments. The crate refuses to know: files and sockets, async, the clock,
//! randomness, the environment, and the order of a hash. What happens outside comes in as an [`event::Event`]; what shall happen
//! outside goes out as [`desired::Desired`] (a whole document, made so by drivers and gateways) or as an
//! [`effect::Effect`] (done once, known by its id).

pub mod calendar;
pub mod change;
pub mod desired;
pub mod effect;
pub mod event;
pub mod files;
mod grouped;
pub mod id;
pub mod journal;
pub mod monitor;
pub mod observed;
pub mod plan;
pub mod policy;
pub mod release;
pub mod service;
pub mod step;
pub mod time;
pub mod waiting;

#[cfg(test)]
mod fixture;
