//! The alerts, and all that becomes of them: pure, told what time it is, and written down by whoever asks for the changes.

mod grouping;
mod letters;
mod rows;
mod silences;

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::files::{AlertKind, AlertsFile, Escalation};
use tidegate_domain::id::{Actor, CustomerName, ServiceName, TenantName};
use tidegate_domain::service::Service;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_effects::notify;
use tidegate_store::JournalEntry;

pub use self::letters::{Letter, Sent};
pub use self::rows::{ENDED_KIND, read};

use super::alert::{Acknowledged, Alert, Silence, State, SymptomEnded};
use super::fleet::Found;
use super::{Subject, words};
use rows::Row;

/// What is known besides.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub file: &'a AlertsFile,
    pub customers: &'a BTreeMap<TenantName, CustomerName>,
    pub state: &'a Service,
}

/// All alerts, silences and messages on their way. A clone is what they would be.
#[derive(Debug, Clone)]
pub struct Book {
    service: ServiceName,
    pub alerts: BTreeMap<String, Alert>,
    pub silences: BTreeMap<String, Silence>,
    pub letters: BTreeMap<String, Letter>,
    /// Resolved alerts of which everybody has heard, until they are written down.
    ended: BTreeMap<String, Alert>,
    /// Changed since the changes were last asked for.
    touched: BTreeSet<Row>,
    journal: Vec<JournalEntry>,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    #[error("there is no alert `{id}`")]
    NoSuchAlert { id: String },
    #[error("alert `{id}` was resolved at {at}: there is nothing to look after any more")]
    Resolved { id: String, at: Timestamp },
    #[error("there is no silence `{id}`")]
    NoSuchSilence { id: String },
    #[error("a silence ends at a time to come, at most {SILENCE_MOST} from now")]
    SilenceEnd,
}

/// Whoever wants silence for longer wants another tolerance.
const SILENCE_MOST: Duration = Duration::from_days(90);

fn watcher() -> Actor {
    Actor::system("alerts")
}

impl Book {
    /// Takes in what has begun and what has ended.
    pub fn take(&mut self, found: Vec<Found>, situation: Situation<'_>, now: Timestamp) {
        let mut began = Vec::new();
        for found in found {
            match found {
                Found::Began(alarm) => began.push(alarm),
                Found::Ended { subject, kind, why } => self.end(&subject, kind, words::ended(why), now),
            }
        }
        // Whole cells first: what is wrong with their tenants joins them.
        began.sort_by_key(|alarm| !alarm.subject.is_whole());
        for alarm in began {
            self.begin(alarm, situation, now);
        }
        self.resolve(now);
    }

    /// Ends what lasts by the book although nobody sees it any more.
    pub fn reconcile(&mut self, lasts: impl Fn(&Subject, AlertKind) -> bool, now: Timestamp) {
        let open = self.alerts.values().filter(|alert| alert.is_open());
        let lasting = open.flat_map(|alert| alert.lasting().map(|(subject, kind, _)| (subject.clone(), kind)));
        let over: Vec<(Subject, AlertKind)> = lasting.filter(|(subject, kind)| !lasts(subject, *kind)).collect();
        for (subject, kind) in over {
            self.end(&subject, kind, "it is not seen any more", now);
        }
        self.resolve(now);
    }

    /// What lasts of this kind.
    pub fn lasting(&self, kind: AlertKind) -> BTreeSet<Subject> {
        let open = self.alerts.values().filter(|alert| alert.is_open());
        let all = open.flat_map(Alert::lasting);
        all.filter(|(_, of, _)| *of == kind)
            .map(|(subject, _, _)| subject.clone())
            .collect()
    }

    /// What time brings: silences that end, alerts that nobody has acknowledged, old ones that are forgotten.
    pub fn pass(&mut self, situation: Situation<'_>, now: Timestamp) {
        self.end_silences(now);
        let ids: Vec<String> = self.alerts.keys().cloned().collect();
        for id in &ids {
            self.escalate(id, situation, now);
        }
        let is_heard = |id: &String| !self.letters.values().any(|letter| letter.alert == *id);
        let over = self
            .alerts
            .values()
            .filter(|alert| !alert.is_open() && is_heard(&alert.id));
        let over: Vec<String> = over.map(|alert| alert.id.clone()).collect();
        for id in over {
            if let Some(alert) = self.alerts.remove(&id) {
                self.ended.insert(id.clone(), alert);
            }
            self.touched.insert(Row::Alert(id.clone()));
            self.touched.insert(Row::Ended(id));
        }
    }

    /// Somebody looks after it. The first who says so does.
    pub fn acknowledge(&mut self, id: &str, by: &Actor, reason: &str, now: Timestamp) -> Result<(), BookError> {
        let missing = || BookError::NoSuchAlert { id: id.to_owned() };
        let alert = self.alerts.get_mut(id).ok_or_else(missing)?;
        match alert.state {
            State::Raised | State::Escalated => {}
            State::Acknowledged => return Ok(()),
            State::Resolved => {
                let at = alert.resolved.unwrap_or(now);
                return Err(BookError::Resolved { id: id.to_owned(), at });
            }
        }
        alert.state = State::Acknowledged;
        alert.acknowledged = Some(Acknowledged {
            by: by.clone(),
            at: now,
            reason: reason.to_owned(),
        });
        let told = alert.told.clone();
        self.changed(id, by, reason, now);
        self.write_letters(id, notify::State::Acknowledged, &told, now);
        Ok(())
    }

    fn end(&mut self, subject: &Subject, kind: AlertKind, why: &str, now: Timestamp) {
        for (id, alert) in self.alerts.iter_mut().filter(|(_, alert)| alert.is_open()) {
            let symptom = alert.symptoms.get_mut(subject).and_then(|kinds| kinds.get_mut(&kind));
            if let Some(symptom) = symptom.filter(|symptom| symptom.ended.is_none()) {
                symptom.ended = Some(SymptomEnded {
                    at: now,
                    why: why.to_owned(),
                });
                self.touched.insert(Row::Alert(id.clone()));
            }
        }
    }

    /// An alert is over when nothing of it lasts.
    fn resolve(&mut self, now: Timestamp) {
        let over = self.alerts.iter();
        let over = over.filter(|(_, alert)| alert.is_open() && alert.lasting().next().is_none());
        let over: Vec<String> = over.map(|(id, _)| id.clone()).collect();
        for id in over {
            let Some(alert) = self.alerts.get_mut(&id) else {
                continue;
            };
            alert.state = State::Resolved;
            alert.resolved = Some(now);
            let told = alert.told.clone();
            self.changed(&id, &watcher(), "nothing of it lasts", now);
            self.write_letters(&id, notify::State::Resolved, &told, now);
        }
    }

    fn escalate(&mut self, id: &str, situation: Situation<'_>, now: Timestamp) {
        let mut steps: Vec<&Escalation> = situation.file.escalate.iter().collect();
        steps.sort_by_key(|step| step.after);
        loop {
            let Some(alert) = self.alerts.get(id) else { return };
            let waits = match alert.state {
                State::Raised | State::Escalated => alert.silenced.is_none(),
                State::Acknowledged | State::Resolved => false,
            };
            let Some(step) = steps.get(alert.escalations).filter(|_| waits) else {
                return;
            };
            let is_late = alert.raised + step.after <= now;
            // Whom nothing has reached cannot acknowledge anything.
            let is_unheard = alert.escalations == 0 && self.is_unheard(alert);
            if !is_late && !is_unheard {
                return;
            }
            let reason = match is_late {
                true => format!("nobody has acknowledged it within {}", step.after),
                false => "no channel has taken it".to_owned(),
            };
            let channels = step.channels.clone();
            let Some(alert) = self.alerts.get_mut(id) else { return };
            alert.state = State::Escalated;
            alert.escalations += 1;
            self.changed(id, &watcher(), &reason, now);
            self.write_letters(id, notify::State::Escalated, &channels, now);
        }
    }

    /// Every message that it was raised was refused.
    fn is_unheard(&self, alert: &Alert) -> bool {
        let is_on_its_way = self.letters.values().any(|letter| letter.alert == alert.id);
        let was_taken = alert.messages.iter().any(|message| message.delivered);
        !is_on_its_way && !was_taken && !alert.messages.is_empty()
    }

    fn tell_raised(&mut self, id: &str, now: Timestamp) {
        let Some(alert) = self.alerts.get(id) else { return };
        let channels = alert.receiver.channels.clone();
        self.write_letters(id, notify::State::Raised, &channels, now);
    }
}

#[cfg(test)]
mod tests;
