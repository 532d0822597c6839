//! What a listener and Tidegate sign with.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidegate_effects::signature::{self, PREFIX};

use crate::secret::Secret;

/// What a listener and Tidegate both know. Its serialised form is for the store alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// 256 random bits.
    pub fn draw() -> io::Result<Self> {
        let drawn = Secret::make("")?;
        let digits = drawn.reveal().as_bytes().chunks(2);
        let bytes = digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        let bytes: Vec<u8> = bytes.collect();
        Ok(Self(STANDARD.encode(bytes)))
    }

    /// For whom it is meant.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// A name that tells nothing of it.
    pub fn name(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        let hexadecimal: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("wh_{hexadecimal}")
    }

    /// The header `webhook-signature`; `timestamp` is in seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let secret = STANDARD.decode(&self.0).unwrap_or_default();
        signature::sign(&secret, id, timestamp, body)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests;
