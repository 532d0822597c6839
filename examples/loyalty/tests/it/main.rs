//! The service as real processes: this test binary starts itself again as an instance.

#![expect(clippy::unwrap_used, reason = "a test tells by failing")]

mod ending;
mod handover;
mod instance;
mod writing;
