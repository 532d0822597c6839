//! Releases that were handed in, kept by their version: what each consists of, how far it has come, and how it ended.
//!
//! What was handed in is never changed and never forgotten, so that a version stays one release. How far it has come is a
//! fact of its own, of one kind while it waits and of another afterwards: what waits is found without reading the rest.

pub mod auto;
mod content;
mod keeping;
mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tidegate_domain::id::{Actor, ComponentName, Digest, Version};
use tidegate_domain::release::ReleaseKind;
use tidegate_domain::time::Timestamp;
use tidegate_store::{Fact, FactChange, JournalEntry, Record, StoreError};

pub use self::content::Content;
pub use self::keeping::Keeping;
pub use self::read::{NewRelease, Understood, content_of, understand};
use crate::control::Control;

const RELEASE_KIND: &str = "created-release";
const WAITING_KIND: &str = "created-waiting";
const ENDED_KIND: &str = "created-ended";

/// The number of the last release that was handed in.
const NUMBER_KIND: &str = "created-number";
const NUMBER_KEY: &str = "last";

/// A release as it was handed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedIn {
    pub request: NewRelease,
    pub content: Content,
    pub by: Actor,
    pub at: Timestamp,
}

/// How far a release has come that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Counts what is handed in.
    pub number: u64,
    pub version: Version,
    pub kind: ReleaseKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What it repairs: a release in flight, or one that tenants run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<Version>,
    pub artifacts: BTreeMap<ComponentName, Digest>,
    pub by: Actor,
    pub at: Timestamp,
    /// The plan that was made of it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Timestamp>,
    /// What stood in its way when the server tried last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<String>,
    /// How often the state machine has refused it: the key of an apply is not used again after that.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refusals: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<End>,
}

/// How it ended for one that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    pub how: Ended,
    pub by: Actor,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// What becomes of it from here on, its run says.
    Applied,
    /// This one was handed in later, and took its place.
    Superseded {
        by: Version,
    },
    Withdrawn {
        reason: String,
    },
}

/// A fact that cannot be understood, or a store that does not work.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("cannot read or write what was handed in")]
    Store(#[from] StoreError),
    #[error("what is kept of release {version} cannot be understood")]
    Kept {
        version: String,
        #[source]
        source: serde_json::Error,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Progress {
    /// It stands in no line: it waits for nobody who was handed in before it, and nobody waits for it.
    #[must_use]
    pub fn goes_ahead(&self) -> bool {
        self.kind == ReleaseKind::Emergency || self.patches.is_some()
    }

    fn kind_of_fact(&self) -> &'static str {
        if self.ended.is_some() { ENDED_KIND } else { WAITING_KIND }
    }

    fn fact(&self) -> FactChange {
        put(self.kind_of_fact(), self.version.as_str(), self)
    }
}

/// Every release that waits, in the order they were handed in.
pub async fn waiting(control: &Control) -> Result<Vec<Progress>, IntakeError> {
    let facts = control.store().facts(control.service().as_str(), WAITING_KIND).await?;
    let mut waiting = facts
        .iter()
        .map(|fact| understood(&fact.key, &fact.body))
        .collect::<Result<Vec<Progress>, _>>()?;
    waiting.sort_by_key(|one| one.number);
    Ok(waiting)
}

/// How far a release has come; `None` where it was never handed in.
pub async fn progress(control: &Control, version: &Version) -> Result<Option<Progress>, IntakeError> {
    match find(control, WAITING_KIND, version).await? {
        Some(waiting) => Ok(Some(waiting)),
        None => find(control, ENDED_KIND, version).await,
    }
}

/// What was handed in under this version.
pub async fn handed_in(control: &Control, version: &Version) -> Result<Option<HandedIn>, IntakeError> {
    find(control, RELEASE_KIND, version).await
}

/// Keeps a release that is new here. Whoever calls sees to it that nobody else does at the same time.
pub async fn create(control: &Control, release: &HandedIn, understood: &Understood) -> Result<Progress, IntakeError> {
    let service = control.service().as_str();
    let last = control.store().fact(service, NUMBER_KIND, NUMBER_KEY).await?;
    let number = last.and_then(|text| text.parse::<u64>().ok()).unwrap_or_default() + 1;
    let file = &understood.release;
    let progress = Progress {
        number,
        version: file.version.clone(),
        kind: file.kind,
        summary: file.summary.clone(),
        patches: file.patches.clone().or_else(|| file.hotfix.clone()),
        artifacts: understood.digests(),
        by: release.by.clone(),
        at: release.at,
        plan: None,
        planned: None,
        blocks: Vec::new(),
        refusals: 0,
        ended: None,
    };
    let count = Fact {
        kind: NUMBER_KIND.to_owned(),
        key: NUMBER_KEY.to_owned(),
        body: number.to_string(),
    };
    let facts = vec![
        put(RELEASE_KIND, file.version.as_str(), release),
        progress.fact(),
        FactChange::Put(count),
    ];
    let row = row(&progress, "release_created", &release.by, "handed in", release.at);
    write(control, facts, vec![row]).await?;
    Ok(progress)
}

/// Keeps how far a release has come that still waits, with a row of the journal where that is news.
pub async fn note(control: &Control, progress: &Progress, row: Option<JournalEntry>) -> Result<(), IntakeError> {
    write(control, vec![progress.fact()], row.into_iter().collect()).await
}

/// It waits no longer.
pub async fn end(control: &Control, progress: &Progress, end: End) -> Result<Progress, IntakeError> {
    let ended = Progress {
        blocks: Vec::new(),
        ended: Some(end.clone()),
        ..progress.clone()
    };
    let delete = FactChange::Delete {
        kind: WAITING_KIND.to_owned(),
        key: progress.version.to_string(),
    };
    // What becomes of an applied one is written down by the state machine.
    let row = match &end.how {
        Ended::Applied => None,
        Ended::Superseded { by } => {
            let reason = format!("release {by} was handed in later and takes its place");
            Some(row(&ended, "release_superseded", &end.by, &reason, end.at))
        }
        Ended::Withdrawn { reason } => Some(row(&ended, "release_withdrawn", &end.by, reason, end.at)),
    };
    write(control, vec![delete, ended.fact()], row.into_iter().collect()).await?;
    control.keeping().forget(&progress.version);
    Ok(ended)
}

/// A row of the journal about a release that was handed in.
pub fn row(progress: &Progress, kind: &str, by: &Actor, reason: &str, at: Timestamp) -> JournalEntry {
    let body = json!({
        "created_by": progress.by, "release_kind": progress.kind.as_str(), "artifacts": progress.artifacts,
        "plan": progress.plan, "blocks": progress.blocks,
    });
    JournalEntry {
        at_ms: at.0,
        actor: by.to_string(),
        reason: reason.to_owned(),
        kind: kind.to_owned(),
        release: Some(progress.version.to_string()),
        subject: None,
        about: Vec::new(),
        body: body.to_string(),
    }
}

async fn find<T: for<'de> Deserialize<'de>>(
    control: &Control,
    kind: &str,
    version: &Version,
) -> Result<Option<T>, IntakeError> {
    let fact = control
        .store()
        .fact(control.service().as_str(), kind, version.as_str())
        .await?;
    fact.map(|body| understood(version.as_str(), &body)).transpose()
}

fn understood<T: for<'de> Deserialize<'de>>(version: &str, body: &str) -> Result<T, IntakeError> {
    serde_json::from_str(body).map_err(|source| IntakeError::Kept {
        version: version.to_owned(),
        source,
    })
}

fn put(kind: &str, key: &str, body: &impl Serialize) -> FactChange {
    FactChange::Put(Fact {
        kind: kind.to_owned(),
        key: key.to_owned(),
        body: serde_json::to_string(body).expect("it has text keys only"),
    })
}

async fn write(control: &Control, facts: Vec<FactChange>, journal: Vec<JournalEntry>) -> Result<(), IntakeError> {
    let record = Record {
        service: control.service().to_string(),
        facts,
        journal,
        ..Record::default()
    };
    control.store().record(&record).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
