//! Schemas with alternatives: which one of the old is which one of the new.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Breaks, Policy};
use crate::judge::{All, Answer, Flow, Role, Shape};
use crate::rule::Rule;

use super::Comparer;
use super::pair::{Effect, Here};

/// What stays where alternatives are moved: the names of their schemas, or a value that only they have. Else the type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    text: String,
    is_name: bool,
}

impl<'d> Comparer<'d> {
    pub(super) fn alternatives(&mut self, here: &Here, old: &[Shape<'d>], new: &[Shape<'d>], equivalent: bool) {
        let mut rest = self.labelled(new);
        let mut unpaired = Vec::new();
        for (label, before) in self.labelled(old) {
            match rest.remove(&label) {
                Some(after) if label.is_name => self.named(here, &old[before], &new[after]),
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
                    format!("the alternative {} is gone", label.text),
                );
            }
            for label in rest.keys() {
                let breaks = self.unnamed(here);
                let message = format!("the alternative {} is new", label.text);
                self.tell_here(here, Rule::AlternativeAdded, breaks, message);
            }
        }
        self.lost(here, old, new);
    }

    /// Even where an alternative of before takes all values of a new one, code that is generated does not know it.
    fn unnamed(&self, here: &Here) -> Breaks {
        let breaks = here.judged(Effect::Widens);
        if breaks == Breaks::Nobody && here.way.flow == Flow::FromServer {
            return Breaks::From(Policy::Sdk);
        }
        breaks
    }

    /// An alternative that both versions know by name is judged by itself: who reads it knows which one it is.
    fn named(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>) {
        let flow = here.way.flow;
        let (sent, accepted) = match flow {
            Flow::ToServer => (old, new),
            Flow::FromServer => (new, old),
        };
        let mut here = here.clone();
        here.answer = self.judge.shape_included(flow, sent, accepted);
        let equivalent =
            here.answer == Answer::Included && self.judge.shape_included(flow, accepted, sent) == Answer::Included;
        self.shape(&here, old, new, equivalent);
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

    fn labelled(&mut self, shapes: &[Shape<'d>]) -> BTreeMap<Label, usize> {
        let mut labels = BTreeMap::new();
        for (index, shape) in shapes.iter().enumerate() {
            let first = self.label(shape);
            let mut label = first.clone();
            let mut count = 1;
            while labels.contains_key(&label) {
                count += 1;
                label.text = format!("{} ({count})", first.text);
            }
            labels.insert(label, index);
        }
        labels
    }

    fn label(&mut self, shape: &Shape<'d>) -> Label {
        let mut names: Vec<String> = Vec::new();
        for &part in &shape.parts {
            let name = self
                .judge
                .model
                .get(part)
                .at
                .place
                .definition()
                .map(|name| format!("`{name}`"));
            names.extend(name.filter(|name| !names.contains(name)));
        }
        if !names.is_empty() {
            return Label {
                text: names.join(" with "),
                is_name: true,
            };
        }
        for name in &shape.required {
            let value = self
                .judge
                .member(shape, Role::Sends, name)
                .ok()
                .and_then(|all| self.only_value(&all));
            if let Some(value) = value {
                return Label {
                    text: format!("`{name}: {value}`"),
                    is_name: true,
                };
            }
        }
        Label {
            text: shape.types.words(),
            is_name: false,
        }
    }

    fn only_value(&mut self, all: &All) -> Option<String> {
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
