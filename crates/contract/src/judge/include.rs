//! The question itself: from schemas to shapes, from shapes to kinds of values.

use serde_json::Value;

use super::{All, Answer, Failing, Flow, Judge, Question, Role, Shape, gather, number};
use crate::format;
use crate::limits;
use crate::schema::Types;

/// What one kind of value is sent as, and what it is compared with.
pub(super) struct Case<'c, 'd> {
    pub sent: &'c All,
    pub shape: &'c Shape<'d>,
    pub kind: Types,
    pub accepted: &'c All,
    pub ways: &'c [Shape<'d>],
}

impl<'d> Judge<'d> {
    pub(super) fn include(&mut self, sent: &All, accepted: &All) -> Answer {
        let accepted: All = accepted
            .iter()
            .copied()
            .filter(|&new| !sent.iter().any(|&old| self.model.same(old, new)))
            .collect();
        if accepted.is_empty() {
            return Answer::Included;
        }
        let question: Question = (self.flow, sent.clone(), accepted);
        if let Some(known) = self.answers.get(&question) {
            return known.clone();
        }
        if let Some(&at) = self.assumed.get(&question) {
            self.earliest = self.earliest.min(at);
            return Answer::Included;
        }
        let Some(steps) = self.steps.checked_sub(1) else {
            return Answer::Unknown("the schemas are too large to decide");
        };
        if self.depth >= limits::DEPTH {
            return Answer::Unknown("the schemas are nested too deep to decide");
        }
        self.steps = steps;
        self.depth += 1;
        let answer = self.ask(&question);
        self.depth -= 1;
        answer
    }

    fn ask(&mut self, question: &Question) -> Answer {
        let at = self.trail.len();
        self.trail.push(question.clone());
        self.assumed.insert(question.clone(), at);
        let before = std::mem::replace(&mut self.earliest, usize::MAX);
        let answer = self.compare(&question.1, &question.2);
        if answer == Answer::Included {
            // What rests on an assumption that is still open stays one.
            if self.earliest >= at {
                for proven in self.trail.split_off(at) {
                    self.assumed.remove(&proven);
                    self.answers.insert(proven, Answer::Included);
                }
                self.earliest = before;
            } else {
                self.earliest = self.earliest.min(before);
            }
        } else {
            for unproven in self.trail.split_off(at) {
                self.assumed.remove(&unproven);
            }
            self.answers.insert(question.clone(), answer.clone());
            self.earliest = before;
        }
        answer
    }

    fn compare(&mut self, sent: &All, accepted: &All) -> Answer {
        let (shapes, ways) = match (self.shapes(sent), self.shapes(accepted)) {
            (Ok(shapes), Ok(ways)) => (shapes, ways),
            (Err(reason), _) | (_, Err(reason)) => return Answer::Unknown(reason),
        };
        let mut worst = Answer::Included;
        for shape in shapes.iter() {
            for kind in Types::EACH {
                if !shape.types.has(kind) {
                    continue;
                }
                let case = Case {
                    sent,
                    shape,
                    kind,
                    accepted,
                    ways: &ways,
                };
                match self.settle(&case, limits::SPLITS) {
                    Answer::Included => {}
                    not @ Answer::Not(_) => return not,
                    unknown @ Answer::Unknown(_) => worst = unknown,
                }
            }
        }
        worst
    }

    /// The same for one way through the alternatives on each side.
    pub(crate) fn shape_included(&mut self, flow: Flow, sent: &Shape<'d>, accepted: &Shape<'d>) -> Answer {
        self.face(flow);
        self.steps = limits::STEPS;
        let parts = |shape: &Shape<'d>| super::shape::sorted(shape.parts.clone());
        let (all, others) = (parts(sent), parts(accepted));
        let ways = std::slice::from_ref(accepted);
        let mut worst = Answer::Included;
        for kind in Types::EACH.into_iter().filter(|kind| sent.types.has(*kind)) {
            let case = Case {
                sent: &all,
                shape: sent,
                kind,
                accepted: &others,
                ways,
            };
            match self.settle(&case, limits::SPLITS) {
                Answer::Included => {}
                not @ Answer::Not(_) => return not,
                unknown @ Answer::Unknown(_) => worst = unknown,
            }
        }
        worst
    }

    pub(super) fn settle(&mut self, case: &Case<'_, 'd>, splits: usize) -> Answer {
        if self.is_empty(case.shape, case.kind) {
            return Answer::Included;
        }
        if let Some(values) = self.listed(case.shape, case.kind) {
            return self.each(case, &values);
        }
        let mut reason = "no alternative takes this kind of value";
        let mut candidates = Vec::new();
        let mut ways = 0;
        for way in case.ways.iter().filter(|way| way.types.has(case.kind)) {
            ways += 1;
            match self.within(case, way) {
                Ok(()) => return Answer::Included,
                Err(failing) => {
                    reason = failing.reason;
                    candidates.extend(failing.candidates);
                }
            }
        }
        if ways != 1 {
            candidates.extend(self.sample_of(case.shape, case.kind, case.sent));
        }
        for candidate in candidates {
            if self.confirms(case, &candidate) {
                return Answer::Not(candidate);
            }
        }
        if ways > 1 && splits > 0 && case.kind == Types::OBJECT {
            return self.split(case, splits, reason);
        }
        Answer::Unknown(if ways > 1 {
            "no single alternative takes all of it"
        } else {
            reason
        })
    }

    fn confirms(&mut self, case: &Case<'_, 'd>, value: &Value) -> bool {
        self.accepts(case.accepted, value, Role::Accepts) == Some(false)
            && self.accepts(case.sent, value, Role::Sends) == Some(true)
    }

    /// Values that are few enough to be looked at one by one.
    fn each(&mut self, case: &Case<'_, 'd>, values: &[Value]) -> Answer {
        let mut worst = Answer::Included;
        for value in values {
            if self.accepts(case.accepted, value, Role::Accepts) == Some(true) {
                continue;
            }
            match self.accepts(case.sent, value, Role::Sends) {
                Some(false) => {}
                Some(true) if self.accepts(case.accepted, value, Role::Accepts) == Some(false) => {
                    return Answer::Not(value.clone());
                }
                Some(true) | None => worst = Answer::Unknown("a value of the enumeration cannot be judged"),
            }
        }
        worst
    }

    /// Whether what is sent lies within one way of what is accepted.
    fn within(&mut self, case: &Case<'_, 'd>, way: &Shape<'d>) -> Result<(), Failing> {
        let (shape, kind) = (case.shape, case.kind);
        let own = match kind {
            Types::STRING => self.strings_within(shape, way),
            Types::WHOLE | Types::FRACTION => gather([number::within(shape, way, kind), formats_within(shape, way)]),
            Types::ARRAY => self.arrays_within(case, way),
            Types::OBJECT => self.objects_within(case, way),
            // Null and booleans are listed.
            _ => Ok(()),
        };
        let listed = match &way.values {
            Some(_) if kind == Types::STRING => Ok(()),
            Some(_) => Err(Failing::with(
                "an enumeration does not list all of it",
                self.sample_of(shape, kind, case.sent),
            )),
            None => Ok(()),
        };
        let rest = [
            self.opaque_within(shape, way, kind),
            self.nots_within(case, way),
            self.alone(case, way),
        ];
        gather([own, listed].into_iter().chain(rest))
    }

    /// Keywords that are not understood have to be the same.
    fn opaque_within(&self, shape: &Shape<'d>, way: &Shape<'d>, kind: Types) -> Result<(), Failing> {
        for opaque in way.opaque.iter().filter(|opaque| opaque.kinds.has(kind)) {
            let closes = |at: &Value| opaque.keyword == "unevaluatedProperties" && at == &Value::Bool(false);
            if self.open(Role::Accepts) && opaque.values.first().is_some_and(|at| closes(at.value)) {
                continue;
            }
            let same = |other: &&crate::schema::Opaque<'d>| {
                other.keyword == opaque.keyword
                    && other.values.len() == opaque.values.len()
                    && other.values.iter().zip(&opaque.values).all(|(old, new)| {
                        old.place.pointer.rsplit('/').next() == new.place.pointer.rsplit('/').next()
                            && self.model.sameness.same(old, new)
                    })
            };
            if opaque.depends || !shape.opaque.iter().any(|other| same(&other)) {
                return Err(Failing::new("a conditional keyword is compared word for word only"));
            }
        }
        Ok(())
    }

    fn nots_within(&mut self, case: &Case<'_, 'd>, way: &Shape<'d>) -> Result<(), Failing> {
        for &not in &way.nots {
            if case.shape.nots.iter().any(|&other| self.model.same(other, not)) {
                continue;
            }
            if !self.disjoint(case.shape, case.kind, &vec![not]) {
                let both = self.sample_with(case.sent, not);
                return Err(Failing::with("`not` may fit", both));
            }
        }
        Ok(())
    }

    /// No other alternative of a `oneOf` may fit as well.
    fn alone(&mut self, case: &Case<'_, 'd>, way: &Shape<'d>) -> Result<(), Failing> {
        if self.open(Role::Accepts) {
            return Ok(());
        }
        for &other in &way.excluded {
            if case
                .shape
                .excluded
                .iter()
                .any(|&excluded| self.model.same(excluded, other))
            {
                continue;
            }
            if !self.disjoint(case.shape, case.kind, &vec![other]) {
                let both = self.sample_with(case.sent, other);
                return Err(Failing::with("more than one alternative of `oneOf` may fit", both));
            }
        }
        Ok(())
    }

    /// Instances of what is sent that fit another schema as well.
    fn sample_with(&mut self, sent: &All, other: crate::schema::SchemaId) -> Option<Value> {
        let mut both = sent.clone();
        both.push(other);
        self.sample(&super::shape::sorted(both))
    }
}

/// A format that is not known says something about numbers too.
fn formats_within(shape: &Shape<'_>, way: &Shape<'_>) -> Result<(), Failing> {
    let unknown = |name: &&String| !shape.formats.contains(*name) && format::example(name).is_none();
    match way.formats.iter().find(unknown) {
        Some(_) => Err(Failing::new("a format is not known here")),
        None => Ok(()),
    }
}
