//! When one class of tenants of a wave moves, and why then.

use jiff::civil::Date;

use super::{Clockwork, day};
use crate::calendar::{CalendarError, Class, LocalDate, Opening, Reason, WindowKind};
use crate::id::TenantName;
use crate::plan::report::{ClassReport, StartReason};
use crate::plan::schedule::{PlannedWindow, Start};
use crate::policy::NoticeRule;
use crate::time::{Duration, Timestamp};

/// An instant that is reckoned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    /// It is so long after now: a plan made later reckons with a later one.
    pub(super) floats: bool,
}

/// What a wave asks of its start.
pub(super) struct Asked<'a> {
    /// When everything before is done.
    pub(super) from: Moment,
    /// The day of the release, and its date.
    pub(super) day: Option<(u16, Date)>,
    /// The release leaves on this day by its cadence.
    pub(super) cadence: Option<Date>,
    /// The notices that are owed to its tenants.
    pub(super) owed: Vec<&'a NoticeRule>,
    /// It takes the admissible hour of least traffic.
    pub(super) quietest: bool,
}

/// The first instant that is possible, and why it is that one.
struct Earliest {
    from: Moment,
    /// An instant that is decided, as against one that follows from what comes before.
    decided: Option<Timestamp>,
    /// It is the end of a notice period.
    told: bool,
    because: Vec<StartReason>,
}

/// Why a class cannot move at all.
pub(super) enum Never {
    NoOpening(Timestamp),
    Calendar(CalendarError),
}

impl Moment {
    pub(super) fn now(at: Timestamp) -> Self {
        Self { at, floats: true }
    }

    pub(super) fn fixed(at: Timestamp) -> Self {
        Self { at, floats: false }
    }

    pub(super) fn plus(self, duration: Duration) -> Self {
        Self {
            at: self.at + duration,
            ..self
        }
    }
}

impl Clockwork<'_> {
    /// The start of a class, what it is reckoned with, and why.
    pub(super) fn start<'t>(
        &mut self,
        class: &Class,
        asked: &Asked<'_>,
        tenants: impl Iterator<Item = &'t TenantName>,
    ) -> Result<(Start, Moment, ClassReport), Never> {
        let Earliest {
            mut from,
            mut decided,
            told,
            mut because,
        } = self.earliest(class, asked)?;
        let mut opening = self.opening(class, from.at)?;
        if told && opening.at == from.at {
            // The reader is told an instant, so it is not one that depends on the second of planning.
            let full = day::full_hour(&class.zone, from.at);
            from = Moment::fixed(full);
            decided = decided.max(Some(full));
            opening = self.opening(class, full)?;
        }
        if from.floats
            && let Some(closes) = opening.closes
        {
            self.holds_until(self.input.now + (closes - from.at));
        }
        because.extend(reason(&opening, from.at));
        let opens = if opening.at > from.at {
            Some(opening.at)
        } else {
            self.opened(class, from.at)
        };
        decided = decided.max(opens);
        let mut opens = opens;
        let mut expected = if opening.at > from.at {
            Moment::fixed(opening.at)
        } else {
            from
        };
        if asked.quietest
            && let Some((quietest, reason)) = self.quietest(class, expected.at, tenants)
        {
            opens = self.opened(class, quietest.at);
            decided = Some(quietest.at);
            expected = Moment::fixed(quietest.at);
            opening = quietest;
            because.push(reason);
        }
        let start = Start {
            at: decided,
            window: (opening.window.is_some() || opening.closes.is_some()).then(|| PlannedWindow {
                name: opening.window.clone(),
                opens,
                closes: opening.closes,
            }),
        };
        let report = ClassReport {
            expected: expected.at,
            because,
        };
        Ok((start, expected, report))
    }

    /// What days and notices allow, whatever is open.
    fn earliest(&self, class: &Class, asked: &Asked<'_>) -> Result<Earliest, Never> {
        let mut because = Vec::new();
        let mut from = asked.from;
        let mut decided: Option<Timestamp> = None;
        if !self.skips.is_empty() {
            let what = self.skips.clone();
            because.push(StartReason::Skipped { what });
        }
        if let Some((day, date)) = asked.day {
            let begins = day::begins(&class.zone, date);
            decided = Some(begins);
            if begins > from.at {
                from = Moment::fixed(begins);
            }
            let date = LocalDate(date);
            because.push(match asked.cadence {
                Some(first) if first == date.0 => StartReason::Cadence {
                    date,
                    missed: self.missed.clone(),
                },
                Some(_) | None => StartReason::Day { day, date },
            });
        }
        let mut told = false;
        for rule in &asked.owed {
            let Some(period) = rule.at_least else { continue };
            let earliest = self
                .calendars
                .every_start(class, self.input.now, &period)
                .map_err(Never::Calendar)?;
            if earliest > from.at {
                from = Moment::now(earliest);
                told = true;
                because.retain(|reason| !matches!(reason, StartReason::Notice { .. }));
                because.push(StartReason::Notice {
                    kind: rule.kind,
                    period,
                });
            }
        }
        Ok(Earliest {
            from,
            decided,
            told,
            because,
        })
    }

    fn opening(&self, class: &Class, from: Timestamp) -> Result<Opening, Never> {
        self.calendars.next_open(class, from).ok_or(Never::NoOpening(from))
    }

    /// When what is open at an instant has opened. `None` where no window is needed, or it has been open for long.
    pub(super) fn opened(&self, class: &Class, at: Timestamp) -> Option<Timestamp> {
        const BACK: Duration = Duration::from_hours(9 * 24);
        self.calendars
            .windows_of(class)
            .find(|window| window.kind == WindowKind::Allow)?;
        let begin = Timestamp(at.0 - BACK.as_millis());
        let mut from = begin;
        loop {
            let opening = self
                .calendars
                .next_open(class, from)
                .filter(|opening| opening.at <= at)?;
            match opening.closes {
                Some(closes) if closes <= at => from = closes,
                Some(_) | None => return Some(opening.at).filter(|opens| *opens > begin),
            }
        }
    }
}

/// What an opening says about why it is then.
fn reason(opening: &Opening, from: Timestamp) -> Option<StartReason> {
    match &opening.reason {
        Reason::Within { window } => Some(StartReason::Within { window: window.clone() }),
        Reason::Opens { window } => Some(StartReason::Opens { window: window.clone() }),
        Reason::Moved {
            from: before,
            freeze,
            because,
        } => Some(StartReason::Moved {
            from: (*before).max(from),
            freeze: freeze.clone(),
            reason: because.clone(),
        }),
        Reason::Unrestricted | Reason::Outside { .. } | Reason::Frozen { .. } => None,
    }
}
