//! The process driver against real processes.

mod adoption;
mod life;
mod order;
mod trouble;
mod workers;
mod world;
