//! Signed previews: a header that sends one tenant's requests to a version before any switch, until it expires.
//!
//! The header's value is `VERSION;TENANT;EXPIRY;SIGNATURE`: the version's key, the tenant, Unix seconds, and the HMAC-SHA256
//! of everything before the last `;` in hexadecimal. Names in a table hold no `;`.

use ring::hmac;

use crate::table::{PreviewKey, TenantName, VersionKey};

#[cfg(test)]
mod tests;

/// The request header that carries a preview.
pub const PREVIEW_HEADER: &str = "x-tidegate-preview";

/// Makes the value of [`PREVIEW_HEADER`]. `None` where the key is not hexadecimal.
pub fn sign(key: &PreviewKey, version: &VersionKey, tenant: &TenantName, expires_unix_s: u64) -> Option<String> {
    let said = format!("{version};{tenant};{expires_unix_s}");
    let signature = hmac::sign(&hmac_key(&key.bytes()?), said.as_bytes());
    let signature: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{said};{signature}"))
}

#[derive(Debug)]
pub(crate) struct PreviewVerifier {
    key: hmac::Key,
}

impl PreviewVerifier {
    pub(crate) fn new(key: &PreviewKey) -> Option<Self> {
        key.bytes().map(|key| Self { key: hmac_key(&key) })
    }

    /// The version that a preview names, where it is genuine, for this tenant, and not expired.
    pub(crate) fn verify<'a>(&self, value: &'a [u8], tenant: &TenantName, now_unix_ms: u64) -> Option<&'a str> {
        let value = std::str::from_utf8(value).ok()?;
        let (said, signature) = value.rsplit_once(';')?;
        let signature = PreviewKey::from_hexadecimal(signature).bytes()?;
        hmac::verify(&self.key, said.as_bytes(), &signature).ok()?;
        let mut parts = said.split(';');
        let (version, named, expires) = (parts.next()?, parts.next()?, parts.next()?);
        let expires_ms = expires.parse::<u64>().ok()?.checked_mul(1_000)?;
        (named == tenant.as_str() && now_unix_ms < expires_ms && parts.next().is_none()).then_some(version)
    }
}

fn hmac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}
