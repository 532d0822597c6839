//! The times that tenants have reserved to be moved at, and those that they still can.

use std::collections::BTreeMap;
use std::iter;

use serde::{Deserialize, Serialize};

use super::{Run, Seat, Service};
use crate::id::{Actor, TenantName};
use crate::policy::ReservationRule;
use crate::time::Timestamp;

/// Stretches that are looked at for some with room.
const LOOKED_AT_MAX: u32 = 10_000;

/// The tenant is not moved before this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// The tenant moves then, or as soon after it as it may.
    pub at: Timestamp,
    pub by: Actor,
    pub made: Timestamp,
}

/// What one tenant can reserve of a release at an instant. A reservation is made by [`Self::takes`], and the times that are
/// listed are those that it takes.
#[derive(Debug, Clone)]
pub struct Reservable<'s> {
    pub rule: ReservationRule,
    /// The planned start of the tenant, or the present.
    pub earliest: Timestamp,
    /// The last time that can be reserved.
    pub latest: Timestamp,
    service: &'s Service,
    run: &'s Run,
    tenant: &'s TenantName,
    seat: &'s Seat,
    now: Timestamp,
    /// How many others have reserved each stretch.
    taken: BTreeMap<i64, u32>,
}

/// A time that the tenant can reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeTime {
    pub at: Timestamp,
    /// How many tenants can still reserve the stretch that it is in.
    pub places: u32,
}

impl ReservationRule {
    /// Counts stretches from 1970 on: what has the same number shares its capacity.
    #[must_use]
    pub fn number(&self, at: Timestamp) -> i64 {
        at.0.div_euclid(self.stretch.as_millis().max(1))
    }

    /// When a stretch begins.
    #[must_use]
    pub fn begins(&self, number: i64) -> Timestamp {
        Timestamp(number.saturating_mul(self.stretch.as_millis().max(1)))
    }
}

impl<'s> Reservable<'s> {
    pub(crate) fn new(
        service: &'s Service,
        run: &'s Run,
        rule: ReservationRule,
        (tenant, seat): (&'s TenantName, &'s Seat),
        now: Timestamp,
    ) -> Self {
        let mut taken: BTreeMap<i64, u32> = BTreeMap::new();
        for (_, reservation) in run.reservations.iter().filter(|(other, _)| *other != tenant) {
            *taken.entry(rule.number(reservation.at)).or_default() += 1;
        }
        let (earliest, latest) = bounds(run, &rule, tenant, now);
        Self {
            rule,
            earliest,
            latest,
            service,
            run,
            tenant,
            seat,
            now,
            taken,
        }
    }

    /// What the tenant has reserved already.
    #[must_use]
    pub fn reserved(&self) -> Option<&'s Reservation> {
        self.run.reservations.get(self.tenant)
    }

    /// Within the time that the playbook allows, when a window is open and no freeze holds, and where there is room.
    #[must_use]
    pub fn takes(&self, at: Timestamp) -> bool {
        let class = self.run.schedule.class_of(self.tenant);
        let open = class.is_none_or(|class| self.run.schedule.calendars.is_open(class, at).open);
        let frozen = self.service.frozen((self.tenant, self.seat), at, None).is_some();
        (self.earliest..=self.latest).contains(&at) && open && !frozen && self.places(at) > 0
    }

    /// The times from `from` on that it takes: of each stretch the first, and the stretch that is on is left out, since its
    /// first time would be over before anybody had reserved it.
    pub fn times(&self, from: Timestamp) -> impl Iterator<Item = FreeTime> {
        let next = self.rule.begins(self.rule.number(self.now).saturating_add(1));
        let first = if self.earliest > self.now { self.earliest } else { next };
        let mut from = from.max(first);
        let mut left = LOOKED_AT_MAX;
        iter::from_fn(move || {
            while from <= self.latest && left > 0 {
                left -= 1;
                let next = self.rule.begins(self.rule.number(from).saturating_add(1));
                let places = self.places(from);
                if places == 0 {
                    from = next;
                    continue;
                }
                let at = self.opens(from)?;
                if at < next {
                    from = next;
                    return (at <= self.latest).then_some(FreeTime { at, places });
                }
                // That stretch may have no room.
                from = at;
            }
            None
        })
    }

    fn places(&self, at: Timestamp) -> u32 {
        let taken = self.taken.get(&self.rule.number(at)).copied().unwrap_or_default();
        self.rule.capacity.saturating_sub(taken)
    }

    /// The first time from `from` on at which a window is open and no freeze holds.
    fn opens(&self, from: Timestamp) -> Option<Timestamp> {
        let schedule = &self.run.schedule;
        let mut at = from;
        loop {
            if let Some(class) = schedule.class_of(self.tenant) {
                at = schedule.calendars.next_open(class, at)?.at;
            }
            match self.service.frozen((self.tenant, self.seat), at, None) {
                Some((_, freeze)) => at = freeze.until?,
                None => return Some(at),
            }
        }
    }
}

/// From the planned start on, as long as the playbook says.
fn bounds(run: &Run, rule: &ReservationRule, tenant: &TenantName, now: Timestamp) -> (Timestamp, Timestamp) {
    let class = run.schedule.class_index(tenant);
    let wave = run.waves.iter().find(|wave| wave.members.contains_key(tenant));
    let planned = wave.and_then(|wave| wave.starts.get(&class)?.at);
    let earliest = planned.map_or(now, |planned| planned.max(now));
    let zone = run.schedule.class_of(tenant).unwrap_or(&run.schedule.base);
    // Days that a calendar does not know cannot be reserved.
    let latest = run
        .schedule
        .calendars
        .earliest_start(zone, planned.unwrap_or(run.applied), &rule.within);
    (earliest, latest.unwrap_or(earliest))
}
