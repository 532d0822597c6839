//! Days of the calendar and hours of the clock, in a zone.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::files::TimeZoneName;
use crate::time::Timestamp;

const HOUR: i64 = 3_600_000;

fn zone(name: &TimeZoneName) -> TimeZone {
    // Only names that the database has become a `TimeZoneName` of a project.
    TimeZoneDatabase::bundled().get(name.as_str()).unwrap_or(TimeZone::UTC)
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// The date that the clocks show.
pub(super) fn date(name: &TimeZoneName, at: Timestamp) -> Date {
    zone(name).to_datetime(instant(at)).date()
}

/// The first instant of a day.
pub(super) fn begins(name: &TimeZoneName, date: Date) -> Timestamp {
    let midnight = zone(name).to_ambiguous_zoned(date.to_datetime(jiff::civil::Time::midnight()));
    // A midnight that the clocks jump over is the first instant after the jump.
    midnight
        .compatible()
        .map_or(Timestamp(0), |at| Timestamp(at.timestamp().as_millisecond()))
}

/// The first full hour of the clocks, `at` or later.
pub(super) fn full_hour(name: &TimeZoneName, at: Timestamp) -> Timestamp {
    let offset = i64::from(zone(name).to_offset(instant(at)).seconds()) * 1_000;
    let into = (at.0 + offset).rem_euclid(HOUR);
    if into == 0 { at } else { Timestamp(at.0 - into + HOUR) }
}

/// So many days later.
pub(super) fn later(date: Date, days: u16) -> Date {
    date.saturating_add(jiff::Span::new().days(i32::from(days)))
}
