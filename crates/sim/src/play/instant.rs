//! Instants for the reader of a diary.

use jiff::Zoned;
use jiff::tz::TimeZone;
use tidegate_domain::time::Timestamp;

/// An instant in the reader's zone; `None` out of the calendar's range.
pub fn local(at: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    let instant = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(instant.to_zoned(zone.clone()))
}

/// What people call the zone.
pub fn name(zone: &TimeZone, at: Timestamp) -> String {
    let named = zone.iana_name().filter(|name| !name.ends_with("UTC"));
    let offset = || local(at, zone).map_or_else(String::new, |at| at.strftime("%Z").to_string());
    named.map_or_else(offset, str::to_owned)
}

/// `Mon 23 Nov 2026, 06:00 Europe/Berlin`; seconds where there are any.
pub fn words(at: Timestamp, zone: &TimeZone) -> String {
    written(at, zone, "%a %-d %b %Y, ")
}

/// Without the day where it is that of `today`: `06:00 Europe/Berlin`.
pub fn near(at: Timestamp, today: Timestamp, zone: &TimeZone) -> String {
    let day = |at| local(at, zone).map(|at| at.date());
    if day(at) == day(today) {
        written(at, zone, "")
    } else {
        words(at, zone)
    }
}

fn written(at: Timestamp, zone: &TimeZone, day: &str) -> String {
    let Some(local) = local(at, zone) else {
        return at.to_string();
    };
    let clock = if local.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let format = format!("{day}{clock}");
    format!("{} {}", local.strftime(&format), name(zone, at))
}

/// RFC 9557: with the zone in brackets.
pub fn machine(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).map_or_else(|| at.to_string(), |local| local.to_string())
}
