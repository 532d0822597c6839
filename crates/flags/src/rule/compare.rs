//! `==` and its kin, with JavaScript's coercions as far as flagd's server has them.

use super::value::{Fault, Operands, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    StrictEqual,
    StrictNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An order of three arguments holds between neighbours; of any other number the first two are compared.
pub fn compare(comparison: Comparison, operands: Operands<'_>) -> Result<bool, Fault> {
    let arguments = match (operands, comparison) {
        (Operands::One(_), Comparison::StrictEqual) => return Ok(false),
        (Operands::One(_), Comparison::StrictNotEqual) => return Ok(true),
        (operands, _) => operands.list()?,
    };
    Ok(match &*arguments {
        [a, b, c] => comparison.holds(a, b) && (!comparison.is_order() || comparison.holds(b, c)),
        [a, b, ..] => comparison.holds(a, b),
        [] | [_] => matches!(comparison, Comparison::NotEqual | Comparison::StrictNotEqual),
    })
}

impl Comparison {
    fn is_order(self) -> bool {
        matches!(
            self,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual
        )
    }

    pub fn holds(self, a: &Value<'_>, b: &Value<'_>) -> bool {
        match self {
            Self::Equal => equal(a, b),
            Self::NotEqual => !equal(a, b),
            Self::StrictEqual => strictly_equal(a, b),
            Self::StrictNotEqual => !strictly_equal(a, b),
            Self::Less => less(a, b),
            Self::LessOrEqual => less(a, b) || equal(a, b),
            Self::Greater => less(b, a),
            Self::GreaterOrEqual => less(b, a) || equal(a, b),
        }
    }
}

/// Null equals null alone; two texts are compared as texts, all else as numbers.
pub fn equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => a.is_null() && b.is_null(),
        (Value::Text(a), Value::Text(b)) => a == b,
        _ => a.compared() == b.compared(),
    }
}

/// The same, of one kind. Lists and objects equal nothing, not even themselves.
fn strictly_equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => a.is_null() && b.is_null(),
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b,
        _ => false,
    }
}

fn less(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a < b,
        _ => a.compared() < b.compared(),
    }
}
