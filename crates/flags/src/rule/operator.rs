//! The operators that compute all their arguments before they look at them.

use super::calculate::Calculation;
use super::compare::Comparison;
use super::list::Quantity;
use crate::bucket::HashVersion;

/// An operator by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Compare(Comparison),
    Calculate(Calculation),
    ContainsMany(Quantity),
    Not,
    NotNot,
    In,
    Cat,
    Substr,
    Merge,
    Missing,
    MissingSome,
    StartsWith,
    EndsWith,
    SemVer,
    Fractional(HashVersion),
}

impl Operator {
    /// `hash` is the hash of the flag's buckets.
    pub fn parse(name: &str, hash: HashVersion) -> Option<Self> {
        Some(match name {
            "==" => Self::Compare(Comparison::Equal),
            "!=" => Self::Compare(Comparison::NotEqual),
            "===" => Self::Compare(Comparison::StrictEqual),
            "!==" => Self::Compare(Comparison::StrictNotEqual),
            "<" => Self::Compare(Comparison::Less),
            "<=" => Self::Compare(Comparison::LessOrEqual),
            ">" => Self::Compare(Comparison::Greater),
            ">=" => Self::Compare(Comparison::GreaterOrEqual),
            "+" => Self::Calculate(Calculation::Add),
            "-" => Self::Calculate(Calculation::Subtract),
            "*" => Self::Calculate(Calculation::Multiply),
            "/" => Self::Calculate(Calculation::Divide),
            "%" => Self::Calculate(Calculation::Remainder),
            "min" => Self::Calculate(Calculation::Minimum),
            "max" => Self::Calculate(Calculation::Maximum),
            "abs" => Self::Calculate(Calculation::Absolute),
            "contains_all" => Self::ContainsMany(Quantity::All),
            "contains_any" => Self::ContainsMany(Quantity::Any),
            "contains_none" => Self::ContainsMany(Quantity::None),
            "!" => Self::Not,
            "!!" => Self::NotNot,
            "in" => Self::In,
            "cat" => Self::Cat,
            "substr" => Self::Substr,
            "merge" => Self::Merge,
            "missing" => Self::Missing,
            "missing_some" => Self::MissingSome,
            "starts_with" => Self::StartsWith,
            "ends_with" => Self::EndsWith,
            "sem_ver" => Self::SemVer,
            "fractional" => Self::Fractional(hash),
            _ => return None,
        })
    }
}
