//! Requests as a document a line.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::id::TenantName;

use super::workload::{Draft, Recorded, decoded};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    tenant: Option<TenantName>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A text as it is sent, or the JSON of the body.
    #[serde(default)]
    body: Value,
    #[serde(default)]
    body_base64: Option<String>,
    /// Milliseconds since the first request.
    #[serde(default)]
    at_ms: u64,
    #[serde(default)]
    answer: Option<Answer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    body_base64: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

/// # Errors
/// The first line that is no request, and why.
pub(super) fn read(text: &str) -> Result<Vec<Draft>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let drafts = lines.map(|(index, line)| {
        let place = format!("line {}", index + 1);
        draft(line, &place).map_err(|problem| format!("{place}: {problem}"))
    });
    drafts.collect()
}

fn draft(line: &str, place: &str) -> Result<Draft, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| {
        // A line has one line: only the column says something.
        let text = error.to_string();
        let problem = text.split(" at line ").next().unwrap_or_default().to_owned();
        format!("column {}: {problem}; write one JSON object a line", error.column())
    })?;
    let recorded = line.answer.map(|answer| {
        if !(100..1000).contains(&answer.status) {
            return Err(format!(
                "{} is no status of an `answer`: write 100 to 999",
                answer.status
            ));
        }
        Ok(Recorded {
            status: answer.status,
            headers: answer.headers.into_iter().collect(),
            body: body(answer.body, answer.body_base64)?,
        })
    });
    Ok(Draft {
        place: place.to_owned(),
        method: line.method.to_ascii_uppercase(),
        path: line.path,
        tenant: line.tenant,
        headers: line.headers.into_iter().collect(),
        body: Ok(body(line.body, line.body_base64)?),
        at: Duration::from_millis(line.at_ms),
        recorded: recorded.transpose()?,
    })
}

fn body(body: Value, base64: Option<String>) -> Result<Vec<u8>, String> {
    match (body, base64) {
        (Value::Null, None) => Ok(Vec::new()),
        (Value::Null, Some(base64)) => decoded(&base64),
        (Value::String(text), None) => Ok(text.into_bytes()),
        (json @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)), None) => {
            Ok(json.to_string().into_bytes())
        }
        (_, Some(_)) => Err("the body is given twice: write one of `body` and `body_base64`".to_owned()),
    }
}
