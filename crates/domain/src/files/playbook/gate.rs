//! The gates of a playbook, as people write them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::gate_template::{ArgumentName, ArgumentValue, GateTemplate};
use crate::files::text::GateName;
use crate::policy::{Disposition, GateUse};

/// A check before a wave is switched: a gate, or a template of one with its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaveGate {
    /// What it is called in its wave, in `tidegate gates` and in the journal. Left out, as what it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<GateName>,
    /// The name of the gate, or of the file in `gates/`, without `.yaml`, that is its template.
    pub uses: GateName,
    /// What the template is told.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<ArgumentName, ArgumentValue>,
    /// What the gate is told. Not with a template, which says it.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub with: serde_json::Value,
    /// What becomes of the verdict `no_data`. Left out, what the template says, or `hold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_no_data: Option<Disposition>,
    /// What becomes of the verdict `inconclusive`. Left out, what the template says, or `hold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_inconclusive: Option<Disposition>,
    /// Whether it is only tried: judged and shown, and never obeyed. Left out, what the template says, or `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

impl WaveGate {
    /// What is frozen of it: a gate, whichever way it was written. What stands here counts more than what the template says.
    #[must_use]
    pub fn plain(&self, templates: &BTreeMap<GateName, GateTemplate>) -> GateUse {
        let template = templates.get(&self.uses);
        let (uses, with) = match template {
            Some(template) => (&template.uses, template.told(&self.arguments)),
            None => (&self.uses, self.with.clone()),
        };
        let of_template = |field: fn(&GateTemplate) -> Option<Disposition>| template.and_then(field);
        let on_no_data = self.on_no_data.or_else(|| of_template(|template| template.on_no_data));
        let on_inconclusive = self
            .on_inconclusive
            .or_else(|| of_template(|template| template.on_inconclusive));
        let dry_run = self.dry_run.or_else(|| template.and_then(|template| template.dry_run));
        GateUse {
            name: self.name.clone(),
            template: template.map(|_| self.uses.clone()),
            on_no_data: on_no_data.unwrap_or_default(),
            on_inconclusive: on_inconclusive.unwrap_or_default(),
            dry_run: dry_run.unwrap_or_default(),
            ..GateUse::new(uses.as_str(), with)
        }
    }
}
