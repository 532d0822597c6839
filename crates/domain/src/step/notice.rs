//! Notices: when each is to be sent, and what proves that it was. Who sends them is not asked here.

use std::collections::{BTreeMap, BTreeSet};

use super::Refused;
use super::turn::{Cause, Turn};
use crate::effect::{Effect, EffectBody, EffectId, Settled};
use crate::id::{TenantName, Version, WaveName};
use crate::journal::{Entry, EntryKind};
use crate::plan::{Due, NoticeKey, PlannedNotice};
use crate::policy::NoticeKind;
use crate::service::{Place, Proof, Run, RunPhase, WaveRun, WaveState};
use crate::time::Timestamp;

impl Turn {
    /// What was proven before stays proven: the first word counts.
    pub fn notices_proven(
        &mut self,
        version: &Version,
        keys: &BTreeSet<NoticeKey>,
        at: Option<Timestamp>,
        cause: &Cause,
    ) -> Result<(), Refused> {
        let index = self.any(version)?;
        let at = at.unwrap_or(self.now);
        if at > self.now {
            return Err(Refused::NotYet { at });
        }
        let run = &self.state.runs[index];
        let planned: BTreeMap<&NoticeKey, &PlannedNotice> = run
            .schedule
            .notices
            .iter()
            .map(|notice| (&notice.key, notice))
            .collect();
        let mut tenants: BTreeSet<TenantName> = BTreeSet::new();
        for key in keys {
            let Some(planned) = planned.get(key) else {
                return Err(Refused::NoSuchNotice {
                    release: version.clone(),
                    key: key.to_string(),
                });
            };
            tenants.extend(planned.tenants.iter().cloned());
        }
        let mut proven = Vec::new();
        let run = &mut self.state.runs[index];
        for key in keys {
            let notice = run.notices.entry(key.clone()).or_default();
            if notice.proof.is_some() {
                continue;
            }
            notice.proof = Some(Proof {
                at,
                how: cause.reason.clone(),
                by: cause.actor.clone(),
            });
            proven.push(key.to_string());
            if notice.asked.is_some() {
                self.settled.push(Settled {
                    id: EffectId::notice(key, notice.attempt),
                    outcome: format!("sent at {at}, says {}", cause.actor),
                });
            }
        }
        if !proven.is_empty() {
            let reason = format!("{} sent at {at}: {}", proven.join(", "), cause.reason);
            let (tenants, cause) = (tenants.into_iter().collect(), cause.actor_says(reason));
            self.write_about(EntryKind::NoticeProven, (version, None), tenants, &cause);
        }
        Ok(())
    }

    /// Asks for every notice whose time has come, once. A release that is held, or that people have not agreed to yet,
    /// tells nobody anything.
    pub fn advance_notices(&mut self) -> bool {
        let mut changed = false;
        for run in 0..self.state.runs.len() {
            changed |= self.ask_for_notices(run);
        }
        changed
    }

    fn ask_for_notices(&mut self, index: usize) -> bool {
        let now = self.now;
        let run = &self.state.runs[index];
        let silent = match run.phase {
            RunPhase::Queued => run.hold.is_some() || run.misses_approval(),
            RunPhase::Moving => run.hold.is_some(),
            RunPhase::Completed { .. } => false,
            RunPhase::RolledBack { .. } | RunPhase::Aborted { .. } | RunPhase::Superseded { .. } => true,
        };
        if silent || run.schedule.notices.is_empty() {
            return false;
        }
        let mut due: BTreeMap<(WaveName, NoticeKind), Vec<&PlannedNotice>> = BTreeMap::new();
        let mut wakes = Vec::new();
        for planned in &run.schedule.notices {
            let known = run.notices.get(&planned.key);
            if known.is_some_and(|notice| notice.asked.is_some() || notice.proof.is_some()) || !run.concerns(planned) {
                continue;
            }
            match run.due(planned) {
                Some(at) if at <= now => {
                    due.entry((planned.wave.clone(), planned.kind))
                        .or_default()
                        .push(planned);
                }
                Some(at) => wakes.push(at),
                None => {}
            }
        }
        let version = run.version.clone();
        let mut asked: Vec<NoticeKey> = Vec::new();
        let mut effects = Vec::new();
        let mut entries = Vec::new();
        for ((wave, kind), notices) in due {
            let tenants: BTreeSet<TenantName> = notices
                .iter()
                .flat_map(|notice| notice.tenants.iter().cloned())
                .collect();
            entries.push(Entry {
                actor: Cause::system("notice", "").actor,
                kind: EntryKind::NoticeDue,
                release: Some(version.clone()),
                wave: Some(wave),
                reason: format!("{} of kind {} to be sent", notices.len(), kind.as_str()),
                tenants: tenants.into_iter().collect(),
                now_on: None,
            });
            for notice in notices {
                let attempt = run.notices.get(&notice.key).map_or(0, |known| known.attempt);
                asked.push(notice.key.clone());
                effects.push(Effect {
                    id: EffectId::notice(&notice.key, attempt),
                    body: EffectBody::Notice {
                        version: version.clone(),
                        notice: Box::new(notice.clone()),
                    },
                });
            }
        }
        let changed = !asked.is_empty();
        for key in asked {
            self.state.runs[index].notices.entry(key).or_default().asked = Some(now);
        }
        self.effects.extend(effects);
        self.journal.extend(entries);
        wakes.into_iter().for_each(|at| self.wake_at(at));
        changed
    }

    /// What an ended release had still to tell is told no more.
    pub fn withdraw_notices(&mut self, run: usize) {
        let run = &self.state.runs[run];
        let open = run
            .notices
            .iter()
            .filter(|(_, notice)| notice.asked.is_some() && notice.proof.is_none());
        let settled = open.map(|(key, notice)| Settled {
            id: EffectId::notice(key, notice.attempt),
            outcome: format!("release {} is {}", run.version, run.phase.in_words()),
        });
        self.settled.extend(settled);
    }
}

impl Run {
    fn misses_approval(&self) -> bool {
        let blocks = |approval: &&crate::service::Approval| approval.wave.is_none() && approval.review_by.is_none();
        self.approvals
            .iter()
            .filter(blocks)
            .any(|approval| approval.missing() > 0)
    }

    /// Some tenant of the notice is still in its wave.
    fn concerns(&self, planned: &PlannedNotice) -> bool {
        let stays = |tenant: &TenantName| {
            let members = self.waves.iter().filter_map(|wave| wave.members.get(tenant));
            members
                .into_iter()
                .any(|member| !matches!(member.place, Place::Left { .. }))
        };
        planned.tenants.iter().any(stays)
    }

    /// When it is to be sent; `None`: not yet known, or not any more.
    fn due(&self, planned: &PlannedNotice) -> Option<Timestamp> {
        let wave = self.waves.iter().find(|wave| wave.name == planned.wave)?;
        match (planned.due, &wave.state) {
            (Due::Confirmed, WaveState::Confirmed { at }) => Some(*at),
            (Due::Confirmed, _) => None,
            (Due::Applied, _) => self.is_awaited(wave, planned).then_some(self.applied),
            (Due::At(at), _) => self.is_awaited(wave, planned).then_some(at),
        }
    }

    /// Its wave is to move yet, or has left one of its tenants to a later one.
    fn is_awaited(&self, wave: &WaveRun, planned: &PlannedNotice) -> bool {
        let waits = |tenant: &TenantName| {
            let mut places = self.waves.iter().filter(|wave| wave.is_open());
            places.any(|wave| wave.members.get(tenant).is_some_and(|m| m.place == Place::Waiting))
        };
        wave.is_open() || planned.tenants.iter().any(waits)
    }
}
