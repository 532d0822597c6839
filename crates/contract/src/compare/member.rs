//! Properties of objects and entries of lists.

use crate::change::{Breaks, Policy};
use crate::judge::{All, Answer, Flow, Rest, Role, Shape};
use crate::problem::Place;
use crate::rule::Rule;

use super::Comparer;
use super::pair::{Effect, Here};

/// A property that one or both versions have.
struct Property<'p> {
    name: &'p str,
    path: String,
    places: (Option<Place>, Option<Place>),
}

/// Whether a version has a property, and whether it goes this way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Presence {
    Absent,
    Hidden,
    Shown(All),
}

impl<'d> Comparer<'d> {
    pub(super) fn members(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>) {
        self.judge.face(here.way.flow);
        let names: std::collections::BTreeSet<String> =
            self.judge.names(old).union(&self.judge.names(new)).cloned().collect();
        for name in &names {
            self.property(here, old, new, name);
        }
        self.rest(here, old, new);
        self.name_patterns(here, old, new);
    }

    fn property(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>, name: &str) {
        self.judge.face(here.way.flow);
        let (before, after) = (self.presence(old, name), self.presence(new, name));
        let place = |presence: &Presence| match presence {
            Presence::Shown(all) => all.first().map(|&id| self.judge.model.get(id).at.place.clone()),
            Presence::Absent | Presence::Hidden => None,
        };
        let property = Property {
            name,
            path: format!("{}.{name}", here.path),
            places: (place(&before), place(&after)),
        };
        match (before, after) {
            (Presence::Shown(before), Presence::Shown(after)) => {
                self.required(here, old, new, &property);
                self.inner(here, before, after, property.path);
            }
            (Presence::Shown(_), Presence::Absent) => {
                let breaks = self.removed(here, old, new, name);
                self.tell_property(here, &property, Rule::PropertyRemoved, breaks, "is gone");
            }
            (Presence::Shown(_), Presence::Hidden) => {
                let breaks = self.removed(here, old, new, name);
                self.tell_property(
                    here,
                    &property,
                    Rule::PropertyHidden,
                    breaks,
                    "does not go this way any more",
                );
            }
            (before @ (Presence::Absent | Presence::Hidden), Presence::Shown(_)) => {
                let breaks = self.added(here, old, new, name);
                let required = new.required.contains(name) && here.way.flow == Flow::ToServer;
                let (rule, what) = match (before == Presence::Hidden, required) {
                    (true, _) => (Rule::PropertyShown, "goes this way now"),
                    (false, true) => (Rule::PropertyAddedRequired, "is new and required"),
                    (false, false) => (Rule::PropertyAdded, "is new"),
                };
                self.tell_property(here, &property, rule, breaks, what);
            }
            (Presence::Absent | Presence::Hidden, Presence::Absent | Presence::Hidden) => {}
        }
    }

    fn presence(&mut self, shape: &Shape<'d>, name: &str) -> Presence {
        let model = &self.judge.model;
        let declared = shape.required.contains(name)
            || shape
                .parts
                .iter()
                .any(|&part| model.get(part).members.named.contains_key(name));
        if !declared {
            return Presence::Absent;
        }
        match self.judge.member(shape, Role::Sends, name) {
            Ok(all) if self.judge.hidden(&all) => Presence::Hidden,
            Ok(all) => Presence::Shown(all),
            Err(_) => Presence::Shown(All::new()),
        }
    }

    fn required(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>, property: &Property<'_>) {
        let (rule, effect, what) = match (
            old.required.contains(property.name),
            new.required.contains(property.name),
        ) {
            (false, true) => (
                Rule::PropertyBecameRequired,
                Effect::Narrows,
                "may not be left out any more",
            ),
            (true, false) => (Rule::PropertyBecameOptional, Effect::Widens, "may be left out now"),
            (true, true) | (false, false) => return,
        };
        self.tell_property(here, property, rule, here.judged(effect), what);
    }

    /// Whoever uses a property misses it; some messages with it or without it are wrong now.
    fn removed(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>, name: &str) -> Breaks {
        let (sender, accepter) = ends(here, old, new);
        let sent = self.judge.sent(sender, name);
        let accepted = self.judge.member(accepter, Role::Accepts, name);
        let missing = here.way.flow == Flow::FromServer && old.required.contains(name) && !new.required.contains(name);
        let breaks = match (sent, accepted) {
            _ if missing && !here.way.settled => Breaks::From(Policy::Wire),
            (Ok(Some(sent)), Ok(accepted)) => {
                let answer = self.judge.included(here.way.flow, &sent, &accepted);
                here.as_answered(&answer)
            }
            (Ok(None), Ok(_)) => Breaks::Nobody,
            (Err(reason), _) | (_, Err(reason)) => here.as_answered(&Answer::Unknown(reason)),
        };
        if breaks == Breaks::Nobody {
            Breaks::From(Policy::Contract)
        } else {
            breaks
        }
    }

    fn added(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>, name: &str) -> Breaks {
        let (sender, accepter) = ends(here, old, new);
        if here.way.flow == Flow::ToServer && new.required.contains(name) && !old.required.contains(name) {
            return if here.way.settled {
                Breaks::Nobody
            } else {
                Breaks::From(Policy::Wire)
            };
        }
        match (
            self.judge.sent(sender, name),
            self.judge.member(accepter, Role::Accepts, name),
        ) {
            (Ok(Some(sent)), Ok(accepted)) => {
                let answer = self.judge.included(here.way.flow, &sent, &accepted);
                here.as_answered(&answer)
            }
            (Ok(None), Ok(_)) => Breaks::Nobody,
            (Err(reason), _) | (_, Err(reason)) => here.as_answered(&Answer::Unknown(reason)),
        }
    }

    fn tell_property(&mut self, here: &Here, property: &Property<'_>, rule: Rule, breaks: Breaks, what: &str) {
        let message = format!("the property `{}` {what}", property.name);
        self.tell_at(here, rule, breaks, &property.path, message, property.places.clone());
    }

    /// Properties that have no name in the document.
    fn rest(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>) {
        let (before, after) = (self.rest_of(old), self.rest_of(new));
        if let (Some(before), Some(after)) = (&before, &after)
            && !self.is_closed(before)
            && !self.is_closed(after)
        {
            return self.inner(here, before.clone(), after.clone(), format!("{}{{}}", here.path));
        }
        let closed = |rest: &Option<All>| rest.as_ref().map(|rest| self.is_closed(rest));
        let (was, is) = (closed(&before), closed(&after));
        if was == is {
            return;
        }
        let (sender, accepter) = ends(here, old, new);
        let breaks = match (
            self.judge.rest(sender, Role::Sends),
            self.judge.rest(accepter, Role::Accepts),
        ) {
            (Rest::Any(sent), Rest::Any(accepted)) => {
                let answer = self.judge.included(here.way.flow, &sent, &accepted);
                here.as_answered(&answer)
            }
            (Rest::Nothing, _) | (_, Rest::Nothing) => Breaks::Nobody,
        };
        let words = |closed: Option<bool>| match closed {
            None => "any",
            Some(true) => "none",
            Some(false) => "those of a schema",
        };
        let message = format!("properties without a name were {} and are {}", words(was), words(is));
        self.tell_here(here, Rule::AdditionalPropertiesChanged, breaks, message);
    }

    fn rest_of(&self, shape: &Shape<'d>) -> Option<All> {
        let rests: All = shape
            .parts
            .iter()
            .filter_map(|&part| self.judge.model.get(part).members.rest)
            .collect();
        (!rests.is_empty()).then_some(rests)
    }

    fn is_closed(&self, rest: &All) -> bool {
        rest.iter().any(|&id| self.judge.model.get(id).is_nothing())
    }

    fn name_patterns(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>) {
        let (before, after) = (self.judge.name_patterns(old), self.judge.name_patterns(new));
        let find = |of: &[(String, crate::schema::SchemaId)], pattern: &str| {
            of.iter().find(|(other, _)| other == pattern).map(|(_, id)| *id)
        };
        for (pattern, id) in &before {
            match find(&after, pattern) {
                Some(other) => self.inner(here, vec![*id], vec![other], format!("{}{{{pattern}}}", here.path)),
                None => self.tell_pattern(here, pattern, "are not named any more"),
            }
        }
        for (pattern, _) in after.iter().filter(|(pattern, _)| find(&before, pattern).is_none()) {
            self.tell_pattern(here, pattern, "are named now");
        }
    }

    fn tell_pattern(&mut self, here: &Here, pattern: &str, what: &str) {
        let breaks = here.judged(Effect::Either);
        self.tell_here(
            here,
            Rule::PatternPropertiesChanged,
            breaks,
            format!("properties by `{pattern}` {what}"),
        );
    }

    pub(super) fn entries(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>) {
        let prefix = self.judge.prefix(old).max(self.judge.prefix(new));
        for index in 0..=prefix {
            let (before, after) = (self.judge.entry(old, index), self.judge.entry(new, index));
            if before.is_empty() && after.is_empty() {
                continue;
            }
            let path = if index == prefix {
                format!("{}[]", here.path)
            } else {
                format!("{}[{index}]", here.path)
            };
            self.inner(here, before, after, path);
        }
    }
}

/// Who sends, and who accepts.
fn ends<'s, 'd>(here: &Here, old: &'s Shape<'d>, new: &'s Shape<'d>) -> (&'s Shape<'d>, &'s Shape<'d>) {
    match here.way.flow {
        Flow::ToServer => (old, new),
        Flow::FromServer => (new, old),
    }
}
