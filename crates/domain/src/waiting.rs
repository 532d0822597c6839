//! Why nothing moves: "why is my release not moving?" is always answered, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::effect::EffectId;
use crate::id::{Actor, CellName, SlotId, TenantName, Version, WaveName};
use crate::time::Timestamp;

/// One thing that a release waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case")]
pub enum Waiting {
    /// An earlier release is still in flight.
    EarlierRelease { release: Version, earlier: Version },
    /// A person or Tidegate stopped it.
    Hold {
        release: Version,
        by: Actor,
        reason: String,
        until: Option<Timestamp>,
    },
    /// The least time between two waves.
    Gap {
        release: Version,
        wave: WaveName,
        until: Timestamp,
    },
    /// A slot is not ready.
    Slot {
        release: Version,
        wave: WaveName,
        cell: CellName,
        slot: SlotId,
        reason: String,
        until: Timestamp,
    },
    /// A gate has not ended.
    Gate {
        release: Version,
        wave: WaveName,
        effect: EffectId,
    },
    /// Gateways have not confirmed a switch.
    Gateways {
        release: Version,
        wave: WaveName,
        generation: u64,
        reason: String,
        until: Timestamp,
    },
    /// Workers have not been handed over.
    Workers {
        release: Version,
        wave: WaveName,
        cell: CellName,
        generation: u64,
        until: Timestamp,
    },
    /// The wave is being watched.
    Bake {
        release: Version,
        wave: WaveName,
        least: Timestamp,
        longest: Timestamp,
        reason: String,
    },
    /// A tenant cannot go back yet: the slots it returns to are not ready.
    Return {
        release: Version,
        tenant: TenantName,
        cell: CellName,
        reason: String,
    },
    /// An old slot has requests in flight.
    Drain {
        cell: CellName,
        slot: SlotId,
        in_flight: u64,
        until: Timestamp,
    },
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.in_words())
    }
}

impl Waiting {
    /// The release that waits; `None` where what waits is a slot that is being left.
    #[must_use]
    pub fn release(&self) -> Option<&Version> {
        match self {
            Self::EarlierRelease { release, .. }
            | Self::Hold { release, .. }
            | Self::Gap { release, .. }
            | Self::Slot { release, .. }
            | Self::Gate { release, .. }
            | Self::Gateways { release, .. }
            | Self::Workers { release, .. }
            | Self::Bake { release, .. }
            | Self::Return { release, .. } => Some(release),
            Self::Drain { .. } => None,
        }
    }

    /// What is waited for, to stand after "waits for".
    fn in_words(&self) -> String {
        match self {
            Self::EarlierRelease { earlier, .. } => format!("release {earlier} to end"),
            Self::Hold { by, reason, until, .. } => hold_in_words(by, reason, *until),
            Self::Gap { wave, until, .. } => format!("{until}, the earliest start of wave {wave}"),
            Self::Gate { effect, .. } => format!("gate {effect} to end"),
            Self::Slot {
                cell,
                slot,
                reason,
                until,
                ..
            } => {
                format!("slot {slot} in cell {cell} to be ready (until {until}): {reason}")
            }
            Self::Gateways {
                generation,
                reason,
                until,
                ..
            } => {
                format!("all gateways to confirm generation {generation} (until {until}): {reason}")
            }
            Self::Workers {
                cell,
                generation,
                until,
                ..
            } => {
                format!("the workers of cell {cell} to be handed over at generation {generation} (until {until})")
            }
            Self::Bake {
                wave,
                least,
                longest,
                reason,
                ..
            } => {
                format!("the bake of wave {wave}, between {least} and {longest}: {reason}")
            }
            Self::Return {
                tenant, cell, reason, ..
            } => {
                format!("the earlier version to be ready for tenant {tenant} in cell {cell}: {reason}")
            }
            Self::Drain {
                cell,
                slot,
                in_flight,
                until,
            } => {
                format!("slot {slot} in cell {cell} to drain: {in_flight} in flight, cut at {until}")
            }
        }
    }
}

fn hold_in_words(by: &Actor, reason: &str, until: Option<Timestamp>) -> String {
    match until {
        None => format!("a person to resume it: held by {by}: {reason}"),
        Some(until) => format!("the hold by {by} to end at {until}: {reason}"),
    }
}
