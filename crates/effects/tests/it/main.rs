//! The process driver against real processes.

mod adoption;
mod life;
mod trouble;
mod world;
