//! The releases that go together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_domain::id::{ServiceName, Version};
use tidegate_domain::service::{Run, Service};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompanionStatus {
    pub service: ServiceName,
    pub version: Version,
    /// `unclear`, `not applied`, `applied`, `completed`, `rolled back` or `stopped`, as its server last told. Of this release
    /// itself: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

pub fn of(service: &Service, run: &Run) -> Vec<CompanionStatus> {
    let release = service.pinned.get(&run.version);
    let all = release.into_iter().flat_map(|release| &release.together);
    let status = all.map(|companion| CompanionStatus {
        service: companion.service.clone(),
        version: companion.version.clone(),
        phase: run
            .together
            .iter()
            .find(|known| known.companion == *companion)
            .map(|known| known.phase.as_str().to_owned()),
    });
    status.collect()
}
