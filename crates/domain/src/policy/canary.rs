//! A share of the requests, before anybody is moved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OnInconclusive;
use crate::time::Duration;

/// A share of the tenants' clients gets the new version before the wave is switched, and is judged against the others. Every field may
/// be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Canary {
    /// The share of each tenant's clients, in percent.
    #[schemars(range(min = 1, max = 50))]
    pub share: u8,
    /// Never shorter than this.
    pub least: Duration,
    /// Never longer than this: then `on_inconclusive` decides.
    pub longest: Duration,
    /// Requests to the new version that must have been judged, counted over the whole wave.
    pub requests: u64,
    /// What comes in this time after a tenant's clients have first been sent there is not judged.
    pub warm_up: Duration,
    /// What happens at the longest without a verdict; left out, what the playbook says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_inconclusive: Option<OnInconclusive>,
}

impl Default for Canary {
    fn default() -> Self {
        Self {
            share: 5,
            least: Duration::from_secs(600),
            longest: Duration::from_hours(1),
            requests: 200,
            warm_up: Duration::from_secs(30),
            on_inconclusive: None,
        }
    }
}
