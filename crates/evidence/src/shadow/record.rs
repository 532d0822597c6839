//! One recorded response: a line of a recording.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{Json, Reader};

/// A response, and the request it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The same in all recordings of one request.
    pub id: String,
    pub method: String,
    /// As it was asked for; what follows `?` is not looked at.
    pub path: String,
    pub tenant: Option<String>,
    pub status: u16,
    /// By lower-case name, the values in their order.
    pub headers: BTreeMap<String, Vec<String>>,
    pub body: Vec<u8>,
    /// From the request to the end of the body.
    pub milliseconds: Option<f64>,
}

/// Why a line is no record, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct Misread {
    /// From 1, in characters.
    pub column: usize,
    pub problem: String,
    pub remedy: &'static str,
}

const FIELDS: &str =
    "a record has `id`, `method`, `path`, `tenant`, `status`, `headers`, `body` or `body_base64`, and `milliseconds`";

/// What was read so far.
#[derive(Debug, Default)]
struct Draft {
    id: Option<String>,
    method: Option<String>,
    path: Option<String>,
    tenant: Option<String>,
    status: Option<u16>,
    headers: Option<BTreeMap<String, Vec<String>>>,
    body: Option<Vec<u8>>,
    milliseconds: Option<f64>,
}

impl Record {
    /// Reads a line, without the end of the line.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn read(line: &[u8]) -> Result<Self, Misread> {
        let text = std::str::from_utf8(line).map_err(|error| Misread {
            column: String::from_utf8_lossy(&line[..error.valid_up_to()]).chars().count() + 1,
            problem: "this is not UTF-8".to_owned(),
            remedy: "write a body that is no text as `body_base64`",
        })?;
        let mut reader = Reader::new(text);
        let mut draft = Draft::default();
        reader.members(|reader, key| draft.take(reader, &key))?;
        reader.end()?;
        draft.finished(&reader)
    }
}

impl Draft {
    fn take(&mut self, reader: &mut Reader<'_>, key: &str) -> Result<(), Misread> {
        match key {
            "id" => once(&mut self.id, text(reader)?, reader, key),
            "method" => once(&mut self.method, text(reader)?.to_ascii_uppercase(), reader, key),
            "path" => once(&mut self.path, text(reader)?, reader, key),
            "tenant" => once(&mut self.tenant, text(reader)?, reader, key),
            "status" => once(&mut self.status, status(reader)?, reader, key),
            "headers" => once(&mut self.headers, headers(reader)?, reader, key),
            "body" => once(&mut self.body, body(reader)?, reader, key),
            "body_base64" => once(&mut self.body, encoded_body(reader)?, reader, key),
            "milliseconds" => once(&mut self.milliseconds, milliseconds(reader)?, reader, key),
            _ => {
                let key: String = key.chars().take(40).collect();
                Err(reader.misread(format!("a record has no field `{key}`"), FIELDS))
            }
        }
    }

    fn finished(self, reader: &Reader<'_>) -> Result<Record, Misread> {
        let missing = |name: &str| reader.misread(format!("the record has no `{name}`"), FIELDS);
        Ok(Record {
            id: self.id.ok_or_else(|| missing("id"))?,
            method: self.method.ok_or_else(|| missing("method"))?,
            path: self.path.ok_or_else(|| missing("path"))?,
            tenant: self.tenant,
            status: self.status.ok_or_else(|| missing("status"))?,
            headers: self.headers.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            milliseconds: self.milliseconds,
        })
    }
}

fn once<T>(field: &mut Option<T>, value: T, reader: &Reader<'_>, key: &str) -> Result<(), Misread> {
    if field.is_some() {
        let problem = format!("`{key}` is given twice");
        return Err(reader.misread(problem, "give each field once, and one of `body` and `body_base64`"));
    }
    *field = Some(value);
    Ok(())
}

fn text(reader: &mut Reader<'_>) -> Result<String, Misread> {
    let value = reader.value()?;
    let text = value.text().filter(|text| !text.is_empty()).map(str::to_owned);
    text.ok_or_else(|| reader.misread("this is no string with something in it", "write a string"))
}

fn status(reader: &mut Reader<'_>) -> Result<u16, Misread> {
    let value = reader.value()?;
    let status = value.number().and_then(|digits| digits.parse().ok());
    let status = status.filter(|status| (100..1000).contains(status));
    status.ok_or_else(|| reader.misread("this is no HTTP status", "write a whole number from 100 to 999"))
}

fn milliseconds(reader: &mut Reader<'_>) -> Result<f64, Misread> {
    let value = reader.value()?;
    let time = value.number().and_then(|digits| digits.parse().ok());
    let time = time.filter(|time: &f64| time.is_finite() && *time >= 0.0);
    time.ok_or_else(|| reader.misread("this is no time", "write milliseconds from 0 on, such as `12.5`"))
}

fn headers(reader: &mut Reader<'_>) -> Result<BTreeMap<String, Vec<String>>, Misread> {
    let wrong = |reader: &Reader<'_>| {
        let remedy = "write an object of names, each with a string or a list of strings";
        reader.misread("this is no object of headers", remedy)
    };
    let Json::Object(members) = reader.value()? else {
        return Err(wrong(reader));
    };
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in members {
        let values = headers.entry(name.to_ascii_lowercase()).or_default();
        match value {
            Json::Text(text) => values.push(text.into_owned()),
            Json::Array(elements) => {
                for element in elements {
                    let Json::Text(text) = element else {
                        return Err(wrong(reader));
                    };
                    values.push(text.into_owned());
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => return Err(wrong(reader)),
        }
    }
    Ok(headers)
}

/// A string is the body as it was sent; any other value is the JSON of the body.
fn body(reader: &mut Reader<'_>) -> Result<Vec<u8>, Misread> {
    let start = reader.at();
    match reader.value()? {
        Json::Null => Ok(Vec::new()),
        Json::Text(Cow::Borrowed(text)) => Ok(text.as_bytes().to_vec()),
        Json::Text(Cow::Owned(text)) => Ok(text.into_bytes()),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            Ok(reader.since(start).as_bytes().to_vec())
        }
    }
}

fn encoded_body(reader: &mut Reader<'_>) -> Result<Vec<u8>, Misread> {
    let value = reader.value()?;
    let bytes = value.text().and_then(|text| STANDARD.decode(text.as_bytes()).ok());
    bytes.ok_or_else(|| {
        reader.misread(
            "this is no base64",
            "write the standard alphabet with padding (RFC 4648, 4)",
        )
    })
}
