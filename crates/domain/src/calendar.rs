//! When tenants may move: windows and freezes in local time, working days and holidays, notice periods.
//!
//! People write local times; what moves is an instant. All of it is computed here, with the time zone database that is
//! part of the executable ([`database_version`]), by these rules:
//!
//! - A window is open from `from` up to but without `until`; an `until` that is not after `from` is one of the next day.
//!   `on` and a rule name the local date on which it opens.
//! - A local time that the clocks jump over becomes the first instant after the jump. One that they show twice is the
//!   first for an opening and a deadline and the second for a closing, so that a window is never shorter than its words. A
//!   window that a jump swallows does not happen.
//! - A tenant with no window of the kind `allow` may always move. A freeze beats them all. A freeze begins like an opening
//!   and ends like a closing. Windows that touch are one.
//! - Hours of a notice are elapsed time, days and weeks are days of the tenant's calendar, and working days are those of
//!   its calendar without its holidays.
//!
//! Nothing here blocks a rollback: who moves tenants back does not ask.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::files::{LabelName, Scalar, Tenant, TimeZoneName};
use crate::id::{CalendarName, CellName, CustomerName, TenantName, WindowName};

mod coverage;
mod holidays;
mod notice;
mod opening;
mod picture;
mod profile;
mod rule;
mod schedule;
mod text;
mod window;
mod written;
mod zone;

pub use holidays::Holidays;
pub use opening::{Opening, Openness, Reason, Stretch};
pub use picture::{ClockChange, Day, Hour};
pub use profile::{
    HALF_LIFE_WEEKS, HOURS, LocalHour, Measured, Peak, Profile, ProfileError, Quietest, Traffic, Week, next_peak,
};
pub use rule::{Recurrence, RuleError, RuleText};
pub use schedule::{Missed, Schedule, ScheduleError, WrittenSchedule};
pub use text::{Boundary, LocalDate, LocalTime, Period, WeekdayList, Weekdays, WindowZone, WorkingHours, WrongText};
pub use window::{Times, Window, WindowError};
pub use written::{Calendar, Selector, WhenOpenEnds, WindowKind, WrittenWindow};
pub use zone::{InstantError, Local, database_version, read_instant};

/// All that a service says of time. A plan freezes it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calendars {
    pub calendars: BTreeMap<CalendarName, Calendar>,
    /// The holidays by the file that a calendar names.
    pub holidays: BTreeMap<String, Holidays>,
    /// In the order in which they are written: of several that are open, the first is named.
    pub windows: Vec<Window>,
    /// Windows that are written wrongly. Nothing is known of when their tenants may move.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<BrokenWindow>,
}

/// A window with a mistake, as far as it says whom it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokenWindow {
    pub name: String,
    pub tenants: Selector,
    /// With its place: `tidegate.yaml:12:5: …`.
    pub mistake: String,
}

/// All of a tenant that matters to time. Thousands of tenants have a handful of classes: ask once for each class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    pub zone: TimeZoneName,
    pub calendar: Option<CalendarName>,
    /// The windows that are for it, by their place in [`Calendars::windows`].
    pub windows: Vec<u16>,
}

/// What is known of a tenant, wherever it is kept.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'t> {
    pub id: &'t TenantName,
    pub customer: Option<&'t CustomerName>,
    pub cell: Option<&'t CellName>,
    pub labels: &'t BTreeMap<LabelName, Scalar>,
    pub time_zone: Option<&'t TimeZoneName>,
    pub calendar: Option<&'t CalendarName>,
}

impl<'t> From<&'t Tenant> for Subject<'t> {
    fn from(tenant: &'t Tenant) -> Self {
        Self {
            id: &tenant.id,
            customer: tenant.customer.as_ref(),
            cell: Some(&tenant.cell),
            labels: &tenant.labels,
            time_zone: tenant.time_zone.as_ref(),
            calendar: tenant.calendar.as_ref(),
        }
    }
}

/// A question that the calendars cannot answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("there is no calendar `{0}`")]
    UnknownCalendar(CalendarName),
    #[error("window `{window}`, which is for this tenant, is written wrongly: {mistake}")]
    BrokenWindow { window: String, mistake: String },
    #[error("working days are counted in a calendar, and the tenant has none")]
    NoCalendar,
    #[error("the holidays of calendar `{calendar}` are not there: `{file}` was not read")]
    HolidaysNotRead { calendar: CalendarName, file: String },
    #[error("whether {date} is a working day of calendar `{calendar}` is not known: `{file}` has no holidays of {}", date.year())]
    HolidaysUnknown {
        calendar: CalendarName,
        file: String,
        date: Date,
    },
    #[error("an instant {0} away is not in the years from 1 to 9999")]
    OutOfRange(Period),
}

impl CalendarError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::UnknownCalendar(name) => format!("write `{name}` under `calendars` in tidegate.yaml"),
            Self::BrokenWindow { window, .. } => format!("correct window `{window}`, or remove it"),
            Self::NoCalendar => "give the tenant a `calendar` in tenants.yaml".to_owned(),
            Self::HolidaysNotRead { file, .. } => format!("see that `{file}` is there and can be read"),
            Self::HolidaysUnknown { file, date, .. } => format!("add the year {} to `{file}`", date.year()),
            Self::OutOfRange(_) => "name an instant of these years".to_owned(),
        }
    }
}

impl Calendars {
    /// The class of a tenant. Its own zone beats that of its calendar; where neither names one it is UTC.
    ///
    /// # Errors
    /// If it names a calendar that is not there, or a window that is for it is written wrongly.
    pub fn class<'t>(&self, tenant: impl Into<Subject<'t>>) -> Result<Class, CalendarError> {
        let tenant = tenant.into();
        if let Some(broken) = self.broken.iter().find(|broken| broken.tenants.selects(tenant)) {
            return Err(CalendarError::BrokenWindow {
                window: broken.name.clone(),
                mistake: broken.mistake.clone(),
            });
        }
        let calendar = tenant.calendar.map(|name| self.calendar(name)).transpose()?;
        let calendar_zone = calendar.and_then(|calendar| calendar.time_zone.as_ref());
        let zone = tenant.time_zone.or(calendar_zone);
        let windows = (0..).zip(&self.windows);
        Ok(Class {
            zone: zone.cloned().unwrap_or_else(TimeZoneName::utc),
            calendar: tenant.calendar.cloned(),
            windows: windows
                .filter(|(_, window)| window.tenants.selects(tenant))
                .map(|(place, _)| place)
                .collect(),
        })
    }

    /// The windows of a class, in the order in which they are written.
    pub fn windows_of<'c>(&'c self, class: &'c Class) -> impl Iterator<Item = &'c Window> {
        class
            .windows
            .iter()
            .filter_map(|place| self.windows.get(usize::from(*place)))
    }

    /// The window of that name.
    #[must_use]
    pub fn window(&self, name: &WindowName) -> Option<&Window> {
        self.windows.iter().find(|window| window.name == *name)
    }

    /// The name of the holiday that a date is.
    #[must_use]
    pub fn holiday(&self, calendar: &CalendarName, date: Date) -> Option<&str> {
        let file = self.calendars.get(calendar)?.holidays.as_ref()?;
        self.holidays.get(file)?.days.get(&date).map(String::as_str)
    }

    fn calendar(&self, name: &CalendarName) -> Result<&Calendar, CalendarError> {
        self.calendars
            .get(name)
            .ok_or_else(|| CalendarError::UnknownCalendar(name.clone()))
    }
}

#[cfg(test)]
mod tests;
