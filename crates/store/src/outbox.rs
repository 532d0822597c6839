//! Effects: what a turn decided shall be done outside, leased to a performer until its outcome is known.
//!
//! ```text
//! due --lease--> leased --finish--> done | dead
//!  ^               |  (a lapsed lease can be taken again)
//!  +----release----+
//! due | leased --settled by a commit--> done | dead
//! ```
//! Whoever holds the lease may finish, even where the lease has lapsed or a commit settled the effect meanwhile: what
//! was done outside was done, and the next turn must hear of it.

use std::collections::HashMap;

use serde::Serialize;

use crate::error::StoreError;
use crate::inbox::{Addressed, EventEntry};

/// An effect to do. The id is derived by the caller from what is decided, so that one decision is one row: the same id
/// twice is one effect, and service, lane and body must then be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutboxEntry {
    pub id: String,
    /// Lanes are leased apart, so that one kind of work never waits behind another.
    pub lane: String,
    pub body: String,
    /// Not compared: an effect decided again keeps its first moment.
    pub due_ms: i64,
}

/// An effect as kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OutboxRow {
    pub id: String,
    pub service: String,
    pub lane: String,
    pub body: String,
    pub due_ms: i64,
    pub state: OutboxState,
    /// Set while leased.
    pub lease_until_ms: Option<i64>,
    /// Set while leased, and kept when a commit settles a leased effect: its holder may still report.
    pub lease_owner: Option<String>,
    /// How often it was leased.
    #[sqlx(try_from = "i64")]
    pub attempts: u64,
    /// How the last attempt ended, if one has.
    pub outcome: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub enum OutboxState {
    Due,
    Leased,
    Done,
    Dead,
}

/// How an effect ends: done, or given up for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    Done,
    Dead,
}

impl From<Settlement> for OutboxState {
    fn from(settlement: Settlement) -> Self {
        match settlement {
            Settlement::Done => Self::Done,
            Settlement::Dead => Self::Dead,
        }
    }
}

/// A turn's word that an effect is over, most often that it is no longer wanted. An effect that has ended already
/// stays as it ended; the first word on an id in one list counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledEffect {
    pub id: String,
    pub settlement: Settlement,
    pub outcome: String,
}

/// What a performer reports: how the effect ended, and the event that tells the next turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub id: String,
    pub settlement: Settlement,
    pub outcome: String,
    /// Goes to the effect's service.
    pub event: EventEntry,
}

/// What became of one reported outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The effect is over and its event waits.
    Accepted,
    /// It was over before, by an earlier report or a turn; nothing was changed.
    AlreadySettled,
    /// The lease was given back, or another performer took it after it lapsed and will report; nothing was changed.
    LeaseLost,
}

/// What decides how an effect may end, for those of them that a list names. Both stores ask here.
pub(crate) struct Conditions(HashMap<String, Condition>);

#[derive(sqlx::FromRow)]
pub(crate) struct Condition {
    pub id: String,
    pub service: String,
    pub state: OutboxState,
    pub lease_owner: Option<String>,
}

impl Condition {
    /// What a report by `owner` comes to.
    fn judge(&self, owner: &str) -> Finished {
        if self.lease_owner.as_deref() == Some(owner) {
            return Finished::Accepted;
        }
        match self.state {
            OutboxState::Done | OutboxState::Dead => Finished::AlreadySettled,
            OutboxState::Due | OutboxState::Leased => Finished::LeaseLost,
        }
    }
}

/// What became of each outcome reported, and of the accepted ones the ending and the event to put.
pub(crate) struct Report<'a> {
    pub finished: Vec<Finished>,
    pub endings: Vec<Ending>,
    pub events: Vec<Addressed<'a>>,
}

/// The end of one effect, to be written.
#[derive(Serialize)]
pub(crate) struct Ending {
    pub id: String,
    pub settlement: Settlement,
    pub outcome: String,
    /// Who may still report.
    pub lease_owner: Option<String>,
}

impl FromIterator<Condition> for Conditions {
    fn from_iter<I: IntoIterator<Item = Condition>>(conditions: I) -> Self {
        let by_id = conditions
            .into_iter()
            .map(|condition| (condition.id.clone(), condition));
        Self(by_id.collect())
    }
}

impl Conditions {
    /// A turn's word: ends what has not ended.
    pub fn settle(&mut self, service: &str, settled: &[SettledEffect]) -> Result<Vec<Ending>, StoreError> {
        let mut endings = Vec::with_capacity(settled.len());
        for effect in settled {
            let condition = self.find(&effect.id)?;
            if condition.service != service {
                return Err(StoreError::UnknownEffect { id: effect.id.clone() });
            }
            match condition.state {
                OutboxState::Due | OutboxState::Leased => {}
                OutboxState::Done | OutboxState::Dead => continue,
            }
            condition.state = effect.settlement.into();
            endings.push(Ending {
                id: effect.id.clone(),
                settlement: effect.settlement,
                outcome: effect.outcome.clone(),
                lease_owner: condition.lease_owner.clone(),
            });
        }
        Ok(endings)
    }

    /// A performer's word: ends what it holds.
    pub fn finish<'a>(&'a mut self, owner: &str, outcomes: &'a [Outcome]) -> Result<Report<'a>, StoreError> {
        let mut finished = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let condition = self.find(&outcome.id)?;
            finished.push(condition.judge(owner));
            if condition.judge(owner) == Finished::Accepted {
                condition.state = outcome.settlement.into();
                condition.lease_owner = None;
            }
        }
        let accepted = outcomes.iter().zip(&finished);
        let accepted = accepted.filter(|(_, finished)| **finished == Finished::Accepted);
        let (endings, events) = accepted.map(|(outcome, _)| self.report(outcome)).unzip();
        Ok(Report {
            finished,
            endings,
            events,
        })
    }

    fn report<'a>(&'a self, outcome: &'a Outcome) -> (Ending, Addressed<'a>) {
        let ending = Ending {
            id: outcome.id.clone(),
            settlement: outcome.settlement,
            outcome: outcome.outcome.clone(),
            lease_owner: None,
        };
        let event = Addressed {
            service: &self.0[&outcome.id].service,
            event: &outcome.event,
        };
        (ending, event)
    }

    fn find(&mut self, id: &str) -> Result<&mut Condition, StoreError> {
        self.0
            .get_mut(id)
            .ok_or_else(|| StoreError::UnknownEffect { id: id.to_owned() })
    }
}
