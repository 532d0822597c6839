//! What the traffic of tenants decides: the quietest time to move them, and the peaks that a bake lasts through.

use std::collections::{BTreeMap, BTreeSet};

use super::members::Members;
use super::start::Moment;
use super::{Clockwork, day};
use crate::calendar::{Class, HOURS, Opening, Traffic};
use crate::id::TenantName;
use crate::plan::PlannedWave;
use crate::plan::report::{About, Problem, ProblemKind, StartReason};
use crate::policy::Through;
use crate::time::{Duration, Timestamp};

/// Traffic is known by the hour of the week: in a week each of them comes once.
const WEEK: Duration = Duration::from_hours(7 * 24);

impl Clockwork<'_> {
    /// The time of least traffic within a week. Without a profile it is told that there is none, and nothing is found.
    pub(super) fn quietest<'t>(
        &mut self,
        class: &Class,
        from: Timestamp,
        tenants: impl Iterator<Item = &'t TenantName>,
    ) -> Option<(Opening, StartReason)> {
        let Some(profile) = &self.input.profile else {
            self.without_profile("waves start at the first admissible time instead of the quietest");
            return None;
        };
        // Full hours, so that a plan made a minute later finds the same one.
        let from = day::full_hour(&class.zone, from);
        let found = profile.quietest(self.calendars, class, tenants, from, WEEK)?;
        let reason = StartReason::Quietest {
            until: from + WEEK,
            // Means of requests are no larger than what a u64 holds.
            per_hour: found.hourly_requests.round() as u64,
        };
        Some((found.opening, reason))
    }

    /// The hours of most traffic of tenants whose wave bakes through them, and who has too little traffic to wait for.
    pub(super) fn peaks(&mut self, wave: &PlannedWave) -> (BTreeMap<TenantName, BTreeSet<u8>>, BTreeSet<TenantName>) {
        let (mut peaks, mut excused) = (BTreeMap::new(), BTreeSet::new());
        if wave.policy.bake.through != Some(Through::Peak) {
            return (peaks, excused);
        }
        let Some(profile) = &self.input.profile else {
            self.without_profile("bakes do not wait for the peaks of tenants");
            return (peaks, excused);
        };
        for name in wave.tenants.keys() {
            let traffic = profile.tenants.get(name);
            let weekly = traffic.map_or(0.0, |traffic| traffic.hourly.iter().sum::<f64>());
            let hours = traffic.map(peak_hours).unwrap_or_default();
            if hours.is_empty() || weekly < wave.policy.bake.excuse_below as f64 {
                excused.insert(name.clone());
            } else {
                peaks.insert(name.clone(), hours);
            }
        }
        (peaks, excused)
    }

    /// When the bake of a wave can be over whose last tenant moves at `end`.
    pub(super) fn after_bake(
        &self,
        end: Moment,
        wave: &PlannedWave,
        peaks: &BTreeMap<TenantName, BTreeSet<u8>>,
        members: &Members<'_>,
    ) -> Moment {
        let baked = end.plus(wave.policy.least());
        let Some(profile) = &self.input.profile else {
            return baked;
        };
        let moved = end.at + wave.policy.least_canary();
        // Tenants of one class with the same peak have it at the same time.
        let alike: BTreeMap<(u16, &BTreeSet<u8>), &TenantName> = members
            .of(wave)
            .filter_map(|(name, known)| Some(((known.class, peaks.get(name)?), name)))
            .collect();
        let ends = alike.into_iter().filter_map(|((class, _), name)| {
            let class = self.classes.get(usize::from(class))?;
            profile.next_peak(name, class, moved).map(|peak| peak.ends)
        });
        let last = ends.max().unwrap_or(baked.at);
        Moment {
            at: baked.at.max(last),
            ..baked
        }
    }

    fn without_profile(&mut self, what: &str) {
        let message = format!("no traffic profile is known: {what}");
        let problem = Problem::warns(
            ProblemKind::NoProfile,
            message,
            "plan with a server that has seen traffic, or give one with `--profile traffic.json`",
        );
        let problem = problem.about(About::Playbook);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// Those that the profile names, else the one with most requests. Traffic that is the same all the time has no peak.
fn peak_hours(traffic: &Traffic) -> BTreeSet<u8> {
    if !traffic.peak_hours.is_empty() {
        return traffic.peak_hours.clone();
    }
    let most = traffic.hourly.iter().copied().fold(0.0, f64::max);
    let hours = (0_u8..)
        .zip(&traffic.hourly)
        .filter(|(_, mean)| most > 0.0 && **mean >= most);
    let hours: BTreeSet<u8> = hours.map(|(hour, _)| hour).collect();
    if hours.len() == HOURS { BTreeSet::new() } else { hours }
}
