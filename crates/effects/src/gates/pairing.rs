//! Which instances of the new version are compared with which of the old one.

use std::net::SocketAddr;

use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::{CellName, ComponentName};

use super::{Target, TargetSlot};

/// The instances of a component in one cell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pairing {
    pub cell: CellName,
    /// Empty where none runs.
    pub old: Vec<SocketAddr>,
    pub new: Vec<SocketAddr>,
}

/// Where the old version runs in some cells of the wave, these alone: cells differ. At least one.
///
/// # Errors
/// The verdict where there is nothing to ask: a component that the release does not change passes.
pub(super) fn pairings(target: &Target, component: &ComponentName) -> Result<Vec<Pairing>, Judgement> {
    let (mut compared, mut alone) = (Vec::new(), Vec::new());
    let mut is_unchanged = false;
    for slot in target.slots.iter().filter(|slot| slot.component == *component) {
        let is_before = |old: &&TargetSlot| old.cell == slot.cell && old.component == slot.component;
        let before = target.old.iter().filter(is_before);
        let old: Vec<SocketAddr> = before.flat_map(|old| old.addresses.iter().copied()).collect();
        if slot.addresses.is_empty() {
            continue;
        }
        if slot.addresses.iter().any(|address| old.contains(address)) {
            is_unchanged = true;
            continue;
        }
        let into = if old.is_empty() { &mut alone } else { &mut compared };
        into.push(Pairing {
            cell: slot.cell.clone(),
            old,
            new: slot.addresses.clone(),
        });
    }
    let found = if compared.is_empty() { alone } else { compared };
    if !found.is_empty() {
        return Ok(found);
    }
    Err(if is_unchanged {
        let reason = format!("`{component}` is unchanged: it runs on the instances it ran on before");
        Judgement::new(Verdict::Pass, reason)
    } else {
        let reason = format!("the wave has no instance of a component `{component}`");
        Judgement::new(Verdict::Error, reason)
    })
}
