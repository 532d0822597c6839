//! Where a request names its tenant and its client.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One place where a request may name its tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantSource {
    /// Host pattern with `{tenant}` as one whole label: `{tenant}.shop.example`. The port is ignored.
    Host(String),
    Path(PathSource),
    /// Name of a request header. It is stripped, and sent upstream only as `x-tidegate-tenant`.
    Header(String),
    /// Name of a cookie.
    Cookie(String),
    Jwt(JwtSource),
}

/// A path prefix with `{tenant}` as one whole segment: `/t/{tenant}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSource {
    pub pattern: String,
    /// Whether the prefix is taken off before the component is looked up and the request is forwarded.
    #[serde(default)]
    pub strip: bool,
}

/// A claim of the bearer token in `authorization`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwtSource {
    /// Name of a claim that is a string.
    pub claim: String,
    pub verify: JwtVerification,
}

/// Who checks the signature of a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JwtVerification {
    /// The upstream does. The gateway only reads the claim.
    Upstream,
    /// The gateway does, with the keys in this JWK set (the document's text, RFC 7517): RS256, ES256, EdDSA or HS256. A token
    /// that does not verify or has expired is refused.
    Keys(String),
}

// A key set may hold shared secrets.
impl fmt::Debug for JwtVerification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            JwtVerification::Upstream => "Upstream",
            JwtVerification::Keys(_) => "Keys(..)",
        })
    }
}

/// What distinguishes the clients of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientSource {
    /// The peer's network address.
    #[default]
    Address,
    /// Value of a request header.
    Header(String),
    /// Value of a cookie.
    Cookie(String),
}
