//! The schemas and the reader say the same of every document: what a schema refuses is refused, what it admits is admitted
//! but for texts whose rule is more than a pattern, and what is admitted becomes a struct. One difference is left out: to
//! JSON Schema `2.0` is a whole number, to the reader it is not.

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{ALERTS, CHANGE, GATE, PLAYBOOK, RELEASE, SERVICE, TENANTS, source};
use crate::files::schema;
use crate::files::{
    AlertsFile, ChangeFile, Code, Document, GateTemplate, PlaybookFile, ReleaseFile, ServiceFile, Shape, TenantsFile,
};

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
fn on_templates_of_gates() {
    check::<GateTemplate>(GATE);
}

#[test]
fn on_files_of_alerts() {
    check::<AlertsFile>(ALERTS);
}

#[test]
fn on_releases() {
    check::<ReleaseFile>(RELEASE);
}

#[test]
fn on_the_front_matter_of_changes() {
    let front = CHANGE.trim_start_matches("---").split("---").next().unwrap();
    check::<ChangeFile>(front);
}

/// Every mutation at every place of the example, and several at once at random.
fn check<T: JsonSchema + DeserializeOwned>(example: &str) {
    let validator = jsonschema::validator_for(&schema::of::<T>()).unwrap();
    let shape = Shape::of::<T>();
    let example = parse(example, &shape);
    agree::<T>(&validator, &shape, &example).unwrap();
    for place in places(&example) {
        for mutation in mutations() {
            let mut document = example.clone();
            mutation.apply(&mut document, &place);
            agree::<T>(&validator, &shape, &document).unwrap();
        }
    }
    let several = prop::collection::vec((any::<Index>(), prop::sample::select(mutations())), 2..5);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&several, |several| {
        let mut document = example.clone();
        for (place, mutation) in &several {
            let places = places(&document);
            mutation.apply(&mut document, &places[place.index(places.len())]);
        }
        agree::<T>(&validator, &shape, &document)
    });
    outcome.unwrap();
}

fn parse(text: &str, shape: &Shape) -> Value {
    let file = source("example.yaml", text);
    Document::read(&file, shape).tree.unwrap().json()
}

fn agree<T: DeserializeOwned>(validator: &Validator, shape: &Shape, written: &Value) -> Result<(), TestCaseError> {
    let file = source("example.yaml", &written.to_string());
    let mut document = Document::read(&file, shape);
    let parsed: Option<T> = document.file();
    let diagnostics = document.report.diagnostics();
    let codes: Vec<Code> = diagnostics.iter().map(|found| found.code).collect();
    if validator.is_valid(written) {
        let beyond_patterns = codes.iter().all(|code| *code == Code::InvalidText);
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

fn mutations() -> Vec<Mutation> {
    let fields = [
        "name",
        "path",
        "header",
        "verify",
        "keys",
        "within",
        "command",
        "labels",
        "rest",
        "tenants",
        "percentage",
        "until",
        "unknown",
        "A B",
        "requests",
        "with",
    ];
    let mut mutations = vec![Mutation::Remove, Mutation::Double];
    mutations.extend(values().into_iter().map(Mutation::Replace));
    mutations.extend(fields.into_iter().map(Mutation::Rename));
    mutations.extend(
        fields
            .into_iter()
            .map(|field| Mutation::Insert(field, json!({"path": "/"}))),
    );
    mutations
}

fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(7),
        json!(101),
        json!(2.5),
        json!(0.75),
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
        json!("GET /a"),
        json!("https://a.example/b"),
        json!("a/b.png"),
        json!("2027-02-31"),
        json!("breaking"),
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
    ]
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
