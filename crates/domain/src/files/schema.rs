//! The JSON Schemas of the files, for editors and for the check of shapes.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::{AlertsFile, ChangeFile, CustomersFile, GateTemplate, PlaybookFile, ReleaseFile, ServiceFile, TenantsFile};

/// The schema of every kind of file, by the name it is published under.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("tidegate.json", of::<ServiceFile>()),
        ("tenants.json", of::<TenantsFile>()),
        ("customers.json", of::<CustomersFile>()),
        ("alerts.json", of::<AlertsFile>()),
        ("playbook.json", of::<PlaybookFile>()),
        ("gate.json", of::<GateTemplate>()),
        ("release.json", of::<ReleaseFile>()),
        ("change.json", of::<ChangeFile>()),
    ]
}

pub(super) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(AsRead);
    settings.into_generator().into_root_schema_for::<T>().into()
}

/// Brings a derived schema to what is really read.
#[derive(Clone)]
struct AsRead;

impl Transform for AsRead {
    fn transform(&mut self, schema: &mut Schema) {
        without_null(schema);
        bound_integer(schema);
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace('\n', " ");
        }
        transform_subschemas(self, schema);
    }
}

/// A field is written with a value or left out: `null` is what an empty line means in YAML, and mostly a slip.
fn without_null(schema: &mut Schema) {
    let is_null = |value: &Value| value == "null" || value["type"] == "null";
    match schema.get_mut("default") {
        Some(Value::Null) => {
            schema.remove("default");
        }
        Some(Value::Object(fields)) => fields.retain(|_, value| !value.is_null()),
        _ => {}
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| !is_null(kind));
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives.retain(|alternative| !is_null(alternative));
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}

/// An integer has the bounds of its Rust type, in the words that every validator knows.
fn bound_integer(schema: &mut Schema) {
    let Some(Value::String(format)) = schema.remove("format") else {
        return;
    };
    let most = match format.as_str() {
        "uint8" => Some(u64::from(u8::MAX)),
        "uint16" => Some(u64::from(u16::MAX)),
        "uint32" => Some(u64::from(u32::MAX)),
        "uint64" => Some(u64::MAX),
        _ => None,
    };
    if let Some(most) = most.filter(|_| schema.get("maximum").is_none()) {
        schema.insert("maximum".to_owned(), most.into());
    }
}
