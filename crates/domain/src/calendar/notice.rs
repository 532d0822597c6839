//! Working days, and how long before a start a notice is sent.

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

use super::zone::Clock;
use super::{Calendar, CalendarError, Calendars, Class, Holidays, Period};
use crate::id::CalendarName;
use crate::time::Timestamp;

/// The days that a period counts.
#[derive(Clone, Copy)]
enum Counted<'c> {
    Every,
    Working(WorkingDays<'c>),
}

/// What is needed to tell working days from others.
#[derive(Clone, Copy)]
struct WorkingDays<'c> {
    name: &'c CalendarName,
    calendar: &'c Calendar,
    /// None where the calendar has no file of holidays.
    holidays: Option<(&'c String, &'c Holidays)>,
}

impl Calendars {
    /// Whether people work on a day.
    ///
    /// # Errors
    /// If there is no such calendar, or its file does not have the holidays of that year.
    pub fn is_working_day(&self, calendar: &CalendarName, date: Date) -> Result<bool, CalendarError> {
        self.working(calendar)?.contains(date)
    }

    /// The `n`-th working day before a date; the date itself where `n` is zero.
    ///
    /// # Errors
    /// If there is no such calendar, or its file does not have the holidays of a year that matters.
    pub fn working_days_before(&self, calendar: &CalendarName, date: Date, n: u16) -> Result<Date, CalendarError> {
        let period = Period::WorkingDays(n);
        Counted::Working(self.working(calendar)?).before(date, n, period)
    }

    /// The latest instant at which a notice of `period` before `start` can be sent: the same local time on an earlier day, or
    /// so much earlier where the period is elapsed time.
    ///
    /// # Errors
    /// If working days are asked of a tenant that has no calendar, or of a year whose holidays are not known.
    pub fn notice_deadline(
        &self,
        class: &Class,
        start: Timestamp,
        period: &Period,
    ) -> Result<Timestamp, CalendarError> {
        let Some((counted, days)) = self.counted(class, *period)? else {
            return elapsed(start, -1, *period);
        };
        if days == 0 {
            return Ok(start);
        }
        let clock = Clock::of(&class.zone);
        let local = clock.local(start);
        let date = counted.before(local.date(), days, *period)?;
        Ok(clock.first(date.to_datetime(local.time())))
    }

    /// The first start that a notice of `period` allows which is sent at `sent`: the first whose deadline is not before it.
    /// A later start may have an earlier deadline, where both are on days with the same working day before them or in an
    /// hour that the clocks show twice: whoever takes a later one asks [`Self::notice_deadline`] again.
    ///
    /// # Errors
    /// If working days are asked of a tenant that has no calendar, or of a year whose holidays are not known.
    pub fn earliest_start(&self, class: &Class, sent: Timestamp, period: &Period) -> Result<Timestamp, CalendarError> {
        let Some((counted, days)) = self.counted(class, *period)? else {
            return elapsed(sent, 1, *period);
        };
        if days == 0 {
            return Ok(sent);
        }
        let clock = Clock::of(&class.zone);
        // The first local time whose deadline is not before `sent`; it may be one that the clocks jump over then.
        let least = clock.first_local(sent);
        let mut day = counted.day_after(least.date(), days, *period)?;
        loop {
            let before = counted.before(day, days, *period)?;
            let midnight = day.to_datetime(jiff::civil::Time::midnight());
            let local = if before > least.date() {
                midnight
            } else {
                day.to_datetime(least.time())
            };
            let start = clock.first(local);
            // Where the clocks jump over midnight the start is on another day, with another deadline.
            if self.notice_deadline(class, start, period)? >= sent {
                return Ok(start);
            }
            day = day.tomorrow().map_err(|_| CalendarError::OutOfRange(*period))?;
        }
    }

    /// The first start from `from` on that a notice of `period` allows which is sent at `sent`. Where one is allowed a later
    /// one need not be: five working days after a notice of Monday 09:00 allow Saturday 09:00, and not the Monday after it at
    /// 02:00, whose deadline is that Monday 02:00.
    ///
    /// # Errors
    /// If working days are asked of a tenant that has no calendar, or of a year whose holidays are not known.
    pub fn next_start(
        &self,
        class: &Class,
        sent: Timestamp,
        period: &Period,
        from: Timestamp,
    ) -> Result<Timestamp, CalendarError> {
        let first = self.earliest_start(class, sent, period)?;
        if first >= from {
            return Ok(first);
        }
        let clock = Clock::of(&class.zone);
        let (time, mut day) = (clock.first_local(sent).time(), clock.local(from).date());
        let mut start = from;
        while self.notice_deadline(class, start, period)? < sent {
            // Later on this day, or as soon as the next one begins.
            let later = clock.first(day.to_datetime(time));
            if later > start && self.notice_deadline(class, later, period)? >= sent {
                return Ok(later);
            }
            day = day.tomorrow().map_err(|_| CalendarError::OutOfRange(*period))?;
            start = clock.first(day.to_datetime(jiff::civil::Time::midnight()));
        }
        Ok(start)
    }

    /// The first instant from which on every start is allowed by a notice of `period` that is sent at `sent`: the same local
    /// time on the last of the counted days after it.
    ///
    /// # Errors
    /// If working days are asked of a tenant that has no calendar, or of a year whose holidays are not known.
    pub fn every_start(&self, class: &Class, sent: Timestamp, period: &Period) -> Result<Timestamp, CalendarError> {
        let first = self.earliest_start(class, sent, period)?;
        let Some((counted, days)) = self.counted(class, *period)?.filter(|(_, days)| *days > 0) else {
            return Ok(first);
        };
        let clock = Clock::of(&class.zone);
        let mut day = clock.local(first).date();
        while !counted.contains(day)? {
            day = day.tomorrow().map_err(|_| CalendarError::OutOfRange(*period))?;
        }
        let last = clock.first(day.to_datetime(clock.first_local(sent).time()));
        let allowed = counted.before(day, days, *period)? > clock.first_local(sent).date();
        Ok(if allowed { first } else { last.max(first) })
    }

    /// The first instant, `at` or later, at which people of a class are there: in the working hours of a working day of its
    /// calendar. `at` itself where no working hours are written.
    ///
    /// # Errors
    /// If the calendar's file does not have the holidays of a year that matters.
    pub fn next_attended(&self, class: &Class, at: Timestamp) -> Result<Timestamp, CalendarError> {
        let Some(name) = &class.calendar else { return Ok(at) };
        let working = self.working(name)?;
        let Some(hours) = working.calendar.working_hours else {
            return Ok(at);
        };
        let clock = Clock::of(&class.zone);
        let local = clock.local(at);
        let mut day = local.date();
        if local.time() >= hours.until {
            day = day.saturating_add(1.day());
        }
        while !working.contains(day)? {
            day = day
                .tomorrow()
                .map_err(|_| CalendarError::OutOfRange(Period::WorkingDays(1)))?;
        }
        Ok(clock.first(day.to_datetime(hours.from)).max(at))
    }

    /// The days that a period counts, and how many; none where it is elapsed time.
    fn counted(&self, class: &Class, period: Period) -> Result<Option<(Counted<'_>, u16)>, CalendarError> {
        Ok(match period {
            Period::Elapsed(_) => None,
            Period::Days(days) => Some((Counted::Every, days)),
            Period::Weeks(weeks) => Some((Counted::Every, weeks.saturating_mul(7))),
            Period::WorkingDays(days) => {
                let name = class.calendar.as_ref().ok_or(CalendarError::NoCalendar)?;
                let (name, _) = self
                    .calendars
                    .get_key_value(name)
                    .ok_or_else(|| CalendarError::UnknownCalendar(name.clone()))?;
                Some((Counted::Working(self.working(name)?), days))
            }
        })
    }

    fn working<'c>(&'c self, name: &'c CalendarName) -> Result<WorkingDays<'c>, CalendarError> {
        let calendar = self.calendar(name)?;
        let holidays = match &calendar.holidays {
            None => None,
            Some(file) => {
                let read = self.holidays.get(file).ok_or_else(|| CalendarError::HolidaysNotRead {
                    calendar: name.clone(),
                    file: file.clone(),
                })?;
                Some((file, read))
            }
        };
        Ok(WorkingDays {
            name,
            calendar,
            holidays,
        })
    }
}

/// An instant so much time away, before (-1) or after (1).
fn elapsed(at: Timestamp, sign: i64, period: Period) -> Result<Timestamp, CalendarError> {
    let Period::Elapsed(duration) = period else {
        return Ok(at);
    };
    let moved = duration
        .as_millis()
        .checked_mul(sign)
        .and_then(|span| at.0.checked_add(span));
    moved.map(Timestamp).ok_or(CalendarError::OutOfRange(period))
}

impl Counted<'_> {
    fn contains(self, date: Date) -> Result<bool, CalendarError> {
        match self {
            Self::Every => Ok(true),
            Self::Working(working) => working.contains(date),
        }
    }

    /// The `days`-th counted day before `date`.
    fn before(self, date: Date, days: u16, period: Period) -> Result<Date, CalendarError> {
        self.walk(date, days, -1.days(), period)
    }

    /// The first day that has `days` counted ones before it of which none is before `date`.
    fn day_after(self, date: Date, days: u16, period: Period) -> Result<Date, CalendarError> {
        let out_of_range = |_| CalendarError::OutOfRange(period);
        let yesterday = date.yesterday().map_err(out_of_range)?;
        let last = self.walk(yesterday, days, 1.day(), period)?;
        last.tomorrow().map_err(out_of_range)
    }

    /// Goes from `date` by single steps until `days` counted days are met.
    fn walk(self, date: Date, days: u16, step: Span, period: Period) -> Result<Date, CalendarError> {
        let (mut date, mut left) = (date, days);
        while left > 0 {
            date = date.checked_add(step).map_err(|_| CalendarError::OutOfRange(period))?;
            left -= u16::from(self.contains(date)?);
        }
        Ok(date)
    }
}

impl WorkingDays<'_> {
    fn contains(self, date: Date) -> Result<bool, CalendarError> {
        if !self.calendar.working_days.contains(date.weekday()) {
            return Ok(false);
        }
        let Some((file, holidays)) = self.holidays else {
            return Ok(true);
        };
        if !holidays.years.contains(&date.year()) {
            return Err(CalendarError::HolidaysUnknown {
                calendar: self.name.clone(),
                file: file.clone(),
                date,
            });
        }
        Ok(!holidays.days.contains_key(&date))
    }
}
