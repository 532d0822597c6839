//! Why tenants move when they do, in words.

use std::fmt::Display;

use super::report::{ClassReport, KnownTraffic, Missed, StartReason};
use super::{Plan, PlannedWave};
use crate::calendar::{HOURS, Local};
use crate::files::TimeZoneName;
use crate::policy::Skip;

/// Names that are told one by one; of more only their number is.
const NAMED_MAX: usize = 5;

/// The first names of many, and how many more there are.
pub(super) fn first_names<N: Display>(names: impl ExactSizeIterator<Item = N>) -> String {
    let more = match names.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names: Vec<String> = names.take(NAMED_MAX).map(|name| name.to_string()).collect();
    format!("{}{more}", names.join(", "))
}

impl StartReason {
    /// With times as the clocks of a zone show them.
    #[must_use]
    pub fn in_words(&self, zone: &TimeZoneName) -> String {
        match self {
            Self::Cadence { date, missed } => {
                let missed = missed
                    .iter()
                    .map(|it| format!("; moved from {}: {}", day(it.date.0), it.because.in_words()));
                format!("release day {}{}", day(date.0), missed.collect::<String>())
            }
            Self::Day { day: number, date } => format!("day {number} of the release, {}", day(date.0)),
            Self::Notice { kind, period } => format!("the {} is owed {period} before", kind.as_str()),
            Self::Opens { window } => format!("window `{window}` opens"),
            Self::Within { window } => format!("window `{window}` is open"),
            Self::Moved { from, freeze, reason } => {
                let because = reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
                format!("moved from {}: freeze `{freeze}`{because}", Local::new(*from, zone))
            }
            Self::Quietest { until, per_hour } => format!(
                "the quietest time until {}: {per_hour} requests an hour",
                Local::new(*until, zone)
            ),
            Self::Skipped { what } => {
                let what: Vec<&str> = what.iter().map(|skip| skip.in_words()).collect();
                format!("an emergency does not wait for {}", what.join(", "))
            }
        }
    }
}

fn day(date: jiff::civil::Date) -> String {
    date.strftime("%a %-d %b %Y").to_string()
}

impl Skip {
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Cadence => "release days",
            Self::Windows => "windows",
            Self::Freezes => "freezes",
            Self::Gaps => "gaps",
            Self::Approvals => "approvals",
        }
    }
}

impl Missed {
    /// To stand after "it misses that day: ".
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::CutOff => "the cut-off is over".to_owned(),
            Self::Notice => "the notice that is owed could not be sent in time".to_owned(),
            Self::Closed => "no window is open on it".to_owned(),
            Self::Frozen { freeze, reason } => {
                let reason = reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
                format!("freeze `{freeze}`{reason}")
            }
        }
    }
}

impl ClassReport {
    /// Everything that moved the start there; `before` where nothing did.
    #[must_use]
    pub fn in_words(&self, before: &str, zone: &TimeZoneName) -> String {
        let words: Vec<String> = self.because.iter().map(|reason| reason.in_words(zone)).collect();
        if words.is_empty() {
            before.to_owned()
        } else {
            words.join("; ")
        }
    }
}

impl Plan {
    /// The zone that a class of tenants reads times in.
    #[must_use]
    pub fn zone_of(&self, class: u16) -> &TimeZoneName {
        let class = self.schedule.classes.get(usize::from(class));
        &class.unwrap_or(&self.schedule.base).zone
    }

    #[must_use]
    pub fn wave(&self, name: &str) -> Option<&PlannedWave> {
        self.waves.iter().find(|wave| wave.name.as_str() == name)
    }
}

impl KnownTraffic {
    /// Where it comes from, for people; instants in this zone.
    #[must_use]
    pub fn in_words(&self, zone: &TimeZoneName) -> String {
        let known = format!("{} of {} tenants", self.known, self.tenants);
        let Some(measured) = &self.measured else {
            return format!("given, it knows {known}");
        };
        let over = match measured.hours {
            0 => "less than an hour".to_owned(),
            1 => "an hour".to_owned(),
            hours @ 2..168 => format!("{hours} hours"),
            hours => format!("{:.1} weeks", hours as f64 / HOURS as f64),
        };
        format!(
            "measured at the gateways over {over} until {}; it knows {known}, {} of them for each hour of the week",
            Local::new(measured.until, zone),
            measured.whole.min(self.known)
        )
    }
}
