//! Signatures of Standard Webhooks (<https://www.standardwebhooks.com>): HMAC-SHA256 over `id.timestamp.body`, in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// In front of every secret, so that scanners for secrets find those that leaked.
pub const PREFIX: &str = "whsec_";

/// The header `webhook-signature`. `id` has no full stop, and `timestamp` is in seconds.
#[must_use]
pub fn sign(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
