//! `fractional`: which share of the tenants, or users, gets which variant, the same for each at every evaluation.
//!
//! A value is hashed to 32 bits; `(hash * total) >> 32` is its place among the weights. What is hashed has changed between
//! versions of flagd and of its SDKs, so it is a property of the flag: [`HashVersion`].

mod cbor;
mod murmur;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::rule::Value;
use murmur::Murmur;

/// The largest sum of weights that flagd takes.
const TOTAL: u64 = 2_147_483_647;

/// What is hashed, in the metadata of a flag or of its set: `"hashVersion": 3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub enum HashVersion {
    /// The bytes of a text; for the short form the flag's key and the targeting key, side by side. What flagd's server and its
    /// SDK for JavaScript do.
    #[default]
    Two,
    /// The canonical CBOR (RFC 7049, section 3.9) of any value; for the short form of the two keys as a list. What
    /// flagd's SDKs for Python and Rust do in process.
    Three,
}

impl HashVersion {
    pub fn parse(number: i64) -> Option<Self> {
        match number {
            2 => Some(Self::Two),
            3 => Some(Self::Three),
            _ => None,
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    /// The hash of the short form.
    pub fn of_keys(self, flag: &str, targeting_key: &str) -> u32 {
        let mut murmur = Murmur::default();
        match self {
            Self::Two => {
                murmur.write(flag.as_bytes());
                murmur.write(targeting_key.as_bytes());
            }
            Self::Three => cbor::write_keys(&mut murmur, flag, targeting_key),
        }
        murmur.finish()
    }

    /// The hash of a value that a rule names; `None` for what this version does not bucket.
    pub fn of_value(self, value: &Value<'_>) -> Option<u32> {
        let mut murmur = Murmur::default();
        match self {
            Self::Two => murmur.write(value.as_text()?.as_bytes()),
            Self::Three => {
                if value.is_null() {
                    return None;
                }
                cbor::write(&mut murmur, value)?;
            }
        }
        Some(murmur.finish())
    }
}

/// A weight as a rule gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Weight {
    Absent,
    Number(f64),
    Other,
}

/// Weights side by side: where each ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    ends: Box<[u64]>,
}

impl Shares {
    /// `None` where a weight is no whole number or the weights are more than 2,147,483,647 together. A negative one counts
    /// as 0.
    pub fn new(weights: impl IntoIterator<Item = Weight>) -> Option<Self> {
        let mut total = 0;
        let mut ends = Vec::new();
        for weight in weights {
            total += match weight {
                Weight::Absent => 1,
                Weight::Number(number) => whole_weight(number)?,
                Weight::Other => return None,
            };
            if total > TOTAL {
                return None;
            }
            ends.push(total);
        }
        Some(Self { ends: ends.into() })
    }

    /// The place of the share that `hash` falls into; `None` where all weights are 0.
    pub fn pick(&self, hash: u32) -> Option<usize> {
        let total = self.ends.last()?;
        let bucket = (u64::from(hash) * total) >> 32;
        self.ends.iter().position(|end| bucket < *end)
    }
}

fn whole_weight(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && number <= TOTAL as f64).then(|| number.max(0.0) as u64)
}
