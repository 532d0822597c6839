//! Strings: lengths, patterns, formats, enumerations.

use serde_json::Value;

use super::{Failing, Judge, Shape, gather};
use crate::format;
use crate::pattern::{Pattern, Search, Wanted, search};

impl<'d> Judge<'d> {
    pub(super) fn strings_within(&mut self, shape: &Shape<'d>, way: &Shape<'d>) -> Result<(), Failing> {
        let length = self.length_within(shape, way);
        let mut checks = vec![length];
        for pattern in way.patterns.difference(&shape.patterns) {
            let check = match self.pattern(pattern) {
                Some(pattern) => self.search_within(shape, &pattern),
                None => Err(Failing::with("a pattern is not regular", self.strings(shape))),
            };
            checks.push(check);
        }
        if let Some(values) = &way.values {
            let strings = values.iter().filter_map(Value::as_str);
            checks.push(match Pattern::of_strings(strings) {
                Some(pattern) => self.search_within(shape, &pattern),
                None => Err(Failing::with("an enumeration is too long", self.strings(shape))),
            });
        }
        if way.formats.difference(&shape.formats).next().is_some() {
            checks.push(Err(Failing::with("the format is another", self.strings(shape))));
        }
        gather(checks)
    }

    fn length_within(&mut self, shape: &Shape<'d>, way: &Shape<'d>) -> Result<(), Failing> {
        let short = shape.length.least >= way.length.least;
        let long = way
            .length
            .most
            .is_none_or(|most| shape.length.most.is_some_and(|own| own <= most));
        if short && long {
            return Ok(());
        }
        let mut candidates = Vec::new();
        let mut unclear = false;
        let mut try_length =
            |judge: &mut Self, least: u64, most: Option<u64>| match judge.search(shape, None, least, most) {
                Search::Found(text) => candidates.push(Value::from(text)),
                Search::None => {}
                Search::TooLarge => unclear = true,
            };
        if !short {
            try_length(self, shape.length.least, Some(way.length.least.saturating_sub(1)));
        }
        if let (false, Some(most)) = (long, way.length.most) {
            try_length(self, most.saturating_add(1).max(shape.length.least), shape.length.most);
        }
        // Patterns may keep to the length by themselves.
        if candidates.is_empty() && !unclear {
            return Ok(());
        }
        let examples = shape.formats.iter().filter_map(|name| format::example(name));
        for example in examples.filter(|_| !long) {
            let missing = way
                .length
                .most
                .unwrap_or(0)
                .saturating_add(1)
                .saturating_sub(example.len() as u64);
            if let Ok(missing) = usize::try_from(missing)
                && missing <= MOST_LETTERS
            {
                candidates.push(Value::from(format!("{example}{}", "a".repeat(missing))));
            }
        }
        Err(Failing::with("the length is another", candidates))
    }

    /// Whether every string of the shape fits the pattern.
    fn search_within(&mut self, shape: &Shape<'d>, pattern: &Pattern) -> Result<(), Failing> {
        match self.search(shape, Some(pattern), shape.length.least, shape.length.most) {
            Search::None => Ok(()),
            Search::Found(text) => {
                let found = std::iter::once(Value::from(text)).chain(self.strings(shape));
                Err(Failing::with("the pattern is another", found))
            }
            Search::TooLarge => Err(Failing::with("the patterns are too large", self.strings(shape))),
        }
    }

    /// A string by the patterns of the shape, and not by another one. Patterns that are not regular and formats are
    /// left out: what is not found with less is not there with more.
    fn search(&mut self, shape: &Shape<'d>, without: Option<&Pattern>, least: u64, most: Option<u64>) -> Search {
        let fitting: Vec<Pattern> = shape
            .patterns
            .iter()
            .filter_map(|pattern| self.pattern(pattern))
            .collect();
        let plain = fitting.is_empty() && without.is_none();
        if plain {
            // No automaton is needed to count letters.
            return match usize::try_from(least) {
                Ok(count) if most.is_none_or(|most| least <= most) && count <= MOST_LETTERS => {
                    Search::Found("a".repeat(count))
                }
                Ok(_) if most.is_some_and(|most| least > most) => Search::None,
                Ok(_) | Err(_) => Search::TooLarge,
            };
        }
        let wanted = Wanted {
            fitting: fitting.iter().collect(),
            not_fitting: without.into_iter().collect(),
            least,
            most,
        };
        search(&wanted)
    }

    /// Some strings that may be of the shape.
    pub(super) fn strings(&mut self, shape: &Shape<'d>) -> Vec<Value> {
        let mut found: Vec<Value> = shape
            .formats
            .iter()
            .filter_map(|name| format::example(name))
            .map(Value::from)
            .collect();
        for least in [shape.length.least.max(1), shape.length.least] {
            if let Search::Found(text) = self.search(shape, None, least, shape.length.most) {
                found.push(Value::from(text));
            }
        }
        if shape.patterns.is_empty() {
            found.extend(format::examples().map(Value::from));
        }
        found
    }
}

/// A longer string is not made up to show a length.
const MOST_LETTERS: usize = 1 << 20;
