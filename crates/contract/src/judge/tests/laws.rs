//! What holds for every pair of schemas.

use jsonschema::Validator;
use proptest::prelude::*;

use super::*;
use crate::random::{self, Random};

fn validator(document: &Value) -> Validator {
    let mut schema = document.clone();
    schema["$ref"] = json!("#/components/schemas/S");
    let options = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true);
    options.build(&schema).unwrap()
}

/// What a reader of responses accepts: it ignores what it does not know.
fn opened(schema: &Value) -> Value {
    let Some(members) = schema.as_object() else {
        return schema
            .as_array()
            .map_or_else(|| schema.clone(), |entries| entries.iter().map(opened).collect());
    };
    let mut open = serde_json::Map::new();
    let mut all = Vec::new();
    for (name, value) in members {
        match name.as_str() {
            "additionalProperties" if value == &json!(false) => {}
            "oneOf" => all.push(json!({ "anyOf": opened(value) })),
            "allOf" => all.extend(value.as_array().unwrap().iter().map(opened)),
            "not" | "enum" | "const" => {
                open.insert(name.clone(), value.clone());
            }
            _ => {
                open.insert(name.clone(), opened(value));
            }
        }
    }
    if !all.is_empty() {
        open.insert("allOf".to_owned(), json!(all));
    }
    Value::Object(open)
}

/// Whether a sender by this document sends a valid value: it has no name but those that its way through the alternatives
/// declares.
fn sendable(document: &Value, schemas: &[&Value], value: &Value) -> bool {
    ways(document, schemas, value).iter().any(|way| match value {
        Value::Object(members) => {
            let of = |keyword: &str| way.iter().filter_map(|part| part.get(keyword)).collect::<Vec<_>>();
            let (named, rests) = (of("properties"), of("additionalProperties"));
            let patterns = of("patternProperties");
            let free = named.is_empty() && patterns.is_empty() && rests.is_empty();
            let required = of("required");
            members.iter().all(|(name, value)| {
                let own: Vec<&Value> = named.iter().filter_map(|named| named.get(name)).collect();
                let by_pattern = patterns
                    .iter()
                    .flat_map(|of| of.as_object().unwrap())
                    .filter(|(pattern, _)| Pattern::new(pattern).unwrap().fits(name));
                let mut all: Vec<&Value> = own.into_iter().chain(by_pattern.map(|(_, of)| of)).collect();
                all.extend(rests.iter().filter(|rest| rest.is_object()));
                let demanded = required.iter().any(|of| of.as_array().unwrap().contains(&json!(name)));
                (free || demanded || !all.is_empty()) && sendable(document, &all, value)
            })
        }
        Value::Array(entries) => entries.iter().all(|entry| {
            let items: Vec<&Value> = way.iter().filter_map(|part| part.get("items")).collect();
            sendable(document, &items, entry)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    })
}

/// The schemas that hold together, for each way through the alternatives that the value fits.
fn ways<'s>(document: &'s Value, schemas: &[&'s Value], value: &Value) -> Vec<Vec<&'s Value>> {
    let mut ways = vec![Vec::new()];
    let times = |ways: Vec<Vec<&'s Value>>, more: &[Vec<&'s Value>]| -> Vec<Vec<&'s Value>> {
        ways.iter()
            .flat_map(|way| more.iter().map(move |more| [way.as_slice(), more].concat()))
            .collect()
    };
    for schema in schemas {
        ways = times(ways, &[vec![*schema]]);
        let target = schema["$ref"]
            .as_str()
            .map(|reference| document.pointer(&reference[1..]).unwrap());
        for part in schema["allOf"].as_array().into_iter().flatten().chain(target) {
            ways = times(ways, &self::ways(document, &[part], value));
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(of) = schema[keyword].as_array() {
                let fitting = of.iter().filter(|one| {
                    let mut alone = document.clone();
                    alone["components"]["schemas"]["S"] = (*one).clone();
                    validator(&alone).is_valid(value)
                });
                let more: Vec<_> = fitting.flat_map(|one| self::ways(document, &[one], value)).collect();
                ways = times(ways, &more);
            }
        }
    }
    ways
}

#[derive(Debug, Default)]
struct Figures {
    included: usize,
    not: usize,
    unknown: BTreeMap<&'static str, usize>,
    instances: usize,
}

/// One pair of schemas and both flows, with instances beside the oracle.
fn law(seed: u64, instances: usize, figures: &mut Figures) {
    let random = &mut Random(seed);
    let others = [(); 3].map(|()| random::component(random));
    let others = [&others[0], &others[1], &others[2]];
    let old = random::schema(random, 3);
    let new = if random.one_in(4) {
        random::schema(random, 3)
    } else {
        random::mutated(random, &old)
    };
    let (old, new) = (random::document(&old, others), random::document(&new, others));
    assert_eq!(ask(&old, &old, Flow::ToServer), Answer::Included, "{old}");
    for flow in [Flow::ToServer, Flow::FromServer] {
        let answer = ask(&old, &new, flow);
        let accepted = match flow {
            Flow::ToServer => validator(&new),
            Flow::FromServer => validator(&opened(&new)),
        };
        let sent = validator(&old);
        match &answer {
            Answer::Not(witness) => {
                figures.not += 1;
                assert!(sent.is_valid(witness), "seed {seed}: {witness} is not sent by {old}");
                assert!(
                    !accepted.is_valid(witness),
                    "seed {seed}: {witness} is accepted by {new}"
                );
            }
            Answer::Included => figures.included += 1,
            Answer::Unknown(reason) => *figures.unknown.entry(reason).or_default() += 1,
        }
        if answer != Answer::Included {
            continue;
        }
        let schema = &old["components"]["schemas"]["S"];
        for _ in 0..instances {
            let value = random::instance(random, &old, schema, 6);
            if sent.is_valid(&value) {
                figures.instances += 1;
                if !accepted.is_valid(&value) {
                    assert!(
                        !sendable(&old, &[schema], &value),
                        "seed {seed}, {flow:?}: {value}\nof {old}\nagainst {new}"
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_instance_speaks_against_an_answer(seed: u64) {
        law(seed, 40, &mut Figures::default());
    }
}

#[test]
#[ignore = "10,000 pairs with 200 instances each take minutes"]
fn no_instance_of_many_speaks_against_an_answer() {
    let mut figures = Figures::default();
    for seed in 0..10_000 {
        law(seed, 200, &mut figures);
    }
    println!("{figures:?}");
}
