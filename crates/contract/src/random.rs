//! Schemas and instances at random, for the laws that the tests state.

use serde_json::{Map, Value, json};

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

const NAMES: [&str; 4] = ["a", "b", "c", "kind"];
const PATTERNS: [&str; 6] = ["^[ab]*$", "^a+$", "^(a|b)$", "b", "^[a-z]{2,4}$", "^x-"];
const STRINGS: [&str; 8] = ["", "a", "b", "ab", "aaaa", "xyz", "x-1", "2026-11-26"];

/// A schema of JSON Schema 2020-12, with references to the components `A`, `B` and `C`.
pub fn schema(random: &mut Random, levels: usize) -> Value {
    if levels == 0 {
        return scalar(random);
    }
    match random.below(14) {
        0..=4 => object(random, levels),
        5 => array(random, levels),
        6 => json!({ "$ref": format!("#/components/schemas/{}", random.pick(&["A", "B", "C"])) }),
        7 => combined(random, levels, "anyOf"),
        8 => combined(random, levels, "oneOf"),
        9 => combined(random, levels, "allOf"),
        10 if random.one_in(3) => json!({ "type": "string", "not": scalar(random) }),
        _ => scalar(random),
    }
}

fn combined(random: &mut Random, levels: usize, keyword: &str) -> Value {
    let count = 1 + random.below(3);
    let of: Vec<Value> = (0..count).map(|_| schema(random, levels - 1)).collect();
    let mut schema = if random.one_in(3) {
        object(random, levels - 1)
    } else {
        json!({})
    };
    schema[keyword] = json!(of);
    schema
}

fn object(random: &mut Random, levels: usize) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for name in NAMES {
        if random.one_in(2) {
            let of = if name == "kind" {
                json!({ "const": *random.pick(&["a", "b"]) })
            } else {
                schema(random, levels.saturating_sub(1))
            };
            properties.insert(name.to_owned(), of);
        }
        if random.one_in(4) {
            required.push(name);
        }
    }
    let mut schema = json!({ "type": "object", "required": required });
    if !properties.is_empty() {
        schema["properties"] = Value::Object(properties);
    }
    match random.below(6) {
        0 | 1 => schema["additionalProperties"] = json!(false),
        2 => schema["additionalProperties"] = scalar(random),
        _ => {}
    }
    if random.one_in(10) {
        schema["patternProperties"] = json!({ *random.pick(&["^x-", "^[ab]$"]): scalar(random) });
    }
    if random.one_in(10) {
        schema[*random.pick(&["minProperties", "maxProperties"])] = json!(random.below(3));
    }
    schema
}

/// A schema that is not another name for a component.
pub fn component(random: &mut Random) -> Value {
    object(random, 2)
}

fn array(random: &mut Random, levels: usize) -> Value {
    let mut of = json!({ "type": "array", "items": schema(random, levels - 1) });
    if random.one_in(4) {
        of["prefixItems"] = json!([scalar(random)]);
    }
    if random.one_in(2) {
        of[*random.pick(&["minItems", "maxItems"])] = json!(random.below(3));
    }
    if random.one_in(4) {
        of["uniqueItems"] = json!(true);
    }
    of
}

fn scalar(random: &mut Random) -> Value {
    let mut of = match random.below(9) {
        0 => json!({ "type": "boolean" }),
        1 => json!({ "type": ["string", "null"] }),
        2 => json!({ "enum": [*random.pick(&STRINGS), *random.pick(&STRINGS), random.below(3)] }),
        3 => json!({ "type": "number" }),
        4 | 5 => json!({ "type": "integer" }),
        6 => json!({ "type": ["integer", "string"] }),
        _ => json!({ "type": "string" }),
    };
    let text = of["type"].to_string();
    if text.contains("string") {
        match random.below(6) {
            0 => of["minLength"] = json!(random.below(3)),
            1 => of["maxLength"] = json!(random.below(5)),
            2 => of["pattern"] = json!(*random.pick(&PATTERNS)),
            3 => of["format"] = json!("date"),
            _ => {}
        }
    }
    if text.contains("integer") || text.contains("number") {
        let keyword = *random.pick(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]);
        if random.one_in(2) {
            of[keyword] = json!(random.below(8) as f64 / 2.0);
        }
        if random.one_in(5) {
            of["multipleOf"] = json!(*random.pick(&[0.5, 1.0, 2.0, 3.0]));
        }
    }
    of
}

/// A document whose component `S` is the schema.
pub fn document(schema: &Value, others: [&Value; 3]) -> Value {
    json!({ "openapi": "3.1.0", "components": { "schemas": { "S": schema, "A": others[0], "B": others[1], "C": others[2] } } })
}

/// A value that may fit the schema, of a document as above.
pub fn instance(random: &mut Random, document: &Value, schema: &Value, levels: usize) -> Value {
    let Some(levels) = levels.checked_sub(1) else {
        return json!(*random.pick(&STRINGS));
    };
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(&reference[1..]).unwrap();
        return instance(random, document, target, levels);
    }
    if let Some(values) = schema["enum"].as_array() {
        return random.pick(values).clone();
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    let mut made = Value::Null;
    for keyword in ["anyOf", "oneOf"] {
        if let Some(of) = schema[keyword].as_array() {
            let one = random.pick(of);
            merge(&mut made, instance(random, document, one, levels));
        }
    }
    for one in schema["allOf"].as_array().into_iter().flatten() {
        merge(&mut made, instance(random, document, one, levels));
    }
    let kinds = schema["type"].as_array();
    let kind = kinds
        .map_or(&schema["type"], |kinds| random.pick(kinds))
        .as_str()
        .unwrap_or_default();
    let own = match kind {
        "null" => return Value::Null,
        "boolean" => json!(random.one_in(2)),
        "integer" => json!(random.below(9) as i64 - 2),
        "number" => json!((random.below(18) as f64 - 4.0) / 4.0),
        "string" => json!(*random.pick(&STRINGS)),
        "array" => {
            let count = random.below(4);
            json!(
                (0..count)
                    .map(|_| instance(random, document, &schema["items"], levels))
                    .collect::<Vec<_>>()
            )
        }
        "object" => members(random, document, schema, levels),
        _ if made.is_null() => json!(*random.pick(&STRINGS)),
        _ => return made,
    };
    merge(&mut made, own);
    made
}

fn members(random: &mut Random, document: &Value, schema: &Value, levels: usize) -> Value {
    let mut members = Map::new();
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for name in NAMES.into_iter().chain(["x-1", "other"]) {
        if !required.contains(&name) && random.one_in(2) {
            continue;
        }
        let of = &schema["properties"][name];
        let of = if of.is_null() {
            &schema["additionalProperties"]
        } else {
            of
        };
        members.insert(name.to_owned(), instance(random, document, of, levels));
    }
    Value::Object(members)
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => into.extend(from),
        (into, from) => *into = from,
    }
}

/// Changes something about one schema within another.
pub fn mutated(random: &mut Random, of: &Value) -> Value {
    let mut changed = of.clone();
    let mut places = Vec::new();
    collect(of, String::new(), &mut places);
    let place = random.pick(&places).clone();
    let Some(target) = changed.pointer_mut(&place) else {
        return changed;
    };
    match random.below(6) {
        0 => *target = scalar(random),
        1 => *target = json!({ "anyOf": [target.clone(), scalar(random)] }),
        2 => *target = json!({ "oneOf": [target.clone(), scalar(random)] }),
        3 => *target = json!({ "allOf": [target.clone(), schema(random, 1)] }),
        4 => {
            if let Some(members) = target.as_object_mut() {
                let keys: Vec<String> = members.keys().cloned().collect();
                if !keys.is_empty() {
                    members.remove(random.pick(&keys));
                }
            }
        }
        _ => {
            let keyword = *random.pick(&[
                "required",
                "minimum",
                "maximum",
                "minLength",
                "maxLength",
                "additionalProperties",
                "minItems",
            ]);
            let value = match keyword {
                "required" => json!([*random.pick(&NAMES)]),
                "additionalProperties" => json!(false),
                _ => json!(random.below(4)),
            };
            if target.is_object() {
                target[keyword] = value;
            }
        }
    }
    changed
}

/// The places of schemas.
fn collect(schema: &Value, place: String, places: &mut Vec<String>) {
    if !schema.is_object() {
        return;
    }
    for keyword in ["properties", "patternProperties"] {
        for (name, of) in schema[keyword].as_object().into_iter().flatten() {
            collect(of, format!("{place}/{keyword}/{name}"), places);
        }
    }
    for keyword in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        for (index, of) in schema[keyword].as_array().into_iter().flatten().enumerate() {
            collect(of, format!("{place}/{keyword}/{index}"), places);
        }
    }
    for keyword in ["items", "additionalProperties"] {
        collect(&schema[keyword], format!("{place}/{keyword}"), places);
    }
    places.push(place);
}
