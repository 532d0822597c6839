//! The traffic of tenants over a week: when it is quiet, and when each tenant has its peak.
//!
//! A profile is `traffic.json`: `{"schema_version": 1, "tenants": {"acme": {"hourly": [...], "peak_hours": [...]}}}`. `hourly`
//! has 168 mean numbers of requests, one for each hour of the tenant's own local week, which begins on Monday at 00:00;
//! `peak_hours` names hours by their places in it, from 0. Traffic follows the clocks of people, so it does with them.
//! One that was measured says in `measured` over how much time.

mod week;

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::{DateTime, Time};
use serde::{Deserialize, Serialize};

pub use self::week::{HALF_LIFE_WEEKS, LocalHour, Week};
use super::zone::Clock;
use super::{Calendars, Class, Opening};
use crate::id::TenantName;
use crate::time::{Duration, Timestamp};

/// The hours of a week.
pub const HOURS: usize = 168;

/// How much traffic each tenant has in each hour of its week.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub schema_version: u32,
    /// Where it was measured and not written by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    pub tenants: BTreeMap<TenantName, Traffic>,
}

/// What a profile was measured over, at the gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    pub until: Timestamp,
    /// All the hours that were measured of the tenant of which there are most.
    pub hours: u64,
    /// Tenants of which each hour of the week was measured. Of others some hours are taken to be like others.
    pub whole: usize,
}

/// The traffic of one tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Mean requests in each hour of the week.
    pub hourly: Vec<f64>,
    /// The hours in which the tenant needs the service most.
    #[serde(default)]
    pub peak_hours: BTreeSet<u8>,
}

/// A moment that was chosen for its little traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quietest {
    pub opening: Opening,
    /// Mean requests in the hour it is in, of all tenants that were asked about.
    pub hourly_requests: f64,
    /// How many of them the profile knows.
    pub known: usize,
}

/// Hours of most traffic without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    pub begins: Timestamp,
    pub ends: Timestamp,
}

/// A text that is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("the traffic profile is not what a profile is")]
    Json(#[source] serde_json::Error),
    #[error("the traffic profile has the schema version {0}; this Tidegate reads 1")]
    Version(u32),
    #[error("tenant `{tenant}` has {hours} hourly means in the traffic profile; a week has {HOURS}")]
    Hours { tenant: TenantName, hours: usize },
    #[error("an hourly mean of tenant `{0}` in the traffic profile is no number of requests")]
    Mean(TenantName),
    #[error("a peak hour of tenant `{0}` in the traffic profile is not an hour of the week, from 0 to 167")]
    PeakHour(TenantName),
}

impl Profile {
    /// Reads `traffic.json`.
    ///
    /// # Errors
    /// If the text is not a profile of schema version 1 with whole weeks.
    pub fn read(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = serde_json::from_str(text).map_err(ProfileError::Json)?;
        if profile.schema_version != 1 {
            return Err(ProfileError::Version(profile.schema_version));
        }
        for (tenant, traffic) in &profile.tenants {
            if traffic.hourly.len() != HOURS {
                let (tenant, hours) = (tenant.clone(), traffic.hourly.len());
                return Err(ProfileError::Hours { tenant, hours });
            }
            if traffic.hourly.iter().any(|mean| !mean.is_finite() || *mean < 0.0) {
                return Err(ProfileError::Mean(tenant.clone()));
            }
            if traffic.peak_hours.iter().any(|hour| usize::from(*hour) >= HOURS) {
                return Err(ProfileError::PeakHour(tenant.clone()));
            }
        }
        Ok(profile)
    }

    /// Of the moments in which a class may move, from an instant on for so long, the first of those with the least traffic
    /// of `tenants`, all of that class. Moments are the openings and each full hour. None where it may not move then.
    #[must_use]
    pub fn quietest<'t>(
        &self,
        calendars: &Calendars,
        class: &Class,
        tenants: impl IntoIterator<Item = &'t TenantName>,
        from: Timestamp,
        within: Duration,
    ) -> Option<Quietest> {
        let known: Vec<&Traffic> = tenants
            .into_iter()
            .filter_map(|tenant| self.tenants.get(tenant))
            .collect();
        // Summed once: a wave of ten thousand tenants is asked for each hour.
        let mut week = [0.0; HOURS];
        for traffic in &known {
            week.iter_mut()
                .zip(&traffic.hourly)
                .for_each(|(sum, mean)| *sum += mean);
        }
        let clock = Clock::of(&class.zone);
        let end = from + within;
        let mut quietest: Option<Quietest> = None;
        let mut at = from;
        while at < end {
            let Some(opening) = calendars.next_open(class, at).filter(|opening| opening.at < end) else {
                break;
            };
            at = next_hour(opening.at);
            let hourly_requests = week[hour_of_week(clock.local(opening.at))];
            if quietest
                .as_ref()
                .is_none_or(|least| hourly_requests < least.hourly_requests)
            {
                quietest = Some(Quietest {
                    opening,
                    hourly_requests,
                    known: known.len(),
                });
            }
        }
        quietest
    }

    /// The first peak of a tenant that begins at `after` or later, as its clocks say. None where the profile knows no peak
    /// of it.
    #[must_use]
    pub fn next_peak(&self, tenant: &TenantName, class: &Class, after: Timestamp) -> Option<Peak> {
        next_peak(&self.tenants.get(tenant)?.peak_hours, class, after)
    }
}

/// The first peak that begins at `after` or later: hours of the week without a break, as the clocks of a class say. None
/// where there are no such hours.
#[must_use]
pub fn next_peak(hours: &BTreeSet<u8>, class: &Class, after: Timestamp) -> Option<Peak> {
    let clock = Clock::of(&class.zone);
    let is_peak = |local: DateTime| u8::try_from(hour_of_week(local)).is_ok_and(|hour| hours.contains(&hour));
    let start = clock
        .local(after)
        .date()
        .yesterday()
        .ok()?
        .to_datetime(Time::midnight());
    // A peak that has begun goes on into the second week at the latest, and is followed by one in the week after.
    let mut local = start;
    let mut was_peak = true;
    while local < start.saturating_add(22.days()) {
        let begins = is_peak(local) && !was_peak && clock.first(local) >= after;
        if begins {
            let mut last = local;
            while is_peak(last) && last < local.saturating_add(7.days()) {
                last = last.saturating_add(1.hour());
            }
            let (begins, ends) = (clock.first(local), clock.last(last));
            if begins < ends {
                return Some(Peak { begins, ends });
            }
        }
        was_peak = is_peak(local);
        local = local.saturating_add(1.hour());
    }
    (hours.len() == HOURS).then(|| Peak {
        begins: after,
        ends: after + Duration::from_hours(168),
    })
}

const HOUR_MILLIS: i64 = 3_600_000;

fn next_hour(at: Timestamp) -> Timestamp {
    Timestamp(
        at.0.div_euclid(HOUR_MILLIS)
            .saturating_add(1)
            .saturating_mul(HOUR_MILLIS),
    )
}

fn hour_of_week(local: DateTime) -> usize {
    let day = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs());
    day * 24 + usize::from(local.hour().unsigned_abs())
}

#[cfg(test)]
mod tests;
