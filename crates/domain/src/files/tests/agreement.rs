//! The schemas and the reader say the same of every document: what a schema refuses is refused, what it admits is admitted
//! but for texts whose rule is more than a pattern, and what is admitted becomes a struct.

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{PLAYBOOK, RELEASE, SERVICE, TENANTS, source};
use crate::files::schema;
use crate::files::{Code, Document, PlaybookFile, ReleaseFile, ServiceFile, Severity, TenantsFile};

#[test]
fn on_service_files() {
    check::<ServiceFile>(SERVICE);
}

#[test]
fn on_tenants_files() {
    check::<TenantsFile>(TENANTS);
}

#[test]
fn on_playbooks() {
    check::<PlaybookFile>(PLAYBOOK);
}

#[test]
fn on_releases() {
    check::<ReleaseFile>(RELEASE);
}

fn check<T: JsonSchema + DeserializeOwned>(example: &str) {
    let schema = schema::of::<T>();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let example = parse(example);
    agree::<T>(&validator, &example).unwrap();
    let mutations = prop::collection::vec((any::<Index>(), mutation()), 1..4);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&mutations, |mutations| {
        let mut document = example.clone();
        for (place, mutation) in &mutations {
            let places = places(&document);
            mutation.apply(&mut document, &places[place.index(places.len())]);
        }
        agree::<T>(&validator, &document)
    });
    outcome.unwrap();
}

fn parse(text: &str) -> Value {
    let file = source("example.yaml", text);
    Document::read::<Value>(&file).tree.unwrap().into_json()
}

fn agree<T: JsonSchema + DeserializeOwned>(validator: &Validator, written: &Value) -> Result<(), TestCaseError> {
    let file = source("example.yaml", &written.to_string());
    let mut document = Document::read::<T>(&file);
    let parsed: Option<T> = document.file();
    let diagnostics = document.report.diagnostics();
    let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error);
    let codes: Vec<Code> = errors.map(|found| found.code).collect();
    let beyond_patterns = codes.iter().all(|code| *code == Code::InvalidText);
    if validator.is_valid(written) {
        prop_assert!(beyond_patterns, "only the reader refuses {written}: {diagnostics:?}");
    } else {
        prop_assert!(!codes.is_empty(), "only the schema refuses {written}");
    }
    prop_assert_eq!(parsed.is_some(), codes.is_empty(), "{}: {:?}", written, diagnostics);
    prop_assert!(diagnostics.iter().all(|found| found.place.is_some()), "{diagnostics:?}");
    Ok(())
}

#[derive(Debug, Clone)]
enum Mutation {
    Remove,
    Replace(Value),
    Insert(&'static str, Value),
    /// Gives a field the name of another.
    Rename(&'static str),
    Double,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        Just(Mutation::Remove),
        value().prop_map(Mutation::Replace),
        (field(), value()).prop_map(|(name, value)| Mutation::Insert(name, value)),
        field().prop_map(Mutation::Rename),
        Just(Mutation::Double),
    ]
}

fn field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "name",
        "cell",
        "path",
        "host",
        "header",
        "cookie",
        "strip",
        "verify",
        "keys",
        "claim",
        "within",
        "command",
        "labels",
        "rest",
        "tenants",
        "percentage",
        "opt_in",
        "until",
        "unknown",
        "A B",
        "UPPER",
        "requests",
        "with",
        "uses",
    ])
}

fn value() -> impl Strategy<Value = Value> {
    let scalars = vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(7),
        json!(101),
        json!(2.5),
        json!(1e30),
        json!(99_999_999_999_u64),
        json!(""),
        json!("x"),
        json!("X y"),
        json!("10m"),
        json!("10m 2h"),
        json!("9999999d"),
        json!("upstream"),
        json!("worker"),
        json!("always"),
        json!("prepare"),
        json!("/a/{tenant}"),
        json!("{tenant}.x"),
        json!("127.0.0.1:80"),
        json!("127.0.0.1:99999"),
        json!("5GB"),
        json!("Europe/Berlin"),
        json!("2026-02-31T00:00:00Z"),
        json!("é\n\u{7}\"'"),
        json!([]),
        json!({}),
        json!(["x"]),
        json!([1, 1]),
        json!({"until": "bake"}),
        json!({"rest": true}),
        json!([{"opt_in": true}]),
        json!({"path": "/x"}),
        json!({"jwt": {"claim": "a", "verify": "upstream"}}),
    ];
    prop::sample::select(scalars)
}

/// The paths of all values, the root's first.
fn places(document: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        match document.pointer(&path) {
            Some(Value::Object(fields)) => found.extend(fields.keys().map(|key| format!("{path}/{}", escape(key)))),
            Some(Value::Array(items)) => found.extend((0..items.len()).map(|index| format!("{path}/{index}"))),
            _ => {}
        }
        next += 1;
    }
    found
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

impl Mutation {
    fn apply(&self, document: &mut Value, path: &str) {
        let Some((parent, key)) = path.rsplit_once('/') else {
            if let (Self::Insert(name, value), Value::Object(fields)) = (self, &mut *document) {
                fields.insert((*name).to_owned(), value.clone());
            }
            return;
        };
        let key = key.replace("~1", "/").replace("~0", "~");
        match document.pointer_mut(parent) {
            Some(Value::Object(fields)) => self.apply_to_field(fields, &key),
            Some(Value::Array(items)) => self.apply_to_item(items, key.parse().unwrap()),
            _ => {}
        }
    }

    fn apply_to_field(&self, fields: &mut Map<String, Value>, key: &str) {
        match self {
            Self::Remove => {
                fields.remove(key);
            }
            Self::Replace(value) => {
                fields.insert(key.to_owned(), value.clone());
            }
            Self::Insert(name, value) => {
                fields.insert((*name).to_owned(), value.clone());
            }
            Self::Rename(name) => {
                let value = fields.remove(key).unwrap();
                fields.insert((*name).to_owned(), value);
            }
            Self::Double => {}
        }
    }

    fn apply_to_item(&self, items: &mut Vec<Value>, index: usize) {
        match self {
            Self::Remove => {
                items.remove(index);
            }
            Self::Replace(value) => items[index] = value.clone(),
            Self::Insert(_, value) => items.insert(index, value.clone()),
            Self::Rename(_) => {}
            Self::Double => items.push(items[index].clone()),
        }
    }
}
