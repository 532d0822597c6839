//! The API as its callers meet it: a real server on loopback, a store in memory, the turn loop as it runs.

mod access;
mod admission;
mod commands;
mod contract;
mod hostile;
mod plans;
mod reading;
mod reservations;
mod secrets;
mod world;
