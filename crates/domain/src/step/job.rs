//! Jobs: every scheduled instant has one run, in their order and never two at once. A run has the version that its tenant or
//! cell is on when it begins, and keeps it to its end; nobody's move waits for it.

use std::collections::{BTreeMap, BTreeSet};

use super::Refused;
use super::turn::{Cause, Turn};
use crate::effect::{Effect, EffectBody, EffectId, JobTask};
use crate::event::{Judgement, Verdict};
use crate::files::TimeZoneName;
use crate::id::{CellName, JobName, JobOf, TenantName, Version};
use crate::journal::{Entry, EntryKind};
use crate::release::{JobPer, JobTerms, MissedRuns, Release};
use crate::service::{AskedRun, EndedRun, Job, JobRun};
use crate::time::Timestamp;
use crate::waiting::Waiting;

/// Scheduled runs of one job that may wait for each other; the oldest of more are dropped.
const BACKLOG_MAX: u64 = 100;

/// Runs on demand of one job that may wait.
const ASKED_MAX: usize = 10;

/// What the next run of a job would be on.
#[derive(Debug, Clone)]
struct Ground {
    version: Version,
    cell: CellName,
    terms: JobTerms,
}

/// Why a run begins.
enum Because {
    Due { at: Timestamp, runs: u64 },
    Asked(AskedRun),
}

impl Turn {
    /// A person wants a run, once those before it have ended.
    pub fn ask_for_run(&mut self, name: &JobName, cause: &Cause) -> Result<(), Refused> {
        if !self.grounds().contains_key(name) {
            return Err(Refused::NoSuchJob { job: name.clone() });
        }
        let job = self.state.jobs.entry(name.clone()).or_default();
        if job.asked.len() >= ASKED_MAX {
            return Err(Refused::TooManyRuns { job: name.clone() });
        }
        job.asked.push(AskedRun {
            by: cause.actor.clone(),
            reason: cause.reason.clone(),
        });
        let reason = format!("{} shall be run: {}", name.in_words(), cause.reason);
        self.write_job(EntryKind::JobAsked, name, None, &cause.actor_says(reason));
        Ok(())
    }

    /// Begins what is due, and says what it waits for.
    pub fn advance_jobs(&mut self) {
        // Asked in every turn, of every tenant; most services have no job.
        let mut releases = self.state.pinned.values();
        if self.state.jobs.is_empty() && !releases.any(|release| release.jobs().next().is_some()) {
            return;
        }
        let grounds = self.grounds();
        let out_of_service: BTreeSet<TenantName> = self.state.out_of_service().into_keys().cloned().collect();
        self.forget_jobs(&grounds);
        for (name, ground) in &grounds {
            self.follow(name, ground);
            self.drop_surplus(name, &ground.terms);
            self.begin_or_wait(name, ground, &out_of_service);
        }
    }

    /// Every job there is, with what its next run would be on.
    fn grounds(&self) -> BTreeMap<JobName, Ground> {
        let mut grounds = BTreeMap::new();
        let mut add = |of: JobOf, cell: &CellName, version: &Version, per: JobPer| {
            let jobs = self.state.pinned.get(version).into_iter().flat_map(Release::jobs);
            for (component, terms) in jobs.filter(|(_, terms)| terms.per == per) {
                let (component, of) = (component.clone(), of.clone());
                let ground = Ground {
                    version: version.clone(),
                    cell: cell.clone(),
                    terms: terms.clone(),
                };
                grounds.insert(JobName { component, of }, ground);
            }
        };
        let mut inhabited = BTreeSet::new();
        for (tenant, seat) in &self.state.seats {
            if let Some(version) = &seat.version {
                inhabited.insert(&seat.cell);
                add(JobOf::Tenant(tenant.clone()), &seat.cell, version, JobPer::Tenant);
            }
        }
        for (name, cell) in self.state.cells.iter().filter(|(name, _)| inhabited.contains(name)) {
            if let Some(version) = &cell.jobs_on {
                add(JobOf::Cell(name.clone()), name, version, JobPer::Cell);
            }
        }
        grounds
    }

    /// What waits for a tenant that is gone, or on a version without the job, is dropped. A run that goes on ends all the same.
    fn forget_jobs(&mut self, grounds: &BTreeMap<JobName, Ground>) {
        let gone = self.state.jobs.keys().filter(|name| !grounds.contains_key(*name));
        let gone: Vec<JobName> = gone.cloned().collect();
        for name in gone {
            let Some(job) = self.state.jobs.remove(&name) else {
                continue;
            };
            let waited = job.scheduled_by(self.now) + job.asked.len() as u64;
            if waited > 0 {
                let reason = format!(
                    "{waited} runs of {} are dropped: nobody is on a version that has the job",
                    name.in_words()
                );
                self.write_job(EntryKind::JobDropped, &name, None, &Cause::system("job", reason));
            }
            if job.run.is_some() {
                let run = job.run;
                self.state.jobs.insert(name, Job { run, ..Job::default() });
            }
        }
    }

    /// Counts by the schedule of the version that the job is on, once the instants of the one before are run.
    fn follow(&mut self, name: &JobName, ground: &Ground) {
        let schedule = ground.terms.schedule.clone().map(|schedule| match &name.of {
            JobOf::Tenant(tenant) => {
                let release = self.state.pinned.get(&ground.version);
                let zone = release.map(|release| release.time_zone_of(tenant));
                schedule.for_tenant(&zone.unwrap_or_else(TimeZoneName::utc))
            }
            JobOf::Cell(_) => schedule,
        });
        let now = self.now;
        let job = self.state.jobs.entry(name.clone()).or_default();
        if job.schedule == schedule {
            job.until = None;
            return;
        }
        let until = *job.until.get_or_insert(now);
        if job.next.is_none_or(|next| next > until) {
            job.next = schedule.as_ref().and_then(|schedule| schedule.after(until));
            job.schedule = schedule;
            job.until = None;
        }
    }

    /// A job that nobody could run for long does not run for ever after.
    fn drop_surplus(&mut self, name: &JobName, terms: &JobTerms) {
        let now = self.now;
        let Some(job) = self.state.jobs.get_mut(name) else {
            return;
        };
        let (Some(next), Some(schedule), MissedRuns::All) = (job.next, &job.schedule, terms.missed) else {
            return;
        };
        let until = job.until.unwrap_or(now);
        if next > until {
            return;
        }
        let missed = schedule.last_of(next, until, BACKLOG_MAX);
        if missed.dropped == 0 {
            return;
        }
        job.next = Some(missed.kept_from);
        let reason = format!(
            "{} runs of {} from {next} on are dropped: more than {BACKLOG_MAX} wait",
            missed.dropped,
            name.in_words()
        );
        self.write_job(EntryKind::JobDropped, name, None, &Cause::system("job", reason));
    }

    fn begin_or_wait(&mut self, name: &JobName, ground: &Ground, out_of_service: &BTreeSet<TenantName>) {
        if self.is_due(name) && self.kept_from_beginning(name, out_of_service).is_none() {
            self.begin_run(name, ground);
            self.follow(name, ground);
        }
        if self.is_due(name)
            && let Some(reason) = self.kept_from_beginning(name, out_of_service)
        {
            self.waiting.push(Waiting::Job {
                job: name.clone(),
                reason,
            });
        }
        let next = self.state.jobs.get(name).and_then(|job| job.next);
        next.into_iter().for_each(|next| self.wake_at(next));
    }

    /// A run should have begun.
    fn is_due(&self, name: &JobName) -> bool {
        let is_due = |job: &Job| !job.asked.is_empty() || job.next.is_some_and(|next| next <= self.now);
        self.state.jobs.get(name).is_some_and(is_due)
    }

    /// Why no run begins although one is due. It is put off, not skipped.
    fn kept_from_beginning(&self, name: &JobName, out_of_service: &BTreeSet<TenantName>) -> Option<String> {
        if let Some(run) = self.state.jobs.get(name).and_then(|job| job.run.as_ref()) {
            return Some(run.in_words());
        }
        match &name.of {
            JobOf::Tenant(tenant) => {
                let seat = self.state.seats.get(tenant)?;
                if seat.suspended {
                    return Some(format!("tenant {tenant} to be resumed"));
                }
                if let Some(moving) = &seat.moving {
                    return Some(format!("the move of tenant {tenant} to cell {} to end", moving.to));
                }
                out_of_service
                    .contains(tenant)
                    .then(|| format!("the downtime of tenant {tenant} to end"))
            }
            JobOf::Cell(cell) => {
                let lives_here = |tenant: &&TenantName| self.state.seats.get(*tenant).is_some_and(|s| s.cell == *cell);
                let tenant = out_of_service.iter().find(lives_here)?;
                Some(format!("the downtime of tenant {tenant} to end"))
            }
        }
    }

    /// Takes what waits longest off the list; what people ask for goes first.
    fn take_next(&mut self, name: &JobName, terms: &JobTerms) -> Option<Because> {
        let now = self.now;
        let job = self.state.jobs.get_mut(name)?;
        if !job.asked.is_empty() {
            return Some(Because::Asked(job.asked.remove(0)));
        }
        let at = job.next.filter(|next| *next <= now)?;
        let schedule = job.schedule.as_ref()?;
        let (runs, last) = match terms.missed {
            MissedRuns::All => (1, at),
            MissedRuns::Once => {
                let last = schedule.last_of(at, job.until.unwrap_or(now), 1);
                (last.dropped + 1, last.kept_from)
            }
        };
        job.next = schedule.after(last);
        Some(Because::Due { at, runs })
    }

    fn begin_run(&mut self, name: &JobName, ground: &Ground) {
        let release = self.state.pinned.get(&ground.version);
        // A job is known by its release, which is pinned.
        let Some(spec) = release.and_then(|release| release.slot(&ground.cell, &name.component)) else {
            return;
        };
        let Some(because) = self.take_next(name, &ground.terms) else {
            return;
        };
        let (due, cause) = match because {
            Because::Asked(AskedRun { by, reason }) => {
                let reason = format!("{} begins: {reason}", name.in_words());
                (None, Cause { actor: by, reason })
            }
            Because::Due { at, runs } => {
                let makes_up = match runs {
                    0 | 1 => String::new(),
                    runs => format!(", the first of {runs} that it makes up for"),
                };
                let reason = format!("{} begins: due at {at}{makes_up}", name.in_words());
                (Some(at), Cause::system("job", reason))
            }
        };
        let run = JobRun {
            version: ground.version.clone(),
            cell: ground.cell.clone(),
            since: self.now,
            attempt: self.state.next_attempt(),
            due,
        };
        let task = JobTask {
            version: run.version.clone(),
            tenant: name.tenant().cloned(),
            spec,
            timeout: ground.terms.timeout,
            due,
        };
        self.effects.push(Effect {
            id: run.effect(name),
            body: EffectBody::Job(Box::new(task)),
        });
        self.write_job(EntryKind::JobStarted, name, Some(&run.version), &cause);
        if let Some(job) = self.state.jobs.get_mut(name) {
            job.run = Some(run);
        }
    }

    /// The outcome of a run. Of another one: ignored.
    pub fn job_performed(&mut self, effect: &EffectId, judgement: &Judgement) {
        let is_it = |(name, job): &(&JobName, &Job)| job.run.as_ref().is_some_and(|run| run.effect(name) == *effect);
        let found = self.state.jobs.iter().find(is_it).map(|(name, _)| name.clone());
        let Some(name) = found else { return };
        let Some(job) = self.state.jobs.get_mut(&name) else {
            return;
        };
        let Some(run) = job.run.take() else { return };
        let (version, passed) = (run.version.clone(), judgement.verdict == Verdict::Pass);
        if !passed {
            *job.failed.entry(version.clone()).or_default() += 1;
        }
        job.last = Some(EndedRun {
            run,
            ended: self.now,
            verdict: judgement.verdict,
            outcome: judgement.reason.clone(),
        });
        let (kind, how) = match passed {
            true => (EntryKind::JobDone, "is done"),
            false => (EntryKind::JobFailed, "has failed"),
        };
        let reason = format!("{} {how}: {}", name.in_words(), judgement.reason);
        self.write_job(kind, &name, Some(&version), &Cause::system("job", reason));
    }

    fn write_job(&mut self, kind: EntryKind, name: &JobName, release: Option<&Version>, cause: &Cause) {
        self.journal.push(Entry {
            actor: cause.actor.clone(),
            kind,
            release: release.cloned(),
            wave: None,
            reason: cause.reason.clone(),
            tenants: name.tenant().into_iter().cloned().collect(),
            now_on: None,
        });
    }
}

impl JobRun {
    /// To stand after "waits for".
    fn in_words(&self) -> String {
        format!("its run on {} since {} to end", self.version, self.since)
    }
}

impl Job {
    /// How many scheduled runs wait.
    pub fn scheduled_by(&self, now: Timestamp) -> u64 {
        let until = self.until.unwrap_or(now);
        match (self.next.filter(|next| *next <= until), &self.schedule) {
            (Some(next), Some(schedule)) => schedule.last_of(next, until, 1).dropped + 1,
            (Some(_) | None, _) => 0,
        }
    }
}
