//! The process driver against real processes.

mod adoption;
mod life;
mod once;
mod order;
mod secrets;
mod trouble;
mod workers;
mod world;
