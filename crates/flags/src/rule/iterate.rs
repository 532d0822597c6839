//! `map`, `filter`, `all`, `some`, `none` and `reduce`.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::run::run;
use super::scope::Scope;
use super::value::{Fault, Value};
use super::{Fold, Iteration, Node, Turn};

pub fn iterate<'a>(iteration: &'a Iteration, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let subject = subject(&iteration.subject, scope)?;
    let body = &iteration.body;
    match iteration.turn {
        Turn::Map | Turn::Filter if subject.is_null() => Ok(Value::List(Vec::new())),
        Turn::Map => {
            let elements = elements(&subject, scope)?;
            let mapped: Result<_, Fault> = elements
                .map(|element| run(body, &scope.element(&element, Turn::Map)))
                .collect();
            Ok(Value::List(mapped?))
        }
        Turn::Filter => {
            let mut kept = Vec::new();
            for element in elements(&subject, scope)? {
                if run(body, &scope.element(&element, Turn::Filter))?.is_true() {
                    kept.push(element);
                }
            }
            Ok(Value::List(kept))
        }
        Turn::All => Ok(Value::Bool(
            subject.is_true() && !any(&subject, iteration, scope, false)?,
        )),
        Turn::Some => Ok(Value::Bool(subject.is_true() && any(&subject, iteration, scope, true)?)),
        Turn::None => Ok(Value::Bool(
            !subject.is_true() || !any(&subject, iteration, scope, true)?,
        )),
    }
}

/// What is gone through. A single value that was put in for a variable is nothing, like one that is written there.
fn subject<'a>(node: &'a Node, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    if let Node::Variable(variable) = node
        && variable.put_in(scope).is_some_and(|value| value.is_scalar())
    {
        return Ok(Value::Null);
    }
    run(node, scope)
}

/// Whether the condition is as true as `truth` for an element.
fn any<'a>(subject: &Value<'a>, iteration: &'a Iteration, scope: &Scope<'_, 'a>, truth: bool) -> Result<bool, Fault> {
    for element in elements(subject, scope)? {
        let inner = scope.element(&element, iteration.turn);
        if condition(&iteration.body, &inner)?.is_true() == truth {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A condition, like the body of `reduce`, has to be an object of the rule: what was put in for a variable is a value, and only an object may stand there.
fn condition<'a>(body: &'a Node, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    if let Node::Variable(variable) = body
        && let Some(value) = variable.put_in(scope)
    {
        return if value.is_object() { Ok(value) } else { Err(Fault) };
    }
    operation(body, scope)
}

/// Computes what has to be an object of the rule: an operator, or a value that looks like one.
fn operation<'a>(node: &'a Node, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    if matches!(node, Node::Constant(_) | Node::List(_) | Node::Literal(Json::Array(_))) {
        return Err(Fault);
    }
    run(node, scope)
}

pub fn fold<'a>(fold: &'a Fold, scope: &Scope<'_, 'a>) -> Result<Value<'a>, Fault> {
    let mut accumulator = run(&fold.start, scope)?;
    if !accumulator.is_scalar() {
        return Err(Fault);
    }
    let subject = subject(&fold.subject, scope)?;
    if subject.is_null() {
        return Ok(Value::Number(0.0));
    }
    for current in elements(&subject, scope)? {
        if current.is_null() {
            continue;
        }
        let value = condition(&fold.body, &scope.fold(&current, &accumulator))?;
        // What it starts with is what it stays.
        accumulator = match accumulator {
            Value::Bool(_) => Value::Bool(value.is_true()),
            Value::Number(_) => Value::Number(value.calculated()?),
            Value::Null | Value::Text(_) | Value::Json(_) | Value::List(_) | Value::Whole => {
                let text = value.joined()?;
                scope.spend(text.len())?;
                Value::Text(Cow::Owned(text.into_owned()))
            }
        };
    }
    Ok(accumulator)
}

/// The elements of a list, all paid for; what is no list cannot be gone through.
fn elements<'v, 'a>(
    subject: &'v Value<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<impl Iterator<Item = Value<'a>> + use<'v, 'a>, Fault> {
    scope.spend(subject.length().ok_or(Fault)?)?;
    Ok(subject.elements())
}
