//! What no single alternative takes may still be taken by several: it is split by a member that every instance has.

use serde_json::Value;

use super::include::Case;
use super::shape::sorted;
use super::{All, Answer, Judge, Role};
use crate::schema::{SchemaId, Types};

/// Parts that one member is split into.
const MOST_PARTS: usize = 24;

/// Members that are tried.
const MOST_MEMBERS: usize = 4;

impl<'d> Judge<'d> {
    pub(super) fn split(&mut self, case: &Case<'_, 'd>, splits: usize, reason: &'static str) -> Answer {
        let names = self.demanded(case.shape, Role::Sends).unwrap_or_default();
        let mut tried = 0;
        for name in names {
            let declared = |way: &super::Shape<'d>| {
                way.parts
                    .iter()
                    .any(|&part| self.model.get(part).members.named.contains_key(&name))
            };
            if !case.ways.iter().any(declared) {
                continue;
            }
            let Some(parts) = self.parts(case, &name) else {
                continue;
            };
            match self.each_part(case, &name, &parts, splits - 1) {
                Answer::Unknown(_) => {}
                decided @ (Answer::Included | Answer::Not(_)) => return decided,
            }
            tried += 1;
            if tried >= MOST_MEMBERS {
                break;
            }
        }
        Answer::Unknown(reason)
    }

    /// Schemas that cover the member together.
    fn parts(&mut self, case: &Case<'_, 'd>, name: &str) -> Option<Vec<SchemaId>> {
        let own = self.sent(case.shape, name).ok()??;
        let shapes = self.shapes(&own).ok()?;
        let mut values: Vec<Value> = Vec::new();
        let mut kinds = Types::NONE;
        for shape in shapes.iter() {
            for kind in Types::EACH.into_iter().filter(|kind| shape.types.has(*kind)) {
                match self.listed(shape, kind) {
                    Some(listed) => values.extend(listed),
                    None => kinds = kinds.or(kind),
                }
            }
        }
        let choice = own
            .iter()
            .find_map(|&id| self.model.get(id).choices.first().map(|choice| choice.of.clone()));
        let base = *case.sent.first()?;
        if kinds.has(Types::OBJECT)
            && let Some(of) = choice
        {
            return Some(of);
        }
        let each = Types::EACH
            .into_iter()
            .filter(|kind| kinds.has(*kind))
            .collect::<Vec<_>>();
        if values.len() + each.len() < 2 || values.len() + each.len() > MOST_PARTS {
            return None;
        }
        let mut parts = Vec::new();
        for value in values {
            parts.push(self.model.made_of(base, |schema| schema.values = Some(vec![value])));
        }
        for kind in each {
            parts.push(self.model.made_of(base, |schema| schema.types = kind));
        }
        Some(parts)
    }

    fn each_part(&mut self, case: &Case<'_, 'd>, name: &str, parts: &[SchemaId], splits: usize) -> Answer {
        let mut worst = Answer::Included;
        for &part in parts {
            let narrowed = self.model.made_of(part, |schema| {
                schema.members.named.insert(name.to_owned(), part);
            });
            let mut shape = case.shape.clone();
            shape.parts.push(narrowed);
            let mut sent: All = case.sent.clone();
            sent.push(narrowed);
            let sent = sorted(sent);
            let narrow = Case {
                sent: &sent,
                shape: &shape,
                kind: case.kind,
                accepted: case.accepted,
                ways: case.ways,
            };
            match self.settle(&narrow, splits) {
                Answer::Included => {}
                not @ Answer::Not(_) => return not,
                unknown @ Answer::Unknown(_) => worst = unknown,
            }
        }
        worst
    }
}
