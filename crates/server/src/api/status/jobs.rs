//! Runs of jobs that have failed on a release.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::event::Verdict;
use tidegate_domain::id::{ComponentName, Version};
use tidegate_domain::service::Service;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobFailures {
    pub component: ComponentName,
    /// How many, over all tenants and cells.
    pub runs: u32,
    /// How the last one ended, where no run has followed it for that tenant or cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

pub fn failed(service: &Service, version: &Version) -> Vec<JobFailures> {
    let mut found: BTreeMap<&ComponentName, JobFailures> = BTreeMap::new();
    for (name, job) in &service.jobs {
        let Some(runs) = job.failed.get(version) else { continue };
        let failures = found.entry(&name.component).or_insert_with(|| JobFailures {
            component: name.component.clone(),
            runs: 0,
            last: None,
        });
        failures.runs = failures.runs.saturating_add(*runs);
        let last = job.last.as_ref();
        let last = last.filter(|last| last.run.version == *version && last.verdict != Verdict::Pass);
        if let Some(last) = last {
            failures.last = Some(format!("{}: {}", name.in_words(), last.outcome));
        }
    }
    found.into_values().collect()
}
