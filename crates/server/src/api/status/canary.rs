//! The canary of a wave, as it is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::TenantName;
use tidegate_domain::service::WaveRun;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CanaryStatus {
    /// Of each tenant's clients.
    pub share_percent: u8,
    /// Whose clients are split now.
    pub tenants: Vec<TenantName>,
    /// From when on its time is counted.
    pub since_ms: i64,
    /// It does not end by itself before this.
    pub least_ms: i64,
    /// Nor is it later than this.
    pub longest_ms: i64,
}

pub fn canary(wave: &WaveRun) -> Option<CanaryStatus> {
    let (policy, canary) = (wave.policy.canary?, wave.canary.as_ref()?);
    Some(CanaryStatus {
        share_percent: policy.share,
        tenants: canary.tenants.keys().cloned().collect(),
        since_ms: canary.since.0,
        least_ms: (canary.since + policy.least).0,
        longest_ms: (canary.since + policy.longest).0,
    })
}
