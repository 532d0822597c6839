//! The functional core of Tidegate: the words, the files people write, the planner, the plan linter and the state machine.
//!
//! Everything here is a function of its arguments. The crate refuses to know: files and sockets, async, the clock,
//! randomness, the environment, and the order of a hash. What happens outside comes in as an event; what shall happen
//! outside goes out as [`desired::Desired`] (a whole document, made so by drivers and gateways) or as an effect
//! (done once, known by its id).

pub mod desired;
pub mod id;
pub mod observed;
pub mod release;
pub mod time;
