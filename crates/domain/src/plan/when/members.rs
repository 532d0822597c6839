//! What is known of the tenants of a wave. It is found once, when they are classified; nothing about them is looked up by
//! name again, of which there may be a million.

use std::collections::BTreeSet;

use crate::id::{CustomerName, TenantName};
use crate::plan::PlannedWave;

/// Beside a wave: of each of its tenants, in their order.
#[derive(Default)]
pub(super) struct Members<'a> {
    known: Vec<Known<'a>>,
    pub(super) classes: BTreeSet<u16>,
}

#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) class: u16,
    pub(super) customer: Option<&'a CustomerName>,
}

impl<'a> Members<'a> {
    /// Takes in the next tenant of the wave.
    pub(super) fn push(&mut self, known: Known<'a>) {
        self.classes.insert(known.class);
        self.known.push(known);
    }

    /// Of the wave that they are members of.
    pub(super) fn of<'w>(&self, wave: &'w PlannedWave) -> impl Iterator<Item = (&'w TenantName, Known<'a>)> {
        wave.tenants.keys().zip(self.known.iter().copied())
    }

    /// The tenants of a class are none of the wave any more.
    pub(super) fn exclude(&mut self, class: u16) {
        self.classes.remove(&class);
        self.known.retain(|known| known.class != class);
    }
}
