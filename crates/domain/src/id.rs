//! Names and digests. Each is a newtype that can only be made from text of the right shape.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

mod job;

pub use self::job::{JobName, JobOf};

/// Text that does not have the shape its newtype asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {rule}")]
pub struct InvalidName {
    pub text: String,
    pub what: &'static str,
    pub rule: &'static str,
}

/// The longest name, in bytes: names become parts of host names, file names and metric labels.
const NAME_BYTES_MAX: usize = 63;

fn is_name(text: &str) -> bool {
    let first = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    first
        && text.len() <= NAME_BYTES_MAX
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

fn is_version(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    first && text.len() <= NAME_BYTES_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:ident, $rule:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the shape of `text` and wraps it.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                if $check(text) {
                    Ok(Self(Arc::from(text)))
                } else {
                    Err(InvalidName { text: text.to_owned(), what: $what, rule: $rule })
                }
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::id::Parsed::new())
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $rule })
            }
        }
    };
}

pub(crate) use text_newtype;

/// Makes a newtype of text where it stands: tens of thousands of names are read, and none is copied first.
pub(crate) struct Parsed<T>(PhantomData<T>);

impl<T> Parsed<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Visitor<'_> for Parsed<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        text_newtype!(
            $(#[$doc])* $name, $what, is_name,
            "1 to 63 of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit",
            "^[a-z0-9][a-z0-9._-]{0,62}$"
        );
    };
}

name!(
    /// The product that is released.
    ServiceName, "service name"
);
name!(
    /// A part of the service that is deployed as a unit.
    ComponentName, "component name"
);
name!(
    /// One place that runs the service for a set of tenants.
    CellName, "cell name"
);
name!(
    /// The unit of isolation and routing.
    TenantName, "tenant name"
);
name!(
    /// Who owns tenants and gets the mail.
    CustomerName, "customer name"
);
name!(
    /// A set of tenants that moves together.
    WaveName, "wave name"
);
name!(
    /// How releases move.
    PlaybookName, "playbook name"
);
name!(
    /// The working days and holidays of a place.
    CalendarName, "calendar name"
);
name!(
    /// A time at which moving is allowed, or forbidden.
    WindowName, "window name"
);
name!(
    /// Somebody of a customer who gets its notices.
    ContactName, "contact name"
);
name!(
    /// A way to tell somebody of an alert.
    ChannelName, "channel name"
);
name!(
    /// What has to be agreed to before a release or a wave moves.
    ApprovalName, "approval name"
);
name!(
    /// What a principal may do.
    RoleName, "role name"
);
name!(
    /// Work on data that a release does.
    StepName, "step name"
);
name!(
    /// What steps on data work on, one at a time.
    DatabaseName, "database name"
);
name!(
    /// One entry of a release: the name of its file without `.md`.
    ChangeId, "change id"
);
text_newtype!(
    /// The version of a release, such as `2.1.0`. Versions are compared for equality only: which is newer is what the
    /// journal says, not what the text looks like.
    Version, "version", is_version,
    "1 to 63 of letters, digits, `.`, `_`, `+` and `-`, the first a letter or digit",
    "^[0-9A-Za-z][0-9A-Za-z._+-]{0,62}$"
);
text_newtype!(
    /// `sha256:` and 64 hexadecimal digits.
    Digest, "digest", is_digest,
    "`sha256:` followed by 64 lower-case hexadecimal digits",
    "^sha256:[0-9a-f]{64}$"
);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(&Sha256::digest(bytes))
    }

    /// The digest of the canonical JSON of a value: no white space, maps in the order of their keys.
    ///
    /// # Panics
    /// If the value has a map whose keys are not text.
    #[must_use]
    pub fn of_json(value: &impl Serialize) -> Self {
        Self::of(&serde_json::to_vec(value).expect("what is known by its digest has text keys only"))
    }

    /// The digest whose 32 raw bytes a streaming hasher ended with.
    #[must_use]
    pub fn from_hash(hash: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        let halves = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        text.extend(halves.map(|half| char::from(DIGITS[usize::from(half)])));
        Self(Arc::from(text))
    }

    /// The first 12 hexadecimal digits: enough to tell digests apart where people read them.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(7..19).unwrap_or(&self.0)
    }
}

/// One running version of a component in a cell: `api-3f2a91c0b4de`. Derived from what the slot runs (artifact and
/// configuration), so that a component a release leaves unchanged keeps its slot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotId(Arc<str>);

impl SlotId {
    #[must_use]
    pub fn new(component: &ComponentName, content: &Digest) -> Self {
        Self(Arc::from(format!("{component}-{}", content.short())))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who did something: the principal of a token, or the part of Tidegate that acted by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(Arc<str>);

impl Actor {
    /// A person or machine known by its token's principal.
    #[must_use]
    pub fn principal(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// Tidegate itself, acting on a rule: `tidegate/health`.
    #[must_use]
    pub fn system(part: &str) -> Self {
        Self(Arc::from(format!("tidegate/{part}")))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests;
