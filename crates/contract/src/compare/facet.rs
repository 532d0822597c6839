//! What schemas say about values without members: types, lists of values, bounds, patterns.

use serde_json::Value;

use crate::change::{Breaks, Policy};
use crate::decimal::{Decimal, equal};
use crate::judge::{All, Flow, Shape};
use crate::rule::Rule;
use crate::schema::{Bound, Count, Remarks, Types};

use super::Comparer;
use super::pair::{Effect, Here};

impl<'d> Comparer<'d> {
    pub(super) fn kinds(&mut self, here: &Here, old: Types, new: Types) {
        for (had, has, rule, effect, what) in [
            (false, true, Rule::NullAdded, Effect::Widens, "may be null now"),
            (
                true,
                false,
                Rule::NullRemoved,
                Effect::Narrows,
                "may not be null any more",
            ),
        ] {
            if (old.has(Types::NULL), new.has(Types::NULL)) == (had, has) && old != Types::NULL && new != Types::NULL {
                self.tell_here(here, rule, here.judged(effect), what);
            }
        }
        let (before, after) = (old.without(Types::NULL), new.without(Types::NULL));
        let effect = match (before.without(after).is_empty(), after.without(before).is_empty()) {
            (true, true) => return,
            (true, false) => Effect::Widens,
            (false, true) => Effect::Narrows,
            (false, false) => Effect::Either,
        };
        let message = format!("the type was {} and is {}", old.words(), new.words());
        self.tell_here(here, Rule::TypeChanged, here.judged(effect), message);
    }

    pub(super) fn facets(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>) {
        self.values(here, old.values.as_deref(), new.values.as_deref());
        self.numbers(here, old, new);
        for (rule, before, after, of) in [
            (Rule::LengthChanged, old.length, new.length, "the length"),
            (
                Rule::EntryCountChanged,
                old.entries,
                new.entries,
                "the number of entries",
            ),
            (
                Rule::PropertyCountChanged,
                old.size,
                new.size,
                "the number of properties",
            ),
        ] {
            if before != after {
                let message = format!("{of} was {} and is {}", count(before), count(after));
                self.tell_here(here, rule, here.judged(count_effect(before, after)), message);
            }
        }
        if old.unique != new.unique {
            let (effect, what) = match new.unique {
                true => (Effect::Narrows, "entries may not be equal any more"),
                false => (Effect::Widens, "entries may be equal now"),
            };
            self.tell_here(here, Rule::UniquenessChanged, here.judged(effect), what);
        }
        for (rule, what, before, after) in [
            (Rule::PatternChanged, "pattern", &old.patterns, &new.patterns),
            (Rule::FormatChanged, "format", &old.formats, &new.formats),
        ] {
            if before != after {
                let effect = set_effect(before.is_subset(after), after.is_subset(before));
                let words = |of: &std::collections::BTreeSet<String>| {
                    let quoted: Vec<_> = of.iter().map(|one| format!("`{one}`")).collect();
                    if quoted.is_empty() {
                        "none".to_owned()
                    } else {
                        quoted.join(" and ")
                    }
                };
                let message = format!("the {what} was {} and is {}", words(before), words(after));
                self.tell_here(here, rule, here.judged(effect), message);
            }
        }
        self.conditions(here, old, new);
    }

    fn values(&mut self, here: &Here, old: Option<&[Value]>, new: Option<&[Value]>) {
        let (old, new) = match (old, new) {
            (None, None) => return,
            (None, Some(_)) => {
                return self.tell_here(
                    here,
                    Rule::EnumAdded,
                    here.judged(Effect::Narrows),
                    Rule::EnumAdded.says(),
                );
            }
            (Some(_), None) => {
                return self.tell_here(
                    here,
                    Rule::EnumRemoved,
                    here.judged(Effect::Widens),
                    Rule::EnumRemoved.says(),
                );
            }
            (Some(old), Some(new)) => (old, new),
        };
        let missing = |of: &[Value], from: &[Value]| -> Vec<Value> {
            of.iter()
                .filter(|one| !one.is_null() && !from.iter().any(|other| equal(one, other)))
                .cloned()
                .collect()
        };
        for value in missing(old, new) {
            let breaks = here.judged(Effect::Narrows);
            self.tell_here(
                here,
                Rule::EnumValueRemoved,
                breaks,
                format!("the value `{}` is gone", short(&value)),
            );
        }
        for value in missing(new, old) {
            let breaks = here.judged(Effect::Widens);
            self.tell_here(
                here,
                Rule::EnumValueAdded,
                breaks,
                format!("the value `{}` is new", short(&value)),
            );
        }
    }

    fn numbers(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>) {
        let (before, after) = (&old.numbers, &new.numbers);
        for (rule, what, old, new, is_lower) in [
            (Rule::LowerBoundChanged, "lower", before.lower, after.lower, true),
            (Rule::UpperBoundChanged, "upper", before.upper, after.upper, false),
        ] {
            if old != new {
                let message = format!("the {what} bound was {} and is {}", bound(old), bound(new));
                self.tell_here(here, rule, here.judged(bound_effect(old, new, is_lower)), message);
            }
        }
        if before.units != after.units {
            let has = |of: &[Decimal], other: &[Decimal]| other.iter().all(|unit| of.contains(unit));
            let effect = set_effect(has(&after.units, &before.units), has(&before.units, &after.units));
            self.tell_here(here, Rule::UnitChanged, here.judged(effect), Rule::UnitChanged.says());
        }
    }

    fn conditions(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>) {
        let model = &self.judge.model;
        let nots =
            old.nots.len() == new.nots.len() && old.nots.iter().zip(&new.nots).all(|(old, new)| model.same(*old, *new));
        let opaque = old.opaque.len() == new.opaque.len()
            && old.opaque.iter().zip(&new.opaque).all(|(old, new)| {
                old.keyword == new.keyword
                    && old.values.len() == new.values.len()
                    && old
                        .values
                        .iter()
                        .zip(&new.values)
                        .all(|(old, new)| model.sameness.same(old, new))
            });
        if !(nots && opaque) {
            let breaks = here.judged(Effect::Either);
            self.tell_here(here, Rule::ConditionChanged, breaks, Rule::ConditionChanged.says());
        }
    }

    /// What is said beside which values are valid.
    pub(super) fn remarks(&mut self, here: &Here, old: &All, new: &All) {
        let (before, after) = (self.remarks_of(old), self.remarks_of(new));
        let to_server = here.way.flow == Flow::ToServer;
        match (before.default, after.default) {
            (None, Some(value)) => {
                let message = format!("`{}` is taken for a missing value now", short(value));
                self.tell_here(here, Rule::DefaultAdded, Breaks::Nobody, message);
            }
            (Some(old), new) if new.is_none_or(|new| !equal(old, new)) => {
                let breaks = if to_server {
                    Breaks::From(Policy::Contract)
                } else {
                    Breaks::Nobody
                };
                let new = new.map_or_else(|| "none".to_owned(), |new| format!("`{}`", short(new)));
                let message = format!("the default was `{}` and is {new}", short(old));
                self.tell_here(here, Rule::DefaultChanged, breaks, message);
            }
            (Some(_), Some(_)) | (_, None) => {}
        }
        if !before.deprecated && after.deprecated {
            self.tell_here(
                here,
                Rule::SchemaDeprecated,
                Breaks::Nobody,
                Rule::SchemaDeprecated.says(),
            );
        }
        if let (Some(old), Some(new)) = (&before.discriminator, &after.discriminator)
            && !self.judge.model.sameness.same(old, new)
            && old.value != new.value
        {
            let breaks = Breaks::From(Policy::Contract);
            self.tell_here(
                here,
                Rule::DiscriminatorChanged,
                breaks,
                Rule::DiscriminatorChanged.says(),
            );
        }
        self.extensible(here, &before, &after, to_server);
        self.order(here, old, new);
    }

    /// Values of a list that may grow: one more is nothing, one less is one that is not taken any more.
    fn extensible(&mut self, here: &Here, old: &Remarks<'d>, new: &Remarks<'d>, to_server: bool) {
        let (Some(old), Some(new)) = (&old.extensible, &new.extensible) else {
            return;
        };
        for value in old.iter().filter(|value| !new.contains(*value)) {
            let breaks = if to_server {
                Breaks::From(Policy::Contract)
            } else {
                Breaks::Nobody
            };
            self.tell_here(
                here,
                Rule::EnumValueRemoved,
                breaks,
                format!("the value `{}` is gone", short(value)),
            );
        }
        for value in new.iter().filter(|value| !old.contains(*value)) {
            self.tell_here(
                here,
                Rule::EnumValueAdded,
                Breaks::Nobody,
                format!("the value `{}` is new", short(value)),
            );
        }
    }

    pub(super) fn renamed(&mut self, here: &Here, old: &All, new: &All) {
        let name = |all: &All| match all.as_slice() {
            [only] => self.judge.model.get(*only).at.place.definition().map(str::to_owned),
            _ => None,
        };
        if let (Some(before), Some(after)) = (name(old), name(new))
            && before != after
        {
            let message = format!("the schema was `{before}` and is `{after}`");
            self.tell_here(here, Rule::SchemaRenamed, Breaks::From(Policy::Sdk), message);
        }
    }

    fn order(&mut self, here: &Here, old: &All, new: &All) {
        let values = |all: &All| match all.as_slice() {
            [only] => self.judge.model.get(*only).values.clone(),
            _ => None,
        };
        let (Some(old), Some(new)) = (values(old), values(new)) else {
            return;
        };
        let common = |of: &[Value], other: &[Value]| -> Vec<Value> {
            of.iter().filter(|one| other.contains(one)).cloned().collect()
        };
        if common(&old, &new) != common(&new, &old) {
            let breaks = Breaks::From(Policy::Sdk);
            self.tell_here(here, Rule::EnumOrderChanged, breaks, Rule::EnumOrderChanged.says());
        }
    }

    /// The remarks of schemas that hold together: the first that says something.
    fn remarks_of(&self, all: &All) -> Remarks<'d> {
        let mut found = Remarks::default();
        let mut queue = all.clone();
        let mut next = 0;
        while let Some(&id) = queue.get(next).filter(|_| next < crate::limits::HOPS) {
            let schema = self.judge.model.get(id);
            found.default = found.default.or(schema.remarks.default);
            found.deprecated |= schema.remarks.deprecated;
            found.extensible = found.extensible.or_else(|| schema.remarks.extensible.clone());
            found.discriminator = found.discriminator.or_else(|| schema.remarks.discriminator.clone());
            queue.extend(&schema.all);
            next += 1;
        }
        found
    }
}

fn set_effect(grows: bool, shrinks: bool) -> Effect {
    match (grows, shrinks) {
        (true, false) => Effect::Narrows,
        (false, true) => Effect::Widens,
        (true, true) | (false, false) => Effect::Either,
    }
}

fn count_effect(old: Count, new: Count) -> Effect {
    let most = |count: Count| count.most.unwrap_or(u64::MAX);
    set_effect(
        new.least >= old.least && most(new) <= most(old),
        new.least <= old.least && most(new) >= most(old),
    )
}

fn bound_effect(old: Option<Bound>, new: Option<Bound>, is_lower: bool) -> Effect {
    match (old, new) {
        (None, _) => Effect::Narrows,
        (_, None) => Effect::Widens,
        (Some(old), Some(new)) if old.at == new.at => {
            if new.open {
                Effect::Narrows
            } else {
                Effect::Widens
            }
        }
        (Some(old), Some(new)) => {
            if (new.at > old.at) == is_lower {
                Effect::Narrows
            } else {
                Effect::Widens
            }
        }
    }
}

fn count(of: Count) -> String {
    match (of.least, of.most) {
        (0, None) => "any".to_owned(),
        (least, None) => format!("at least {least}"),
        (0, Some(most)) => format!("at most {most}"),
        (least, Some(most)) => format!("{least} to {most}"),
    }
}

fn bound(of: Option<Bound>) -> String {
    let Some(bound) = of else {
        return "none".to_owned();
    };
    let number = bound
        .at
        .as_json()
        .map_or_else(|| "a number of many digits".to_owned(), |number| number.to_string());
    if bound.open {
        format!("{number}, itself left out")
    } else {
        number
    }
}

/// A value in few letters.
fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
