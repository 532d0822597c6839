//! The state machine: `(state, events, now)` to the next state, what shall be done once, and why nothing moves.
//!
//! It is total. An event that cannot be is refused and leaves no trace in the state; the others of its batch count.
//! After the events, everything that the new state allows is done in the same step, until nothing changes any more.

mod admission;
mod apply;
mod approval;
mod back;
mod canary;
mod cell_move;
mod command;
mod data_back;
mod data_downtime;
mod data_step;
mod downtime;
mod exception;
mod forward;
mod gate;
mod in_flight;
mod job;
mod migration;
mod needed;
mod notice;
mod observe;
mod patch;
mod refused;
mod reservation;
mod roster;
mod slots;
mod start;
mod suspend;
mod switch;
mod sync;
mod together;
mod turn;
mod validation;
mod wave;

use serde::{Deserialize, Serialize};

pub use self::refused::Refused;
pub use self::sync::Difference;
use self::turn::Turn;
use crate::effect::{Effect, Settled};
use crate::event::Event;
use crate::journal::Entry;
use crate::service::Service;
use crate::time::Timestamp;
use crate::waiting::Waiting;

/// What comes of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub state: Service,
    /// To be done once each.
    pub effects: Vec<Effect>,
    /// Effects that need not be done any more, because they were, or because nobody wants them.
    pub settled: Vec<Settled>,
    pub journal: Vec<Entry>,
    /// When to step again though nothing has happened.
    pub wake: Option<Timestamp>,
    pub waiting: Vec<Waiting>,
    /// One for each event, in their order.
    pub refused: Vec<Option<Refused>>,
}

/// Takes the events and does all that follows from them at `now`.
#[must_use]
pub fn step(state: &Service, events: &[Event], now: Timestamp) -> Step {
    let mut turn = Turn::new(state.clone(), now);
    let refused = events.iter().map(|event| turn.take(event).err()).collect();
    turn.advance();
    turn.settle(state);
    turn.finish(refused)
}

#[cfg(test)]
mod tests;
