//! The name of a tenant, safe to be a directory.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tenant(String);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a tenant: up to 63 of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit")]
pub struct TenantError(String);

impl Tenant {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tenant {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Tenant, TenantError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let rest = |c: char| plain(c) || matches!(c, '.' | '_' | '-');
        if text.len() <= 63 && text.starts_with(plain) && text.chars().all(rest) {
            Ok(Tenant(text.to_owned()))
        } else {
            Err(TenantError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Tenant {
    type Error = TenantError;

    fn try_from(text: String) -> Result<Tenant, TenantError> {
        text.parse()
    }
}

impl From<Tenant> for String {
    fn from(tenant: Tenant) -> String {
        tenant.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
