//! Memory that mirroring may use, taken before it is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
pub(super) struct Rooms {
    left: AtomicUsize,
}

/// A part of it. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    rooms: Arc<Rooms>,
    bytes: usize,
}

impl Rooms {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(bytes),
        })
    }

    /// `None` where there is less left.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Option<Room> {
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.ok().map(|_| Room {
            rooms: self.clone(),
            bytes,
        })
    }
}

impl Room {
    /// Gives back what turned out not to be needed.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let spare = self.bytes.saturating_sub(bytes);
        self.bytes -= spare;
        self.rooms.left.fetch_add(spare, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}
