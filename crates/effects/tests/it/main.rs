//! The process driver against real processes.

mod adoption;
mod life;
mod once;
mod order;
mod trouble;
mod workers;
mod world;
