//! Instants for people: in the time zone of this machine (or of TZ), which is always named.

use jiff::Zoned;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use tidegate_domain::time::Timestamp;

/// `Tue 24 Nov 2026, 06:00:00 Europe/Berlin`.
pub fn instant(at: Timestamp) -> String {
    local(at).map_or_else(|| at.to_string(), |local| written(&local, "%a %-d %b %Y, %H:%M:%S"))
}

/// Without the day where it is today: `06:00:00 Europe/Berlin`.
pub fn near(at: Timestamp) -> String {
    match (local(at), local(now())) {
        (Some(at), Some(now)) if at.date() == now.date() => written(&at, "%H:%M:%S"),
        _ => instant(at),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a person at a terminal reads and writes the time of that machine"
)]
pub fn zone() -> TimeZone {
    TimeZone::system()
}

/// The zone that a person names.
pub fn zone_by_name(name: &str) -> Result<TimeZone, String> {
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| format!("`{name}` is no time zone: write a name such as `Europe/Berlin`"))
}

fn local(at: Timestamp) -> Option<Zoned> {
    let instant = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(instant.to_zoned(zone()))
}

fn written(at: &Zoned, format: &str) -> String {
    // Machines without a zone call theirs `Etc/UTC`, people say `UTC`.
    let zone = at.time_zone().iana_name().filter(|zone| !zone.ends_with("UTC"));
    let zone = zone.map_or_else(|| at.strftime("%Z").to_string(), str::to_owned);
    format!("{} {zone}", at.strftime(format))
}

/// The present, as the machine's clock has it.
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// Text that is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an instant: write `2026-11-24T06:00:00Z`, or `2026-11-24 06:00` in the time zone of this machine"
)]
pub struct NoInstant(String);

/// What people write on a command line.
pub fn parse(text: &str) -> Result<Timestamp, NoInstant> {
    let local = |text: &str| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(zone()).ok()?.timestamp())
    };
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| local(text));
    let instant = instant.ok_or_else(|| NoInstant(text.to_owned()))?;
    Ok(Timestamp(instant.as_millisecond()))
}

#[cfg(test)]
mod tests;
