//! What is waited for: it is named, it ends by itself where it says when, and it is nothing that a release need not wait for.

use std::collections::BTreeSet;

use tidegate_domain::policy::Skip;
use tidegate_domain::time::Timestamp;
use tidegate_domain::waiting::Waiting;
use tidegate_engine::Turned;

use super::Checked;
use super::ledger::Ledger;

/// What people and time make releases wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    Approval,
    Answer,
    Start,
    Window,
    Freeze,
    Notice,
    Peak,
    Gap,
    Report,
    Migration,
    Downtime,
    Earlier,
    Companion,
}

impl Wait {
    pub const ALL: [Self; 13] = [
        Self::Approval,
        Self::Answer,
        Self::Start,
        Self::Window,
        Self::Freeze,
        Self::Notice,
        Self::Peak,
        Self::Gap,
        Self::Report,
        Self::Migration,
        Self::Downtime,
        Self::Earlier,
        Self::Companion,
    ];

    pub fn of(waiting: &Waiting) -> Option<Self> {
        match waiting {
            Waiting::Approval { .. } => Some(Self::Approval),
            Waiting::Answer { .. } => Some(Self::Answer),
            Waiting::Start { .. } => Some(Self::Start),
            Waiting::Window { .. } => Some(Self::Window),
            Waiting::Freeze { .. } => Some(Self::Freeze),
            Waiting::Notice { .. } => Some(Self::Notice),
            Waiting::Peak { .. } => Some(Self::Peak),
            Waiting::Gap { .. } => Some(Self::Gap),
            Waiting::Validation { .. } => Some(Self::Report),
            Waiting::Migration { .. } => Some(Self::Migration),
            Waiting::Downtime { .. } => Some(Self::Downtime),
            Waiting::EarlierMoves { .. } => Some(Self::Earlier),
            Waiting::Companion { .. } => Some(Self::Companion),
            Waiting::EarlierRelease { .. }
            | Waiting::Hold { .. }
            | Waiting::Slot { .. }
            | Waiting::Step { .. }
            | Waiting::Gate { .. }
            | Waiting::Gateways { .. }
            | Waiting::Workers { .. }
            | Waiting::Canary { .. }
            | Waiting::Bake { .. }
            | Waiting::Return { .. }
            | Waiting::Job { .. }
            | Waiting::CellMove { .. }
            | Waiting::Drain { .. } => None,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Answer => "answer",
            Self::Start => "start",
            Self::Window => "window",
            Self::Freeze => "freeze",
            Self::Notice => "notice",
            Self::Peak => "peak",
            Self::Gap => "gap",
            Self::Report => "report",
            Self::Migration => "migration",
            Self::Downtime => "downtime",
            Self::Earlier => "earlier release",
            Self::Companion => "companion",
        }
    }
}

/// When a wait says that it is over. `None`: something else has to happen.
fn over(waiting: &Waiting) -> Option<Timestamp> {
    match waiting {
        Waiting::Start { until, .. } | Waiting::Peak { until, .. } | Waiting::Gap { until, .. } => Some(*until),
        Waiting::Hold { until, .. } | Waiting::Freeze { until, .. } | Waiting::Step { until, .. } => *until,
        Waiting::Window { opens, .. } => *opens,
        Waiting::Notice { from, .. } => *from,
        Waiting::Answer { until, .. }
        | Waiting::Slot { until, .. }
        | Waiting::Gateways { until, .. }
        | Waiting::Workers { until, .. } => Some(*until),
        Waiting::Approval { .. }
        | Waiting::EarlierRelease { .. }
        | Waiting::EarlierMoves { .. }
        | Waiting::Companion { .. }
        | Waiting::Validation { .. }
        | Waiting::Migration { .. }
        | Waiting::Downtime { .. }
        | Waiting::Gate { .. }
        | Waiting::Canary { .. }
        | Waiting::Bake { .. }
        | Waiting::Return { .. }
        | Waiting::Job { .. }
        | Waiting::CellMove { .. }
        | Waiting::Drain { .. } => None,
    }
}

/// Who waits for a time is woken then, and that time is to come.
pub fn ends_by_itself(turned: &Turned, now: Timestamp) -> Checked {
    const RULE: &str = "what waits for a time goes on then";
    for waiting in &turned.waiting {
        let Some(over) = over(waiting) else { continue };
        if over <= now {
            return Err((RULE, format!("{waiting}, and it is {now}")));
        }
        if turned.wake.is_none_or(|wake| wake > over) {
            return Err((RULE, format!("{waiting}, and nobody looks then")));
        }
    }
    Ok(())
}

/// An emergency does not wait for what its playbook lets it skip.
pub fn count(ledger: &Ledger, waiting: &[Waiting]) -> Checked {
    for waiting in waiting {
        let Some(run) = waiting.release().and_then(|version| ledger.runs.get(version)) else {
            continue;
        };
        let skip = match Wait::of(waiting) {
            Some(Wait::Gap) => Skip::Gaps,
            Some(Wait::Approval) => Skip::Approvals,
            Some(
                Wait::Answer
                | Wait::Start
                | Wait::Window
                | Wait::Freeze
                | Wait::Notice
                | Wait::Peak
                | Wait::Report
                | Wait::Migration
                | Wait::Downtime
                | Wait::Earlier
                | Wait::Companion,
            )
            | None => {
                continue;
            }
        };
        if run.promise.skips(skip) {
            let detail = format!("release {} waits for {waiting}", run.promise.plan.release.version);
            return Err(("an emergency does not wait for what it skips", detail));
        }
    }
    Ok(())
}

/// The kinds that were seen.
pub type Seen = BTreeSet<Wait>;
