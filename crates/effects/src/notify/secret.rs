//! What a channel proves itself with. A file says where it is found; the value is looked up for each attempt and shown nowhere.

use std::fmt;

use http::HeaderValue;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tidegate_domain::release::SecretReference;

use super::Outcome;
use crate::drivers::process::reveal;

/// Where a secret is found.
#[derive(Debug, Clone)]
pub(super) struct Hidden(SecretReference);

/// A secret's value. It shows itself to whoever asks for it by name, and to nobody else.
pub(super) struct Revealed(String);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Value::deserialize(deserializer)?;
        // What was written may be the secret, so nothing of it is repeated.
        serde_json::from_value(written).map(Self).map_err(|_| {
            D::Error::custom(
                "a secret stands in no file of a project: say where it is found, as `{environment: NAME}`, `{file: /path}` or `{credential: NAME}`",
            )
        })
    }
}

impl Hidden {
    /// The value. One that is not there now may be there at the next attempt: somebody is just changing it.
    pub fn reveal(&self, what: &str) -> Result<Revealed, Outcome> {
        let value = reveal(&self.0).map_err(|reason| Outcome::retry(format!("there is no {what}: {reason}")))?;
        Ok(Revealed(value))
    }
}

impl Revealed {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As `authorization` has it.
    pub fn bearer(&self) -> Result<HeaderValue, Outcome> {
        let value = HeaderValue::try_from(format!("Bearer {}", self.0));
        let mut value = value.map_err(|_| Outcome::refused("the token has characters that no header can hold"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// A text that somebody else wrote, without the secret: who is told a wrong key may repeat it.
    pub fn taken_out_of(&self, text: &str) -> String {
        text.replace(&self.0, "(secret)")
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed(..)")
    }
}
