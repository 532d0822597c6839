//! What exactly is run for an instance: the definition with the blanks filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tidegate_domain::effect::EffectId;
use tidegate_domain::id::{SlotId, TenantName};
use tidegate_domain::release::SlotSpec;

use super::Options;
use super::record::{InstanceDirectory, Launch};
use crate::drivers::Once;

/// What may stand in a command between braces.
pub(super) struct Blanks<'a> {
    pub spec: &'a SlotSpec,
    pub directory: &'a InstanceDirectory,
    pub artifact: &'a Path,
    pub port: u16,
    /// The only tenant that it is run for.
    pub tenant: Option<&'a TenantName>,
}

/// The file that `TIDEGATE_CONFIG` names.
#[derive(Debug, Serialize)]
pub(super) struct ConfigurationFile<'a> {
    configuration: &'a BTreeMap<String, String>,
    tenants: &'a BTreeMap<TenantName, BTreeMap<String, String>>,
}

impl Blanks<'_> {
    /// Fills in one argument. Braces around anything else stay.
    fn fill(&self, text: &str) -> String {
        let port = self.port.to_string();
        let (artifact, config) = (self.artifact.to_string_lossy(), self.directory.configuration());
        // Without one its blank is text as any other.
        let tenant = self.tenant.map_or("{tenant}", TenantName::as_str);
        let values = [
            ("{artifact}", artifact.as_ref()),
            ("{port}", port.as_str()),
            ("{cell}", self.spec.cell.as_str()),
            ("{version}", self.spec.version.as_str()),
            ("{config}", &config.to_string_lossy()),
            ("{tenant}", tenant),
        ];
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        // From left to right, once: what was filled in is not looked at again.
        while let Some(start) = rest.find('{') {
            filled.push_str(&rest[..start]);
            rest = &rest[start..];
            let (blank, value) = values
                .into_iter()
                .find(|(blank, _)| rest.starts_with(blank))
                .unwrap_or(("{", "{"));
            filled.push_str(value);
            rest = &rest[blank.len()..];
        }
        filled.push_str(rest);
        filled
    }

    pub fn fill_all(&self, command: &[String]) -> Vec<String> {
        command.iter().map(|argument| self.fill(argument)).collect()
    }
}

/// What the shim is told to start.
pub(super) fn launch(blanks: &Blanks<'_>, slot: &SlotId, index: u16, options: &Options) -> Launch {
    let Blanks { spec, directory, .. } = *blanks;
    let definition = &spec.definition;
    let mut environment = definition.environment.clone();
    environment.extend(spec.configuration.clone());
    environment.retain(|name, value| is_variable(name, value));
    let own = [
        ("PORT", blanks.port.to_string()),
        ("TIDEGATE_CELL", spec.cell.to_string()),
        ("TIDEGATE_VERSION", spec.version.to_string()),
        ("TIDEGATE_COMPONENT", spec.component.to_string()),
        ("TIDEGATE_INSTANCE", format!("{slot}/{index}")),
        (
            "TIDEGATE_CONFIG",
            directory.configuration().to_string_lossy().into_owned(),
        ),
    ];
    environment.extend(own.map(|(key, value)| (key.to_owned(), value)));
    Launch {
        command: blanks.fill_all(&definition.command),
        environment,
        secrets: spec.secrets.keys().cloned().collect(),
        artifact: PathBuf::from(blanks.artifact),
        digest: spec.artifact.digest.clone(),
        port: blanks.port,
        stop_grace_ms: definition.stop_grace.as_millis().unsigned_abs(),
        log: options.log,
        lease: options.lease.clone(),
    }
}

/// What the shim is told to run once. It has no port: nobody sends it requests.
pub(super) fn launch_once(blanks: &Blanks<'_>, id: &EffectId, task: Once<'_>, options: &Options) -> Launch {
    let index = 0;
    let base = launch(blanks, &task.spec().id(), index, options);
    let mut environment = base.environment;
    environment.remove("PORT");
    environment.remove("TIDEGATE_INSTANCE");
    let mut own = task.variables(id);
    own.retain(|name, value| is_variable(name, value));
    environment.extend(own);
    Launch {
        command: blanks.fill_all(task.command()),
        environment,
        ..base
    }
}

/// Configuration may have keys that cannot be variables. They are in the file all the same.
fn is_variable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

impl<'a> ConfigurationFile<'a> {
    pub fn of(spec: &'a SlotSpec) -> Self {
        Self {
            configuration: &spec.configuration,
            tenants: &spec.tenant_configuration,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
