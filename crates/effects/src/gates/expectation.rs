//! What a JSON document has to say for a gate to pass.

use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::event::{Judgement, Verdict};

/// Characters of a value or a document that are shown.
const SHOWN_MAX: usize = 200;

/// One value of a document. At least one of the three is asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Where the value stands: a JSON pointer (RFC 6901) as `/metrics/p95`; empty for the whole document.
    at: String,
    #[serde(default)]
    equals: Option<Value>,
    /// For numbers.
    #[serde(default)]
    at_most: Option<f64>,
    /// For numbers.
    #[serde(default)]
    at_least: Option<f64>,
}

/// What is wrong with these, if anything is.
///
/// # Errors
/// In words, for the one who wrote them.
pub fn check(expected: &[Expectation]) -> Result<(), String> {
    expected.iter().try_for_each(Expectation::check)
}

/// Reads the document, and says whether all that is expected is so. One that is no JSON, or lacks a value, says nothing about the version: that is
/// an error.
pub fn judge(expected: &[Expectation], document: &[u8]) -> Judgement {
    let document: Value = match serde_json::from_slice(document) {
        Ok(document) => document,
        Err(error) => {
            let begins = shown(&String::from_utf8_lossy(document));
            return Judgement::new(Verdict::Error, format!("it is no JSON document ({error}): {begins}"));
        }
    };
    let mut said = Vec::new();
    for one in expected {
        match one.finds(&document) {
            Ok(words) => said.push(words),
            Err((verdict, reason)) => return Judgement::new(verdict, reason),
        }
    }
    Judgement::new(Verdict::Pass, said.join(", "))
}

impl Expectation {
    fn check(&self) -> Result<(), String> {
        let at = &self.at;
        if !at.is_empty() && !at.starts_with('/') {
            return Err(format!(
                "`at: {at}` is no JSON pointer: write `/{}`",
                at.replace('.', "/")
            ));
        }
        if self.equals.is_none() && self.at_most.is_none() && self.at_least.is_none() {
            return Err(format!(
                "nothing is expected at `{at}`: say `equals`, `at_most` or `at_least`"
            ));
        }
        let limits = [self.at_most, self.at_least].into_iter().flatten();
        if limits.clone().any(|limit| !limit.is_finite()) {
            return Err(format!("a limit at `{at}` is no number"));
        }
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) if least > most => {
                Err(format!("no number at `{at}` is at least {least} and at most {most}"))
            }
            _ => Ok(()),
        }
    }

    /// The value in words where it is as expected.
    fn finds(&self, document: &Value) -> Result<String, (Verdict, String)> {
        let at = if self.at.is_empty() { "the document" } else { &self.at };
        let Some(value) = document.pointer(&self.at) else {
            let begins = shown(&document.to_string());
            return Err((Verdict::Error, format!("there is no {at} in it: {begins}")));
        };
        let is = format!("{at} is {}", shown(&value.to_string()));
        if let Some(wanted) = self.equals.as_ref().filter(|wanted| !same(wanted, value)) {
            return Err((
                Verdict::Fail,
                format!("{is}, expected is {}", shown(&wanted.to_string())),
            ));
        }
        for (limit, is_most) in [(self.at_most, true), (self.at_least, false)] {
            let Some(limit) = limit else { continue };
            let Some(number) = value.as_f64() else {
                return Err((Verdict::Error, format!("{is}, which is no number")));
            };
            let (holds, words) = if is_most {
                (number <= limit, "at most")
            } else {
                (number >= limit, "at least")
            };
            if !holds {
                return Err((Verdict::Fail, format!("{is}, expected is {words} {limit}")));
            }
        }
        Ok(is)
    }
}

/// `1` and `1.0` are the same number.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        (None, _) | (_, None) => one == other,
    }
}

/// The beginning of a text, in one line.
pub fn shown(text: &str) -> String {
    let mut line = String::new();
    for (count, character) in text.trim().chars().enumerate() {
        if count == SHOWN_MAX {
            line.push_str("...");
            break;
        }
        line.push(if character.is_control() { ' ' } else { character });
    }
    line
}

#[cfg(test)]
mod tests;
