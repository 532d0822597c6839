//! What is waited for, with a word for programs and a sentence for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::waiting::Waiting;

/// One thing that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingText {
    /// Its kind: `bake`, `hold`, `slot`, `gateways`, ...
    pub r#for: String,
    /// After "waits for".
    pub text: String,
}

pub fn in_words(waiting: &Waiting) -> WaitingText {
    let kind = match waiting {
        Waiting::EarlierRelease { .. } => "earlier-release",
        Waiting::EarlierMoves { .. } => "earlier-moves",
        Waiting::Companion { .. } => "companion",
        Waiting::Hold { .. } => "hold",
        Waiting::Approval { .. } => "approval",
        Waiting::Start { .. } => "start",
        Waiting::Step { .. } => "step",
        Waiting::Window { .. } => "window",
        Waiting::Freeze { .. } => "freeze",
        Waiting::Notice { .. } => "notice",
        Waiting::Validation { .. } => "validation",
        Waiting::Migration { .. } => "migration",
        Waiting::Downtime { .. } => "downtime",
        Waiting::Peak { .. } => "peak",
        Waiting::Gap { .. } => "gap",
        Waiting::Slot { .. } => "slot",
        Waiting::Gate { .. } => "gate",
        Waiting::Answer { .. } => "answer",
        Waiting::Gateways { .. } => "gateways",
        Waiting::Workers { .. } => "workers",
        Waiting::Canary { .. } => "canary",
        Waiting::Bake { .. } => "bake",
        Waiting::Return { .. } => "return",
        Waiting::Drain { .. } => "drain",
        Waiting::Job { .. } => "job",
        Waiting::CellMove { .. } => "cell-move",
    };
    WaitingText {
        r#for: kind.to_owned(),
        text: waiting.to_string(),
    }
}
