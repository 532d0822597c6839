//! Choosing a port for an instance.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};

/// Hands out ports in turn. Every life gets another one, so that no connection to an instance that ended is mistaken for
/// one to its successor.
#[derive(Debug)]
pub(super) struct Ports {
    range: RangeInclusive<u16>,
    next: AtomicU32,
}

/// Where an instance with this port is reached.
pub(super) fn address_of(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Whether nobody listens on `port`. It may be taken a moment later: who needs it must be able to fail.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind(address_of(port)).is_ok()
}

impl Ports {
    pub fn new(range: RangeInclusive<u16>) -> Self {
        // Drivers that run side by side begin at different places, so that they rarely try the same port.
        let anywhere = RandomState::new().hash_one(std::process::id());
        Self {
            range,
            next: AtomicU32::new(anywhere as u32),
        }
    }

    /// A port that is free now; `None` where all are taken.
    pub fn choose(&self) -> Option<u16> {
        let count = u32::from(self.range.end().saturating_sub(*self.range.start())) + 1;
        (0..count)
            .map(|_| self.next.fetch_add(1, Ordering::Relaxed) % count)
            .filter_map(|offset| self.range.start().checked_add(u16::try_from(offset).ok()?))
            .find(|port| is_free(*port))
    }
}
