//! Exact numbers: what a document writes as 0.1 is a tenth, and the end of `int64` is not rounded.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// `digits` times ten to the power `exponent`, without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    pub const fn whole(digits: i128) -> Self {
        Self::scaled(digits, 0)
    }

    pub const fn scaled(digits: i128, exponent: i32) -> Self {
        Self { digits, exponent }.reduced()
    }

    pub const fn negated(self) -> Self {
        Self {
            digits: -self.digits,
            exponent: self.exponent,
        }
    }

    pub const fn tenfold(self) -> Self {
        Self::scaled(self.digits, self.exponent.saturating_add(1))
    }

    /// A number with more than 38 digits has none of these.
    pub fn of(number: &Number) -> Option<Self> {
        let text = number.to_string();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text.as_str(), 0),
        };
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{before}{after}").parse::<i128>().ok()?;
        let exponent = exponent.checked_sub(i32::try_from(after.len()).ok()?)?;
        Some(Self { digits, exponent }.reduced())
    }

    const fn reduced(mut self) -> Self {
        if self.digits == 0 {
            return Self { digits: 0, exponent: 0 };
        }
        while self.digits % 10 == 0 {
            self.digits /= 10;
            self.exponent += 1;
        }
        self
    }

    pub const fn is_whole(self) -> bool {
        self.exponent >= 0
    }

    /// Its value where it is whole and fits.
    pub fn as_whole(self) -> Option<i128> {
        let power = u32::try_from(self.exponent).ok()?;
        self.digits.checked_mul(10i128.checked_pow(power)?)
    }

    pub fn as_json(self) -> Option<Value> {
        if let Some(whole) = self.as_whole() {
            if let Ok(small) = i64::try_from(whole) {
                return Some(Value::from(small));
            }
            if let Ok(large) = u64::try_from(whole) {
                return Some(Value::from(large));
            }
        }
        let number: Value = serde_json::from_str(&format!("{}e{}", self.digits, self.exponent)).ok()?;
        // Only what a document can say exactly is a witness.
        (number.as_number().and_then(Self::of) == Some(self)).then_some(number)
    }

    /// Both as whole multiples of the same power of ten.
    fn aligned(self, other: Self) -> Option<(i128, i128, i32)> {
        let exponent = self.exponent.min(other.exponent);
        let scaled = |number: Self| {
            let power = u32::try_from(number.exponent.checked_sub(exponent)?).ok()?;
            number.digits.checked_mul(10i128.checked_pow(power)?)
        };
        Some((scaled(self)?, scaled(other)?, exponent))
    }

    pub fn add(self, other: Self) -> Option<Self> {
        let (left, right, exponent) = self.aligned(other)?;
        let digits = left.checked_add(right)?;
        Some(Self { digits, exponent }.reduced())
    }

    /// `None` where the numbers are too far apart to tell.
    pub fn is_multiple_of(self, unit: Self) -> Option<bool> {
        if self.digits == 0 {
            return Some(true);
        }
        let (number, unit, _) = self.aligned(unit)?;
        number.checked_rem(unit).map(|rest| rest == 0)
    }

    /// The first multiple of `unit` at or above.
    pub fn next_multiple(self, unit: Self) -> Option<Self> {
        let (number, unit, exponent) = self.aligned(unit)?;
        let rest = number.checked_rem_euclid(unit)?;
        let digits = if rest == 0 {
            number
        } else {
            number.checked_add(unit.checked_abs()? - rest)?
        };
        Some(Self::scaled(digits, exponent))
    }

    /// The next whole number at or below.
    pub fn floor(self) -> Option<i128> {
        self.as_whole().or_else(|| {
            let power = 10i128.checked_pow(self.exponent.unsigned_abs());
            // Less than one in size, as far as a bound of whole numbers goes.
            Some(power.map_or(if self.digits < 0 { -1 } else { 0 }, |power| {
                self.digits.div_euclid(power)
            }))
            .filter(|_| self.exponent < 0)
        })
    }

    pub fn ceil(self) -> Option<i128> {
        self.negated().floor().map(|floor| -floor)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if let Some((left, right, _)) = self.aligned(*other) {
            return left.cmp(&right);
        }
        // Too far apart to write one in the digits of the other: the sign decides, then the larger magnitude.
        match (self.digits.signum().cmp(&other.digits.signum()), self.digits.signum()) {
            (Ordering::Equal, sign) => {
                let size =
                    |number: &Self| i64::from(number.exponent) + i64::from(number.digits.unsigned_abs().ilog10());
                let order = size(self).cmp(&size(other));
                if sign < 0 { order.reverse() } else { order }
            }
            (order @ (Ordering::Less | Ordering::Greater), _) => order,
        }
    }
}

/// Equality of JSON values as JSON Schema has it: 1 and 1.0 are one number.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (Decimal::of(left), Decimal::of(right)) {
            (Some(left), Some(right)) => left == right,
            (Some(_) | None, _) => left == right,
        },
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => left == right,
    }
}
