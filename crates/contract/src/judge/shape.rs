//! A schema without alternatives.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use super::{All, Flow, Judge, Role};
use crate::decimal::equal;
use crate::limits;
use crate::schema::{Count, Numbers, Opaque, Schema, SchemaId, Types, higher, lower};

/// Everything that one way through the alternatives of some schemas demands.
#[derive(Debug, Clone)]
pub(crate) struct Shape<'d> {
    /// The schemas that it is made of. Members and items are asked of each.
    pub parts: Vec<SchemaId>,
    pub types: Types,
    pub values: Option<Vec<Value>>,
    pub numbers: Numbers,
    pub length: Count,
    pub patterns: BTreeSet<String>,
    pub formats: BTreeSet<String>,
    pub entries: Count,
    pub unique: bool,
    pub size: Count,
    pub required: BTreeSet<String>,
    pub nots: Vec<SchemaId>,
    pub opaque: Vec<Opaque<'d>>,
    /// The other alternatives of `oneOf`, which may not fit as well.
    pub excluded: Vec<SchemaId>,
}

/// What an object may have beside the names that are declared.
pub(crate) enum Rest {
    Nothing,
    /// Any name, with a value for which all of these hold.
    Any(All),
}

impl<'d> Shape<'d> {
    fn any() -> Self {
        Self {
            parts: Vec::new(),
            types: Types::ANY,
            values: None,
            numbers: Numbers::default(),
            length: Count::default(),
            patterns: BTreeSet::new(),
            formats: BTreeSet::new(),
            entries: Count::default(),
            unique: false,
            size: Count::default(),
            required: BTreeSet::new(),
            nots: Vec::new(),
            opaque: Vec::new(),
            excluded: Vec::new(),
        }
    }

    fn absorb(&mut self, id: SchemaId, schema: &Schema<'d>) {
        if !self.parts.contains(&id) {
            self.parts.push(id);
        }
        self.types = self.types.and(schema.types);
        if let Some(values) = &schema.values {
            let known = self.values.get_or_insert_with(|| values.clone());
            known.retain(|known| values.iter().any(|value| equal(known, value)));
        }
        self.numbers.lower = higher(self.numbers.lower, schema.numbers.lower);
        self.numbers.upper = lower(self.numbers.upper, schema.numbers.upper);
        for unit in &schema.numbers.units {
            if !self.numbers.units.contains(unit) {
                self.numbers.units.push(*unit);
            }
        }
        self.length = self.length.and(schema.length);
        self.patterns.extend(schema.patterns.iter().cloned());
        self.formats.extend(schema.format.clone());
        self.entries = self.entries.and(schema.entries);
        self.unique |= schema.unique;
        self.size = self.size.and(schema.size);
        self.required.extend(schema.members.required.iter().cloned());
        self.nots.extend(&schema.nots);
        self.opaque.extend(schema.opaque.iter().cloned());
        if let Some(values) = &mut self.values {
            values.retain(|value| self.types.has(Types::of(value)));
            let kinds = values
                .iter()
                .fold(Types::NONE, |kinds, value| kinds.or(Types::of(value)));
            self.types = self.types.and(kinds);
        }
    }
}

impl<'d> Judge<'d> {
    /// All ways through the alternatives.
    pub(crate) fn shapes(&mut self, all: &All) -> Result<Rc<Vec<Shape<'d>>>, &'static str> {
        if let Some(known) = self.shapes.get(all) {
            return known.clone();
        }
        let mut shapes = Ok(vec![Shape::any()]);
        for &id in all {
            shapes = shapes.and_then(|shapes| self.absorbed(shapes, id, &mut Vec::new()));
        }
        let shapes = shapes.map(Rc::new);
        self.shapes.insert(all.clone(), shapes.clone());
        shapes
    }

    fn absorbed(
        &self,
        mut shapes: Vec<Shape<'d>>,
        id: SchemaId,
        within: &mut Vec<SchemaId>,
    ) -> Result<Vec<Shape<'d>>, &'static str> {
        if within.contains(&id) {
            return Err("a schema is made of itself");
        }
        if within.len() > limits::HOPS {
            return Err("schemas are made of each other over too many steps");
        }
        within.push(id);
        let schema = self.model.get(id);
        for shape in &mut shapes {
            shape.absorb(id, &schema);
        }
        for &part in &schema.all {
            shapes = self.absorbed(shapes, part, within)?;
        }
        for choice in &schema.choices {
            let mut ways = Vec::new();
            for &one in &choice.of {
                let mut chosen = shapes.clone();
                if choice.exclusive {
                    let others = choice.of.iter().filter(|&&other| other != one);
                    for shape in &mut chosen {
                        shape.excluded.extend(others.clone());
                    }
                }
                ways.extend(self.absorbed(chosen, one, within)?);
                if ways.len() > limits::ALTERNATIVES {
                    return Err("there are too many alternatives");
                }
            }
            shapes = ways;
        }
        within.pop();
        shapes.retain(|shape| !shape.types.is_empty());
        Ok(shapes)
    }

    /// The names that the shape speaks of.
    pub(crate) fn names(&self, shape: &Shape<'d>) -> BTreeSet<String> {
        let mut names = shape.required.clone();
        for &part in &shape.parts {
            names.extend(self.model.get(part).members.named.keys().cloned());
        }
        names
    }

    /// What holds for the member of a name, if it is there.
    pub(crate) fn member(&mut self, shape: &Shape<'d>, role: Role, name: &str) -> Result<All, &'static str> {
        let mut all = All::new();
        for &part in &shape.parts {
            let schema = self.model.get(part);
            let mut declared = false;
            if let Some(&id) = schema.members.named.get(name) {
                all.push(id);
                declared = true;
            }
            for (pattern, id) in &schema.members.patterns {
                let pattern = self.pattern(pattern).ok_or("a pattern of names is not regular")?;
                if pattern.fits(name) {
                    all.push(*id);
                    declared = true;
                }
            }
            if let (false, Some(rest)) = (declared, schema.members.rest)
                && !(self.open(role) && self.model.get(rest).is_nothing())
            {
                all.push(rest);
            }
        }
        Ok(sorted(all))
    }

    /// What may be there beside the names of the shape. Members that patterns name are left out.
    pub(crate) fn rest(&self, shape: &Shape<'d>, role: Role) -> Rest {
        let schemas: Vec<_> = shape.parts.iter().map(|&part| self.model.get(part)).collect();
        let rests: All = schemas.iter().filter_map(|schema| schema.members.rest).collect();
        let says_nothing = |id: &SchemaId| self.model.get(*id).is_nothing();
        match role {
            Role::Sends if rests.iter().any(says_nothing) => Rest::Nothing,
            Role::Sends if rests.is_empty() => {
                let declares =
                    |schema: &Rc<Schema<'d>>| !(schema.members.named.is_empty() && schema.members.patterns.is_empty());
                // An object of which nothing is declared is one of which everything may be sent.
                if schemas.iter().any(declares) {
                    Rest::Nothing
                } else {
                    Rest::Any(All::new())
                }
            }
            Role::Accepts if self.open(role) => {
                Rest::Any(sorted(rests.into_iter().filter(|id| !says_nothing(id)).collect()))
            }
            Role::Sends | Role::Accepts => Rest::Any(sorted(rests)),
        }
    }

    /// Every pattern of names, with what holds for their members.
    pub(crate) fn name_patterns(&self, shape: &Shape<'d>) -> Vec<(String, SchemaId)> {
        let parts = shape
            .parts
            .iter()
            .flat_map(|&part| self.model.get(part).members.patterns.clone());
        parts.collect()
    }

    /// Whether a member never goes this way: `readOnly` in requests, `writeOnly` in responses.
    pub(crate) fn hidden(&self, all: &[SchemaId]) -> bool {
        self.hidden_below(all, limits::HOPS)
    }

    fn hidden_below(&self, all: &[SchemaId], left: usize) -> bool {
        let Some(left) = left.checked_sub(1) else {
            return false;
        };
        all.iter().any(|&id| {
            let schema = self.model.get(id);
            let here = match self.flow {
                Flow::ToServer => schema.remarks.read_only,
                Flow::FromServer => schema.remarks.write_only,
            };
            here || self.hidden_below(&schema.all, left)
        })
    }

    /// Whether a sender may send a member of this name, and what it is then.
    pub(crate) fn sent(&mut self, shape: &Shape<'d>, name: &str) -> Result<Option<All>, &'static str> {
        let all = self.member(shape, Role::Sends, name)?;
        if self.hidden(&all) || all.iter().any(|&id| self.model.get(id).is_nothing()) {
            return Ok(None);
        }
        if !all.is_empty() || shape.required.contains(name) {
            return Ok(Some(all));
        }
        Ok(match self.rest(shape, Role::Sends) {
            Rest::Nothing => None,
            Rest::Any(all) => Some(all),
        })
    }

    /// The names that a message has to have.
    pub(super) fn demanded(&mut self, shape: &Shape<'d>, role: Role) -> Result<Vec<String>, &'static str> {
        let mut names = Vec::new();
        for name in &shape.required {
            let all = self.member(shape, role, name)?;
            if !self.hidden(&all) {
                names.push(name.clone());
            }
        }
        Ok(names)
    }

    /// What holds for the entry at a place in a list.
    pub(crate) fn entry(&self, shape: &Shape<'d>, index: usize) -> All {
        let entries = shape.parts.iter().filter_map(|&part| {
            let schema = self.model.get(part);
            schema.prefix.get(index).copied().or(schema.items)
        });
        sorted(entries.collect())
    }

    /// The longest row of entries that have schemas of their own.
    pub(crate) fn prefix(&self, shape: &Shape<'d>) -> usize {
        let lengths = shape.parts.iter().map(|&part| self.model.get(part).prefix.len());
        lengths.max().unwrap_or(0)
    }
}

pub(super) fn sorted(mut all: All) -> All {
    all.sort_unstable();
    all.dedup();
    all
}
