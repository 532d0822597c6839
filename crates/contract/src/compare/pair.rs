//! Schemas in pairs.
//!
//! Pairs make a graph: the same pair of components is one node, whoever refers to it. It is walked from a list and not by
//! recursion, so that no chain of references is too long.

use std::rc::Rc;

use crate::change::{Breaks, Direction, Policy, Witness};
use crate::judge::{All, Answer, Flow, Shape};
use crate::problem::{Place, Problem};
use crate::rule::Rule;
use crate::schema::{SchemaId, Types, Version};

use super::{Both, Comparer, Finding, Part, Scope};

/// Which messages a pair is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub direction: Direction,
    pub flow: Flow,
    /// Whether the enclosing schemas are included, so that nothing inside can make a message wrong.
    pub settled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub way: Way,
    pub old: All,
    pub new: All,
}

/// A pair in the graph.
#[derive(Debug)]
pub(super) struct Walked {
    key: Key,
    path: String,
    answer: Answer,
    changes: Vec<usize>,
    inner: Vec<usize>,
}

/// The pair that is being walked.
#[derive(Debug, Clone)]
pub(super) struct Here {
    pub index: usize,
    pub way: Way,
    pub path: String,
    pub answer: Answer,
    old: Option<Place>,
    new: Option<Place>,
}

/// What a change does to the set of values that are valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Narrows,
    Widens,
    Either,
}

impl Here {
    /// Whom a change with this effect breaks: nobody where the schemas are included all the same.
    pub fn judged(&self, effect: Effect) -> Breaks {
        let harmless = match self.way.flow {
            Flow::ToServer => Effect::Widens,
            Flow::FromServer => Effect::Narrows,
        };
        if effect == harmless {
            Breaks::Nobody
        } else {
            self.as_answered(&self.answer)
        }
    }

    pub fn as_answered(&self, answer: &Answer) -> Breaks {
        match answer {
            Answer::Included => Breaks::Nobody,
            // No message is wrong, for another alternative takes it; but it is not the one it was.
            Answer::Not(_) | Answer::Unknown(_) if self.way.settled => Breaks::From(Policy::Contract),
            Answer::Not(_) => Breaks::From(Policy::Wire),
            Answer::Unknown(_) => Breaks::Unknown,
        }
    }
}

impl<'d> Comparer<'d> {
    /// The schemas of a message, or of a part of one that has a name.
    pub(super) fn message(&mut self, scope: &Scope, part: Part, both: &Both<'d>, path: &str) -> Result<(), Problem> {
        if self.same(both) {
            return Ok(());
        }
        let old = self.judge.model.read(Version::Old, &both.old)?;
        let new = self.judge.model.read(Version::New, &both.new)?;
        let way = Way {
            direction: scope.direction(part),
            flow: scope.flow(part),
            settled: false,
        };
        let first = self.walked.len();
        let root = self.claim(
            Key {
                way,
                old: vec![old],
                new: vec![new],
            },
            path.to_owned(),
        );
        self.roots.push((scope.operation.clone(), root));
        let mut next = first;
        while next < self.walked.len() {
            self.walk(next);
            next += 1;
        }
        Ok(())
    }

    fn claim(&mut self, key: Key, path: String) -> usize {
        let key = Key {
            old: self.plain(key.old),
            new: self.plain(key.new),
            way: key.way,
        };
        if let Some(&known) = self.pairs.get(&key) {
            return known;
        }
        let index = self.walked.len();
        self.pairs.insert(key.clone(), index);
        self.walked.push(Walked {
            key,
            path,
            answer: Answer::Included,
            changes: Vec::new(),
            inner: Vec::new(),
        });
        index
    }

    /// A part of both that is a pair of its own.
    pub(super) fn inner(&mut self, here: &Here, old: All, new: All, path: String) {
        let way = here.way;
        let inner = self.claim(Key { way, old, new }, path);
        self.walked[here.index].inner.push(inner);
    }

    /// Without the names that lead to the schemas.
    fn plain(&self, all: All) -> All {
        let mut all: All = all.into_iter().map(|id| self.target(id)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn target(&self, mut id: SchemaId) -> SchemaId {
        for _ in 0..crate::limits::HOPS {
            match self.judge.model.get(id).alias() {
                Some(target) => id = target,
                None => break,
            }
        }
        id
    }

    fn walk(&mut self, index: usize) {
        let Walked { key, path, .. } = &self.walked[index];
        let (Key { way, old, new }, path) = (key.clone(), path.clone());
        let place = |of: &All| of.first().map(|&id| self.judge.model.get(id).at.place.clone());
        let mut here = Here {
            index,
            way,
            path,
            answer: Answer::Included,
            old: place(&old),
            new: place(&new),
        };
        self.renamed(&here, &old, &new);
        let has = |of: &All, other: SchemaId| of.iter().any(|&id| self.judge.model.same(id, other));
        if new.iter().all(|&id| has(&old, id)) && old.iter().all(|&id| has(&new, id)) {
            return;
        }
        here.answer = self.ask(way.flow, &old, &new);
        here.way.settled |= here.answer == Answer::Included;
        self.walked[index].answer = here.answer.clone();
        let equivalent = here.answer == Answer::Included && self.ask(way.flow, &new, &old) == Answer::Included;
        self.remarks(&here, &old, &new);
        match (self.judge.shapes(&old), self.judge.shapes(&new)) {
            (Ok(before), Ok(after)) => self.views(&here, &before, &after, equivalent),
            (Err(_), _) | (_, Err(_)) => {
                let breaks = here.judged(Effect::Either);
                self.tell_here(&here, Rule::SchemaChanged, breaks, Rule::SchemaChanged.says());
            }
        }
    }

    fn views(&mut self, here: &Here, old: &Rc<Vec<Shape<'d>>>, new: &Rc<Vec<Shape<'d>>>, equivalent: bool) {
        let kinds = |shapes: &[Shape<'d>]| shapes.iter().fold(Types::NONE, |kinds, shape| kinds.or(shape.types));
        let (before, after) = (simplified(old), simplified(new));
        if !equivalent {
            self.kinds(here, kinds(old), kinds(new));
        }
        match (before.as_slice(), after.as_slice()) {
            ([one], [other]) => self.shape(here, one, other, equivalent),
            (before, after) => self.alternatives(here, before, after, equivalent),
        }
    }

    pub(super) fn shape(&mut self, here: &Here, old: &Shape<'d>, new: &Shape<'d>, equivalent: bool) {
        if !equivalent {
            self.facets(here, old, new);
        }
        self.members(here, old, new);
        self.entries(here, old, new);
    }

    /// Whether what goes this way by one version is accepted by the other: from `old` to `new` for requests.
    pub(super) fn ask(&mut self, flow: Flow, old: &All, new: &All) -> Answer {
        match flow {
            Flow::ToServer => self.judge.included(flow, old, new),
            Flow::FromServer => self.judge.included(flow, new, old),
        }
    }

    pub(super) fn tell_here(&mut self, here: &Here, rule: Rule, breaks: Breaks, message: impl Into<String>) {
        self.tell_at(here, rule, breaks, &here.path, message, (None, None));
    }

    /// Tells a change at places of its own.
    pub(super) fn tell_at(
        &mut self,
        here: &Here,
        rule: Rule,
        breaks: Breaks,
        path: &str,
        message: impl Into<String>,
        (old, new): (Option<Place>, Option<Place>),
    ) {
        let mut finding = Finding::new(rule, here.way.direction, breaks, path, message);
        finding.old = old.or_else(|| here.old.clone());
        finding.new = new.or_else(|| here.new.clone());
        if let (Breaks::From(Policy::Wire), Answer::Not(witness)) = (breaks, &here.answer) {
            finding.witness = Some(Witness {
                path: here.path.clone(),
                value: witness.clone(),
            });
        }
        let change = self.keep(finding);
        let changes = &mut self.walked[here.index].changes;
        if !changes.contains(&change) {
            changes.push(change);
        }
    }

    /// Gives every change its operations, and sees to it that nothing that is not included goes untold.
    pub(super) fn finish(&mut self) {
        for index in 0..self.roots.len() {
            let root = self.roots[index].1;
            if self.walked[root].answer != Answer::Included && !self.is_told(root) {
                self.tell_untold(root);
            }
        }
        for (operation, root) in std::mem::take(&mut self.roots) {
            for pair in self.reachable(root) {
                for &change in &self.walked[pair].changes {
                    self.changes[change].operations.insert(operation.clone());
                }
            }
        }
    }

    fn reachable(&self, root: usize) -> Vec<usize> {
        let mut seen = std::collections::BTreeSet::from([root]);
        let mut found = vec![root];
        let mut next = 0;
        while let Some(&pair) = found.get(next) {
            found.extend(
                self.walked[pair]
                    .inner
                    .iter()
                    .copied()
                    .filter(|inner| seen.insert(*inner)),
            );
            next += 1;
        }
        found
    }

    fn is_told(&self, root: usize) -> bool {
        let counts = |change: &usize| {
            matches!(
                self.changes[*change].breaks,
                Breaks::From(Policy::Wire) | Breaks::Unknown
            )
        };
        self.reachable(root)
            .iter()
            .any(|&pair| self.walked[pair].changes.iter().any(counts))
    }

    /// Told at the innermost pair that is not included.
    fn tell_untold(&mut self, root: usize) {
        let mut at = root;
        let mut seen = std::collections::BTreeSet::from([root]);
        let open = |walked: &Walked| walked.answer != Answer::Included && !walked.key.way.settled;
        while let Some(&inner) = self.walked[at]
            .inner
            .iter()
            .find(|&&inner| open(&self.walked[inner]) && !seen.contains(&inner))
        {
            seen.insert(inner);
            at = inner;
        }
        let walked = &self.walked[at];
        let place = |of: &All| of.first().map(|&id| self.judge.model.get(id).at.place.clone());
        let here = Here {
            index: at,
            way: walked.key.way,
            path: walked.path.clone(),
            answer: walked.answer.clone(),
            old: place(&walked.key.old),
            new: place(&walked.key.new),
        };
        let message = match &here.answer {
            Answer::Unknown(reason) => {
                format!("whether values of before are still taken could not be decided: {reason}")
            }
            Answer::Included | Answer::Not(_) => Rule::SchemaChanged.says().to_owned(),
        };
        let breaks = here.judged(Effect::Either);
        self.tell_here(&here, Rule::SchemaChanged, breaks, message);
    }
}

/// Without the alternatives that say null only, and with those that list values as one.
fn simplified<'d>(shapes: &[Shape<'d>]) -> Vec<Shape<'d>> {
    let mut simple: Vec<Shape<'d>> = Vec::new();
    let mut listed: Option<usize> = None;
    for shape in shapes
        .iter()
        .filter(|shape| shape.types != Types::NULL || shapes.len() == 1)
    {
        match (&shape.values, listed) {
            (Some(values), Some(index)) => {
                let of: &mut Shape<'d> = &mut simple[index];
                of.types = of.types.or(shape.types);
                of.values.get_or_insert_default().extend(values.iter().cloned());
            }
            (Some(_), None) => {
                listed = Some(simple.len());
                simple.push(shape.clone());
            }
            (None, _) => simple.push(shape.clone()),
        }
    }
    simple
}
