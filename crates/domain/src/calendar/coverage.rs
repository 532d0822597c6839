//! Windows as spans of instants, and the time that several of them cover together.

use std::iter::Peekable;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Time};

use super::rule::{Dates, SEARCH_YEARS};
use super::text::Weekdays;
use super::zone::Clock;
use super::{Calendars, Class, Times, Window, WindowKind, WindowZone};
use crate::id::WindowName;
use crate::time::Timestamp;

/// After every instant.
pub(super) const END: Timestamp = Timestamp(i64::MAX);

/// From an instant up to but without another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// The spans of one window, by their beginnings: all that reach beyond an instant, up to a day.
pub(super) struct Spans<'w> {
    clock: Clock,
    times: Source<'w>,
}

enum Source<'w> {
    Once(Option<(DateTime, DateTime)>),
    /// Whole days that touch: written as times, but never closed.
    Always(Option<Span>),
    Weekly {
        on: Weekdays,
        hours: (Time, Time),
        next: Option<Date>,
        last: Date,
    },
    Recurring {
        days: Dates<'w>,
        hours: (Time, Time),
    },
}

impl<'w> Spans<'w> {
    pub(super) fn new(window: &'w Window, class: &Class, from: Timestamp) -> Self {
        let clock = Clock::of(match &window.zone {
            WindowZone::Tenant => &class.zone,
            WindowZone::Named(zone) => zone,
        });
        // A span ends on the day after it begins, or later where the clocks jump over whole days.
        let first = clock.local(from).date().saturating_sub(3.days());
        let last = first.saturating_add(SEARCH_YEARS.years());
        let times = match &window.times {
            Times::Once { from, until } => Source::Once(Some((*from, *until))),
            Times::Weekly { on, from, until } if *on == Weekdays::ALL && from == until => Source::Always(Some(Span {
                from: Timestamp(i64::MIN),
                until: END,
            })),
            Times::Weekly { on, from, until } => Source::Weekly {
                on: *on,
                hours: (*from, *until),
                next: Some(first),
                last,
            },
            Times::Recurring { days, from, until } => Source::Recurring {
                days: days.dates(first, last),
                hours: (*from, *until),
            },
        };
        Self { clock, times }
    }
}

impl Iterator for Spans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            let (from, until) = match &mut self.times {
                Source::Always(span) => return span.take(),
                Source::Once(ends) => ends.take()?,
                Source::Weekly { on, hours, next, last } => {
                    let date = next.filter(|date| date <= last)?;
                    *next = date.tomorrow().ok();
                    if !on.contains(date.weekday()) {
                        continue;
                    }
                    on_day(date, *hours)
                }
                Source::Recurring { days, hours } => on_day(days.next()?, *hours),
            };
            let span = Span {
                from: self.clock.first(from),
                until: self.clock.last(until),
            };
            if span.from < span.until {
                return Some(span);
            }
        }
    }
}

fn on_day(date: Date, (from, until): (Time, Time)) -> (DateTime, DateTime) {
    let last = if until > from {
        date
    } else {
        date.saturating_add(1.day())
    };
    (date.to_datetime(from), last.to_datetime(until))
}

/// The time that the windows of one kind cover, asked at instants that only grow.
pub(super) struct Coverage<'w> {
    windows: Vec<Covering<'w>>,
}

struct Covering<'w> {
    window: &'w Window,
    spans: Peekable<Spans<'w>>,
    until: Timestamp,
}

impl<'w> Coverage<'w> {
    /// Of the windows of a kind that are for a class, from an instant on.
    pub(super) fn new(calendars: &'w Calendars, class: &'w Class, kind: WindowKind, from: Timestamp) -> Self {
        let windows = calendars.windows_of(class).filter(|window| window.kind == kind);
        Self {
            windows: windows
                .map(|window| Covering {
                    window,
                    spans: Spans::new(window, class, from).peekable(),
                    until: Timestamp(i64::MIN),
                })
                .collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// The first window that covers `at`.
    pub(super) fn at(&mut self, at: Timestamp) -> Option<&'w Window> {
        for covering in &mut self.windows {
            while let Some(span) = covering.spans.next_if(|span| span.from <= at) {
                covering.until = covering.until.max(span.until);
            }
        }
        let first = self.windows.iter().find(|covering| covering.until > at);
        first.map(|covering| covering.window)
    }

    /// How long the windows that cover the instant last asked for go on; others may follow at once.
    pub(super) fn until(&self) -> Timestamp {
        let ends = self.windows.iter().map(|covering| covering.until);
        ends.max().unwrap_or(Timestamp(i64::MIN))
    }

    /// When the first of the windows that cover `at`, the instant last asked for, ends.
    pub(super) fn first_end(&self, at: Timestamp) -> Timestamp {
        let ends = self.windows.iter().map(|covering| covering.until);
        ends.filter(|until| *until > at).min().unwrap_or(END)
    }

    pub(super) fn names(&self) -> Vec<WindowName> {
        self.windows
            .iter()
            .map(|covering| covering.window.name.clone())
            .collect()
    }

    /// When the next window begins after the instant last asked for.
    pub(super) fn next(&mut self) -> Option<Timestamp> {
        let next = self.windows.iter_mut().filter_map(|covering| covering.spans.peek());
        next.map(|span| span.from).min()
    }
}
