//! The tenant out of a signed token (JWT, RFC 7519), verified with a JWK set (RFC 7517) or left to the service.
//!
//! The key decides the algorithm; the token may only agree. Tokens without a signature are never verified.

#[cfg(test)]
mod tests;

use std::fmt;

use http::header::AUTHORIZATION;
use http::request::Parts;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

use crate::protocol::ErrorReason;
use crate::table::{JwtSource, JwtVerification, TableError};

/// How far the clocks of issuer and gateway may be apart.
const LEEWAY_S: u64 = 30;
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// [`JwtSource`], ready to be asked.
#[derive(Debug)]
pub(super) struct TokenSource {
    claim: String,
    /// `None` where the service verifies.
    keys: Option<Vec<Key>>,
}

struct Key {
    id: Option<String>,
    material: Material,
}

enum Material {
    Hmac(ring::hmac::Key),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
#[serde(tag = "kty")]
enum Jwk {
    #[serde(rename = "oct")]
    Symmetric { kid: Option<String>, k: String },
    #[serde(rename = "RSA")]
    Rsa { kid: Option<String>, n: String, e: String },
    #[serde(rename = "EC")]
    Elliptic {
        kid: Option<String>,
        crv: String,
        x: String,
        y: String,
    },
    #[serde(rename = "OKP")]
    Edwards {
        kid: Option<String>,
        crv: String,
        x: String,
    },
    /// Sets hold keys for other uses as well.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood. None are.
    crit: Option<serde_json::Value>,
}

impl TokenSource {
    pub(super) fn compile(source: &JwtSource) -> Result<Self, TableError> {
        let keys = match &source.verify {
            JwtVerification::Upstream => None,
            JwtVerification::Keys(text) => Some(keys(text)?),
        };
        Ok(Self {
            claim: source.claim.clone(),
            keys,
        })
    }

    /// The tenant that the request's bearer token names. What is not shaped as a signed token names none; what is, and does
    /// not verify, is refused.
    pub(super) fn find(&self, head: &Parts, now_unix_s: u64) -> Result<Option<String>, ErrorReason> {
        let Some(token) = bearer(head).filter(|token| token.len() <= TOKEN_BYTES_MAX) else {
            return Ok(None);
        };
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(None);
        };
        if let Some(keys) = &self.keys {
            let signed = &token[..header.len() + 1 + payload.len()];
            verify(keys, header, signed, signature).ok_or(ErrorReason::TokenRefused)?;
        }
        let claims = decode(payload).and_then(|payload| serde_json::from_slice::<serde_json::Value>(&payload).ok());
        let Some(claims) = claims else {
            return if self.keys.is_some() {
                Err(ErrorReason::TokenRefused)
            } else {
                Ok(None)
            };
        };
        if self.keys.is_some() && !is_current(&claims, now_unix_s) {
            return Err(ErrorReason::TokenRefused);
        }
        Ok(claims
            .get(&self.claim)
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned))
    }
}

fn bearer(head: &Parts) -> Option<&str> {
    let (scheme, token) = head.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn verify(keys: &[Key], header: &str, signed: &str, signature: &str) -> Option<()> {
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    let signature = decode(signature)?;
    let is_named = |key: &&Key| header.kid.is_none() || key.id.is_none() || key.id == header.kid;
    let mut named = keys
        .iter()
        .filter(is_named)
        .filter(|key| key.material.algorithm() == header.alg);
    let is_signed = named.any(|key| key.material.verify(signed.as_bytes(), &signature));
    (is_signed && header.crit.is_none()).then_some(())
}

fn is_current(claims: &serde_json::Value, now_unix_s: u64) -> bool {
    let seconds = |name: &str| claims.get(name).map(serde_json::Value::as_f64);
    let now = now_unix_s as f64;
    let leeway = LEEWAY_S as f64;
    let is_begun = seconds("nbf").is_none_or(|begin| begin.is_some_and(|begin| begin <= now + leeway));
    let is_not_over = seconds("exp").is_none_or(|end| end.is_some_and(|end| now < end + leeway));
    is_begun && is_not_over
}

struct NotBase64;

impl Jwk {
    /// `None` for a key that cannot verify tokens here.
    fn compile(self) -> Result<Option<Key>, NotBase64> {
        let bytes = |text: &str| decode(text).ok_or(NotBase64);
        let (id, material) = match self {
            Jwk::Symmetric { kid, k } => (
                kid,
                Material::Hmac(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &bytes(&k)?)),
            ),
            Jwk::Rsa { kid, n, e } => (
                kid,
                Material::Rsa {
                    modulus: bytes(&n)?,
                    exponent: bytes(&e)?,
                },
            ),
            Jwk::Elliptic { kid, crv, x, y } if crv == "P-256" => {
                let uncompressed = [vec![4], bytes(&x)?, bytes(&y)?].concat();
                (kid, Material::P256(uncompressed))
            }
            Jwk::Edwards { kid, crv, x } if crv == "Ed25519" => (kid, Material::Ed25519(bytes(&x)?)),
            Jwk::Elliptic { .. } | Jwk::Edwards { .. } | Jwk::Other => return Ok(None),
        };
        Ok(Some(Key { id, material }))
    }
}

impl Material {
    /// As tokens name it.
    fn algorithm(&self) -> &'static str {
        match self {
            Material::Hmac(_) => "HS256",
            Material::Rsa { .. } => "RS256",
            Material::P256(_) => "ES256",
            Material::Ed25519(_) => "EdDSA",
        }
    }

    fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Material::Hmac(key) => ring::hmac::verify(key, signed, signature).is_ok(),
            Material::Rsa { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed, signature)
            .is_ok(),
            Material::P256(point) => UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                .verify(signed, signature)
                .is_ok(),
            Material::Ed25519(point) => UnparsedPublicKey::new(&signature::ED25519, point)
                .verify(signed, signature)
                .is_ok(),
        }
    }
}

// Key material may be secret.
impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({:?}, {})", self.id, self.material.algorithm())
    }
}

fn keys(text: &str) -> Result<Vec<Key>, TableError> {
    let refused = |reason: String| TableError::KeySet { reason };
    let set: KeySet = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
    let mut keys = Vec::new();
    for key in set.keys {
        match key.compile() {
            Ok(key) => keys.extend(key),
            Err(NotBase64) => return Err(refused("a key is not in base64url".to_owned())),
        }
    }
    if keys.is_empty() {
        return Err(refused("it has no key for RS256, ES256, EdDSA or HS256".to_owned()));
    }
    Ok(keys)
}

/// Base64url without padding (RFC 4648 §5), strictly.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let mut gathered = 0_u32;
    let mut bits = 0;
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        gathered = gathered << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(gathered >> bits & 0xff).ok()?);
        }
    }
    // What is left over must be padding: less than one digit, and zero.
    (bits < 6 && gathered & ((1 << bits) - 1) == 0).then_some(bytes)
}
