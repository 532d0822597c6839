//! Whether a class may move at an instant, when it next may, until when, and why.

use serde::{Deserialize, Serialize};

use super::coverage::{Coverage, END, Spans};
use super::rule::SEARCH_YEARS;
use super::{Calendars, Class, Local, Window, WindowKind};
use crate::files::TimeZoneName;
use crate::id::WindowName;
use crate::time::Timestamp;

/// Whether moving is allowed at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openness {
    pub open: bool,
    /// The window that allows it, or the freeze that forbids it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowName>,
    pub reason: Reason,
}

/// When moving is next allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    pub at: Timestamp,
    /// The window that allows it; none where no window is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowName>,
    /// The first instant at which moving is no longer allowed; none where that never comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Timestamp>,
    pub reason: Reason,
}

/// Why moving is allowed, is not, or is allowed just then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    /// The tenant needs no window.
    Unrestricted,
    /// This window is open.
    Within { window: WindowName },
    /// Nothing that allows moving is open.
    Outside { windows: Vec<WindowName> },
    /// A freeze forbids it.
    Frozen {
        freeze: WindowName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// This window opens then.
    Opens { window: WindowName },
    /// It could have been earlier but for a freeze.
    Moved {
        from: Timestamp,
        freeze: WindowName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
}

/// A time during which the answer is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    pub from: Timestamp,
    pub until: Timestamp,
    pub openness: Openness,
}

impl Calendars {
    /// Whether a class may move at an instant.
    #[must_use]
    pub fn is_open(&self, class: &Class, at: Timestamp) -> Openness {
        Sweep::new(self, class, at).openness(at)
    }

    /// The first instant, `from` or later, at which a class may move. None where there is none in 40 years, counted from
    /// the end of what is open or frozen for longer than a month.
    #[must_use]
    pub fn next_open(&self, class: &Class, from: Timestamp) -> Option<Opening> {
        let mut sweep = Sweep::new(self, class, from);
        let mut at = from;
        let mut moved = None;
        let allowing = loop {
            let allowing = sweep.allow.at(at);
            if allowing.is_none() && !sweep.allow.is_empty() {
                at = sweep.allow.next()?;
                continue;
            }
            let Some(freeze) = sweep.freeze.at(at) else {
                break allowing;
            };
            moved.get_or_insert_with(|| Reason::Moved {
                from: at,
                freeze: freeze.name.clone(),
                because: freeze.reason.clone(),
            });
            at = sweep.jump(at, sweep.freeze.until())?;
        };
        let window = allowing.map(|window| window.name.clone());
        let reason = match (moved, &window) {
            (Some(moved), _) => moved,
            (None, None) => Reason::Unrestricted,
            (None, Some(window)) if at == from => Reason::Within { window: window.clone() },
            (None, Some(window)) => Reason::Opens { window: window.clone() },
        };
        Some(Opening {
            at,
            window,
            closes: sweep.closes(at),
            reason,
        })
    }

    /// The first instant, `at` or later, at which a class may not move. None where that never comes.
    #[must_use]
    pub fn next_close(&self, class: &Class, at: Timestamp) -> Option<Timestamp> {
        Sweep::new(self, class, at).closes(at)
    }

    /// What holds when, from an instant up to another.
    #[must_use]
    pub fn stretches(&self, class: &Class, from: Timestamp, until: Timestamp) -> Vec<Stretch> {
        let mut sweep = Sweep::new(self, class, from);
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut at = from;
        while at < until {
            let openness = sweep.openness(at);
            let next = sweep.next_change(at).min(until);
            match stretches.last_mut() {
                Some(last) if last.openness == openness => last.until = next,
                _ => stretches.push(Stretch {
                    from: at,
                    until: next,
                    openness,
                }),
            }
            at = next;
        }
        stretches
    }

    /// Each time that a window of a class is open, whatever freezes it, from an instant up to another: what tenants can
    /// reserve where the window has a capacity. As (opens, closes).
    #[must_use]
    pub fn occurrences(
        &self,
        class: &Class,
        window: &Window,
        from: Timestamp,
        until: Timestamp,
    ) -> Vec<(Timestamp, Timestamp)> {
        Spans::new(window, class, from)
            .skip_while(|span| span.until <= from)
            .take_while(|span| span.from < until)
            .map(|span| (span.from, span.until))
            .collect()
    }
}

/// What covers an instant that only grows.
struct Sweep<'w> {
    calendars: &'w Calendars,
    class: &'w Class,
    allow: Coverage<'w>,
    freeze: Coverage<'w>,
    /// Windows are looked up as far as this.
    known: Timestamp,
}

/// Windows that happen again and again are open for a day at the most.
const LONG: i64 = 30 * 86_400_000;

impl<'w> Sweep<'w> {
    fn new(calendars: &'w Calendars, class: &'w Class, from: Timestamp) -> Self {
        Self {
            calendars,
            class,
            allow: Coverage::new(calendars, class, WindowKind::Allow, from),
            freeze: Coverage::new(calendars, class, WindowKind::Freeze, from),
            known: years_after(from),
        }
    }

    /// Goes on where a window ends. After one that was long the others are looked up anew; where they come to an end of
    /// what was looked up there is nothing to find.
    fn jump(&mut self, at: Timestamp, to: Timestamp) -> Option<Timestamp> {
        if to == END {
            return None;
        }
        if to.0.saturating_sub(at.0) > LONG {
            *self = Self::new(self.calendars, self.class, to);
        }
        (to < self.known).then_some(to)
    }

    fn openness(&mut self, at: Timestamp) -> Openness {
        if let Some(freeze) = self.freeze.at(at) {
            return Openness {
                open: false,
                window: Some(freeze.name.clone()),
                reason: Reason::Frozen {
                    freeze: freeze.name.clone(),
                    because: freeze.reason.clone(),
                },
            };
        }
        if let Some(window) = self.allow.at(at) {
            return Openness {
                open: true,
                window: Some(window.name.clone()),
                reason: Reason::Within {
                    window: window.name.clone(),
                },
            };
        }
        let open = self.allow.is_empty();
        let reason = if open {
            Reason::Unrestricted
        } else {
            Reason::Outside {
                windows: self.allow.names(),
            }
        };
        Openness {
            open,
            window: None,
            reason,
        }
    }

    /// The first instant, `at` or later, at which moving is not allowed.
    fn closes(&mut self, at: Timestamp) -> Option<Timestamp> {
        let mut at = at;
        loop {
            let allowed = self.allow.at(at).is_some() || self.allow.is_empty();
            if self.freeze.at(at).is_some() || !allowed {
                return Some(at);
            }
            let ends = if self.allow.is_empty() { END } else { self.allow.until() };
            at = match self.freeze.next() {
                Some(freeze) if freeze <= ends => return Some(freeze),
                _ => self.jump(at, ends)?,
            };
        }
    }

    /// The first instant after `at` at which another window may decide.
    fn next_change(&mut self, at: Timestamp) -> Timestamp {
        let mut next = END;
        for coverage in [&mut self.allow, &mut self.freeze] {
            if coverage.at(at).is_some() {
                next = next.min(coverage.first_end(at));
            }
            next = next.min(coverage.next().unwrap_or(END));
        }
        next
    }
}

fn years_after(from: Timestamp) -> Timestamp {
    Timestamp(from.0.saturating_add(i64::from(SEARCH_YEARS) * 365 * 86_400_000))
}

impl Reason {
    /// In words, with times as the clocks of a zone show them.
    #[must_use]
    pub fn words(&self, zone: &TimeZoneName) -> String {
        let because = |text: &Option<String>| text.as_ref().map_or(String::new(), |text| format!(" ({text})"));
        match self {
            Self::Unrestricted => "no window restricts it".to_owned(),
            Self::Within { window } => format!("window `{window}` is open"),
            Self::Outside { windows } => format!("outside of {}", named(windows)),
            Self::Frozen { freeze, because: why } => format!("freeze `{freeze}`{}", because(why)),
            Self::Opens { window } => format!("window `{window}` opens"),
            Self::Moved {
                from,
                freeze,
                because: why,
            } => {
                format!(
                    "moved from {}: freeze `{freeze}`{}",
                    Local::new(*from, zone),
                    because(why)
                )
            }
        }
    }
}

/// `window `night``, `windows `night` and `noon``.
fn named(windows: &[WindowName]) -> String {
    let names: Vec<String> = windows.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "every window".to_owned(),
        Some((only, [])) => format!("window {only}"),
        Some((last, rest)) => format!("windows {} and {last}", rest.join(", ")),
    }
}
