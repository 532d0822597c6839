//! Memory that must be free before an instance starts.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps account of what instances that are starting were promised: they have not taken it yet, so the kernel still
/// counts it as free.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    promised: Arc<Mutex<u64>>,
}

/// Memory promised to one instance, in bytes, until this is dropped.
#[derive(Debug)]
pub(super) struct Promise {
    bytes: u64,
    memory: Memory,
}

impl Memory {
    /// Promises `bytes`, or says why not.
    pub fn promise(&self, bytes: u64) -> Result<Promise, String> {
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        // Where the kernel does not tell, nothing is held back.
        let free = available().unwrap_or(u64::MAX).saturating_sub(*promised);
        if free < bytes {
            return Err(format!(
                "waits for memory: {} MiB are free, {} MiB are needed",
                free >> 20,
                bytes >> 20
            ));
        }
        *promised += bytes;
        Ok(Promise {
            bytes,
            memory: self.clone(),
        })
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        *self.memory.promised.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
    }
}

/// `MemAvailable` of proc(5), in bytes.
fn available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}
