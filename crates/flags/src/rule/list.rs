//! Operators on lists and texts.

use serde_json::Value as Json;

use super::number;
use super::path::Path;
use super::scope::Scope;
use super::value::{Fault, Operands, Value};

/// `in`: a part of a text, or an element of a list. A list inside the list is a range of numbers.
pub fn contains<'a>(arguments: &[Value<'a>], scope: &Scope<'_, 'a>) -> Result<bool, Fault> {
    let (needle, stack) = match arguments {
        [] => return Err(Fault),
        [needle] => (needle, &Value::Null),
        [needle, stack, ..] => (needle, stack),
    };
    if let Value::Text(text) = stack {
        scope.spend(text.len())?;
        return needle.as_text().map(|part| text.contains(part)).ok_or(Fault);
    }
    scope.spend(stack.length().unwrap_or(0))?;
    for element in stack.elements() {
        let found = if element.is_list() {
            is_in_range(needle, &element)?
        } else if let Value::Number(number) = needle {
            element.calculated()? == *number
        } else if needle.is_object() && element.is_object() {
            // flagd's server cannot compare two objects.
            return Err(Fault);
        } else {
            is_same(needle, &element)
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_in_range(value: &Value<'_>, range: &Value<'_>) -> Result<bool, Fault> {
    let (Some(low), Some(high)) = (range.element(0), range.element(1)) else {
        return Err(Fault);
    };
    let value = value.calculated()?;
    Ok(value >= low.calculated()? && high.calculated()? >= value)
}

/// The same single value of the same kind.
fn is_same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        _ => false,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    All,
    Any,
    None,
}

/// `contains_all`, `contains_any`, `contains_none` of two lists of single values.
pub fn contains_many<'a>(quantity: Quantity, operands: &Operands<'a>, scope: &Scope<'_, 'a>) -> Result<bool, Fault> {
    let none = quantity == Quantity::None;
    let Operands::Several(arguments) = operands else {
        return Ok(none);
    };
    let [stack, wanted] = &**arguments else {
        return Ok(none);
    };
    let (Some(high), Some(wide)) = (stack.length(), wanted.length()) else {
        return Ok(none);
    };
    scope.spend(high.saturating_mul(wide))?;
    // Who is sought decides when the search ends: for all of them at the first that is absent, else at the first found.
    let until_found = quantity != Quantity::All;
    for one in wanted.elements() {
        if holds(&one, stack)? == until_found {
            return Ok(quantity == Quantity::Any);
        }
    }
    Ok(quantity != Quantity::Any)
}

fn holds(one: &Value<'_>, stack: &Value<'_>) -> Result<bool, Fault> {
    for other in stack.elements() {
        if one.is_list() && other.is_list() || one.is_object() && other.is_object() {
            // flagd's server cannot compare two lists or two objects.
            return Err(Fault);
        }
        if is_same(one, &other) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub fn cat<'a>(operands: Operands<'a>, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let arguments = match operands {
        Operands::One(Value::Text(text)) => return Ok(Value::Text(text)),
        Operands::Several(arguments) => arguments,
        Operands::One(_) => return Err(Fault),
    };
    let mut text = String::new();
    for argument in arguments.iter() {
        let part = argument.joined()?;
        scope.spend(part.len())?;
        text.push_str(&part);
    }
    // flagd's server trims what it put together, and a single argument not.
    if arguments.len() > 1 {
        text = text.trim().to_owned();
    }
    Ok(Value::text(text))
}

/// Characters from a place, counted from the end where it is negative; as many as said, or all but as many from the end.
pub fn substr<'a>(arguments: &[Value<'a>]) -> Result<Value<'a>, Fault> {
    let [text, from, rest @ ..] = arguments else {
        return Err(Fault);
    };
    let text = text.joined()?;
    let length = i64::try_from(text.chars().count()).map_err(|_| Fault)?;
    let from = number::whole(from.calculated()?);
    let from = if from < 0 { length.saturating_add(from) } else { from };
    if from < 0 || from > length {
        return Ok(Value::text(text.into_owned()));
    }
    let to = match rest {
        [count] => match number::whole(count.calculated()?) {
            count if count < 0 => length.saturating_add(count),
            count => from.saturating_add(count),
        },
        _ => length,
    };
    let count = to.min(length) - from;
    let (from, count) = (usize::try_from(from), usize::try_from(count));
    let (from, count) = (from.map_err(|_| Fault)?, count.map_err(|_| Fault)?);
    Ok(Value::text(text.chars().skip(from).take(count).collect()))
}

/// One list of all elements and of what is no list.
pub fn merge<'a>(operands: Operands<'a>, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let arguments = match operands {
        Operands::One(value) if value.is_scalar() => return Ok(Value::List(vec![value])),
        Operands::Several(arguments) => arguments,
        Operands::One(_) => return Err(Fault),
    };
    let mut merged = Vec::new();
    for argument in arguments.iter() {
        scope.spend(argument.length().unwrap_or(1))?;
        if argument.is_list() {
            merged.extend(argument.elements());
        } else {
            merged.push(argument.clone());
        }
    }
    Ok(Value::List(merged))
}

/// Those of the named paths that lead to nothing.
pub fn missing<'a>(operands: Operands<'a>, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let keys = match operands {
        Operands::One(key @ Value::Text(_)) => vec![key],
        Operands::Several(keys) => keys.to_vec(),
        Operands::One(_) => return Err(Fault),
    };
    absent(keys, scope).map(Value::List)
}

/// The same, or nothing where enough of them are there.
pub fn missing_some<'a>(arguments: &[Value<'a>], scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let [needed, keys, ..] = arguments else {
        return Err(Fault);
    };
    let needed = number::whole(needed.calculated()?);
    let count = keys.length().ok_or(Fault)?;
    let absent = absent(keys.elements().collect(), scope)?;
    let present = i64::try_from(count - absent.len()).map_err(|_| Fault)?;
    Ok(Value::List(if needed > present { absent } else { Vec::new() }))
}

fn absent<'a>(keys: Vec<Value<'a>>, scope: &Scope<'_, 'a>) -> Result<Vec<Value<'a>>, Fault> {
    scope.spend(keys.len())?;
    let mut absent = Vec::new();
    for key in keys {
        if !is_present(&key, scope)? {
            absent.push(key);
        }
    }
    Ok(absent)
}

fn is_present(key: &Value<'_>, scope: &Scope<'_, '_>) -> Result<bool, Fault> {
    let found = |text: &str| scope.find(&Path::parse(text)).is_some();
    match key {
        Value::Null => Ok(!scope.scalar().is_null()),
        Value::Text(text) => Ok(found(text)),
        Value::Number(place) => Ok(found(&number::plain(*place))),
        Value::List(_) | Value::Json(Json::Array(_)) => match key.element(0) {
            None => Ok(true),
            // A path and its default: with a default nothing is missing.
            Some(Value::Text(text)) => {
                let default = key.element(1).is_some_and(|default| !default.is_null());
                Ok(found(&text) || default && key.length() == Some(2))
            }
            Some(_) => Err(Fault),
        },
        Value::Bool(_) | Value::Json(_) | Value::Whole => Err(Fault),
    }
}
