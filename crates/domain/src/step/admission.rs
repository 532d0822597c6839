//! What keeps a tenant from being moved forward at this moment: its planned start, its windows, a freeze, its notices.
//! Nothing here is asked on the way back.

use std::collections::{BTreeMap, BTreeSet};

use super::turn::Turn;
use crate::calendar::{Calendars, Class, Openness, Reason, WhenOpenEnds};
use crate::id::{CellName, ChangeId, CustomerName, TenantName, Version, WaveName};
use crate::plan::{NoticeKey, PlannedNotice, Schedule};
use crate::policy::OnUnmigrated;
use crate::service::{Place, Run, Waived, WaveRun};
use crate::time::Timestamp;
use crate::waiting::Waiting;

/// The members of a wave that wait, by what they wait for.
pub struct Admission {
    pub may_move: BTreeSet<TenantName>,
    kept: BTreeMap<Kept, Vec<TenantName>>,
}

/// Why a tenant is not moved now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Freeze {
        number: u32,
    },
    /// An earlier release has still to do with it.
    Earlier {
        release: Version,
    },
    Start {
        until: Timestamp,
        class: u16,
    },
    Window {
        class: u16,
    },
    /// `from`: when the notice has run its length; `None`: it is not proven.
    Notice {
        key: NoticeKey,
        from: Option<Timestamp>,
    },
    /// It has reserved a later time.
    Reservation {
        until: Timestamp,
    },
    /// The customer has not reported that an earlier wave works.
    Validation {
        customer: CustomerName,
    },
    /// It would be broken.
    Unmigrated {
        change: ChangeId,
    },
    /// The calendar does not know.
    Calendar {
        reason: String,
    },
}

impl Turn {
    /// Looks at every member that waits. Calendars are asked once a class.
    pub fn admission(&self, run: usize, wave: usize) -> Admission {
        let busy = self.state.busy_before(run);
        let run = &self.state.runs[run];
        let wave = &run.waves[wave];
        let mut classes: BTreeMap<u16, Result<(), Kept>> = BTreeMap::new();
        let notices = required(&run.schedule);
        let unvalidated = run.unvalidated();
        let mut admission = Admission {
            may_move: BTreeSet::new(),
            kept: BTreeMap::new(),
        };
        for (tenant, member) in &wave.members {
            let (Place::Waiting, Some(seat)) = (&member.place, self.state.seats.get(tenant)) else {
                continue;
            };
            let waived = run.waived(tenant, &seat.cell, self.now);
            let frozen = self.state.frozen((tenant, seat), self.now, waived.window);
            let class = run.schedule.class_index(tenant);
            let mut closed = || match waived.window {
                Some(_) => Ok(()),
                None => classes
                    .entry(class)
                    .or_insert_with(|| self.is_closed(run, wave, class))
                    .clone(),
            };
            let told = || match waived.notice {
                true => Ok(()),
                false => self.is_told(run, class, notices.get(tenant).map_or(&[][..], Vec::as_slice)),
            };
            let outcome = match frozen {
                Some((number, _)) => Err(Kept::Freeze { number }),
                None => busy
                    .with(tenant, &seat.cell)
                    .map_or(Ok(()), |release| {
                        let release = release.clone();
                        Err(Kept::Earlier { release })
                    })
                    .and_then(|()| told())
                    .and_then(|()| closed())
                    .and_then(|()| run.is_wanted(tenant, self.now))
                    .and_then(|()| {
                        let missing = unvalidated.get(tenant).filter(|_| !waived.validation);
                        missing.map_or(Ok(()), |customer| {
                            let customer = (*customer).clone();
                            Err(Kept::Validation { customer })
                        })
                    })
                    .and_then(|()| match waived.migration {
                        true => Ok(()),
                        false => self.is_migrated(run, tenant),
                    }),
            };
            match outcome {
                Ok(()) => {
                    admission.may_move.insert(tenant.clone());
                }
                Err(kept) => admission.kept.entry(kept).or_default().push(tenant.clone()),
            }
        }
        admission
    }

    /// By its planned start and its windows.
    fn is_closed(&self, run: &Run, wave: &WaveRun, class: u16) -> Result<(), Kept> {
        if let Some(until) = wave
            .starts
            .get(&class)
            .and_then(|start| start.at)
            .filter(|at| *at > self.now)
        {
            return Err(Kept::Start { until, class });
        }
        let Some(known) = run.schedule.classes.get(usize::from(class)) else {
            return Ok(());
        };
        let openness = run.schedule.calendars.is_open(known, self.now);
        let frozen = matches!(openness.reason, Reason::Frozen { .. });
        if openness.open || (wave.finishing.contains(&class) && !frozen) {
            Ok(())
        } else {
            Err(Kept::Window { class })
        }
    }

    /// Where the wave waits for it.
    fn is_migrated(&self, run: &Run, tenant: &TenantName) -> Result<(), Kept> {
        let waits = run.policy.on_unmigrated == Some(OnUnmigrated::BlockWave);
        let keeps = waits.then(|| self.state.unmigrated(run, tenant).next()).flatten();
        keeps.map_or(Ok(()), |planned| {
            let change = planned.change.clone();
            Err(Kept::Unmigrated { change })
        })
    }

    /// Every notice that has to be proven is, and its length has run in the tenant's own calendar.
    fn is_told(&self, run: &Run, class: u16, notices: &[&PlannedNotice]) -> Result<(), Kept> {
        for planned in notices {
            let proof = run.notices.get(&planned.key).and_then(|notice| notice.proof.as_ref());
            let key = planned.key.clone();
            let Some(proof) = proof else {
                return Err(Kept::Notice { key, from: None });
            };
            let class = run
                .schedule
                .classes
                .get(usize::from(class))
                .unwrap_or(&run.schedule.base);
            let Some(period) = &planned.period else { continue };
            match run.schedule.calendars.next_start(class, proof.at, period, self.now) {
                Ok(from) if from <= self.now => {}
                Ok(from) => return Err(Kept::Notice { key, from: Some(from) }),
                Err(error) => {
                    let reason = error.to_string();
                    return Err(Kept::Calendar { reason });
                }
            }
        }
        Ok(())
    }

    /// Says what the kept members wait for, and when to look again.
    pub fn wait_for_admission(&mut self, run: usize, wave: usize, admission: &Admission) {
        let mut waits = Vec::new();
        let mut wakes = Vec::new();
        for (kept, tenants) in &admission.kept {
            let (waiting, wake) = self.kept_in_words(run, wave, kept, tenants);
            waits.push(waiting);
            wakes.extend(wake);
        }
        self.waiting.extend(waits);
        wakes.into_iter().for_each(|at| self.wake_at(at));
        // A freeze that is to begin, or a waiver that ends, changes what may move.
        let freezes = self.state.freezes.values().map(|freeze| freeze.from);
        let waivers = self.state.runs[run].waivers.iter().map(|waiver| waiver.until);
        let edges: Vec<Timestamp> = freezes.chain(waivers).collect();
        edges.into_iter().for_each(|at| self.wake_at(at));
    }

    fn kept_in_words(
        &self,
        run: usize,
        wave: usize,
        kept: &Kept,
        tenants: &[TenantName],
    ) -> (Waiting, Option<Timestamp>) {
        let run = &self.state.runs[run];
        let (release, schedule) = (run.version.clone(), &run.schedule);
        let tenants = tenants.to_vec();
        let starts = &run.waves[wave].starts;
        let wave = run.waves[wave].name.clone();
        match kept {
            Kept::Freeze { number } => self.frozen_in_words(*number, (release, wave, tenants)),
            Kept::Earlier { release: earlier } => {
                let waiting = Waiting::EarlierMoves {
                    release,
                    wave,
                    tenants,
                    earlier: earlier.clone(),
                };
                (waiting, None)
            }
            Kept::Start { until, class } => {
                let window = starts.get(class).and_then(|start| start.window.as_ref());
                let because = window.and_then(|window| window.name.as_ref());
                let because = because.map_or_else(|| "as planned".to_owned(), |name| format!("window {name} opens"));
                let waiting = Waiting::Start {
                    release,
                    wave,
                    tenants,
                    until: *until,
                    because,
                };
                (waiting, Some(*until))
            }
            Kept::Window { class } => {
                let class = &schedule.classes[usize::from(*class)];
                wait_for_window(&schedule.calendars, class, self.now, (release, wave, tenants))
            }
            Kept::Notice { key, from } => {
                let asked = run.notices.get(key).and_then(|notice| notice.asked);
                let waiting = Waiting::Notice {
                    release,
                    wave,
                    tenants,
                    key: key.clone(),
                    asked,
                    from: *from,
                };
                (waiting, *from)
            }
            Kept::Reservation { until } => {
                let because = "they have reserved it".to_owned();
                let waiting = Waiting::Start {
                    release,
                    wave,
                    tenants,
                    until: *until,
                    because,
                };
                (waiting, Some(*until))
            }
            Kept::Validation { customer } => {
                let trouble = run.reports.get(customer).map(|report| report.text.clone());
                (wait_for_customer(customer, trouble, (release, wave, tenants)), None)
            }
            Kept::Unmigrated { change } => (wait_for_migration(schedule, change, (release, wave, tenants)), None),
            Kept::Calendar { reason } => (wait_for_nothing_known(reason, (release, wave, tenants)), None),
        }
    }

    fn frozen_in_words(
        &self,
        number: u32,
        (release, wave, tenants): (Version, WaveName, Vec<TenantName>),
    ) -> (Waiting, Option<Timestamp>) {
        let freeze = &self.state.freezes[&number];
        let waiting = Waiting::Freeze {
            release,
            wave,
            tenants,
            number,
            by: freeze.by.clone(),
            reason: freeze.reason.clone(),
            until: freeze.until,
        };
        (waiting, freeze.until)
    }

    /// A window that lets a wave finish, lets those of its class move on that have begun in it.
    pub fn note_finishing(&mut self, run: usize, wave: usize, batch: &[TenantName]) {
        let current = &self.state.runs[run];
        let schedule = &current.schedule;
        let classes: BTreeSet<u16> = batch.iter().map(|tenant| schedule.class_index(tenant)).collect();
        let finishes = |class: &u16| {
            let class = schedule.classes.get(usize::from(*class))?;
            let open = schedule.calendars.is_open(class, self.now).window?;
            let window = schedule.calendars.windows.iter().find(|window| window.name == open)?;
            Some(window.when_open_ends == WhenOpenEnds::FinishWave)
        };
        let finishing: Vec<u16> = classes
            .into_iter()
            .filter(|class| finishes(class) == Some(true))
            .collect();
        self.state.runs[run].waves[wave].finishing.extend(finishing);
    }

    /// Hands the frozen members over to the last wave; false where this is the last.
    pub fn put_off(&mut self, run: usize, wave: usize, admission: &Admission) -> bool {
        let run = &mut self.state.runs[run];
        let last = run.waves.len() - 1;
        if wave == last || !admission.only_frozen() {
            return false;
        }
        for tenant in admission.kept.values().flatten() {
            run.hand_on(tenant, wave, last);
        }
        true
    }
}

/// The notices that each tenant has to have been sent.
fn required(schedule: &Schedule) -> BTreeMap<&TenantName, Vec<&PlannedNotice>> {
    let mut notices: BTreeMap<&TenantName, Vec<&PlannedNotice>> = BTreeMap::new();
    for planned in schedule.notices.iter().filter(|planned| planned.required) {
        for tenant in planned.tenants.iter() {
            notices.entry(tenant).or_default().push(planned);
        }
    }
    notices
}

/// What a person has waived for a tenant.
pub struct WaivedFor {
    notice: bool,
    validation: bool,
    pub migration: bool,
    /// Since when: the latest word counts.
    window: Option<Timestamp>,
}

impl Run {
    /// The time that the tenant has reserved has come.
    fn is_wanted(&self, tenant: &TenantName, now: Timestamp) -> Result<(), Kept> {
        match self.reservations.get(tenant).filter(|reservation| reservation.at > now) {
            Some(reservation) => Err(Kept::Reservation { until: reservation.at }),
            None => Ok(()),
        }
    }

    pub fn waived(&self, tenant: &TenantName, cell: &CellName, now: Timestamp) -> WaivedFor {
        let counts = self
            .waivers
            .iter()
            .filter(|waiver| now < waiver.until && waiver.tenants.holds(tenant, cell));
        let mut waived = WaivedFor {
            notice: false,
            validation: false,
            migration: false,
            window: None,
        };
        for waiver in counts {
            match waiver.of {
                Waived::Notice => waived.notice = true,
                Waived::Validation => waived.validation = true,
                Waived::Migration => waived.migration = true,
                Waived::Window => waived.window = waived.window.max(Some(waiver.at)),
            }
        }
        waived
    }
}

fn wait_for_customer(
    customer: &CustomerName,
    trouble: Option<String>,
    (release, wave, tenants): (Version, WaveName, Vec<TenantName>),
) -> Waiting {
    Waiting::Validation {
        release,
        wave,
        tenants,
        customer: customer.clone(),
        trouble,
    }
}

fn wait_for_migration(
    schedule: &Schedule,
    change: &ChangeId,
    (release, wave, tenants): (Version, WaveName, Vec<TenantName>),
) -> Waiting {
    let planned = schedule.migrations.iter().find(|planned| planned.change == *change);
    Waiting::Migration {
        release,
        wave,
        tenants,
        change: change.clone(),
        owner: planned.and_then(|planned| planned.owner.clone()),
        deadline: planned.and_then(|planned| planned.deadline),
    }
}

/// The calendar cannot say when.
fn wait_for_nothing_known(reason: &str, (release, wave, tenants): (Version, WaveName, Vec<TenantName>)) -> Waiting {
    Waiting::Window {
        release,
        wave,
        tenants,
        window: None,
        opens: None,
        reason: reason.to_owned(),
        zone: None,
    }
}

/// Tenants whose windows are closed, and when they open.
fn wait_for_window(
    calendars: &Calendars,
    class: &Class,
    now: Timestamp,
    (release, wave, tenants): (Version, WaveName, Vec<TenantName>),
) -> (Waiting, Option<Timestamp>) {
    let Openness { window, reason, .. } = calendars.is_open(class, now);
    let next = calendars.next_open(class, now);
    let opens = next.as_ref().map(|next| next.at);
    let waiting = Waiting::Window {
        release,
        wave,
        tenants,
        window: next.and_then(|next| next.window).or(window),
        opens,
        reason: reason.words(&class.zone),
        zone: Some(class.zone.clone()),
    };
    (waiting, opens)
}

impl Admission {
    /// Nobody waits for anything of this kind.
    pub fn is_free(&self) -> bool {
        self.kept.is_empty()
    }

    /// Freezes put on at run time are all that keeps anybody.
    pub fn only_frozen(&self) -> bool {
        self.may_move.is_empty() && self.kept.keys().all(|kept| matches!(kept, Kept::Freeze { .. }))
    }
}
