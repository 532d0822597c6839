//! The two engines: [`turn`] decides and commits, [`perform`] does what was decided and reports. Both start from the tables
//! alone, so that going on after a crash is the normal path; the server and the simulator run the same code.
//!
//! The crate refuses to know: HTTP, processes, the clock. Time is an argument; how an effect is done is an argument.

mod perform;
mod turn;

pub use perform::{Done, Lease, PerformError, perform};
pub use turn::{Taken, TurnError, Turned, drop_events, first_answer, load, put_event, turn};

#[cfg(test)]
mod tests;
