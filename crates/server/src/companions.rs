//! Asks the servers of other services how far the releases are that ours go together with, and tells the state machine.
//!
//! What was clear stays what it was while a server cannot be asked: a network that is down takes nothing back.

mod ask;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidegate_domain::event::{Event, EventKind};
use tidegate_domain::files::OtherService;
use tidegate_domain::id::{Actor, ServiceName, Version};
use tidegate_domain::release::Companion;
use tidegate_domain::service::{CompanionPhase, Service};
use tidegate_domain::time::Timestamp;
use tidegate_effects::wire::Wire;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::clock;
use crate::control::{Control, in_words};
use crate::incarnation::Incarnation;

/// From one question to the next.
const ASKED_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Companions {
    control: Control,
    servers: Arc<BTreeMap<ServiceName, OtherService>>,
    wire: Wire,
    incarnation: Incarnation,
}

/// What a release of ours wants to know of one of another service.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    release: Version,
    companion: Companion,
    /// All that go together: the other one has to list the same.
    together: Vec<Companion>,
    known: CompanionPhase,
}

impl Companions {
    #[must_use]
    pub fn new(control: Control, servers: BTreeMap<ServiceName, OtherService>, incarnation: Incarnation) -> Self {
        Self {
            control,
            servers: Arc::new(servers),
            wire: Wire::default(),
            incarnation,
        }
    }

    /// For ever.
    pub async fn run(self) {
        self.control.confirmed().await;
        let mut changes = self.control.changes();
        loop {
            let view = changes.borrow_and_update().clone();
            let questions = questions(&view.state, clock::now());
            if questions.is_empty() {
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            }
            self.ask(questions).await;
            sleep(ASKED_EVERY).await;
        }
    }

    /// All at once: one server that does not answer holds nobody up.
    async fn ask(&self, questions: Vec<Question>) {
        let mut asked = JoinSet::new();
        for question in questions {
            let (servers, wire) = (Arc::clone(&self.servers), self.wire.clone());
            asked.spawn(async move {
                let phase = match servers.get(&question.companion.service) {
                    Some(server) => ask::phase(&wire, server, &question).await,
                    None => Err("tidegate.yaml named no server of it when this one was started".to_owned()),
                };
                (question, phase)
            });
        }
        while let Some(answered) = asked.join_next().await {
            let Ok((question, phase)) = answered else { continue };
            if let Some(phase) = news(&question, phase) {
                self.tell(question, phase).await;
            }
        }
    }

    async fn tell(&self, question: Question, phase: CompanionPhase) {
        let event = Event {
            actor: Actor::system("together"),
            reason: None,
            kind: EventKind::CompanionSeen {
                version: question.release,
                companion: question.companion,
                phase,
            },
        };
        let key = self.incarnation.next_key("companion");
        if let Err(error) = self.control.submit(&event, &key).await {
            tracing::warn!(trouble = in_words(&error), "cannot tell how far a companion is");
        }
    }
}

fn questions(state: &Service, now: Timestamp) -> Vec<Question> {
    let watching = state.runs.iter().filter(|run| run.watches_companions(now));
    let questions = watching.flat_map(|run| {
        let together = state.pinned.get(&run.version).map(|release| release.together.clone());
        run.together.iter().map(move |known| Question {
            release: run.version.clone(),
            companion: known.companion.clone(),
            together: together.clone().unwrap_or_default(),
            known: known.phase.clone(),
        })
    });
    questions.collect()
}

/// What the state machine does not know yet.
fn news(question: &Question, answer: Result<CompanionPhase, String>) -> Option<CompanionPhase> {
    let phase = match answer {
        Ok(phase) => phase,
        Err(because) if matches!(question.known, CompanionPhase::Unclear { .. }) => CompanionPhase::Unclear { because },
        Err(because) => {
            tracing::warn!(companion = %question.companion, because, "cannot ask how far it is");
            return None;
        }
    };
    (phase != question.known).then_some(phase)
}

#[cfg(test)]
mod tests;
