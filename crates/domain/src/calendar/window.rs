//! Windows that mean something: what is written, with its parts held together.

use jiff::civil::{DateTime, Time};
use serde::{Deserialize, Serialize};

use super::rule::Recurrence;
use super::text::{Boundary, LocalDate, Weekdays, WindowZone};
use super::{Selector, WhenOpenEnds, WindowKind, WrittenWindow};
use crate::id::WindowName;

/// A time at which moving is allowed, or forbidden. Read and written as [`WrittenWindow`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenWindow", into = "WrittenWindow")]
pub struct Window {
    pub name: WindowName,
    pub kind: WindowKind,
    pub times: Times,
    pub zone: WindowZone,
    pub tenants: Selector,
    pub reason: Option<String>,
    pub when_open_ends: WhenOpenEnds,
    pub capacity: Option<u32>,
}

/// When a window is open, in local time. An `until` that is not after its `from` is one of the next day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Times {
    Weekly {
        on: Weekdays,
        from: Time,
        until: Time,
    },
    Once {
        from: DateTime,
        until: DateTime,
    },
    Recurring {
        days: Box<Recurrence>,
        from: Time,
        until: Time,
    },
}

/// A window whose parts do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    #[error("`from` and `until` are not written alike: either both have a date, or none has")]
    MixedBoundaries,
    #[error("a window with dates happens once, so `{0}` says nothing: remove it, or write times without dates")]
    RepeatedDates(&'static str),
    #[error("`on` and `rrule` both say on which days: keep one of the two")]
    OnAndRule,
    #[error("`starting` is the first day of `rrule`: there is none")]
    StartingWithoutRule,
    #[error("it never opens: it ends at {until}, which is not after {from}")]
    EndsFirst { from: Boundary, until: Boundary },
    #[error("it never opens: no day until {last} is one of `{rule}`")]
    NoDay { rule: String, last: LocalDate },
    #[error("`{rule}` does not say from which day on: add `starting` with its first day")]
    NoStart { rule: String },
    #[error("`{0}` has no meaning for a freeze: remove it")]
    NotForFreezes(&'static str),
}

impl WindowError {
    /// The field of the window to mark.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::MixedBoundaries | Self::EndsFirst { .. } => "until",
            Self::RepeatedDates(field) | Self::NotForFreezes(field) => field,
            Self::StartingWithoutRule => "starting",
            Self::OnAndRule | Self::NoDay { .. } | Self::NoStart { .. } => "rrule",
        }
    }
}

impl TryFrom<WrittenWindow> for Window {
    type Error = WindowError;

    fn try_from(written: WrittenWindow) -> Result<Self, WindowError> {
        if written.kind == WindowKind::Freeze {
            let fields = [
                ("when_open_ends", written.when_open_ends.is_some()),
                ("capacity", written.capacity.is_some()),
            ];
            if let Some((field, _)) = fields.iter().find(|(_, is_written)| *is_written) {
                return Err(WindowError::NotForFreezes(field));
            }
        }
        Ok(Self {
            times: Times::of(&written)?,
            name: written.name,
            kind: written.kind,
            zone: written.time_zone,
            tenants: written.tenants,
            reason: written.reason,
            when_open_ends: written.when_open_ends.unwrap_or_default(),
            capacity: written.capacity,
        })
    }
}

impl Times {
    fn of(written: &WrittenWindow) -> Result<Self, WindowError> {
        let (from, until) = match (written.from, written.until) {
            (Boundary::Daily(from), Boundary::Daily(until)) => (from, until),
            (Boundary::Once(from), Boundary::Once(until)) => return Self::once(written, from, until),
            (Boundary::Daily(_), Boundary::Once(_)) | (Boundary::Once(_), Boundary::Daily(_)) => {
                return Err(WindowError::MixedBoundaries);
            }
        };
        match (&written.rrule, written.on) {
            (Some(_), Some(_)) => Err(WindowError::OnAndRule),
            (Some(rule), None) => {
                let days = Box::new(Recurrence::new(rule, written.starting)?);
                Ok(Self::Recurring { days, from, until })
            }
            (None, _) if written.starting.is_some() => Err(WindowError::StartingWithoutRule),
            (None, on) => {
                let on = on.unwrap_or(Weekdays::ALL);
                Ok(Self::Weekly { on, from, until })
            }
        }
    }

    fn once(written: &WrittenWindow, from: DateTime, until: DateTime) -> Result<Self, WindowError> {
        let repeats = [
            ("on", written.on.is_some()),
            ("rrule", written.rrule.is_some()),
            ("starting", written.starting.is_some()),
        ];
        if let Some((field, _)) = repeats.iter().find(|(_, is_written)| *is_written) {
            return Err(WindowError::RepeatedDates(field));
        }
        if until <= from {
            let (from, until) = (written.from, written.until);
            return Err(WindowError::EndsFirst { from, until });
        }
        Ok(Self::Once { from, until })
    }
}

impl From<Window> for WrittenWindow {
    fn from(window: Window) -> Self {
        let (from, until) = match window.times {
            Times::Once { from, until } => (Boundary::Once(from), Boundary::Once(until)),
            Times::Weekly { from, until, .. } | Times::Recurring { from, until, .. } => {
                (Boundary::Daily(from), Boundary::Daily(until))
            }
        };
        let on = match window.times {
            Times::Weekly { on, .. } if on != Weekdays::ALL => Some(on),
            Times::Weekly { .. } | Times::Once { .. } | Times::Recurring { .. } => None,
        };
        let (rrule, starting) = match window.times {
            Times::Recurring { days, .. } => (Some(days.rule), days.starting),
            Times::Weekly { .. } | Times::Once { .. } => (None, None),
        };
        let is_default = window.when_open_ends == WhenOpenEnds::default();
        Self {
            name: window.name,
            kind: window.kind,
            on,
            rrule,
            starting,
            from,
            until,
            time_zone: window.zone,
            tenants: window.tenants,
            reason: window.reason,
            when_open_ends: (!is_default).then_some(window.when_open_ends),
            capacity: window.capacity,
        }
    }
}
