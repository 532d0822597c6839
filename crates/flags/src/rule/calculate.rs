//! Arithmetic. Only numbers and texts take part: a null, a truth or a list is a fault, as in flagd's server.

use super::value::{Fault, Operands, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calculation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Minimum,
    Maximum,
    Absolute,
}

pub fn calculate<'a>(operator: Calculation, operands: Operands<'a>) -> Result<Value<'a>, Fault> {
    let arguments = match operands {
        Operands::Several(arguments) => arguments,
        Operands::One(value) => {
            let number = value.calculated()?;
            return match operator {
                Calculation::Add => Ok(Value::Number(number)),
                Calculation::Absolute => Ok(Value::Number(number.abs())),
                Calculation::Subtract
                | Calculation::Multiply
                | Calculation::Divide
                | Calculation::Remainder
                | Calculation::Minimum
                | Calculation::Maximum => Err(Fault),
            };
        }
    };
    let numbers = arguments.iter().map(Value::calculated);
    let number = match operator {
        Calculation::Add => numbers.sum::<Result<f64, Fault>>()? + 0.0,
        Calculation::Multiply => numbers.product::<Result<f64, Fault>>()?,
        Calculation::Subtract => match &*arguments {
            [] => 0.0,
            [one] => -one.calculated()?,
            _ => reduce(numbers, |a, b| a - b)?,
        },
        Calculation::Divide => match &*arguments {
            [] => 0.0,
            _ => reduce(numbers, |a, b| a / b)?,
        },
        Calculation::Remainder => {
            let [a, b, ..] = &*arguments else {
                return Err(Fault);
            };
            a.calculated()? % b.calculated()?
        }
        Calculation::Absolute => arguments.first().ok_or(Fault)?.calculated()?.abs(),
        Calculation::Minimum | Calculation::Maximum if arguments.is_empty() => return Ok(Value::Null),
        Calculation::Minimum => reduce(numbers, |a, b| if a > b { b } else { a })?,
        Calculation::Maximum => reduce(numbers, |a, b| if b > a { b } else { a })?,
    };
    Ok(Value::Number(number))
}

fn reduce(mut numbers: impl Iterator<Item = Result<f64, Fault>>, join: fn(f64, f64) -> f64) -> Result<f64, Fault> {
    let first = numbers.next().ok_or(Fault)??;
    numbers.try_fold(first, |sum, number| Ok(join(sum, number?)))
}
