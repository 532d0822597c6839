//! Objects.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::include::Case;
use super::shape::{Rest, sorted};
use super::{All, Answer, Failing, Judge, Role, Shape, gather};

/// Objects of more members are not made up.
const MOST_MEMBERS: usize = 4096;

impl<'d> Judge<'d> {
    pub(super) fn objects_within(&mut self, case: &Case<'_, 'd>, way: &Shape<'d>) -> Result<(), Failing> {
        let shape = case.shape;
        let mut checks = vec![self.required_within(shape, way), self.size_within(shape, way)];
        let names: BTreeSet<String> = self.names(shape).union(&self.names(way)).cloned().collect();
        for name in &names {
            checks.push(self.member_within(shape, way, name));
        }
        for (pattern, _) in self.name_patterns(shape) {
            checks.push(self.pattern_within(shape, way, &pattern));
        }
        checks.push(self.rest_within(shape, way, &names));
        gather(checks)
    }

    fn required_within(&mut self, shape: &Shape<'d>, way: &Shape<'d>) -> Result<(), Failing> {
        let demanded = self.demanded(way, Role::Accepts).map_err(Failing::new)?;
        let given = self.demanded(shape, Role::Sends).map_err(Failing::new)?;
        for name in demanded {
            if !given.contains(&name) {
                let without = self.object(shape, None, shape.size.least);
                return Err(Failing::with("a member may be missing", without));
            }
        }
        Ok(())
    }

    fn size_within(&mut self, shape: &Shape<'d>, way: &Shape<'d>) -> Result<(), Failing> {
        let given = self.demanded(shape, Role::Sends).map_err(Failing::new)?;
        let least = shape.size.least.max(given.len() as u64);
        if least < way.size.least {
            return Err(Failing::with(
                "an object may be too small",
                self.object(shape, None, least),
            ));
        }
        let Some(most) = way.size.most else {
            return Ok(());
        };
        let closed = match self.rest(shape, Role::Sends) {
            Rest::Nothing if self.name_patterns(shape).is_empty() => Some(self.names(shape).len() as u64),
            Rest::Nothing | Rest::Any(_) => None,
        };
        let bound = [shape.size.most, closed].into_iter().flatten().min();
        if bound.is_some_and(|bound| bound <= most) {
            return Ok(());
        }
        Err(Failing::with(
            "an object may be too large",
            self.object(shape, None, most.saturating_add(1)),
        ))
    }

    fn member_within(&mut self, shape: &Shape<'d>, way: &Shape<'d>, name: &str) -> Result<(), Failing> {
        let Some(own) = self.sent(shape, name).map_err(Failing::new)? else {
            return Ok(());
        };
        let theirs = self.member(way, Role::Accepts, name).map_err(Failing::new)?;
        if self.hidden(&theirs) {
            return Ok(());
        }
        self.value_within(shape, name, &own, &theirs)
    }

    fn value_within(&mut self, shape: &Shape<'d>, name: &str, own: &All, theirs: &All) -> Result<(), Failing> {
        match self.include(own, theirs) {
            Answer::Included => Ok(()),
            Answer::Not(witness) => {
                let object = self.object(shape, Some((name, witness)), shape.size.least);
                Err(Failing::with("a member is not accepted", object))
            }
            Answer::Unknown(reason) => Err(Failing::new(reason)),
        }
    }

    /// Names by a pattern: whatever the accepting side may ask of any of them has to hold.
    fn pattern_within(&mut self, shape: &Shape<'d>, way: &Shape<'d>, pattern: &str) -> Result<(), Failing> {
        let known = self.name_patterns(shape);
        let own = known.iter().filter(|(other, _)| other == pattern).map(|(_, id)| *id);
        let own = sorted(own.collect());
        let mut theirs = All::new();
        for &part in &way.parts {
            let members = &self.model.get(part).members;
            let exact = members.patterns.iter().any(|(other, _)| other == pattern);
            theirs.extend(members.patterns.iter().map(|(_, id)| *id));
            if !exact {
                theirs.extend(members.rest.filter(|&rest| !self.ignores(rest)));
            }
        }
        let name = self.name_by(pattern);
        self.value_within(shape, name.as_deref().unwrap_or_default(), &own, &sorted(theirs))
    }

    fn ignores(&self, rest: crate::schema::SchemaId) -> bool {
        self.open(Role::Accepts) && self.model.get(rest).is_nothing()
    }

    fn name_by(&mut self, pattern: &str) -> Option<String> {
        use crate::pattern::{Search, Wanted, search};
        let pattern = self.pattern(pattern)?;
        match search(&Wanted {
            fitting: vec![&pattern],
            not_fitting: Vec::new(),
            least: 0,
            most: None,
        }) {
            Search::Found(name) => Some(name),
            Search::None | Search::TooLarge => None,
        }
    }

    fn rest_within(&mut self, shape: &Shape<'d>, way: &Shape<'d>, names: &BTreeSet<String>) -> Result<(), Failing> {
        let Rest::Any(own) = self.rest(shape, Role::Sends) else {
            return Ok(());
        };
        let mut theirs = match self.rest(way, Role::Accepts) {
            Rest::Nothing => All::new(),
            Rest::Any(theirs) => theirs,
        };
        theirs.extend(self.name_patterns(way).into_iter().map(|(_, id)| id));
        let name = fresh(|name| names.contains(name));
        self.value_within(shape, &name, &own, &sorted(theirs))
    }

    /// An object with what is demanded, a given member, and further ones until there are `least`.
    pub(super) fn object(&mut self, shape: &Shape<'d>, given: Option<(&str, Value)>, least: u64) -> Option<Value> {
        let least = usize::try_from(least).ok().filter(|least| *least <= MOST_MEMBERS)?;
        let mut members = Map::new();
        for name in self.demanded(shape, Role::Sends).ok()? {
            if given.as_ref().is_some_and(|(other, _)| *other == name) {
                continue;
            }
            let all = self.sent(shape, &name).ok()??;
            members.insert(name, self.sample(&all)?);
        }
        members.extend(given.map(|(name, value)| (name.to_owned(), value)));
        let more: Vec<String> = if members.len() < least {
            self.names(shape).into_iter().collect()
        } else {
            Vec::new()
        };
        for name in more {
            if members.len() >= least {
                break;
            }
            if members.contains_key(&name) {
                continue;
            }
            if let Some(all) = self.sent(shape, &name).ok()?
                && let Some(value) = self.sample(&all)
            {
                members.insert(name, value);
            }
        }
        while members.len() < least {
            let Rest::Any(all) = self.rest(shape, Role::Sends) else {
                return None;
            };
            let name = fresh(|name| members.contains_key(name));
            members.insert(name, self.sample(&all)?);
        }
        Some(Value::Object(members))
    }
}

/// A name that is not taken.
fn fresh(taken: impl Fn(&str) -> bool) -> String {
    let mut name = "other".to_owned();
    let mut count = 1;
    while taken(&name) {
        count += 1;
        name = format!("other{count}");
    }
    name
}
