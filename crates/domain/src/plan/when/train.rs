//! The day on which a release leaves.

use jiff::civil::{Date, date};

use super::members::Members;
use super::start::Owed;
use super::{Clockwork, day};
use crate::calendar::{Class, LocalDate, Period, Reason};
use crate::files::Cadence;
use crate::plan::PlannedWave;
use crate::plan::report::{About, Missed, MissedDay, Problem, ProblemKind};
use crate::policy::Skip;
use crate::time::Timestamp;

/// No cadence has its next day further ahead than this, in days.
const AHEAD_MAX: u16 = 800;

/// Tenants that leave on a day of the release.
pub(super) struct Leaving {
    class: Class,
    /// So many days after the release day.
    later: u16,
    /// They are in the first wave: without any of them the release does not leave.
    first: bool,
    owed: Vec<Owed>,
}

impl Clockwork<'_> {
    /// The first release day that the release can take. `None` where any day is one, or none is to be had, which is told.
    pub(super) fn release_day(&mut self, leaving: &[Leaving]) -> Option<Date> {
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
            match self.takes(candidate, leaving) {
                Takes::Yes => return Some(candidate),
                Takes::Over => {}
                Takes::No(because) => self.missed.push(MissedDay {
                    date: LocalDate(candidate),
                    because,
                }),
            }
        }
        let why = self
            .missed
            .last()
            .map_or(String::new(), |last| format!(": {}", last.because.in_words()));
        let problem = Problem::blocks(
            ProblemKind::NoReleaseDay,
            format!("the release can leave on no release day of the next {AHEAD_MAX} days{why}"),
            "see that a window of its tenants is open on days of `cadence`, and that `cut_off` and notices leave time",
        );
        self.problems.push(problem.about(About::Playbook));
        None
    }

    /// Who leaves on which day: all of the first wave, and who has a day of its own.
    pub(super) fn leaving(&self, waves: &[PlannedWave], members: &[Members<'_>]) -> Vec<Leaving> {
        let mut leaving = Vec::new();
        for (place, wave) in waves.iter().enumerate() {
            let day = self.file_wave(&wave.name).and_then(|wave| wave.day);
            let Some(day) = day.or((place == 0).then_some(1)) else {
                continue;
            };
            for (class, owed) in self.owed(wave, &members[place]) {
                leaving.push(Leaving {
                    class: self.classes[usize::from(class)].clone(),
                    later: day.saturating_sub(1),
                    first: place == 0,
                    owed,
                });
            }
        }
        leaving
    }

    fn takes(&mut self, date: Date, leaving: &[Leaving]) -> Takes {
        let now = self.input.now;
        let mut some_window = leaving.is_empty();
        let mut closed = Missed::Closed;
        let mut over = !leaving.is_empty();
        for Leaving {
            class,
            later,
            first,
            owed,
        } in leaving
        {
            let date = day::later(date, *later);
            let begins = day::begins(&class.zone, date).max(now);
            let ends = day::begins(&class.zone, day::later(date, 1));
            if ends <= now {
                continue;
            }
            over &= !first;
            let Some(opening) = self.calendars.next_open(class, begins) else {
                continue;
            };
            // What a calendar cannot count is told where the start is planned.
            let told = self.admissible(class, begins, owed).ok();
            let at = told.map_or(opening.at, |told| told.opening.at);
            if at >= ends && at > opening.at {
                return Takes::No(Missed::Notice);
            }
            if !first {
                continue;
            }
            if at < ends {
                some_window = true;
            } else if let Reason::Moved { freeze, because, .. } = opening.reason {
                closed = Missed::Frozen {
                    freeze,
                    reason: because,
                };
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
