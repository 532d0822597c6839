//! Lists.

use serde_json::Value;

use super::include::Case;
use super::{All, Answer, Failing, Judge, Shape, gather};
use crate::schema::Types;

/// Lists of more entries are not made up.
const MOST_ENTRIES: u64 = 4096;

impl<'d> Judge<'d> {
    pub(super) fn arrays_within(&mut self, case: &Case<'_, 'd>, way: &Shape<'d>) -> Result<(), Failing> {
        let shape = case.shape;
        let mut checks = Vec::new();
        if shape.entries.least < way.entries.least {
            checks.push(Err(Failing::with(
                "a list may be too short",
                self.list(shape, shape.entries.least, None),
            )));
        }
        if let Some(most) = way.entries.most
            && shape.entries.most.is_none_or(|own| own > most)
        {
            let longer = self.list(shape, most.saturating_add(1).max(shape.entries.least), None);
            checks.push(Err(Failing::with("a list may be too long", longer)));
        }
        if way.unique && !shape.unique && shape.entries.most.is_none_or(|most| most > 1) {
            let twice = self.list(shape, shape.entries.least.max(2), None);
            checks.push(Err(Failing::with("an entry may be there twice", twice)));
        }
        let prefix = self.prefix(shape).max(self.prefix(way));
        // The last turn is for all entries after those that have schemas of their own.
        for index in 0..=prefix {
            if shape.entries.most.is_none_or(|most| (index as u64) < most) {
                checks.push(self.entry_within(shape, way, index));
            }
        }
        gather(checks)
    }

    fn entry_within(&mut self, shape: &Shape<'d>, way: &Shape<'d>, index: usize) -> Result<(), Failing> {
        let (own, theirs) = (self.entry(shape, index), self.entry(way, index));
        match self.include(&own, &theirs) {
            Answer::Included => Ok(()),
            Answer::Not(witness) => {
                let least = shape.entries.least.max(index as u64 + 1);
                Err(Failing::with(
                    "an entry is not accepted",
                    self.list(shape, least, Some((index, &witness))),
                ))
            }
            Answer::Unknown(reason) => Err(Failing::new(reason)),
        }
    }

    /// A list of `count` entries, with a given one at its place.
    pub(super) fn list(&mut self, shape: &Shape<'d>, count: u64, given: Option<(usize, &Value)>) -> Option<Value> {
        if count > MOST_ENTRIES {
            return None;
        }
        let mut entries: Vec<Value> = Vec::new();
        for index in 0..usize::try_from(count).ok()? {
            if let Some((_, value)) = given.filter(|(at, _)| *at == index) {
                entries.push(value.clone());
                continue;
            }
            let all: All = self.entry(shape, index);
            let entry = if shape.unique {
                self.another(&all, &entries)?
            } else {
                self.sample(&all)?
            };
            entries.push(entry);
        }
        Some(Value::Array(entries))
    }

    /// An entry that is not in the list yet.
    fn another(&mut self, all: &All, entries: &[Value]) -> Option<Value> {
        let shapes = self.shapes(all).ok()?;
        for shape in shapes.iter() {
            for kind in Types::EACH {
                if !shape.types.has(kind) {
                    continue;
                }
                let found = self.candidates(shape, kind);
                let new = |value: &Value| !entries.iter().any(|entry| crate::decimal::equal(entry, value));
                let found = found.into_iter().filter(new).collect::<Vec<_>>();
                if let Some(value) = self.first_fitting(all, found) {
                    return Some(value);
                }
            }
        }
        None
    }
}
