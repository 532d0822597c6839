//! A schema as the check asks it: every keyword is looked up once, not at each value of a file of many tenants.

use serde_json::{Map, Number, Value as Json};

use super::kind::Kind;

/// A schema with the definitions that it refers to.
pub(super) struct Root {
    pub(super) schema: Schema,
    definitions: Vec<(String, Schema)>,
}

/// What the keywords of a schema say. One without any admits everything.
#[derive(Default)]
pub(super) struct Schema {
    /// The place of a definition that stands for it.
    reference: Option<usize>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) kinds: Vec<Kind>,
    pub(super) alternatives: Option<Vec<Schema>>,
    /// Of an enumeration.
    pub(super) words: Option<Vec<String>>,
    pub(super) constant: Option<Json>,
    /// A text must not be empty.
    pub(super) not_empty: bool,
    pub(super) pattern: Option<String>,
    pub(super) least: Option<Number>,
    pub(super) most: Option<Number>,
    pub(super) items: Option<Box<Schema>>,
    pub(super) items_least: u64,
    pub(super) unique_items: bool,
    pub(super) properties: Vec<(String, Schema)>,
    pub(super) properties_least: u64,
    pub(super) required: Vec<String>,
    /// Of keys with this pattern.
    pub(super) by_pattern: Option<(String, Box<Schema>)>,
    pub(super) rest: Rest,
}

/// What a mapping may hold besides its fields.
#[derive(Default)]
pub(super) enum Rest {
    #[default]
    Anything,
    Nothing,
    Like(Box<Schema>),
}

impl Root {
    pub(super) fn of(root: &Json) -> Self {
        let definitions = root["$defs"].as_object().into_iter().flatten();
        let names: Vec<&str> = definitions.clone().map(|(name, _)| name.as_str()).collect();
        Self {
            schema: Schema::of(root, &names),
            definitions: definitions
                .map(|(name, schema)| (name.clone(), Schema::of(schema, &names)))
                .collect(),
        }
    }

    /// The definition that a schema refers to.
    pub(super) fn definition(&self, schema: &Schema) -> Option<(&str, &Schema)> {
        let (name, schema) = self.definitions.get(schema.reference?)?;
        Some((name, schema))
    }
}

impl Schema {
    fn of(json: &Json, definitions: &[&str]) -> Self {
        let Json::Object(keywords) = json else {
            return Self {
                kinds: Kind::ALL.to_vec(),
                ..Self::default()
            };
        };
        let one = |json: &Json| Box::new(Self::of(json, definitions));
        let many = |list: &[Json]| list.iter().map(|json| Self::of(json, definitions)).collect();
        let text = |keyword: &str| keywords.get(keyword).and_then(Json::as_str);
        let number = |keyword: &str| keywords.get(keyword).and_then(Json::as_u64).unwrap_or(0);
        let fields = |keyword: &str| keywords.get(keyword).and_then(Json::as_object).into_iter().flatten();
        let reference = text("$ref").and_then(|path| path.strip_prefix("#/$defs/"));
        let alternatives = keywords.get("anyOf").or_else(|| keywords.get("oneOf"));
        Self {
            reference: reference.and_then(|name| definitions.iter().position(|known| *known == name)),
            title: text("title").map(str::to_owned),
            description: text("description").map(str::to_owned),
            kinds: Kind::admitted(keywords.get("type")),
            alternatives: alternatives.and_then(Json::as_array).map(|list| many(list)),
            words: words(keywords),
            constant: keywords.get("const").cloned(),
            not_empty: number("minLength") > 0,
            pattern: text("pattern").map(str::to_owned),
            least: keywords.get("minimum").and_then(Json::as_number).cloned(),
            most: keywords.get("maximum").and_then(Json::as_number).cloned(),
            items: keywords.get("items").map(one),
            items_least: number("minItems"),
            unique_items: keywords.get("uniqueItems") == Some(&Json::Bool(true)),
            properties: fields("properties")
                .map(|(name, json)| (name.clone(), Self::of(json, definitions)))
                .collect(),
            properties_least: number("minProperties"),
            required: texts(keywords.get("required")),
            by_pattern: fields("patternProperties")
                .next()
                .map(|(pattern, json)| (pattern.clone(), one(json))),
            rest: match keywords.get("additionalProperties") {
                Some(Json::Bool(false)) => Rest::Nothing,
                Some(rest @ Json::Object(_)) => Rest::Like(one(rest)),
                Some(Json::Null | Json::Bool(true) | Json::Number(_) | Json::String(_) | Json::Array(_)) | None => {
                    Rest::Anything
                }
            },
        }
    }

    pub(super) fn property(&self, name: &str) -> Option<&Self> {
        let found = self.properties.iter().find(|(known, _)| known == name);
        found.map(|(_, schema)| schema)
    }

    /// The names of its fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> + Clone {
        self.properties.iter().map(|(name, _)| name.as_str())
    }
}

fn texts(list: Option<&Json>) -> Vec<String> {
    let texts = list.and_then(Json::as_array).into_iter().flatten();
    texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The words that a schema of an enumeration admits.
fn words(keywords: &Map<String, Json>) -> Option<Vec<String>> {
    if let Some(word) = keywords.get("const").and_then(Json::as_str) {
        return Some(vec![word.to_owned()]);
    }
    keywords.get("enum").map(|words| texts(Some(words)))
}
