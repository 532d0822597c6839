//! What a playbook says about a replay.

use std::collections::BTreeSet;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use tidegate_domain::files::{HeaderName, Project, ShadowFile};
use tidegate_domain::id::{ComponentName, TenantName};
use tidegate_domain::time::Duration as Span;
use tidegate_evidence::shadow::{Rules, endpoint};

use super::super::{check_component, rules, told};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct With {
    /// Whose instances are asked.
    pub component: ComponentName,
    pub workloads: Vec<WorkloadUse>,
    /// What the new version's answers are compared with.
    #[serde(default)]
    pub expect: Expect,
    /// How often all of it is sent.
    #[serde(default = "one")]
    pub times: u32,
    /// How many workloads are sent side by side.
    #[serde(default = "four")]
    pub parallel: usize,
    /// For one answer.
    #[serde(default = "ten_seconds")]
    pub timeout: Span,
    /// As fast as it was recorded, or so many times as fast. Left out: the next request when the one before is answered.
    #[serde(default)]
    pub speed: Option<f64>,
    /// Requests that may change something, as `POST /search`: they are sent although their method is not safe.
    #[serde(default)]
    pub sandbox: BTreeSet<String>,
    /// Headers that are sent although their names say that they hold secrets.
    #[serde(default)]
    pub secret_headers: Vec<HeaderName>,
    #[serde(default)]
    rules: ShadowFile,
}

/// A file with requests in their order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadUse {
    /// In the project's folder: `.har`, or a request a line.
    pub file: String,
    /// Whose requests they are.
    #[serde(default)]
    pub tenant: Option<TenantName>,
    /// Of a HAR: the host that is ours. Left out: that of its first request.
    #[serde(default)]
    pub host: Option<String>,
    /// Every request may be sent, whatever it changes.
    #[serde(default)]
    pub sandbox: bool,
}

/// What the new version's answers are compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Expect {
    /// With those of the old version today.
    #[default]
    Old,
    /// With those in the file; those of the old version today tell what is noise.
    Recorded,
}

const TIMES_MAX: u32 = 1_000;
const PARALLEL_MAX: usize = 64;
const WORKLOADS_MAX: usize = 1_000;
const TIMEOUT_MAX: Span = Span::from_secs(300);

fn one() -> u32 {
    1
}

fn four() -> usize {
    4
}

fn ten_seconds() -> Span {
    Span::from_secs(10)
}

impl With {
    pub fn read(with: &Value) -> Result<Self, String> {
        let with: Self = told(with)?;
        if with.workloads.is_empty() || with.workloads.len() > WORKLOADS_MAX {
            return Err(format!("`workloads` lists between one and {WORKLOADS_MAX} files"));
        }
        if with.times == 0 || with.times > TIMES_MAX {
            return Err(format!("`times` is between 1 and {TIMES_MAX}"));
        }
        if with.parallel == 0 || with.parallel > PARALLEL_MAX {
            return Err(format!("`parallel` is between 1 and {PARALLEL_MAX}"));
        }
        if with.timeout.is_zero() || with.timeout > TIMEOUT_MAX {
            return Err(format!("`timeout` is above 0 and {TIMEOUT_MAX} at most"));
        }
        if with.speed.is_some_and(|speed| !(speed.is_finite() && speed > 0.0)) {
            return Err("`speed` is above 0: 1 is as fast as it was recorded, 2 twice as fast".to_owned());
        }
        for one in &with.sandbox {
            let parts = one.split_once(' ');
            if !parts
                .is_some_and(|(method, path)| Method::from_bytes(method.as_bytes()).is_ok() && path.starts_with('/'))
            {
                return Err(format!(
                    "`sandbox` lists `{one}`: write a method and a path, as `POST /search`"
                ));
            }
        }
        with.rules()?;
        Ok(with)
    }

    pub fn rules(&self) -> Result<Rules, String> {
        rules(&self.rules)
    }

    /// Whether a request may be sent.
    pub fn allows(&self, workload: &WorkloadUse, method: &Method, path: &str) -> bool {
        let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        is_safe || workload.sandbox || self.sandbox.contains(&endpoint(method.as_str(), path, &[]))
    }

    /// What it names of the service, and the service does not have.
    pub fn check_names(&self, project: &Project) -> Result<(), String> {
        check_component(&self.component, project)?;
        let known = &project.tenants.tenants;
        let mut named = self.workloads.iter().filter_map(|workload| workload.tenant.as_ref());
        match named.find(|named| !known.iter().any(|tenant| tenant.id == **named)) {
            Some(tenant) => Err(format!("there is no tenant `{tenant}` in tenants.yaml")),
            None => Ok(()),
        }
    }
}
