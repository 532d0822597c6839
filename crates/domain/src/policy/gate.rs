//! Gates as a plan freezes them: which are asked before a wave is switched, and what their verdicts mean for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

use super::manual::Manual;
use crate::event::Verdict;
use crate::files::GateName;

/// A gate by the name it is registered under, and what it is told. The domain knows no more of it, but for [`Manual`], which people answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateUse {
    /// What it is called in its wave, where the playbook says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<GateName>,
    /// The name of the gate.
    pub uses: String,
    /// The template that it was written with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<GateName>,
    /// What it is told.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub with: serde_json::Value,
    #[serde(default, skip_serializing_if = "Disposition::is_hold")]
    pub on_no_data: Disposition,
    #[serde(default, skip_serializing_if = "Disposition::is_hold")]
    pub on_inconclusive: Disposition,
    /// It is judged and shown, and whatever it says stops nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What becomes of a verdict that does not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// The release is held.
    #[default]
    Hold,
    /// It counts as a failure.
    Fail,
    /// It counts as a pass.
    Pass,
}

/// What the verdict of a gate means for its wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateOutcome {
    /// It has not ended.
    Open,
    Passed,
    /// It did not decide, and the playbook lets that pass.
    LetPass,
    /// A person has decided that it stops nothing.
    Overridden,
    /// It has ended, and stops nothing whatever it says.
    DryRun,
    /// It did not decide, and that holds the release.
    Held,
    Failed,
}

impl GateUse {
    /// A gate as most are: told something, obeyed, and held by every verdict that does not decide.
    #[must_use]
    pub fn new(uses: &str, with: serde_json::Value) -> Self {
        Self {
            name: None,
            uses: uses.to_owned(),
            template: None,
            with,
            on_no_data: Disposition::Hold,
            on_inconclusive: Disposition::Hold,
            dry_run: false,
        }
    }

    /// What it is called, if no other of its wave is called so.
    #[must_use]
    pub fn label(&self) -> &str {
        let named = self.name.as_ref().or(self.template.as_ref());
        named.map_or(&self.uses, GateName::as_str)
    }

    /// What it is told as a question to people; `None`: no person is asked.
    #[must_use]
    pub fn manual(&self) -> Option<Result<Manual, String>> {
        (self.uses == Manual::NAME).then(|| Manual::read(&self.with))
    }

    /// What the playbook makes of a verdict. An error says nothing about the version, and never passes.
    #[must_use]
    pub fn outcome(&self, verdict: Option<Verdict>) -> GateOutcome {
        let Some(verdict) = verdict else {
            return GateOutcome::Open;
        };
        if self.dry_run {
            return GateOutcome::DryRun;
        }
        let unclear = match verdict {
            Verdict::Pass => return GateOutcome::Passed,
            Verdict::Fail => return GateOutcome::Failed,
            Verdict::Error => return GateOutcome::Held,
            Verdict::NoData => self.on_no_data,
            Verdict::Inconclusive => self.on_inconclusive,
        };
        match unclear {
            Disposition::Hold => GateOutcome::Held,
            Disposition::Fail => GateOutcome::Failed,
            Disposition::Pass => GateOutcome::LetPass,
        }
    }

    /// A verdict in words, with what the playbook makes of it where that is not the verdict itself.
    #[must_use]
    pub fn verdict_in_words(&self, verdict: Verdict) -> String {
        let word = verdict.in_words();
        match self.outcome(Some(verdict)) {
            GateOutcome::LetPass => format!("{word}, the playbook lets it pass"),
            GateOutcome::Failed if verdict != Verdict::Fail => {
                format!("{word}, which the playbook takes for a failure")
            }
            GateOutcome::DryRun => format!("{word}, a dry run"),
            GateOutcome::Open
            | GateOutcome::Passed
            | GateOutcome::Overridden
            | GateOutcome::Held
            | GateOutcome::Failed => word.to_owned(),
        }
    }

    /// What it is called, and how it is obeyed where that is not as most are.
    #[must_use]
    pub fn in_words(&self, name: &str) -> String {
        let of = |what: &str, disposition: Disposition| match disposition {
            Disposition::Hold => None,
            Disposition::Fail => Some(format!("{what} fails")),
            Disposition::Pass => Some(format!("{what} passes")),
        };
        let uses = (name != self.uses).then(|| self.uses.clone());
        let dry_run = self.dry_run.then(|| "dry run".to_owned());
        let unclear = [of("no data", self.on_no_data), of("inconclusive", self.on_inconclusive)];
        let all: Vec<String> = uses
            .into_iter()
            .chain(dry_run)
            .chain(unclear.into_iter().flatten())
            .collect();
        if all.is_empty() {
            return name.to_owned();
        }
        format!("{name} ({})", all.join(", "))
    }
}

impl Disposition {
    #[must_use]
    pub const fn is_hold(&self) -> bool {
        match self {
            Self::Hold => true,
            Self::Fail | Self::Pass => false,
        }
    }
}

impl GateOutcome {
    /// The wave goes on past it.
    #[must_use]
    pub const fn lets_pass(self) -> bool {
        match self {
            Self::Passed | Self::LetPass | Self::Overridden | Self::DryRun => true,
            Self::Open | Self::Held | Self::Failed => false,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Passed => "passed",
            Self::LetPass => "let pass",
            Self::Overridden => "overridden",
            Self::DryRun => "dry run",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }
}

/// What the gates of one wave are called, each otherwise: a second one without a name of its own is numbered.
#[must_use]
pub fn gate_names(gates: &[GateUse]) -> Vec<String> {
    let given = gates.iter().filter_map(|gate| gate.name.as_ref());
    let mut taken: BTreeSet<String> = given.map(|name| name.as_str().to_owned()).collect();
    let names = gates.iter().map(|gate| {
        if let Some(name) = &gate.name {
            return name.as_str().to_owned();
        }
        let mut name = gate.label().to_owned();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{}-{number}", gate.label());
        }
        name
    });
    names.collect()
}

#[cfg(test)]
mod tests;
