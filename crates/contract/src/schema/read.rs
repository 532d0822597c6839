//! From the words of a document to the model.

use std::rc::Rc;

use serde_json::{Number, Value};

use super::{Bound, Choice, Count, Model, Opaque, Remarks, Schema, SchemaId, Types, Version};
use crate::decimal::Decimal;
use crate::document::{Dialect, Located};
use crate::limits;
use crate::problem::Problem;

/// Keywords that are compared as a whole: with those beside them that they belong to, and the kinds they concern.
const OPAQUE: &[(&str, &[&str], Types, bool)] = &[
    ("contains", &["minContains", "maxContains"], Types::ARRAY, false),
    ("dependencies", &[], Types::OBJECT, false),
    ("dependentRequired", &[], Types::OBJECT, false),
    ("dependentSchemas", &[], Types::OBJECT, false),
    ("propertyNames", &[], Types::OBJECT, false),
    ("unevaluatedProperties", &[], Types::OBJECT, true),
    ("unevaluatedItems", &[], Types::ARRAY, true),
    ("if", &["then", "else"], Types::ANY, false),
    ("$dynamicRef", &[], Types::ANY, true),
    ("$recursiveRef", &[], Types::ANY, true),
];

/// Formats that every string or number of their type has, or that no document can show.
const WITHOUT_MEANING: &[&str] = &["binary", "double", "password"];

impl<'d> Model<'d> {
    /// The schema at a place, and with it every schema that it refers to.
    pub fn read(&mut self, version: Version, at: &Located<'d>) -> Result<SchemaId, Problem> {
        let id = self.claim(version, at.clone());
        while let Some((id, at)) = self.waiting.pop() {
            if self.schemas.len() > limits::SCHEMAS {
                return Err(Problem::TooMany {
                    place: at.place,
                    limit: limits::SCHEMAS,
                });
            }
            let schema = Reader {
                model: self,
                version,
                at: &at,
            }
            .schema()?;
            self.schemas[id.0 as usize] = Rc::new(schema);
        }
        Ok(id)
    }

    fn claim(&mut self, version: Version, at: Located<'d>) -> SchemaId {
        let key = (version, at.place.clone());
        if let Some(&id) = self.known.get(&key) {
            return id;
        }
        let id = self.add(Schema::any(version, at.clone()));
        self.known.insert(key, id);
        self.waiting.push((id, at));
        id
    }
}

struct Reader<'r, 'd> {
    model: &'r mut Model<'d>,
    version: Version,
    at: &'r Located<'d>,
}

impl<'d> Reader<'_, 'd> {
    fn schema(&mut self) -> Result<Schema<'d>, Problem> {
        let mut schema = Schema::any(self.version, self.at.clone());
        match self.at.value {
            Value::Bool(true) => return Ok(schema),
            Value::Bool(false) => {
                schema.types = Types::NONE;
                return Ok(schema);
            }
            Value::Object(_) => {}
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(form(self.at, "a schema"));
            }
        }
        if let Some(reference) = self.at.text("$ref") {
            schema.all.push(self.reference(reference)?);
            if self.dialect() == Dialect::Three {
                return Ok(schema);
            }
        }
        self.types(&mut schema)?;
        self.numbers(&mut schema)?;
        self.strings(&mut schema)?;
        self.arrays(&mut schema)?;
        self.objects(&mut schema)?;
        self.applicators(&mut schema)?;
        self.opaque(&mut schema);
        self.remarks(&mut schema);
        if self.dialect() == Dialect::Three && self.at.flag("nullable") {
            schema = self.nullable(schema);
        }
        Ok(schema)
    }

    fn dialect(&self) -> Dialect {
        match self.version {
            Version::Old => self.model.dialects[0],
            Version::New => self.model.dialects[1],
        }
    }

    fn reference(&mut self, reference: &str) -> Result<SchemaId, Problem> {
        let documents = self.model.documents(self.version);
        let target = documents
            .target(&self.at.place, reference)
            .ok_or_else(|| Problem::NoTarget {
                place: self.at.place.child("$ref"),
                reference: reference.to_owned(),
            })?;
        Ok(self.model.claim(self.version, target))
    }

    /// `nullable` allows null also beside an enumeration or a choice that does not name it: that is how documents of
    /// 3.0 are written and read, though a note of 3.0.3 would have it otherwise.
    fn nullable(&mut self, mut schema: Schema<'d>) -> Schema<'d> {
        let combined = !(schema.all.is_empty() && schema.choices.is_empty() && schema.nots.is_empty());
        if schema.values.is_none() && !combined {
            schema.types = schema.types.or(Types::NULL);
            return schema;
        }
        let mut null = Schema::any(self.version, self.at.clone());
        null.types = Types::NULL;
        null.made = true;
        let mut whole = Schema::any(self.version, self.at.clone());
        whole.remarks = std::mem::take(&mut schema.remarks);
        schema.made = true;
        let of = vec![self.model.add(schema), self.model.add(null)];
        whole.choices.push(Choice { of, exclusive: false });
        whole
    }

    fn types(&self, schema: &mut Schema<'d>) -> Result<(), Problem> {
        if let Some(at) = self.at.get("type") {
            let named = |at: &Located<'_>| {
                let name = at.value.as_str().and_then(Types::named);
                name.ok_or_else(|| form(at, "the name of a type"))
            };
            schema.types = if at.value.is_array() {
                let mut types = Types::NONE;
                for entry in at.entries() {
                    types = types.or(named(&entry)?);
                }
                types
            } else {
                named(&at)?
            };
        }
        if let Some(at) = self.at.get("enum") {
            schema.values = Some(
                at.value
                    .as_array()
                    .ok_or_else(|| form(&at, "a list of values"))?
                    .clone(),
            );
        }
        if let Some(value) = self.at.value.get("const") {
            let values = schema.values.get_or_insert_with(|| vec![value.clone()]);
            values.retain(|other| crate::decimal::equal(other, value));
        }
        Ok(())
    }

    fn number(&self, name: &str) -> Result<Option<Decimal>, Problem> {
        let Some(at) = self.at.get(name) else {
            return Ok(None);
        };
        let number: Option<&Number> = at.value.as_number();
        number
            .and_then(Decimal::of)
            .map(Some)
            .ok_or_else(|| form(&at, "a number of at most 38 digits"))
    }

    fn numbers(&self, schema: &mut Schema<'d>) -> Result<(), Problem> {
        let mut ends = [None, None];
        for (end, plain, exclusive) in [(0, "minimum", "exclusiveMinimum"), (1, "maximum", "exclusiveMaximum")] {
            let open = self.at.flag(exclusive);
            let bound = self.number(plain)?.map(|at| Bound { at, open });
            let other = match self.at.value.get(exclusive) {
                Some(Value::Number(_)) => self.number(exclusive)?.map(|at| Bound { at, open: true }),
                Some(Value::Bool(_)) | None => None,
                Some(_) => return Err(form(self.at, "a number or a boolean as an exclusive bound")),
            };
            ends[end] = if end == 0 {
                higher(bound, other)
            } else {
                lower(bound, other)
            };
        }
        let [mut least, mut most] = ends;
        let range = match self.at.text("format") {
            Some("int32") => Some((
                Decimal::whole(i128::from(i32::MIN)),
                Decimal::whole(i128::from(i32::MAX)),
            )),
            Some("int64") => Some((
                Decimal::whole(i128::from(i64::MIN)),
                Decimal::whole(i128::from(i64::MAX)),
            )),
            // IEEE 754, binary32: the largest finite number.
            Some("float") => {
                let largest = Decimal::scaled(34_028_234_663_852_886, 22);
                Some((largest.negated(), largest))
            }
            Some(_) | None => None,
        };
        if let Some((bottom, top)) = range {
            least = higher(
                least,
                Some(Bound {
                    at: bottom,
                    open: false,
                }),
            );
            most = lower(most, Some(Bound { at: top, open: false }));
        }
        schema.numbers.lower = least;
        schema.numbers.upper = most;
        schema.numbers.units.extend(self.number("multipleOf")?);
        Ok(())
    }

    fn count(&self, least: &str, most: &str) -> Result<Count, Problem> {
        let read = |name: &str| match self.number(name)? {
            Some(number) => {
                let count = number.as_whole().and_then(|whole| u64::try_from(whole).ok());
                count
                    .map(Some)
                    .ok_or_else(|| form(self.at, "whole numbers from 0 as bounds of a count"))
            }
            None => Ok(None),
        };
        Ok(Count {
            least: read(least)?.unwrap_or(0),
            most: read(most)?,
        })
    }

    fn strings(&self, schema: &mut Schema<'d>) -> Result<(), Problem> {
        schema.length = self.count("minLength", "maxLength")?;
        if let Some(at) = self.at.get("pattern") {
            let pattern = at.value.as_str().ok_or_else(|| form(&at, "a regular expression"))?;
            schema.patterns.push(pattern.to_owned());
        }
        let format = self
            .at
            .text("format")
            .filter(|format| !WITHOUT_MEANING.contains(format) && !matches!(*format, "int32" | "int64" | "float"));
        schema.format = format.map(str::to_owned);
        Ok(())
    }

    fn arrays(&mut self, schema: &mut Schema<'d>) -> Result<(), Problem> {
        schema.entries = self.count("minItems", "maxItems")?;
        schema.unique = self.at.flag("uniqueItems");
        schema.prefix = self.list("prefixItems")?;
        if let Some(at) = self.at.get("items") {
            schema.items = Some(self.model.claim(self.version, at));
        }
        Ok(())
    }

    fn objects(&mut self, schema: &mut Schema<'d>) -> Result<(), Problem> {
        schema.size = self.count("minProperties", "maxProperties")?;
        if let Some(at) = self.at.get("properties") {
            for (name, at) in at.members() {
                schema
                    .members
                    .named
                    .insert(name.to_owned(), self.model.claim(self.version, at));
            }
        }
        if let Some(at) = self.at.get("patternProperties") {
            for (pattern, at) in at.members() {
                let id = self.model.claim(self.version, at);
                schema.members.patterns.push((pattern.to_owned(), id));
            }
        }
        if let Some(at) = self.at.get("additionalProperties") {
            let says_nothing =
                at.value == &Value::Bool(true) || at.value.as_object().is_some_and(serde_json::Map::is_empty);
            if !says_nothing {
                schema.members.rest = Some(self.model.claim(self.version, at));
            }
        }
        if let Some(at) = self.at.get("required") {
            let names = at.value.as_array().ok_or_else(|| form(&at, "a list of names"))?;
            for name in names {
                let name = name.as_str().ok_or_else(|| form(&at, "a list of names"))?;
                schema.members.required.insert(name.to_owned());
            }
        }
        Ok(())
    }

    fn list(&mut self, name: &str) -> Result<Vec<SchemaId>, Problem> {
        let Some(at) = self.at.get(name) else {
            return Ok(Vec::new());
        };
        if !at.value.is_array() {
            return Err(form(&at, "a list of schemas"));
        }
        Ok(at
            .entries()
            .map(|entry| self.model.claim(self.version, entry))
            .collect())
    }

    fn applicators(&mut self, schema: &mut Schema<'d>) -> Result<(), Problem> {
        schema.all.extend(self.list("allOf")?);
        let told = self.at.value.get("discriminator").is_some();
        for (name, exclusive) in [("anyOf", false), ("oneOf", !told)] {
            let of = self.list(name)?;
            if !of.is_empty() {
                schema.choices.push(Choice { of, exclusive });
            }
        }
        if let Some(at) = self.at.get("not") {
            schema.nots.push(self.model.claim(self.version, at));
        }
        Ok(())
    }

    fn opaque(&self, schema: &mut Schema<'d>) {
        for &(keyword, beside, kinds, depends) in OPAQUE {
            let Some(first) = self.at.get(keyword) else {
                continue;
            };
            if first.value == &Value::Bool(true) && depends {
                continue;
            }
            let values = std::iter::once(first)
                .chain(beside.iter().filter_map(|name| self.at.get(name)))
                .collect();
            schema.opaque.push(Opaque {
                keyword,
                values,
                kinds,
                depends,
            });
        }
    }

    fn remarks(&self, schema: &mut Schema<'d>) {
        schema.remarks = Remarks {
            default: self.at.value.get("default"),
            read_only: self.at.flag("readOnly"),
            write_only: self.at.flag("writeOnly"),
            deprecated: self.at.flag("deprecated"),
            extensible: self
                .at
                .value
                .get("x-extensible-enum")
                .and_then(Value::as_array)
                .map(|of| of.iter().collect()),
            discriminator: self.at.get("discriminator"),
        };
    }
}

fn form(at: &Located<'_>, expected: &'static str) -> Problem {
    Problem::Form {
        place: at.place.clone(),
        expected,
    }
}

/// The bound from below that lets less through.
pub(crate) fn higher(one: Option<Bound>, two: Option<Bound>) -> Option<Bound> {
    match (one, two) {
        (Some(one), Some(two)) => {
            let first = one.at > two.at || one.at == two.at && one.open;
            Some(if first { one } else { two })
        }
        (one, two) => one.or(two),
    }
}

/// The bound from above that lets less through.
pub(crate) fn lower(one: Option<Bound>, two: Option<Bound>) -> Option<Bound> {
    match (one, two) {
        (Some(one), Some(two)) => {
            let first = one.at < two.at || one.at == two.at && one.open;
            Some(if first { one } else { two })
        }
        (one, two) => one.or(two),
    }
}
