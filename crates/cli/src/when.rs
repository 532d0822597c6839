//! Instants for people: in the time zone of this machine (or of TZ), which is always named.

use jiff::tz::TimeZone;
use tidegate_domain::time::Timestamp;

/// `Tue 24 Nov 2026, 06:00:00 Europe/Berlin`.
pub fn instant(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(instant) => instant
            .to_zoned(TimeZone::system())
            .strftime("%a %-d %b %Y, %H:%M:%S %Q")
            .to_string(),
        Err(_) => at.to_string(),
    }
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
        Some(civil.to_zoned(TimeZone::system()).ok()?.timestamp())
    };
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| local(text));
    let instant = instant.ok_or_else(|| NoInstant(text.to_owned()))?;
    Ok(Timestamp(instant.as_millisecond()))
}
