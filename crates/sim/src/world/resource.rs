//! What workers write to. It does what a worker's database does: effect, offset and epoch in one transaction, an epoch lower
//! than one it has seen is refused.

use std::collections::BTreeMap;

use tidegate_domain::id::SlotId;

#[derive(Debug, Clone, Default)]
pub struct Resource {
    /// By what is owned, a tenant or a cell: the highest epoch that wrote, and which slot it was.
    fences: BTreeMap<String, (u64, SlotId)>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Write {
    Taken,
    Refused,
    /// Two slots wrote under one epoch: nothing fences one from the other.
    Shared(SlotId),
}

impl Resource {
    pub fn write(&mut self, owned: &str, epoch: u64, slot: &SlotId) -> Write {
        match self.fences.get_mut(owned) {
            None => {
                self.fences.insert(owned.to_owned(), (epoch, slot.clone()));
                Write::Taken
            }
            Some((seen, _)) if epoch < *seen => Write::Refused,
            Some((seen, by)) if epoch == *seen && by != slot => Write::Shared(by.clone()),
            Some((seen, by)) => {
                *seen = epoch;
                if by != slot {
                    *by = slot.clone();
                }
                Write::Taken
            }
        }
    }
}

#[cfg(test)]
mod tests;
