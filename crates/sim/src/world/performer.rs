//! Performing: the server's performers, those of an earlier life, and what was done outside.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tidegate_domain::effect::{Effect, EffectBody, Lane};
use tidegate_domain::event::{Event, EventKind, Judgement, Verdict};
use tidegate_domain::id::{Actor, CellName, Version};
use tidegate_domain::release::DataStep;
use tidegate_domain::time::Duration;
use tidegate_engine::{Done, Lease, PerformError, perform};
use tidegate_store::{Fault, Memory, Store};

use super::watch::Answers;
use super::{Happening, World};
use crate::boundary::{Kind, Moment};

const LEASE: Duration = Duration::from_secs(30);

/// What the outside has seen of effects.
#[derive(Debug, Default)]
pub struct Performed(Rc<RefCell<BTreeMap<String, Seen>>>);

#[derive(Debug, Clone, Default)]
struct Seen {
    times: u32,
    /// How often it had to be done again: its report was lost, or its lease lapsed.
    excused: u32,
    body: Option<EffectBody>,
    problem: Option<String>,
}

impl Performed {
    pub fn fork(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    fn shared(&self) -> Self {
        Self(Rc::clone(&self.0))
    }

    fn record(&self, effect: &Effect, excused: bool) {
        let mut all = self.0.borrow_mut();
        let seen = all.entry(effect.id.to_string()).or_default();
        seen.times += 1;
        seen.excused += u32::from(excused);
        if seen.body.as_ref().is_some_and(|body| *body != effect.body) {
            seen.problem = Some("it was done with two bodies".to_owned());
        }
        seen.body = Some(effect.body.clone());
    }

    /// An effect that was done more often than its lost reports explain.
    pub fn problem(&self) -> Option<String> {
        self.0.borrow().iter().find_map(|(id, seen)| {
            let doubled = seen.times > seen.excused + 1;
            let doubled =
                doubled.then(|| format!("it was done {} times, {} of them excused", seen.times, seen.excused));
            let problem = seen.problem.clone().or(doubled)?;
            Some(format!("effect {id}: {problem}"))
        })
    }

    /// The last that was done for a step in a cell was its work, not the taking back of it.
    pub fn worked(&self, version: &Version, cell: &CellName, step: &DataStep) -> bool {
        let all = self.0.borrow();
        let of_step = all.iter().filter_map(|(id, seen)| match seen.body.as_ref()? {
            EffectBody::Step(task) if task.version == *version && task.step == step.name && task.spec.cell == *cell => {
                let attempt: u32 = id.rsplit('/').next()?.parse().ok()?;
                Some((attempt, task.command == step.command))
            }
            EffectBody::Step(_)
            | EffectBody::Job(_)
            | EffectBody::Gate { .. }
            | EffectBody::Announce(_)
            | EffectBody::Notice { .. } => None,
        });
        of_step.max().is_some_and(|(_, forward)| forward)
    }

    pub fn times(&self, id: &str) -> u32 {
        self.0.borrow().get(id).map_or(0, |seen| seen.times)
    }
}

type Performing = Pin<Box<dyn Future<Output = Result<usize, PerformError>>>>;

/// Performers that hang between doing and reporting.
#[derive(Default)]
pub struct SlowPerformers {
    held: Vec<(Rc<Cell<bool>>, Performing)>,
}

impl SlowPerformers {
    pub fn are_any(&self) -> bool {
        !self.held.is_empty()
    }
}

/// One performer's attempt at a lane.
struct Attempt {
    store: Store,
    memory: Memory,
    owner: String,
    lane: Lane,
    now: tidegate_domain::time::Timestamp,
    moment: Option<Moment>,
    report: Option<Moment>,
    answers: Answers,
    performed: Performed,
    released: Rc<Cell<bool>>,
    /// The effect at which a fault fell.
    fell: Rc<Cell<bool>>,
}

impl Attempt {
    async fn run(self) -> Result<usize, PerformError> {
        let lease = Lease {
            owner: &self.owner,
            length: LEASE,
            limit: 10,
        };
        perform(&self.store, self.lane, &lease, self.now, async |effect| {
            self.act(effect).await
        })
        .await
    }

    async fn act(&self, effect: &Effect) -> Done {
        if self.moment == Some(Moment::Before) {
            self.fell.set(true);
            pending::<()>().await;
        }
        let done = self.answers.answer(effect, self.now);
        if matches!(done, Done::Again { .. }) {
            return done;
        }
        self.fell.set(self.moment.is_some() || self.report.is_some());
        let report_is_lost = self.report == Some(Moment::Before);
        self.performed.record(effect, self.moment.is_some() || report_is_lost);
        match self.moment {
            Some(Moment::After) => pending::<()>().await,
            Some(Moment::Twice) => {
                let released = Rc::clone(&self.released);
                poll_fn(|_| if released.get() { Poll::Ready(()) } else { Poll::Pending }).await;
            }
            Some(Moment::Before) | None => {}
        }
        match self.report {
            Some(Moment::Before) => self.memory.fail_next_write(Some(Fault::Busy)),
            Some(Moment::After) => self.memory.fail_next_write(Some(Fault::AnswerLost)),
            Some(Moment::Twice) | None => {}
        }
        done
    }
}

impl World {
    pub fn perform(&mut self, lane: Lane) {
        if !self.server.is_up() {
            return;
        }
        let kind = match lane {
            Lane::Gate => Kind::Gate,
            Lane::Announce => Kind::Announcement,
            Lane::Step | Lane::Job => Kind::Step,
            // People send them.
            Lane::Notice => return,
        };
        let moment = self.fault(kind);
        let report = if moment.is_none() {
            self.fault(Kind::Report)
        } else {
            None
        };
        let (released, fell) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let attempt = Attempt {
            store: self.store(),
            memory: self.memory.clone(),
            owner: self.server.owner(),
            lane,
            now: self.now(),
            moment,
            report,
            answers: self.moods.answers(),
            performed: self.performed.shared(),
            released: Rc::clone(&released),
            fell: Rc::clone(&fell),
        };
        let mut performing: Performing = Box::pin(attempt.run());
        let polled = performing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.memory.fail_next_write(None);
        let unused = !fell.get();
        if unused {
            self.armed.extend(moment.map(|moment| (kind, moment)));
            self.armed.extend(report.map(|moment| (Kind::Report, moment)));
        }
        match polled {
            Poll::Pending => {
                let moment = moment.unwrap_or(Moment::Before);
                self.hit(kind, moment);
                if moment == Moment::Twice {
                    self.slow.held.push((released, performing));
                    self.schedule(45_000, Happening::Unblock);
                    self.another_performer();
                } else {
                    self.crash();
                }
            }
            Poll::Ready(outcome) => self.performed(outcome, report.filter(|_| !unused)),
        }
    }

    fn performed(&mut self, outcome: Result<usize, PerformError>, report: Option<Moment>) {
        if let Some(moment) = report {
            self.hit(Kind::Report, moment);
        }
        match (outcome, report) {
            (Ok(_), Some(Moment::Twice)) => {
                if let Some(event) = self.last_report() {
                    self.schedule(15_000, Happening::Late(event));
                }
            }
            (Ok(_), _) => {}
            (Err(_), Some(_)) => return self.crash(),
            (Err(error), None) => {
                let text = super::server::chain(&error);
                self.checker.violate("an effect can be performed", text);
            }
        }
        self.turn_soon();
        self.perform_soon();
    }

    /// A report as a performer of an earlier life would make it again: of the effect that was done last.
    fn last_report(&self) -> Option<Event> {
        let all = self.performed.0.borrow();
        let (id, _) = all.iter().next_back()?;
        let judgement = Judgement::new(Verdict::Fail, "a report that comes late");
        let effect = tidegate_domain::effect::EffectId::read(id);
        Some(Event {
            actor: Actor::system("gate"),
            reason: None,
            kind: EventKind::Performed { effect, judgement },
        })
    }

    /// Those who were held up go on and report, whatever has happened since.
    pub fn unblock(&mut self) {
        for (released, mut performing) in std::mem::take(&mut self.slow.held) {
            released.set(true);
            let polled = performing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(Err(error)) = polled {
                let text = super::server::chain(&error);
                self.checker.violate("an effect can be performed", text);
            }
        }
        self.turn_soon();
        self.perform_soon();
    }
}
