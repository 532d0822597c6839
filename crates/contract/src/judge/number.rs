//! Numbers: ranges and units.

use serde_json::Value;

use super::{Failing, Shape, gather};
use crate::decimal::Decimal;
use crate::limits;
use crate::schema::{Bound, Types};

const ONE: Decimal = Decimal::whole(1);

/// The whole numbers between the bounds, ends included.
fn whole_range(shape: &Shape<'_>) -> (Option<i128>, Option<i128>) {
    let lower = shape.numbers.lower.and_then(|bound| {
        let ceil = bound.at.ceil()?;
        Some(if bound.open && bound.at.is_whole() {
            ceil + 1
        } else {
            ceil
        })
    });
    let upper = shape.numbers.upper.and_then(|bound| {
        let floor = bound.at.floor()?;
        Some(if bound.open && bound.at.is_whole() {
            floor - 1
        } else {
            floor
        })
    });
    (lower, upper)
}

pub(super) fn is_empty(shape: &Shape<'_>, kind: Types) -> bool {
    if kind == Types::WHOLE
        && let (Some(lower), Some(upper)) = whole_range(shape)
    {
        return lower > upper;
    }
    match (shape.numbers.lower, shape.numbers.upper) {
        (Some(lower), Some(upper)) => lower.at > upper.at || lower.at == upper.at && (lower.open || upper.open),
        (None, _) | (_, None) => false,
    }
}

/// The whole numbers of a shape, where they are few.
pub(super) fn listed(shape: &Shape<'_>) -> Option<Vec<Value>> {
    let (Some(lower), Some(upper)) = whole_range(shape) else {
        return None;
    };
    let few = upper.checked_sub(lower)? < limits::COUNTED;
    few.then(|| {
        (lower..=upper)
            .filter_map(|whole| Decimal::whole(whole).as_json())
            .collect()
    })
}

pub(super) fn disjoint(one: &Shape<'_>, two: &Shape<'_>, kind: Types) -> bool {
    let mut both = one.clone();
    both.numbers.lower = crate::schema::higher(one.numbers.lower, two.numbers.lower);
    both.numbers.upper = crate::schema::lower(one.numbers.upper, two.numbers.upper);
    is_empty(&both, kind)
}

pub(super) fn within(shape: &Shape<'_>, way: &Shape<'_>, kind: Types) -> Result<(), Failing> {
    gather([range_within(shape, way, kind), units_within(shape, way, kind)])
}

fn range_within(shape: &Shape<'_>, way: &Shape<'_>, kind: Types) -> Result<(), Failing> {
    let holds = if kind == Types::WHOLE {
        let ((lower, upper), (least, most)) = (whole_range(shape), whole_range(way));
        // A bound that is too far out to be computed with is compared as it is written.
        let below = least.map_or(way.numbers.lower.is_none(), |least| {
            lower.is_some_and(|lower| lower >= least)
        });
        let above = most.map_or(way.numbers.upper.is_none(), |most| {
            upper.is_some_and(|upper| upper <= most)
        });
        (below || lower_holds(shape, way)) && (above || upper_holds(shape, way))
    } else {
        lower_holds(shape, way) && upper_holds(shape, way)
    };
    if holds {
        Ok(())
    } else {
        Err(Failing::with("the range is smaller", candidates(shape, way, kind)))
    }
}

fn lower_holds(shape: &Shape<'_>, way: &Shape<'_>) -> bool {
    holds(shape.numbers.lower, way.numbers.lower, |own, bound| own > bound)
}

fn upper_holds(shape: &Shape<'_>, way: &Shape<'_>) -> bool {
    holds(shape.numbers.upper, way.numbers.upper, |own, bound| own < bound)
}

fn holds(own: Option<Bound>, bound: Option<Bound>, inside: impl Fn(Decimal, Decimal) -> bool) -> bool {
    match (own, bound) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(own), Some(bound)) => inside(own.at, bound.at) || own.at == bound.at && (own.open || !bound.open),
    }
}

fn units_within(shape: &Shape<'_>, way: &Shape<'_>, kind: Types) -> Result<(), Failing> {
    for unit in &way.numbers.units {
        let whole = (kind == Types::WHOLE).then_some(ONE);
        let known = shape.numbers.units.iter().copied().chain(whole);
        if !known.into_iter().any(|own| own.is_multiple_of(*unit) == Some(true)) {
            return Err(Failing::with("the unit is another", candidates(shape, way, kind)));
        }
    }
    Ok(())
}

/// Numbers around every bound and unit of both.
pub(super) fn candidates(shape: &Shape<'_>, way: &Shape<'_>, kind: Types) -> Vec<Value> {
    let half = Decimal::scaled(5, -1);
    let mut bases = vec![Decimal::whole(0), ONE];
    for bound in [
        shape.numbers.lower,
        shape.numbers.upper,
        way.numbers.lower,
        way.numbers.upper,
    ] {
        bases.extend(bound.map(|bound| bound.at));
        // Where neighbours cannot be written, the next power of ten can.
        bases.extend(bound.map(|bound| bound.at.tenfold()));
    }
    let steps = [0, 1, -1, 2, -2].map(Decimal::whole);
    let mut found: Vec<Decimal> = bases
        .iter()
        .flat_map(|base| steps.iter().filter_map(|step| base.add(*step)))
        .collect();
    if kind == Types::FRACTION {
        let between = found
            .iter()
            .flat_map(|number| [number.add(half), number.add(Decimal::scaled(1, -3))])
            .flatten();
        let between: Vec<_> = between.collect();
        found.splice(0..0, between);
    }
    for unit in &shape.numbers.units {
        let multiples = found.iter().filter_map(|number| number.next_multiple(*unit));
        let more = multiples
            .flat_map(|first| [Some(first), first.add(*unit), first.add(unit.negated())])
            .flatten();
        let more: Vec<_> = more.collect();
        found.splice(0..0, more);
    }
    found
        .iter()
        .filter(|number| (kind == Types::WHOLE) == number.is_whole())
        .filter_map(|number| number.as_json())
        .collect()
}
