//! Whether two schemas plainly have no instance in common.

use super::{All, Judge, Role, Shape, number};
use crate::schema::{Count, Types};

/// Levels of members that are looked at.
const LEVELS: usize = 4;

impl<'d> Judge<'d> {
    /// True only where no value of this kind that may be sent fits `other`, read as it is written.
    pub(super) fn disjoint(&mut self, shape: &Shape<'d>, kind: Types, other: &All) -> bool {
        self.disjoint_below(shape, kind, other, LEVELS)
    }

    fn disjoint_below(&mut self, shape: &Shape<'d>, kind: Types, other: &All, levels: usize) -> bool {
        if let Some(values) = self.listed(shape, kind) {
            return values
                .iter()
                .all(|value| self.accepts(other, value, Role::Sends) == Some(false));
        }
        let Ok(ways) = self.shapes(other) else {
            return false;
        };
        ways.iter()
            .filter(|way| way.types.has(kind))
            .all(|way| self.conflict(shape, way, kind, levels))
    }

    fn conflict(&mut self, shape: &Shape<'d>, way: &Shape<'d>, kind: Types, levels: usize) -> bool {
        if let Some(values) = self.listed(way, kind) {
            return values
                .iter()
                .all(|value| self.accepts(&shape.parts, value, Role::Sends) == Some(false));
        }
        let apart = |one: Count, two: Count| {
            let beyond = |one: Count, two: Count| one.most.is_some_and(|most| most < two.least);
            beyond(one, two) || beyond(two, one)
        };
        match kind {
            Types::WHOLE | Types::FRACTION => number::disjoint(shape, way, kind),
            Types::STRING => apart(shape.length, way.length),
            Types::ARRAY => apart(shape.entries, way.entries),
            Types::OBJECT => apart(shape.size, way.size) || self.members_conflict(shape, way, levels),
            _ => false,
        }
    }

    fn members_conflict(&mut self, shape: &Shape<'d>, way: &Shape<'d>, levels: usize) -> bool {
        let Some(levels) = levels.checked_sub(1) else {
            return false;
        };
        let (Ok(demanded), Ok(given)) = (self.demanded(way, Role::Sends), self.demanded(shape, Role::Sends)) else {
            return false;
        };
        for name in demanded.iter().chain(&given) {
            let (Ok(own), Ok(theirs)) = (self.sent(shape, name), self.member(way, Role::Sends, name)) else {
                return false;
            };
            let Some(own) = own else {
                // It is demanded and not sent.
                if demanded.contains(name) {
                    return true;
                }
                continue;
            };
            if theirs.iter().any(|&id| self.model.get(id).is_nothing()) {
                return true;
            }
            let Ok(shapes) = self.shapes(&own) else {
                continue;
            };
            let apart = Types::EACH.into_iter().all(|kind| {
                let of_kind = shapes.iter().filter(|shape| shape.types.has(kind));
                of_kind
                    .into_iter()
                    .all(|shape| self.disjoint_below(shape, kind, &theirs, levels))
            });
            if apart {
                return true;
            }
        }
        false
    }
}
