//! The gates of a wave, with what their verdicts mean for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::Verdict;
use tidegate_domain::policy::{GateOutcome, Manual};
use tidegate_domain::release::Stage;
use tidegate_domain::service::{WaveRun, WaveState};

use super::{HealthStatus, judgement};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateStatus {
    /// What it is called in its wave.
    pub name: String,
    /// The gate that it is.
    pub uses: String,
    /// The template that it was written with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What it means for the wave: `open`, `passed`, `let pass`, `overridden`, `dry run`, `held` or `failed`.
    pub outcome: String,
    /// It is judged and shown, and stops nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Absent until it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<HealthStatus>,
    /// What is made of its verdict, where that is not the verdict itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// A person lets the wave go past it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<GateOverride>,
    /// What it asks people now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<GateQuestion>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateOverride {
    pub by: String,
    pub reason: String,
    pub at_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateQuestion {
    pub text: String,
    /// Who may answer: people, and roles of which one is enough.
    pub people: Vec<String>,
    pub roles: Vec<String>,
    /// When nobody's answer becomes `inconclusive`.
    pub until_ms: i64,
}

pub fn of(wave: &WaveRun, asks: bool) -> Vec<GateStatus> {
    let names = wave.gate_names().into_iter();
    let gates = names.zip(&wave.policy.gates).zip(&wave.gates).enumerate();
    let status = gates.map(|(place, ((name, gate), result))| {
        let outcome = wave.gate_outcome(place);
        let verdict = result.as_ref().map(|result| result.verdict);
        let because = verdict.map(|verdict| gate.verdict_in_words(verdict));
        GateStatus {
            name,
            uses: gate.uses.clone(),
            template: gate.template.as_ref().map(ToString::to_string),
            outcome: outcome.as_str().to_owned(),
            dry_run: gate.dry_run,
            result: result.as_ref().map(|result| judgement(result, None)),
            because: because.filter(|because| Some(because.as_str()) != verdict.map(Verdict::in_words)),
            overridden: wave.overridden.get(&place).map(|decided| GateOverride {
                by: decided.by.to_string(),
                reason: decided.reason.clone(),
                at_ms: decided.at.0,
            }),
            question: gate
                .manual()
                .and_then(Result::ok)
                .filter(|_| asks && outcome == GateOutcome::Open)
                .and_then(|manual| question(wave, manual)),
        }
    });
    status.collect()
}

/// Only while the wave asks.
fn question(wave: &WaveRun, manual: Manual) -> Option<GateQuestion> {
    let WaveState::Active {
        stage: Stage::Verify,
        since,
    } = wave.state
    else {
        return None;
    };
    Some(GateQuestion {
        text: manual.question,
        people: manual.who.people.into_iter().collect(),
        roles: manual.who.roles.iter().map(ToString::to_string).collect(),
        until_ms: (since + manual.expires).0,
    })
}
