//! One life of the server, and keys that no other life uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock;

/// A clone is the same life.
#[derive(Debug, Clone)]
pub struct Incarnation {
    name: Arc<str>,
    keys: Arc<AtomicU64>,
}

impl Incarnation {
    /// The life that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            name: format!("{}-{}", clock::now().0, std::process::id()).into(),
            keys: Arc::default(),
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A key for an event that the server itself has seen, and that nobody sends twice.
    #[must_use]
    pub fn next_key(&self, kind: &str) -> String {
        format!("{kind}/{}/{}", self.name, self.keys.fetch_add(1, Ordering::Relaxed))
    }
}
