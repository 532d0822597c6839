//! The gateway against real sockets: in-process upstreams and publishers, real connections between them.

#![expect(clippy::unwrap_used, reason = "what cannot be prepared is a failed test")]

mod client;
mod modes;
mod retry;
mod routing;
mod streaming;
mod switching;
mod upstream;
mod world;
