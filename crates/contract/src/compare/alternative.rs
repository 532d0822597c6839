//! Schemas with alternatives: which one of the old is which one of the new.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Breaks, Policy};
use crate::judge::{Role, Shape};
use crate::rule::Rule;

use super::Comparer;
use super::pair::{Effect, Here};

impl<'d> Comparer<'d> {
    pub(super) fn alternatives(&mut self, here: &Here, old: &[Shape<'d>], new: &[Shape<'d>], equivalent: bool) {
        let mut rest = self.labelled(new);
        let mut unpaired = Vec::new();
        for (label, before) in self.labelled(old) {
            match rest.remove(&label) {
                Some(after) => self.shape(here, &old[before], &new[after], equivalent),
                None => unpaired.push((label, before)),
            }
        }
        // As many left on both sides: taken in their order.
        if unpaired.len() == rest.len() {
            for ((_, before), (_, after)) in unpaired.iter().zip(&rest) {
                self.shape(here, &old[*before], &new[*after], equivalent);
            }
            return;
        }
        if !equivalent {
            for (label, _) in &unpaired {
                let breaks = here.judged(Effect::Narrows);
                self.tell_here(
                    here,
                    Rule::AlternativeRemoved,
                    breaks,
                    format!("the alternative {label} is gone"),
                );
            }
            for label in rest.keys() {
                let breaks = here.judged(Effect::Widens);
                self.tell_here(
                    here,
                    Rule::AlternativeAdded,
                    breaks,
                    format!("the alternative {label} is new"),
                );
            }
        }
        self.lost(here, old, new);
    }

    /// Properties that no alternative has any more.
    fn lost(&mut self, here: &Here, old: &[Shape<'d>], new: &[Shape<'d>]) {
        let names = |shapes: &[Shape<'d>]| -> BTreeSet<String> {
            shapes.iter().flat_map(|shape| self.judge.names(shape)).collect()
        };
        let (before, after) = (names(old), names(new));
        for name in before.difference(&after) {
            let path = format!("{}.{name}", here.path);
            let message = format!("the property `{name}` is gone");
            self.tell_at(
                here,
                Rule::PropertyRemoved,
                Breaks::From(Policy::Contract),
                &path,
                message,
                (None, None),
            );
        }
    }

    /// By a label that stays where alternatives are moved: the names of their schemas, or a value that only they have.
    fn labelled(&mut self, shapes: &[Shape<'d>]) -> BTreeMap<String, usize> {
        let mut labels = BTreeMap::new();
        for (index, shape) in shapes.iter().enumerate() {
            let label = self.label(shape);
            let taken = |label: &str| labels.contains_key(label);
            let mut unique = label.clone();
            let mut count = 1;
            while taken(&unique) {
                count += 1;
                unique = format!("{label} ({count})");
            }
            labels.insert(unique, index);
        }
        labels
    }

    fn label(&mut self, shape: &Shape<'d>) -> String {
        let names: Vec<String> = shape
            .parts
            .iter()
            .filter_map(|&part| {
                self.judge
                    .model
                    .get(part)
                    .at
                    .place
                    .definition()
                    .map(|name| format!("`{name}`"))
            })
            .collect();
        if !names.is_empty() {
            let mut seen = BTreeSet::new();
            let names: Vec<String> = names.into_iter().filter(|name| seen.insert(name.clone())).collect();
            return names.join(" with ");
        }
        for name in shape.required.clone() {
            let value = self
                .judge
                .member(shape, Role::Sends, &name)
                .ok()
                .and_then(|all| self.only_value(&all));
            if let Some(value) = value {
                return format!("`{name}: {value}`");
            }
        }
        shape.types.words()
    }

    fn only_value(&mut self, all: &crate::judge::All) -> Option<String> {
        let shapes = self.judge.shapes(all).ok()?;
        match shapes.as_slice() {
            [only] => only
                .values
                .as_ref()
                .filter(|values| values.len() == 1)
                .map(|values| values[0].to_string()),
            _ => None,
        }
    }
}
