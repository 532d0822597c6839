//! The day on which a release leaves.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::{Clockwork, day};
use crate::calendar::{LocalDate, Period, Reason};
use crate::files::Cadence;
use crate::plan::report::{About, Missed, MissedDay, Problem, ProblemKind};
use crate::policy::{NoticeRule, Skip};
use crate::time::Timestamp;

/// No cadence has its next day further ahead than this, in days.
const AHEAD_MAX: u16 = 800;

impl Clockwork<'_> {
    /// The first release day that the release can take. `None` where any day is one. `classes` are those of the first wave.
    pub(super) fn release_day(&mut self, classes: &BTreeSet<u16>, owed: &[&NoticeRule]) -> Option<Date> {
        let playbook = self.playbook;
        let cadence = playbook.cadence.as_ref()?;
        let boards = playbook.train.boards.contains(&self.release.kind);
        if !boards || self.skips.contains(&Skip::Cadence) || is_any_day(cadence) {
            return None;
        }
        let today = day::date(&self.base.zone, self.input.now);
        // Yesterday too: it may not be over yet where some tenants are.
        let days = (0..AHEAD_MAX).map(|n| day::later(today.saturating_sub(jiff::Span::new().days(1)), n));
        for candidate in days.filter(|day| is_release_day(cadence, *day)) {
            match self.takes(candidate, classes, owed) {
                Takes::Yes => return Some(candidate),
                Takes::Over => {}
                Takes::No(because) => self.missed.push(MissedDay {
                    date: LocalDate(candidate),
                    because,
                }),
            }
        }
        self.never_leaves();
        None
    }

    fn never_leaves(&mut self) {
        let message =
            format!("no release day of the next {AHEAD_MAX} days can be taken: a window is never open on one");
        let problem = Problem::blocks(
            ProblemKind::WindowNeverOpens,
            message,
            "give the tenants of the first wave a window on a day of the cadence, or the cadence another day",
        );
        self.missed.clear();
        self.problems.push(problem.about(About::Playbook));
    }

    fn takes(&mut self, date: Date, classes: &BTreeSet<u16>, owed: &[&NoticeRule]) -> Takes {
        let now = self.input.now;
        let mut some_window = classes.is_empty();
        let mut closed = Missed::Closed;
        let mut over = true;
        for class in classes.iter().map(|class| self.classes[usize::from(*class)].clone()) {
            let (begins, ends) = (
                day::begins(&class.zone, date),
                day::begins(&class.zone, day::later(date, 1)),
            );
            if ends <= now {
                continue;
            }
            over = false;
            let told = self.told_by(&class, owed);
            if told.is_some_and(|told| told >= ends) {
                return Takes::No(Missed::Notice);
            }
            let from = begins.max(now).max(told.unwrap_or(now));
            let opening = self.calendars.next_open(&class, from);
            match opening {
                Some(opening) if opening.at < ends => some_window = true,
                Some(opening) => {
                    if let Reason::Moved { freeze, because, .. } = opening.reason {
                        closed = Missed::Frozen {
                            freeze,
                            reason: because,
                        };
                    }
                }
                None => {}
            }
        }
        if over {
            return Takes::Over;
        }
        if let Some(cut_off) = self.cut_off(date) {
            if cut_off < now {
                return Takes::No(Missed::CutOff);
            }
            if some_window {
                self.holds_until(cut_off);
            }
        }
        if some_window { Takes::Yes } else { Takes::No(closed) }
    }

    /// The latest instant at which a release is planned that leaves on this day.
    fn cut_off(&self, date: Date) -> Option<Timestamp> {
        let period = self.playbook.train.cut_off?;
        let begins = day::begins(&self.base.zone, date);
        // Days that the playbook's calendar cannot count are told where they are first asked for.
        self.calendars.notice_deadline(&self.base, begins, &period).ok()
    }
}

enum Takes {
    Yes,
    /// The day is over everywhere.
    Over,
    No(Missed),
}

fn is_any_day(cadence: &Cadence) -> bool {
    cadence.on.is_none() && matches!(cadence.every, Period::Weeks(1) | Period::Days(_))
}

fn is_release_day(cadence: &Cadence, day: Date) -> bool {
    let weeks = match cadence.every {
        Period::Weeks(weeks) => i64::from(weeks.max(1)),
        // Told by the lint: a cadence is counted in weeks.
        Period::Elapsed(_) | Period::Days(_) | Period::WorkingDays(_) => 1,
    };
    let anchor = cadence.from.map_or(date(1970, 1, 1), |day| day.0);
    let on = match (cadence.on, cadence.from) {
        (Some(days), _) => days.contains(day.weekday()),
        (None, _) => true,
    };
    on && (week(day) - week(anchor)).rem_euclid(weeks) == 0
}

/// Weeks since that of 1970-01-01, from Monday to Sunday.
fn week(day: Date) -> i64 {
    let days = day.since(date(1970, 1, 1)).map_or(0, |span| i64::from(span.get_days()));
    // 1970-01-01 was a Thursday.
    (days + 3).div_euclid(7)
}
