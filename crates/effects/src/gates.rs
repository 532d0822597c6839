//! Gates: checks that a wave must pass before its tenants move. A gate is a file here and a line in [`GATES`].

mod command;
mod expectation;
mod hands;
mod http;
mod load;
mod metric;
mod pairing;
mod pool;
mod prepared;
mod program;
mod regression;
mod reliability;
mod replay;
mod rules;
pub mod shadow;
pub mod tap;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::{fs, io};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::files::{ComponentKind, GateMistake, LabelName, Project, Scalar};
use tidegate_domain::id::{CellName, ComponentName, TenantName, Version, WaveName};
use tidegate_domain::policy::{GateUse, Manual};

use self::tap::Taps;

pub use self::hands::{Hands, Unused};
pub use self::rules::rules;

/// A kind of gate.
#[derive(Debug)]
pub struct Gate {
    /// What a playbook's `uses:` says.
    pub name: &'static str,
    /// Says what is wrong with a playbook's `with:`, if anything is.
    pub validate: fn(&Value) -> Result<(), String>,
    /// Says what a `with:` that is valid names of the project, and the project does not have.
    pub suits: fn(&Value, &Project) -> Result<(), String>,
    pub run: fn(Value, Target) -> Running,
}

/// A gate that runs.
pub type Running = Pin<Box<dyn Future<Output = Judgement> + Send>>;

/// What a gate is run against.
#[derive(Debug, Clone)]
pub struct Target {
    pub version: Version,
    pub wave: WaveName,
    /// The project's folder, which paths in the playbook are relative to.
    pub directory: PathBuf,
    /// The new slots of the wave, which no tenant uses yet.
    pub slots: Vec<TargetSlot>,
    /// The slots of the versions that the wave's tenants are on. What the new version does not change is in both.
    pub old: Vec<TargetSlot>,
    /// Some of the wave's tenants are on a version already: there is something to compare with, even if it does not run now.
    pub has_old: bool,
    /// The wave's tenants that are on a version already.
    pub tenants: Vec<TargetTenant>,
    /// What gateways may be asked to mirror.
    pub taps: Taps,
    /// Where tenants of these cells live.
    pub homes: BTreeMap<TenantName, CellName>,
    /// The labels of the cells, by `tidegate.yaml`.
    pub labels: BTreeMap<CellName, BTreeMap<LabelName, Scalar>>,
    /// A folder for what this gate of this wave leaves for people to look at. What is in it is of an earlier run, and it may be missing.
    pub kept: PathBuf,
    /// What the release is built of, and what the versions are that the wave's tenants are on.
    pub artifacts: Vec<Built>,
    pub old_artifacts: Vec<Built>,
    /// A hold of the new slots that no tenant uses.
    pub hands: Option<Hands>,
}

/// The artifact of a component, as the driver keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    pub component: ComponentName,
    pub version: Version,
    pub path: PathBuf,
}

/// Where a tenant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTenant {
    pub tenant: TenantName,
    pub cell: CellName,
    pub version: Version,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetSlot {
    pub cell: CellName,
    pub component: ComponentName,
    pub addresses: Vec<SocketAddr>,
}

/// Every gate that something is done for. Besides them there is [`Manual`], which people answer.
pub const GATES: &[Gate] = &[
    command::GATE,
    http::GATE,
    load::GATE,
    metric::GATE,
    regression::GATE,
    reliability::GATE,
    replay::GATE,
    shadow::GATE,
];

/// Whether a gate disturbs the instances, so that no other gate of its wave can judge them meanwhile.
#[must_use]
pub fn disturbs(name: &str) -> bool {
    name == reliability::GATE.name
}

/// The gates that read files of the project, and what is wrong with these.
const READERS: &[(&str, Check)] = &[(replay::GATE.name, replay::check_files)];

/// Says what is wrong with the files that a `with:` names in the project's folder, if anything is.
type Check = fn(&Value, &Path) -> Result<(), String>;

#[must_use]
pub fn find(name: &str) -> Option<&'static Gate> {
    GATES.iter().find(|gate| gate.name == name)
}

/// Says what is wrong with the use of a gate in a project, if anything is.
///
/// # Errors
/// There is no such gate, it does not take what it is told, or it is told of something that the project does not have.
pub fn check(gate: &GateUse, project: &Project) -> Result<(), GateMistake> {
    if let Some(manual) = gate.manual() {
        return manual.and_then(|_| check_manual(gate)).map_err(GateMistake::With);
    }
    let Some(kind) = find(&gate.uses) else {
        let known = GATES.iter().map(|gate| gate.name).chain([Manual::NAME]);
        return Err(GateMistake::Unknown { known: known.collect() });
    };
    let valid = (kind.validate)(&gate.with);
    valid
        .and_then(|()| (kind.suits)(&gate.with, project))
        .map_err(GateMistake::With)
}

/// Nobody is asked for a word that changes nothing.
fn check_manual(gate: &GateUse) -> Result<(), String> {
    if gate.dry_run {
        return Err("`dry_run` makes people answer, and then does not listen: leave one of the two out".to_owned());
    }
    if !gate.on_no_data.is_hold() {
        return Err(
            "it has no `no_data`: who does not answer leaves it inconclusive, so write `on_inconclusive`".to_owned(),
        );
    }
    Ok(())
}

/// Says what is wrong with the files of the project that a gate reads, if anything is. Only for a use that [`check`] finds in order.
///
/// # Errors
/// In words, with the file and the place in it.
pub fn check_files(gate: &GateUse, directory: &Path) -> Result<(), GateMistake> {
    match READERS.iter().find(|(name, _)| *name == gate.uses) {
        Some((_, check)) => check(&gate.with, directory).map_err(GateMistake::With),
        None => Ok(()),
    }
}

/// A component that a gate names, and the project does not have, is a mistake.
fn check_component(component: &ComponentName, project: &Project) -> Result<(), String> {
    let components = &project.service.components;
    if components.iter().any(|known| known.name == *component) {
        return Ok(());
    }
    let known: Vec<&str> = components.iter().map(|known| known.name.as_str()).collect();
    Err(format!(
        "there is no component `{component}` in tidegate.yaml; there are {}",
        known.join(", ")
    ))
}

/// The same of one that has to answer requests.
fn check_http_component(component: &ComponentName, project: &Project) -> Result<(), String> {
    check_component(component, project)?;
    let mut components = project.service.components.iter();
    let is_http = components.any(|known| known.name == *component && known.kind == ComponentKind::Http);
    match is_http {
        true => Ok(()),
        false => Err(format!(
            "`{component}` is no component of the kind `http`: no gateway sees its work"
        )),
    }
}

/// What a playbook's `with:` says. Left out it says nothing, and each gate tells what it lacks.
fn told<T: DeserializeOwned>(with: &Value) -> Result<T, String> {
    let with = if with.is_null() {
        Value::Object(Map::new())
    } else {
        with.clone()
    };
    serde_json::from_value(with).map_err(|error| error.to_string())
}

/// A gate that judges by what its `with` says. One that cannot be used is an error: it was checked when the release was planned, perhaps by
/// another version.
fn running<W, F>(
    with: Value,
    read: impl FnOnce(&Value) -> Result<W, String> + Send + 'static,
    judge: impl FnOnce(W) -> F + Send + 'static,
) -> Running
where
    W: Send,
    F: Future<Output = Judgement> + Send,
{
    Box::pin(async move {
        match read(&with) {
            Ok(with) => judge(with).await,
            Err(reason) => Judgement::new(Verdict::Error, format!("`with` cannot be used: {reason}")),
        }
    })
}

/// What is kept of an earlier run goes: what is found there is of this one.
fn make_room(kept: &Path) -> Result<(), String> {
    let cannot = |error| format!("the folder `{}` cannot be made anew: {error}", kept.display());
    match fs::remove_dir_all(kept) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
        Ok(()) | Err(_) => {}
    }
    fs::create_dir_all(kept).map_err(cannot)
}

/// The names of all gates, for a message.
#[must_use]
pub fn names() -> String {
    GATES.iter().map(|gate| gate.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
