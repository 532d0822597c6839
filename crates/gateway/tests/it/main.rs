//! The gateway against real sockets: in-process upstreams and publishers, real connections between them.

#![expect(clippy::unwrap_used, reason = "what cannot be prepared is a failed test")]

mod client;
mod following;
mod grpc;
mod handover;
mod modes;
mod publisher;
mod retry;
mod routing;
mod shadow;
mod streaming;
mod strict;
mod switching;
mod tls;
mod upstream;
mod world;
