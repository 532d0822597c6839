//! What the gates of a wave mean for it, with what people have decided about them.

use serde::{Deserialize, Serialize};

use super::WaveRun;
use crate::event::Verdict;
use crate::id::Actor;
use crate::policy::{GateOutcome, gate_names};
use crate::time::Timestamp;

/// A person lets a wave go past a gate, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    pub by: Actor,
    pub reason: String,
    pub at: Timestamp,
}

impl WaveRun {
    /// What its gates are called, in their order.
    #[must_use]
    pub fn gate_names(&self) -> Vec<String> {
        gate_names(&self.policy.gates)
    }

    /// What one of its gates means for it now. A gate that it does not have stops nothing.
    #[must_use]
    pub fn gate_outcome(&self, gate: usize) -> GateOutcome {
        if self.overridden.contains_key(&gate) {
            return GateOutcome::Overridden;
        }
        let verdict = self.gates.get(gate).and_then(Option::as_ref);
        let verdict: Option<Verdict> = verdict.map(|judgement| judgement.verdict);
        let policy = self.policy.gates.get(gate);
        policy.map_or(GateOutcome::Passed, |policy| policy.outcome(verdict))
    }
}
