//! The documents of one version, and what their references name.

mod sameness;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::limits;
use crate::problem::{Place, Problem};

pub(crate) use sameness::Sameness;

/// One version of an API: its OpenAPI document and the documents that it refers to, read already.
#[derive(Debug, Clone)]
pub struct Documents {
    root: Value,
    /// By the name that references use, seen from the root: `schemas/cart.yaml`.
    others: BTreeMap<String, Value>,
}

/// Which rules of the specification a document was written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAPI 3.0: `nullable`, exclusive bounds as booleans, nothing beside a `$ref`.
    Three,
    /// OpenAPI 3.1: JSON Schema 2020-12.
    ThreeOne,
}

/// A value with the place it is written at.
#[derive(Debug, Clone)]
pub(crate) struct Located<'d> {
    pub place: Place,
    pub value: &'d Value,
}

impl<'d> Located<'d> {
    /// The member of this name, where there is one.
    pub fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        Some(Self {
            place: self.place.child(name),
            value,
        })
    }

    /// Every member of an object, by name.
    pub fn members(&self) -> impl Iterator<Item = (&'d str, Self)> + use<'d, '_> {
        self.value.as_object().into_iter().flatten().map(|(name, value)| {
            let place = self.place.child(name);
            (name.as_str(), Self { place, value })
        })
    }

    /// Every entry of a list.
    pub fn entries(&self) -> impl Iterator<Item = Self> + use<'d, '_> {
        self.value
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, value)| Self {
                place: self.place.child(&index.to_string()),
                value,
            })
    }

    pub fn text(&self, name: &str) -> Option<&'d str> {
        self.value.get(name).and_then(Value::as_str)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool).unwrap_or(false)
    }
}

impl Place {
    pub(crate) fn child(&self, name: &str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Self {
            document: self.document.clone(),
            pointer: format!("{}/{name}", self.pointer),
        }
    }

    /// The name of a definition that people refer to, where the place is one.
    pub(crate) fn definition(&self) -> Option<&str> {
        let (before, name) = self.pointer.rsplit_once('/')?;
        let is_definition = before.starts_with("/components/") && before.matches('/').count() == 2
            || before.ends_with("/$defs")
            || before.ends_with("/definitions");
        is_definition.then_some(name)
    }
}

impl Documents {
    pub fn new(root: Value) -> Self {
        Self {
            root,
            others: BTreeMap::new(),
        }
    }

    /// With the documents that references name, by those names: `schemas/cart.yaml`. A document that another one names
    /// relative to itself stands under its way from the root.
    pub fn with_others(root: Value, others: BTreeMap<String, Value>) -> Self {
        Self { root, others }
    }

    pub(crate) fn root(&self) -> Located<'_> {
        let place = Place {
            document: String::new(),
            pointer: String::new(),
        };
        Located {
            place,
            value: &self.root,
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Located<'_>> {
        let others = self.others.iter().map(|(name, value)| Located {
            place: Place {
                document: name.clone(),
                pointer: String::new(),
            },
            value,
        });
        std::iter::once(self.root()).chain(others)
    }

    pub(crate) fn dialect(&self) -> Result<Dialect, Problem> {
        match self.root.get("openapi") {
            Some(Value::String(version)) if version.starts_with("3.0.") => Ok(Dialect::Three),
            Some(Value::String(version)) if version.starts_with("3.1.") => Ok(Dialect::ThreeOne),
            found => Err(Problem::Version {
                place: self.root().place,
                found: found.map_or_else(|| "none".to_owned(), |found| format!("`{found}`")),
            }),
        }
    }

    /// What `reference`, written in the document of `from`, names. It is not followed further.
    pub(crate) fn target(&self, from: &Place, reference: &str) -> Option<Located<'_>> {
        let place = absolute(&from.document, reference)?;
        let document = if place.document.is_empty() {
            &self.root
        } else {
            self.others.get(&place.document)?
        };
        let value = document.pointer(&place.pointer)?;
        Some(Located { place, value })
    }

    /// Follows a chain of references to what is none. For everything but schemas, whose references stay edges.
    pub(crate) fn resolve<'d>(&'d self, start: &Located<'d>) -> Result<Located<'d>, Problem> {
        let mut at = start.clone();
        for _ in 0..limits::HOPS {
            let Some(reference) = at.text("$ref") else {
                return Ok(at);
            };
            at = self.target(&at.place, reference).ok_or_else(|| Problem::NoTarget {
                place: at.place.child("$ref"),
                reference: reference.to_owned(),
            })?;
        }
        Err(Problem::Loop {
            reference: start.text("$ref").unwrap_or_default().to_owned(),
            place: start.place.child("$ref"),
        })
    }
}

/// The document and pointer that a reference names, seen from the document it is written in.
fn absolute(document: &str, reference: &str) -> Option<Place> {
    let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let pointer = unescaped(fragment)?;
    if !(pointer.is_empty() || pointer.starts_with('/')) {
        return None;
    }
    if file.is_empty() {
        return Some(Place {
            document: document.to_owned(),
            pointer,
        });
    }
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(Place {
        document: parts.join("/"),
        pointer,
    })
}

/// A fragment without its percent signs.
fn unescaped(fragment: &str) -> Option<String> {
    let bytes = fragment.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let code = fragment.get(at + 1..at + 3)?;
            plain.push(u8::from_str_radix(code, 16).ok()?);
            at += 3;
        } else {
            plain.push(byte);
            at += 1;
        }
    }
    String::from_utf8(plain).ok()
}
