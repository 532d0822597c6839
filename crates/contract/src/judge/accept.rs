//! Whether one instance is valid: the check that every witness has to pass.

use std::iter;

use serde_json::{Map, Value};

use super::{All, Judge, Role};
use crate::decimal::{Decimal, equal};
use crate::format;
use crate::limits;
use crate::schema::{Members, Schema, SchemaId, Types};

/// Of demands that all have to hold: one that does not decides, one that is not known leaves it open.
fn every(demands: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for demand in demands {
        match demand {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = false,
        }
    }
    known.then_some(true)
}

impl<'d> Judge<'d> {
    /// `None` where it is not known.
    pub(super) fn accepts(&mut self, all: &[SchemaId], value: &Value, role: Role) -> Option<bool> {
        self.accepts_all(all, value, role, 0)
    }

    fn accepts_all(&mut self, all: &[SchemaId], value: &Value, role: Role, depth: usize) -> Option<bool> {
        let mut known = true;
        for &id in all {
            match self.accepts_one(id, value, role, depth) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    fn accepts_one(&mut self, id: SchemaId, value: &Value, role: Role, depth: usize) -> Option<bool> {
        if depth > limits::DEPTH {
            return None;
        }
        let schema = self.model.get(id);
        let kind = Types::of(value);
        if !schema.types.has(kind) {
            return Some(false);
        }
        if schema
            .values
            .as_ref()
            .is_some_and(|values| !values.iter().any(|other| equal(other, value)))
        {
            return Some(false);
        }
        let own = match value {
            Value::Null | Value::Bool(_) => Some(true),
            Value::Number(number) => number_fits(&schema, Decimal::of(number)),
            Value::String(text) => self.string_fits(&schema, text),
            Value::Array(entries) => self.array_fits(&schema, entries, role, depth),
            Value::Object(members) => self.object_fits(&schema, members, role, depth),
        };
        let own = every([own, self.accepts_all(&schema.all, value, role, depth + 1)]);
        if own == Some(false) {
            return own;
        }
        let applied = self.applicators_fit(&schema, value, role, depth);
        let ignored = |keyword: &str, at: &Value| {
            self.open(role) && keyword == "unevaluatedProperties" && at == &Value::Bool(false)
        };
        let clear = !schema.opaque.iter().any(|opaque| {
            opaque.kinds.has(kind)
                && !opaque
                    .values
                    .first()
                    .is_some_and(|at| ignored(opaque.keyword, at.value))
        });
        every([own, applied, clear.then_some(true)])
    }

    fn applicators_fit(&mut self, schema: &Schema<'d>, value: &Value, role: Role, depth: usize) -> Option<bool> {
        let mut known = true;
        for choice in &schema.choices {
            let fits: Vec<_> = choice
                .of
                .iter()
                .map(|&one| self.accepts_one(one, value, role, depth + 1))
                .collect();
            let yes = fits.iter().filter(|fit| **fit == Some(true)).count();
            let unclear = fits.contains(&None);
            let exclusive = choice.exclusive && !self.open(role);
            match (yes, unclear) {
                (0, false) => return Some(false),
                (2.., _) if exclusive => return Some(false),
                (1, true) if exclusive => known = false,
                (0, true) => known = false,
                (_, _) => {}
            }
        }
        for &not in &schema.nots {
            // What may not be is read as it is written.
            match self.accepts_one(not, value, Role::Sends, depth + 1) {
                Some(true) => return Some(false),
                Some(false) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    fn string_fits(&mut self, schema: &Schema<'d>, text: &str) -> Option<bool> {
        let length = schema.length.holds(text.chars().count() as u64);
        let format = schema
            .format
            .as_ref()
            .map_or(Some(true), |name| format::fits(name, text));
        let mut demands = vec![Some(length), format];
        for pattern in &schema.patterns {
            demands.push(self.pattern(pattern).map(|pattern| pattern.fits(text)));
        }
        every(demands)
    }

    fn array_fits(&mut self, schema: &Schema<'d>, entries: &[Value], role: Role, depth: usize) -> Option<bool> {
        if !schema.entries.holds(entries.len() as u64) || schema.unique && !distinct(entries) {
            return Some(false);
        }
        let mut known = true;
        for (index, entry) in entries.iter().enumerate() {
            let Some(id) = schema.prefix.get(index).copied().or(schema.items) else {
                break;
            };
            match self.accepts_one(id, entry, role, depth + 1) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    fn object_fits(
        &mut self,
        schema: &Schema<'d>,
        members: &Map<String, Value>,
        role: Role,
        depth: usize,
    ) -> Option<bool> {
        if !schema.size.holds(members.len() as u64) {
            return Some(false);
        }
        let mut known = true;
        for name in schema
            .members
            .required
            .iter()
            .filter(|name| !members.contains_key(*name))
        {
            match self.of_member(&schema.members, name, role) {
                Some(all) if self.hidden(&all) => {}
                Some(_) => return Some(false),
                None => known = false,
            }
        }
        for (name, value) in members {
            let fits = match self.of_member(&schema.members, name, role) {
                Some(all) if self.hidden(&all) => Some(true),
                Some(all) => self.accepts_all(&all, value, role, depth + 1),
                None => None,
            };
            match fits {
                Some(false) => return Some(false),
                Some(true) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    fn of_member(&mut self, members: &Members, name: &str, role: Role) -> Option<All> {
        let mut all: All = members.named.get(name).copied().into_iter().collect();
        for (pattern, id) in &members.patterns {
            if self.pattern(pattern)?.fits(name) {
                all.push(*id);
            }
        }
        let closed = |judge: &Self, rest: SchemaId| judge.model.get(rest).is_nothing();
        if let (true, Some(rest)) = (all.is_empty(), members.rest)
            && !(self.open(role) && closed(self, rest))
        {
            all.push(rest);
        }
        Some(all)
    }
}

fn number_fits(schema: &Schema<'_>, number: Option<Decimal>) -> Option<bool> {
    let number = number?;
    let numbers = &schema.numbers;
    let above = numbers
        .lower
        .is_none_or(|bound| number > bound.at || number == bound.at && !bound.open);
    let below = numbers
        .upper
        .is_none_or(|bound| number < bound.at || number == bound.at && !bound.open);
    let units = numbers.units.iter().map(|unit| number.is_multiple_of(*unit));
    // A format that is not known says something about numbers too.
    let format = schema
        .format
        .as_ref()
        .is_none_or(|name| format::example(name).is_some());
    every(
        units
            .chain([Some(above && below)])
            .chain(iter::once(format.then_some(true))),
    )
}

fn distinct(entries: &[Value]) -> bool {
    entries
        .iter()
        .enumerate()
        .all(|(index, one)| !entries[..index].iter().any(|other| equal(one, other)))
}
