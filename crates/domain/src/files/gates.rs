//! The gates that playbooks name. What gates there are, and what each is told, is known elsewhere: whoever knows checks them here, so that
//! a mistake is shown at its place.

use serde::Deserialize as _;

use super::diagnostic::{Code, Diagnostic, Finding, Report};
use super::meaning::unknown_name;
use super::tree::{self, Node};
use super::{PLAYBOOKS_FOLDER, Source, folder_and_name};
use crate::policy::GateUse;

/// What is wrong with the use of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateMistake {
    /// There is none of this name, but these.
    Unknown { known: Vec<&'static str> },
    /// It does not take what `with` says; in words.
    With(String),
}

/// Every mistake that `check` finds in the gates of the playbooks among `sources`. Only for sources that read without a mistake.
#[must_use]
pub fn check_gates(sources: &[Source], check: impl Fn(&GateUse) -> Result<(), GateMistake>) -> Vec<Diagnostic> {
    let is_playbook = |source: &&Source| folder_and_name(&source.path).0 == PLAYBOOKS_FOLDER;
    let found = sources.iter().filter(is_playbook).flat_map(|source| {
        let mut report = Report::new(source);
        if let Some(tree) = tree::read(&mut report) {
            let places = tree.items_of("waves").iter().chain(tree.field("hotfix"));
            let gates = places.flat_map(|place| place.items_of("gates"));
            report.extend(gates.filter_map(|gate| finding(gate, &check)));
        }
        report.diagnostics()
    });
    found.collect()
}

fn finding(gate: &Node, check: &impl Fn(&GateUse) -> Result<(), GateMistake>) -> Option<Finding> {
    let uses: GateUse = GateUse::deserialize(gate).ok()?;
    let name = gate.field("uses")?;
    Some(match check(&uses).err()? {
        GateMistake::Unknown { known } => unknown_name("gate", &uses.uses, &name.span, &known.into_iter().collect()),
        GateMistake::With(reason) => {
            let message = format!("gate `{}` cannot be used so: {reason}", uses.uses);
            let span = gate.field("with").map_or_else(|| name.span.clone(), Node::first_span);
            Finding::error(Code::Gate, &span, message)
        }
    })
}
