//! Outgoing webhooks: those who listen are told what becomes of a release, signed as Standard Webhooks says
//! (<https://www.standardwebhooks.com>), and told again until they have heard it.

mod reach;
mod send;
mod signature;

use std::collections::BTreeMap;
use std::io;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tidegate_domain::effect::{Announcement, Effect, EffectBody};
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::{Actor, ServiceName};
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_engine::Done;
use tidegate_store::{Fact, FactChange, JournalEntry, Record, Store, StoreError};

pub use self::reach::{Reach, TargetError};
use self::send::Message;
pub use self::send::{Courier, SendError};
use self::signature::Key;
use crate::clock;
use crate::control::{Control, in_words};

const KIND: &str = "webhook";

/// Which webhooks an announcement has reached that others have still to hear.
const HEARD_KIND: &str = "webhook-heard";

/// The pauses before the second attempt, the third, ... as Standard Webhooks recommends; then it is given up.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// Who listens.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub url: String,
    pub made: Timestamp,
    pub made_by: Actor,
    /// Kept as it is, for it has to sign: the state directory is its owner's alone.
    key: Key,
}

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("there is no webhook `{id}`; `GET /v1/webhooks` lists them")]
    NoSuchWebhook { id: String },
    #[error("cannot draw a secret")]
    Random(#[source] io::Error),
    #[error("cannot read or write webhooks")]
    Store(#[from] StoreError),
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Every webhook by its id.
pub async fn list(store: &Store, service: &ServiceName) -> Result<BTreeMap<String, Webhook>, StoreError> {
    let facts = store.facts(service.as_str(), KIND).await?;
    let understood = facts
        .into_iter()
        .filter_map(|fact| match serde_json::from_str(&fact.body) {
            Ok(webhook) => Some((fact.key, webhook)),
            Err(error) => {
                tracing::error!(webhook = fact.key, %error, "a webhook cannot be understood and hears nothing");
                None
            }
        });
    Ok(understood.collect())
}

/// Adds a listener; answers its id and its secret, `whsec_...`, which nobody sees again.
pub async fn make(
    control: &Control,
    reach: Reach,
    url: &str,
    by: &Actor,
    reason: &str,
) -> Result<(String, String), WebhookError> {
    reach.target(url)?;
    let key = Key::draw().map_err(WebhookError::Random)?;
    let id = key.name();
    let secret = key.reveal();
    let now = clock::now();
    let webhook = Webhook {
        url: url.to_owned(),
        made: now,
        made_by: by.clone(),
        key,
    };
    let fact = Fact {
        kind: KIND.to_owned(),
        key: id.clone(),
        body: serde_json::to_string(&webhook).expect("a webhook has text keys only"),
    };
    let journal = row("webhook_made", &id, url, by, reason, now);
    write(control, FactChange::Put(fact), journal).await?;
    Ok((id, secret))
}

/// Removes a listener.
pub async fn remove(control: &Control, id: &str, by: &Actor, reason: &str) -> Result<(), WebhookError> {
    let all = list(control.store(), control.service()).await?;
    let webhook = all
        .get(id)
        .ok_or_else(|| WebhookError::NoSuchWebhook { id: id.to_owned() })?;
    let delete = FactChange::Delete {
        kind: KIND.to_owned(),
        key: id.to_owned(),
    };
    let journal = row("webhook_removed", id, &webhook.url, by, reason, clock::now());
    write(control, delete, journal).await?;
    Ok(())
}

async fn write(control: &Control, change: FactChange, journal: JournalEntry) -> Result<(), StoreError> {
    let record = Record {
        service: control.service().to_string(),
        facts: vec![change],
        journal: vec![journal],
        ..Record::default()
    };
    control.store().record(&record).await?;
    Ok(())
}

fn row(kind: &str, id: &str, url: &str, by: &Actor, reason: &str, now: Timestamp) -> JournalEntry {
    JournalEntry {
        at_ms: now.0,
        actor: by.to_string(),
        reason: reason.to_owned(),
        kind: kind.to_owned(),
        release: None,
        subject: Some(id.to_owned()),
        about: Vec::new(),
        body: json!({ "webhook": id, "url": url }).to_string(),
    }
}

/// Does an effect of the lane `announce`: tells everybody who listens and has not heard of it yet.
pub async fn deliver(control: &Control, courier: &Courier, effect: &Effect) -> Done {
    let EffectBody::Announce(announcement) = &effect.body else {
        return Done::Dead(Judgement::new(
            Verdict::Error,
            format!("effect {} is no announcement", effect.id),
        ));
    };
    match tell_all(control, courier, effect, announcement).await {
        Ok(done) => done,
        Err(error) => Done::Again {
            at: clock::now() + PAUSES[0],
            why: in_words(&error),
        },
    }
}

async fn tell_all(
    control: &Control,
    courier: &Courier,
    effect: &Effect,
    announcement: &Announcement,
) -> Result<Done, StoreError> {
    let (store, service) = (control.store(), control.service());
    let heard = store.fact(service.as_str(), HEARD_KIND, effect.id.as_str()).await?;
    let mut heard: Vec<String> = heard
        .and_then(|body| serde_json::from_str(&body).ok())
        .unwrap_or_default();
    let mut listeners = list(store, service).await?;
    let everybody = listeners.len();
    listeners.retain(|id, _| !heard.contains(id));
    let (id, body) = (message_id(effect), body(effect, announcement));
    let message = Message { id: &id, body: &body };
    let sent = join_all(
        listeners
            .iter()
            .map(async |(name, webhook)| (name, courier.send(&webhook.url, &webhook.key, message).await)),
    )
    .await;
    let mut failed = Vec::new();
    for (name, outcome) in sent {
        match outcome {
            Ok(()) => heard.push(name.clone()),
            Err(error) => failed.push(format!("{name}: {}", in_words(&error))),
        }
    }
    if failed.is_empty() {
        forget_heard(control, effect).await?;
        return Ok(Done::Over(Judgement::new(
            Verdict::Pass,
            format!("{everybody} webhooks have heard of it"),
        )));
    }
    let why = failed.join("; ");
    tracing::warn!(effect = %effect.id, why, "a webhook was not reached");
    let attempts = store.effect(effect.id.as_str()).await?.map_or(1, |row| row.attempts);
    let pause = usize::try_from(attempts)
        .ok()
        .and_then(|attempts| PAUSES.get(attempts.saturating_sub(1)));
    let Some(pause) = pause else {
        forget_heard(control, effect).await?;
        return Ok(Done::Dead(Judgement::new(
            Verdict::Error,
            format!("given up after {attempts} attempts: {why}"),
        )));
    };
    let fact = Fact {
        kind: HEARD_KIND.to_owned(),
        key: effect.id.to_string(),
        body: json!(heard).to_string(),
    };
    store.change_facts(service.as_str(), &[FactChange::Put(fact)]).await?;
    Ok(Done::Again {
        at: clock::now() + *pause,
        why,
    })
}

async fn forget_heard(control: &Control, effect: &Effect) -> Result<(), StoreError> {
    let delete = FactChange::Delete {
        kind: HEARD_KIND.to_owned(),
        key: effect.id.to_string(),
    };
    control
        .store()
        .change_facts(control.service().as_str(), &[delete])
        .await
}

/// The same for every attempt, and without the full stops of a version: they part what is signed.
fn message_id(effect: &Effect) -> String {
    let digest = Sha256::digest(effect.id.as_str().as_bytes());
    let hexadecimal: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("msg_{hexadecimal}")
}

fn body(effect: &Effect, announcement: &Announcement) -> String {
    let kind = announcement.milestone.as_str().replacen('_', ".", 1);
    json!({
        "type": kind,
        "timestamp": announcement.at.rfc3339(),
        "data": {
            "effect": effect.id,
            "service": announcement.service,
            "release": announcement.release,
            "wave": announcement.wave,
            "reason": announcement.reason,
        },
    })
    .to_string()
}

#[cfg(test)]
mod tests;
