//! The names a table uses. All are opaque to the gateway: compared, hashed and put into headers, never parsed.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($(#[$documentation:meta])* $name:ident;)*) => {$(
        $(#[$documentation])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        // Lets a map keyed by the name be asked with a `&str` out of a request.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, formatter)
            }
        }
    )*};
}

names! {
    /// A tenant, as it stands in `x-tidegate-tenant`.
    TenantName;
    /// A part of the service that is matched by host and path.
    ComponentName;
    /// One running version of a component in a cell.
    SlotId;
    /// One process of a slot.
    InstanceId;
    /// One version in one cell, for example `eu/2.1.0`.
    VersionKey;
}

/// Longest name accepted in a table, in bytes.
pub const NAME_BYTES_MAX: usize = 200;

/// Whether a name can stand in a header and in a preview token: visible ASCII without `;`, not empty, not too long.
pub(super) fn is_usable(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
}
