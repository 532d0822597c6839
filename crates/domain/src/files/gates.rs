//! The gates that playbooks name. What gates there are, and what each is told, is known elsewhere: whoever knows checks them here, so that
//! a mistake is shown at its place.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;

use super::diagnostic::{Code, Diagnostic, Finding, Place, Report};
use super::gate_template::GateTemplate;
use super::meaning::unknown_name;
use super::tree::{self, Node};
use super::{GATES_FOLDER, GateName, PLAYBOOKS_FOLDER, Project, Source, WaveGate, folder_and_name};
use crate::policy::GateUse;

/// What is wrong with the use of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateMistake {
    /// There is none of this name, but these.
    Unknown { known: Vec<&'static str> },
    /// It does not take what `with` says; in words.
    With(String),
}

/// What a file in `gates/` is called.
pub(super) fn name_of(path: &str) -> &str {
    let (_, file) = folder_and_name(path);
    file.strip_suffix(".yaml").unwrap_or(file)
}

impl Project {
    /// Gates of a playbook as a plan freezes them.
    #[must_use]
    pub fn plain_gates(&self, written: &[WaveGate]) -> Vec<GateUse> {
        written.iter().map(|gate| gate.plain(&self.gates)).collect()
    }
}

/// The templates among the sources, and where each says what its gate is told.
#[derive(Default)]
struct Templates {
    by_name: BTreeMap<GateName, GateTemplate>,
    places: BTreeMap<GateName, String>,
}

/// Every mistake that `check` finds in the gates of the playbooks and templates among `sources`. Only for sources that read without a mistake.
#[must_use]
pub fn check_gates(sources: &[Source], check: impl Fn(&GateUse) -> Result<(), GateMistake>) -> Vec<Diagnostic> {
    let of_folder = |folder: &'static str| {
        let is_in = move |source: &&Source| folder_and_name(&source.path).0 == folder;
        sources.iter().filter(is_in)
    };
    let mut templates = Templates::default();
    let mut found = Vec::new();
    for source in of_folder(GATES_FOLDER) {
        let mut report = Report::new(source);
        if let Some(tree) = tree::read(&mut report) {
            let findings = templates.take(source, &tree, &check);
            report.extend(findings);
        }
        found.extend(report.diagnostics());
    }
    for source in of_folder(PLAYBOOKS_FOLDER) {
        let mut report = Report::new(source);
        if let Some(tree) = tree::read(&mut report) {
            let places = tree.items_of("waves").iter().chain(tree.field("hotfix"));
            let gates = places.flat_map(|place| place.items_of("gates"));
            report.extend(gates.filter_map(|gate| templates.finding(gate, &check)));
        }
        found.extend(report.diagnostics());
    }
    found
}

impl Templates {
    /// Takes a template in. What is wrong with it alone is told: with which arguments it is used, playbooks say.
    fn take(
        &mut self,
        source: &Source,
        tree: &Node,
        check: &impl Fn(&GateUse) -> Result<(), GateMistake>,
    ) -> Option<Finding> {
        let template = GateTemplate::deserialize(tree).ok()?;
        let uses = tree.field("uses")?;
        let name = GateName::new(name_of(&source.path)).ok()?;
        let is_known = |name: &str| match check(&GateUse::new(name, serde_json::Value::Null)) {
            Err(GateMistake::Unknown { known }) => Err(known),
            Ok(()) | Err(GateMistake::With(_)) => Ok(()),
        };
        let mistake = if is_known(name.as_str()).is_ok() {
            let message = format!("there is a gate `{name}`: a template has a name of its own");
            Some(Finding::error(Code::DuplicateName, &uses.span, message).help("rename the file"))
        } else {
            let unknown = is_known(template.uses.as_str()).err();
            unknown.map(|known| unknown_name("gate", template.uses.as_str(), &uses.span, &known.into_iter().collect()))
        };
        let told = tree.field("with").map_or_else(|| uses.span.clone(), Node::first_span);
        let line = Place::of(&told, &source.text).line;
        self.places.insert(name.clone(), format!("{}:{line}", source.path));
        self.by_name.insert(name, template);
        mistake
    }

    fn finding(&self, gate: &Node, check: &impl Fn(&GateUse) -> Result<(), GateMistake>) -> Option<Finding> {
        let written = WaveGate::deserialize(gate).ok()?;
        let name = gate.field("uses")?;
        let template = self.places.get(&written.uses);
        let frozen = written.plain(&self.by_name);
        Some(match (check(&frozen).err()?, template) {
            // The template is told of it.
            (GateMistake::Unknown { .. }, Some(_)) => return None,
            (GateMistake::Unknown { known }, None) => {
                let templates = self.by_name.keys().map(GateName::as_str);
                let known: BTreeSet<&str> = known.into_iter().chain(templates).collect();
                unknown_name("gate", &frozen.uses, &name.span, &known)
            }
            (GateMistake::With(reason), None) => {
                let message = format!("gate `{}` cannot be used so: {reason}", frozen.uses);
                let with = gate.field("with");
                let span = with.map_or_else(|| name.span.clone(), Node::first_span);
                let mut of_every_gate = ["on_no_data", "on_inconclusive", "dry_run"].into_iter();
                let misplaced = of_every_gate.find(|field| with.is_some_and(|with| with.field(field).is_some()));
                let help = misplaced.map(|field| format!("write `{field}` beside `with`: every gate takes it"));
                Finding::error(Code::Gate, &span, message).help_if(help)
            }
            (GateMistake::With(reason), Some(place)) => {
                let message = format!(
                    "gate `{}` of template `{}` cannot be used so: {reason}",
                    frozen.uses, written.uses
                );
                let span = gate
                    .field("arguments")
                    .map_or_else(|| name.span.clone(), Node::first_span);
                Finding::error(Code::Gate, &span, message).help(format!("what it is told stands in {place}"))
            }
        })
    }
}
