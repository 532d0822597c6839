//! Instants that come again and again: each so many minutes, or at a local time of some days.

use std::collections::VecDeque;

use jiff::ToSpan as _;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rule::{Recurrence, RuleText, SEARCH_YEARS};
use super::text::{LocalDate, LocalTime, Weekdays, WindowZone};
use super::window::WindowError;
use super::zone::Clock;
use crate::files::TimeZoneName;
use crate::time::{Duration, Timestamp};

/// The shortest time between two instants of a schedule.
const SHORTEST: Duration = Duration::from_secs(1);

/// When something comes again and again, as people write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schemars(rename = "Schedule")]
pub enum WrittenSchedule {
    Every {
        /// The time from one instant to the next, a second at the least. They are counted from midnight UTC of 1 January 1970,
        /// so `15m` comes at each quarter of an hour.
        every: Duration,
    },
    Days {
        /// The days it comes on. Left out, every day.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<Weekdays>,
        /// The days it comes on, by a recurrence rule of RFC 5545 for whole days, instead of `on`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rrule: Option<RuleText>,
        /// The first day of `rrule`, which `INTERVAL` and `COUNT` count from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        starting: Option<LocalDate>,
        /// The time of these days.
        at: LocalTime,
        /// Whose local time this is: `tenant`, each tenant's own, or an IANA name.
        #[serde(default)]
        time_zone: WindowZone,
    },
}

/// When something comes again and again. Read and written as [`WrittenSchedule`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenSchedule", into = "WrittenSchedule")]
pub enum Schedule {
    Every(Duration),
    Weekly {
        on: Weekdays,
        at: Time,
        zone: WindowZone,
    },
    Recurring {
        days: Box<Recurrence>,
        at: Time,
        zone: WindowZone,
    },
}

/// A schedule whose parts do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("`{0}` is too short a time between two runs: write a second or more")]
    TooShort(Duration),
    #[error("`on` and `rrule` both say on which days: keep one of the two")]
    OnAndRule,
    #[error("`starting` is the first day of `rrule`: there is none")]
    StartingWithoutRule,
    #[error("it never comes: no day until {last} is one of `{rule}`")]
    Never { rule: String, last: LocalDate },
    #[error("`{rule}` does not say from which day on: add `starting` with its first day")]
    NoStart { rule: String },
}

impl ScheduleError {
    /// The field of the schedule to mark.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::TooShort(_) => "every",
            Self::StartingWithoutRule => "starting",
            Self::OnAndRule | Self::Never { .. } | Self::NoStart { .. } => "rrule",
        }
    }
}

/// What a schedule has left behind between two instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// The first of the last ones.
    pub kept_from: Timestamp,
    /// How many were before that one.
    pub dropped: u64,
}

impl TryFrom<WrittenSchedule> for Schedule {
    type Error = ScheduleError;

    fn try_from(written: WrittenSchedule) -> Result<Self, ScheduleError> {
        match written {
            WrittenSchedule::Every { every } if every < SHORTEST => Err(ScheduleError::TooShort(every)),
            WrittenSchedule::Every { every } => Ok(Self::Every(every)),
            WrittenSchedule::Days {
                on,
                rrule,
                starting,
                at,
                time_zone: zone,
            } => match (on, rrule) {
                (Some(_), Some(_)) => Err(ScheduleError::OnAndRule),
                (None, Some(rule)) => {
                    let days = Recurrence::new(&rule, starting).map_err(|error| ScheduleError::of(error, &rule))?;
                    let days = Box::new(days);
                    Ok(Self::Recurring { days, at: at.0, zone })
                }
                (_, None) if starting.is_some() => Err(ScheduleError::StartingWithoutRule),
                (on, None) => Ok(Self::Weekly {
                    on: on.unwrap_or(Weekdays::ALL),
                    at: at.0,
                    zone,
                }),
            },
        }
    }
}

impl ScheduleError {
    fn of(error: WindowError, rule: &RuleText) -> Self {
        match error {
            WindowError::NoDay { rule, last } => Self::Never { rule, last },
            // A recurrence has no other mistakes.
            WindowError::NoStart { .. }
            | WindowError::MixedBoundaries
            | WindowError::RepeatedDates(_)
            | WindowError::OnAndRule
            | WindowError::StartingWithoutRule
            | WindowError::EndsFirst { .. }
            | WindowError::NotForFreezes(_) => Self::NoStart { rule: rule.to_string() },
        }
    }
}

impl From<Schedule> for WrittenSchedule {
    fn from(schedule: Schedule) -> Self {
        match schedule {
            Schedule::Every(every) => Self::Every { every },
            Schedule::Weekly { on, at, zone } => Self::Days {
                on: (on != Weekdays::ALL).then_some(on),
                rrule: None,
                starting: None,
                at: LocalTime(at),
                time_zone: zone,
            },
            Schedule::Recurring { days, at, zone } => Self::Days {
                on: None,
                rrule: Some(days.rule),
                starting: days.starting,
                at: LocalTime(at),
                time_zone: zone,
            },
        }
    }
}

impl Schedule {
    /// It is read by the clocks of each tenant.
    #[must_use]
    pub fn is_local_to_tenants(&self) -> bool {
        match self {
            Self::Every(_) => false,
            Self::Weekly { zone, .. } | Self::Recurring { zone, .. } => *zone == WindowZone::Tenant,
        }
    }

    /// The same, by the clocks of one tenant.
    #[must_use]
    pub fn for_tenant(mut self, tenant: &TimeZoneName) -> Self {
        if let Self::Weekly { zone, .. } | Self::Recurring { zone, .. } = &mut self
            && *zone == WindowZone::Tenant
        {
            *zone = WindowZone::Named(tenant.clone());
        }
        self
    }

    /// The first instant after `at`; `None` where none comes any more. A time that the clocks jump over comes when they have
    /// jumped, one that they show twice comes once.
    #[must_use]
    pub fn after(&self, at: Timestamp) -> Option<Timestamp> {
        let (zone, time) = match self {
            Self::Every(every) => {
                let every = every.as_millis();
                let next = at.0.div_euclid(every).checked_add(1)?.checked_mul(every)?;
                return Some(Timestamp(next));
            }
            Self::Weekly { at, zone, .. } | Self::Recurring { at, zone, .. } => (zone, *at),
        };
        let clock = match zone {
            WindowZone::Named(zone) => Clock::of(zone),
            WindowZone::Tenant => Clock::of(&TimeZoneName::utc()),
        };
        // The clocks may have jumped over a whole day.
        let first = clock.local(at).date().saturating_sub(2.days());
        let last = first.saturating_add(SEARCH_YEARS.years());
        let instant = |date: jiff::civil::Date| Some(clock.first(date.to_datetime(time))).filter(|next| *next > at);
        match self {
            Self::Every(_) => None,
            Self::Weekly { on, .. } => {
                let days = std::iter::successors(Some(first), |date| date.tomorrow().ok());
                let mut days = days.take_while(|date| *date <= last);
                days.find_map(|date| on.contains(date.weekday()).then(|| instant(date)).flatten())
            }
            Self::Recurring { days, .. } => days.dates(first, last).find_map(instant),
        }
    }

    /// Of the instants from `next`, which is one, up to `until`: where the last `keep` of them begin.
    #[must_use]
    pub fn last_of(&self, next: Timestamp, until: Timestamp, keep: u64) -> Missed {
        if let Self::Every(every) = self {
            let count = (until.0.saturating_sub(next.0))
                .div_euclid(every.as_millis())
                .unsigned_abs()
                + 1;
            let dropped = count.saturating_sub(keep);
            let passed = every
                .as_millis()
                .saturating_mul(i64::try_from(dropped).unwrap_or(i64::MAX));
            return Missed {
                kept_from: Timestamp(next.0.saturating_add(passed)),
                dropped,
            };
        }
        let mut dropped = 0;
        let mut kept = VecDeque::from([next]);
        while let Some(following) = kept.back().and_then(|last| self.after(*last)).filter(|at| *at <= until) {
            kept.push_back(following);
            if kept.len() as u64 > keep {
                kept.pop_front();
                dropped += 1;
            }
        }
        Missed {
            kept_from: kept.front().copied().unwrap_or(next),
            dropped,
        }
    }
}

#[cfg(test)]
mod tests;
