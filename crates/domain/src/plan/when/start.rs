//! When one class of tenants of a wave moves, and why then.

use jiff::civil::Date;

use super::{Clockwork, day};
use crate::calendar::{CalendarError, Class, LocalDate, Opening, Period, Reason, WindowKind};
use crate::id::TenantName;
use crate::plan::report::{ClassReport, StartReason};
use crate::plan::schedule::{PlannedWindow, Start};
use crate::policy::NoticeKind;
use crate::time::{Duration, Timestamp};

/// An instant that is reckoned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    /// It is so long after now: a plan made later reckons with a later one.
    pub(super) floats: bool,
}

/// What a wave asks of its start.
pub(super) struct Asked {
    /// When everything before is done.
    pub(super) from: Moment,
    /// The day of the release, and its date.
    pub(super) day: Option<(u16, Date)>,
    /// The release leaves on this day by its cadence.
    pub(super) cadence: Option<Date>,
    /// It takes the admissible hour of least traffic.
    pub(super) quietest: bool,
}

/// A notice that a class must have had so long before it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) kind: NoticeKind,
    pub(super) period: Period,
    /// When the last of the class was or will be told: now, where that is not proven.
    pub(super) sent: Timestamp,
}

/// The first instant that days allow, and why it is that one.
struct Earliest {
    from: Moment,
    /// An instant that is decided, as against one that follows from what comes before.
    decided: Option<Timestamp>,
    because: Vec<StartReason>,
}

/// The first time that windows and notices allow together.
pub(super) struct Admissible {
    /// When it was looked for from.
    from: Timestamp,
    pub(super) opening: Opening,
    /// The notice that has moved it there.
    moved_by: Option<Owed>,
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
        asked: &Asked,
        owed: &[Owed],
        tenants: impl Iterator<Item = &'t TenantName>,
    ) -> Result<(Start, Moment, ClassReport), Never> {
        let Earliest {
            from: before,
            mut decided,
            mut because,
        } = self.earliest(class, asked);
        let found = self.admissible(class, before.at, owed)?;
        self.hold_floating(class, before, &found, !owed.is_empty());
        let Admissible {
            from,
            mut opening,
            moved_by,
        } = found;
        let mut expected = before;
        if let Some(Owed { kind, period, .. }) = moved_by {
            expected = Moment::fixed(from);
            decided = decided.max(Some(from));
            because.push(StartReason::Notice { kind, period });
        }
        because.extend(reason(&opening, from));
        let mut opens = if opening.at > from {
            expected = Moment::fixed(opening.at);
            Some(opening.at)
        } else {
            self.opened(class, from)
        };
        decided = decided.max(opens);
        if let Some(at) = decided {
            // What is open already may have opened before a notice has run, and a day may begin in a freeze.
            let mut told = self.admissible(class, at, owed)?.opening;
            if told.at <= self.input.now {
                // Its day may have begun, and be in a freeze now.
                let ahead = self.admissible(class, self.input.now, owed)?.opening;
                if ahead.at > self.input.now {
                    told = ahead;
                } else {
                    ahead.closes.into_iter().for_each(|closes| self.holds_until(closes));
                }
            }
            decided = Some(told.at);
            if told.at > expected.at {
                expected = Moment::fixed(told.at);
                opens = self.opened(class, told.at);
                opening = told;
            }
        }
        if asked.quietest
            && let Some((quietest, reason)) =
                self.quietest(class, self.after_notices(class, expected.at, owed)?, tenants)
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

    /// What follows from a start that comes later with each minute holds until that is beyond what it led to: the start that a
    /// notice allows, or else the end of its window; and where a notice is owed, of its day, for on the next one a working
    /// day less may lie before it.
    fn hold_floating(&mut self, class: &Class, from: Moment, found: &Admissible, is_owed: bool) {
        if !from.floats {
            return;
        }
        let tomorrow = || day::begins(&class.zone, day::later(day::date(&class.zone, from.at), 1));
        let end = match found.moved_by {
            Some(_) => Some(found.opening.at),
            None => found.opening.closes.into_iter().chain(is_owed.then(tomorrow)).min(),
        };
        if let Some(end) = end {
            self.holds_until(self.input.now + (end - from.at));
        }
    }

    /// What days allow, whatever is open.
    fn earliest(&self, class: &Class, asked: &Asked) -> Earliest {
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
        Earliest { from, decided, because }
    }

    /// The first time from an instant on that is open, and that every notice which is owed allows. Notices allow more than
    /// what comes after all of them have run: five working days after a Monday 09:00 allow Saturday 09:00, Sunday 09:00 and
    /// Monday 09:00, and no night between them.
    pub(super) fn admissible(&self, class: &Class, from: Timestamp, owed: &[Owed]) -> Result<Admissible, Never> {
        let mut from = from;
        let mut moved_by = None;
        loop {
            let opening = self.opening(class, from)?;
            let Some((allowed, by)) = self.not_before(class, opening.at, owed)? else {
                return Ok(Admissible {
                    from,
                    opening,
                    moved_by,
                });
            };
            moved_by = Some(by);
            // The reader is told an instant, so it is not one that depends on the second of planning.
            let is_open = self.opening(class, allowed)?.at == allowed;
            from = if is_open {
                day::full_hour(&class.zone, allowed)
            } else {
                allowed
            };
        }
    }

    /// The first start after `at` that all notices allow, with the one that is last; `None` where they allow `at`.
    fn not_before(&self, class: &Class, at: Timestamp, owed: &[Owed]) -> Result<Option<(Timestamp, Owed)>, Never> {
        let mut last = None;
        for one in owed {
            let allowed = self.calendars.next_start(class, one.sent, &one.period, at);
            let allowed = allowed.map_err(Never::Calendar)?;
            if allowed > last.map_or(at, |(last, _)| last) {
                last = Some((allowed, *one));
            }
        }
        Ok(last)
    }

    /// The first instant from which on every start is allowed. The hour of least traffic is looked for in a whole week, in
    /// which no hour may be one that a notice forbids.
    fn after_notices(&self, class: &Class, from: Timestamp, owed: &[Owed]) -> Result<Timestamp, Never> {
        owed.iter().try_fold(from, |from, one| {
            let every = self.calendars.every_start(class, one.sent, &one.period);
            every.map(|every| from.max(every)).map_err(Never::Calendar)
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
