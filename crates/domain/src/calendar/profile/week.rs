//! The week of one tenant as it is measured: a mean for each hour that the tenant's own clocks show.
//!
//! Requests are added with the time over which they came. A time of which nobody knows is not added, so that it makes no hour
//! quieter. Each week counts for less than the one after it: [`HALF_LIFE_WEEKS`] back, for half as much.

use std::collections::BTreeSet;

use jiff::civil::{DateTime, date};

use super::{HOURS, Traffic};
use crate::calendar::zone::Clock;
use crate::files::TimeZoneName;
use crate::time::Timestamp;

/// A week that is so many weeks back counts half.
pub const HALF_LIFE_WEEKS: i32 = 4;

/// An hour is a peak where it and its neighbours have at least this share of the most that three hours in a row have in the week.
const PEAK_SHARE: f64 = 0.8;
/// And this many times the mean of the week: traffic that is the same all the time has no peak.
const PEAK_OVER_MEAN: f64 = 1.25;
/// Requests an hour, on average, below which one request more or less would make a peak.
const PEAK_MEAN_MIN: f64 = 1.0;
/// Hours of the week that have to be known before any is called a peak.
const PEAK_HOURS_KNOWN_MIN: usize = 24;

const HOURS_I64: i64 = HOURS as i64;
const HOUR_SECONDS: f64 = 3_600.0;

/// The first byte of a week that is kept.
const FORMAT: u8 = 1;
/// Format, the newest hour, the time known.
const HEAD_BYTES: usize = 1 + 8 + 8;
const HOUR_BYTES: usize = 3;
/// Steps of a mean for each doubling: it is kept to the 3,000th part.
const MEAN_STEPS: f64 = 2_048.0;
/// Steps of a weight for each doubling: it is kept to the 20th part, for it only says how much the mean counts.
const WEIGHT_STEPS: f64 = 14.0;

/// An hour as the clocks of a zone show it, counted from a Monday. An hour that the clocks show twice is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalHour(i64);

/// What has been measured of one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Week {
    /// `None` before anything was added.
    newest: Option<LocalHour>,
    hours: [Hour; HOURS],
    /// All the time over which it was measured, in seconds.
    known_seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Hour {
    /// Requests an hour.
    mean: f32,
    /// The seconds that it was measured over; those of earlier weeks count for less.
    weight: f32,
}

impl LocalHour {
    /// What the clocks of a zone show at an instant.
    #[must_use]
    pub fn at(zone: &TimeZoneName, at: Timestamp) -> Self {
        Self::shown(Clock::of(zone).local(at))
    }

    fn shown(local: DateTime) -> Self {
        let monday = date(1969, 12, 29);
        let days = local.date().since(monday).map_or(0, |span| i64::from(span.get_days()));
        Self(days * 24 + i64::from(local.hour()))
    }

    /// How many hours these clocks are ahead of those of `other`, at one instant.
    #[must_use]
    pub fn hours_after(self, other: Self) -> i64 {
        self.0 - other.0
    }

    /// Its place in the week.
    fn place(self) -> usize {
        usize::try_from(self.0.rem_euclid(HOURS_I64)).unwrap_or_default()
    }
}

impl Default for Week {
    fn default() -> Self {
        Self {
            newest: None,
            hours: [Hour::default(); HOURS],
            known_seconds: 0.0,
        }
    }
}

impl Week {
    /// So many requests came within so many seconds of this hour.
    pub fn add(&mut self, at: LocalHour, requests: u64, seconds: f64) {
        if !(seconds > 0.0 && seconds.is_finite()) {
            return;
        }
        self.enter(at);
        let hour = &mut self.hours[at.place()];
        let (mean, weight) = (f64::from(hour.mean), f64::from(hour.weight));
        let sum = mean * weight + requests as f64 * HOUR_SECONDS;
        hour.weight = (weight + seconds) as f32;
        hour.mean = (sum / (weight + seconds)) as f32;
        self.known_seconds += seconds;
    }

    /// The clocks have come to an hour: of every hour that they have come to on the way, what was known counts for less.
    fn enter(&mut self, at: LocalHour) {
        let newest = self.newest.get_or_insert(at);
        let passed = at.0 - newest.0;
        if passed <= 0 {
            return;
        }
        let begins = newest.0;
        *newest = at;
        let a_week = 0.5_f32.powf(1.0 / HALF_LIFE_WEEKS as f32);
        let weeks = i32::try_from(passed / HOURS_I64).unwrap_or(i32::MAX);
        if weeks > 0 {
            let all = a_week.powi(weeks);
            self.hours.iter_mut().for_each(|hour| hour.weight *= all);
        }
        for entered in 1..=passed % HOURS_I64 {
            self.hours[LocalHour(begins + entered).place()].weight *= a_week;
        }
    }

    /// For a tenant whose clocks turn out to be so many hours ahead of those that it was measured by.
    pub fn turn(&mut self, hours: i64) {
        let ahead = usize::try_from(hours.rem_euclid(HOURS_I64)).unwrap_or_default();
        self.hours.rotate_right(ahead);
        self.newest = self.newest.map(|newest| LocalHour(newest.0 + hours));
    }

    /// How many hours of the week have been measured, each in part at least.
    #[must_use]
    pub fn hours_known(&self) -> usize {
        self.hours.iter().filter(|hour| hour.is_known()).count()
    }

    /// All the time that was measured, in hours.
    #[must_use]
    pub fn hours_measured(&self) -> f64 {
        self.known_seconds / HOUR_SECONDS
    }

    /// The mean of each hour, and its peaks. An hour that was never measured is taken to be as the same hour of the days like it, from Monday
    /// to Friday or at the end of the week; else as that of any day; else as the mean of all. None where nothing was measured.
    #[must_use]
    pub fn traffic(&self) -> Option<Traffic> {
        let all = mean(self.hours.iter())?;
        let each = (0..HOURS).map(|place| {
            let hour = &self.hours[place];
            if hour.is_known() {
                return f64::from(hour.mean);
            }
            let of_day = |kind: fn(usize, usize) -> bool| {
                let days = (0..7).filter(|day| kind(*day, place / 24));
                mean(days.map(|day| &self.hours[day * 24 + place % 24]))
            };
            of_day(|day, its| (day < 5) == (its < 5))
                .or_else(|| of_day(|_, _| true))
                .unwrap_or(all)
        });
        let hourly: Vec<f64> = each.collect();
        let peak_hours = if self.hours_known() >= PEAK_HOURS_KNOWN_MIN {
            peaks(&hourly)
        } else {
            BTreeSet::new()
        };
        Some(Traffic {
            hourly: hourly.into_iter().map(rounded).collect(),
            peak_hours,
        })
    }

    /// As it is kept: 521 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + HOURS * HOUR_BYTES);
        bytes.push(FORMAT);
        bytes.extend(self.newest.map_or(i64::MIN, |newest| newest.0).to_le_bytes());
        bytes.extend(self.known_seconds.to_le_bytes());
        for hour in &self.hours {
            let mean = code(hour.mean, MEAN_STEPS).min(f64::from(u16::MAX)) as u16;
            // What is known stays known, however little.
            let least = if hour.is_known() { 1.0 } else { 0.0 };
            let weight = code(hour.weight, WEIGHT_STEPS).clamp(least, f64::from(u8::MAX)) as u8;
            bytes.extend(mean.to_le_bytes());
            bytes.push(weight);
        }
        bytes
    }

    /// What was kept; `None` where it is not that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        let (newest, rest) = rest.split_first_chunk()?;
        let (known_seconds, rest) = rest.split_first_chunk()?;
        let (newest, known_seconds) = (i64::from_le_bytes(*newest), f64::from_le_bytes(*known_seconds));
        let is_whole = *format == FORMAT && rest.len() == HOURS * HOUR_BYTES;
        if !is_whole || !known_seconds.is_finite() || known_seconds < 0.0 {
            return None;
        }
        let mut hours = [Hour::default(); HOURS];
        for (hour, kept) in hours.iter_mut().zip(rest.as_chunks::<HOUR_BYTES>().0) {
            let [low, high, weight] = *kept;
            hour.mean = decode(u16::from_le_bytes([low, high]).into(), MEAN_STEPS);
            hour.weight = decode(weight.into(), WEIGHT_STEPS);
        }
        Some(Self {
            newest: (newest != i64::MIN).then_some(LocalHour(newest)),
            hours,
            known_seconds,
        })
    }
}

impl Hour {
    fn is_known(&self) -> bool {
        self.weight > 0.0
    }
}

/// Of the hours that are known, each counting the same.
fn mean<'h>(hours: impl Iterator<Item = &'h Hour>) -> Option<f64> {
    let known: Vec<f64> = hours
        .filter(|hour| hour.is_known())
        .map(|hour| f64::from(hour.mean))
        .collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// The hours of most traffic. Each is looked at together with the hour before and the hour after it, so that one odd hour neither makes
/// a peak nor breaks one.
fn peaks(hourly: &[f64]) -> BTreeSet<u8> {
    let weekly_mean = hourly.iter().sum::<f64>() / HOURS as f64;
    if weekly_mean < PEAK_MEAN_MIN {
        return BTreeSet::new();
    }
    let of_three = |place: usize| {
        let around = [place + HOURS - 1, place, place + 1];
        around.iter().map(|place| hourly[place % HOURS]).sum::<f64>() / 3.0
    };
    let most = (0..HOURS).map(of_three).fold(0.0, f64::max);
    let least = (PEAK_SHARE * most).max(PEAK_OVER_MEAN * weekly_mean);
    (0_u8..)
        .zip(0..HOURS)
        .filter(|(_, place)| of_three(*place) >= least)
        .map(|(hour, _)| hour)
        .collect()
}

/// To three digits: what is measured is not known better.
fn rounded(mean: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    let digits = 2 - mean.log10().floor() as i32;
    let scale = 10_f64.powi(digits.clamp(-9, 3));
    (mean * scale).round() / scale
}

fn code(value: f32, steps: f64) -> f64 {
    (f64::from(value).max(0.0).ln_1p() / std::f64::consts::LN_2 * steps).round()
}

fn decode(code: f64, steps: f64) -> f32 {
    ((code / steps).exp2() - 1.0) as f32
}

#[cfg(test)]
mod tests;
