//! Nobody is moved forward against what the plan, the files and people say about when. Everything is computed anew, from what
//! the plan was when it was checked and from the journal.

use tidegate_domain::id::{TenantName, WaveName};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::plan::PlannedWave;
use tidegate_domain::policy::{Before, Through, WhenSilent};
use tidegate_domain::release::DataStepKind;
use tidegate_domain::service::{ReportOutcome, Run, Service, Waived};
use tidegate_domain::time::Timestamp;

use super::Checked;
use super::clock::{self, Covered};
use super::ledger::{Kept, Ledger};

impl Ledger {
    /// Holds one row against all that was promised before it.
    pub fn admits(&self, entry: &Entry, now: Timestamp, state: &Service) -> Checked {
        let run = entry.release.as_ref().and_then(|version| self.runs.get(version));
        let Some(run) = run else { return Ok(()) };
        let is = |kind| entry.kind == kind;
        if is(EntryKind::Approved) {
            approved_by_those_asked(run, entry)
        } else if is(EntryKind::Started) {
            agreed(run, &Before::Release, now)
        } else if is(EntryKind::StageEntered) && entry.reason.starts_with("prepare:") {
            begins(run, entry, now)
        } else if is(EntryKind::StageEntered) {
            super::gates::are_passed(run, entry)?;
            match entry.reason.starts_with("switch:") {
                true => super::canary::has_lasted(run, entry, now),
                false => Ok(()),
            }
        } else if is(EntryKind::GateOverridden) {
            super::gates::is_overridden_once(run, entry)
        } else if is(EntryKind::GateAnswered) {
            super::gates::is_answered_by_those_asked(run, entry)
        } else if is(EntryKind::Completed) {
            super::migrations::nobody_is_forgotten(self, run)
        } else if is(EntryKind::WaveConfirmed) {
            has_baked(run, entry, now)
        } else if is(EntryKind::DowntimeExtended) {
            super::downtime::is_told_in_time(run, entry, state, now)
        } else if is(EntryKind::Reserved) {
            super::reserved::has_room(self, run, entry)
        } else if is(EntryKind::Returned) {
            super::patched::goes_back_before_both(run, entry)
        } else if is(EntryKind::CanaryStarted) {
            let wave = entry.wave.as_ref();
            let mut tenants = entry.tenants.iter();
            tenants.try_for_each(|tenant| self.lets_take_part((run, wave), tenant, now, state))
        } else if is(EntryKind::Moved) || (is(EntryKind::DowntimeStarted) && works_in_downtime(run, state)) {
            let mut movers = entry.tenants.iter().map(|tenant| Mover {
                ledger: self,
                run,
                wave: entry.wave.as_ref(),
                tenant,
                now,
                state,
            });
            movers.try_for_each(|mover| {
                super::patched::is_not_over(run, entry)?;
                // Whose data are worked on goes through with it: whether it may was asked when it was taken out of service.
                if is(EntryKind::Moved) && mover.goes_through() {
                    return super::downtime::is_out_of_service(self, run, entry, mover.tenant);
                }
                mover.stays_back()?;
                mover.is_told()?;
                mover.is_validated()?;
                super::migrations::has_migrated(self, run, mover.tenant, mover.waived(Waived::Migration).is_some())?;
                super::reserved::has_come(run, mover.tenant, now)?;
                if is(EntryKind::Moved) {
                    super::downtime::is_out_of_service(self, run, entry, mover.tenant)?;
                }
                mover.may_move()
            })
        } else {
            Ok(())
        }
    }
}

impl Ledger {
    /// A canary is a forward move of a share of the requests: whoever may not be moved at this moment takes no part.
    pub fn lets_take_part(
        &self,
        (run, wave): (&Kept, Option<&WaveName>),
        tenant: &TenantName,
        now: Timestamp,
        state: &Service,
    ) -> Checked {
        let mover = Mover {
            ledger: self,
            run,
            wave,
            tenant,
            now,
            state,
        };
        mover.stays_back()?;
        mover.is_told()?;
        mover.is_validated()?;
        super::migrations::has_migrated(self, run, tenant, mover.waived(Waived::Migration).is_some())?;
        super::reserved::has_come(run, tenant, now)?;
        mover.may_move()
    }
}

/// The release does work in its downtime, and does not take it back now.
fn works_in_downtime(run: &Kept, state: &Service) -> bool {
    let release = &run.promise.plan.release;
    let mut steps = release.steps.iter();
    let undoes = state.run(&release.version).is_some_and(Run::undoes_in_downtime);
    steps.any(|step| step.kind == DataStepKind::DuringDowntime) && !undoes
}

/// One who was moved forward.
struct Mover<'a> {
    ledger: &'a Ledger,
    run: &'a Kept,
    wave: Option<&'a WaveName>,
    tenant: &'a TenantName,
    now: Timestamp,
    state: &'a Service,
}

impl Mover<'_> {
    fn says(&self, what: &str) -> String {
        let release = &self.run.promise.plan.release.version;
        format!("{} moves to {release} at {}: {what}", self.tenant, self.now)
    }

    /// The release has worked on the data of its cell in downtime.
    fn goes_through(&self) -> bool {
        let seat = self.state.seats.get(self.tenant);
        let run = self.state.run(&self.run.promise.plan.release.version);
        let step = run.and_then(|run| run.downtime_work_in(&seat?.cell));
        step.is_some() && works_in_downtime(self.run, self.state)
    }

    /// Who has opted out, was left behind or was taken back is not moved.
    fn stays_back(&self) -> Checked {
        let wave = self.wave.and_then(|wave| self.run.waves.get(wave));
        if self.run.ended || wave.is_some_and(|wave| wave.taken_back) {
            return Err(("a rollback wins", self.says("it was taken back and nobody resumed it")));
        }
        if self.run.returned.contains(self.tenant) {
            return Err(("a rollback wins", self.says("the tenant was taken back")));
        }
        if self.ledger.stays(self.run, self.tenant) {
            return Err(("who opts out is not moved", self.says("it has opted out since")));
        }
        let left = self.run.promise.plan.left_behind.contains_key(self.tenant);
        if left && !self.ledger.came_later(self.run, self.tenant) {
            return Err((
                "who is left behind is not moved",
                self.says("the plan leaves it behind"),
            ));
        }
        Ok(())
    }

    /// Since when somebody has waived it.
    fn waived(&self, of: Waived) -> Option<Timestamp> {
        let cell = &self.state.seats.get(self.tenant)?.cell;
        let counts = self
            .run
            .waivers
            .iter()
            .filter(|waiver| waiver.of == of && self.now < waiver.until && waiver.whom.holds(self.tenant, cell));
        counts.map(|waiver| waiver.at).max()
    }

    fn is_told(&self) -> Checked {
        const RULE: &str = "no tenant moves before its notice has run";
        if self.waived(Waived::Notice).is_some() {
            return Ok(());
        }
        let owed = self.run.promise.owed(self.tenant);
        let owed = owed.map_err(|kind| (RULE, self.says(&format!("it is owed a {kind}, and none is planned"))))?;
        for owed in owed {
            let key = owed.notice.key.as_str();
            let Some(sent) = self.ledger.sent.get(key) else {
                return Err((RULE, self.says(&format!("{key} was never sent"))));
            };
            let Some(period) = owed.period else { continue };
            let deadline = self.run.promise.whose(self.tenant).before(self.now, period);
            if deadline.is_some_and(|deadline| deadline < *sent) {
                let detail = format!("{key} was sent at {sent}, and has to be so {period} before");
                return Err((RULE, self.says(&detail)));
            }
        }
        Ok(())
    }

    /// Its customer has reported of its tenants in an earlier wave, where the playbook asks for that.
    fn is_validated(&self) -> Checked {
        const RULE: &str = "no tenant moves before its customer has reported";
        let asked = self.run.promise.validation(self.tenant);
        let asked = asked.filter(|_| !self.ledger.came_later(self.run, self.tenant));
        let Some((customer, silent)) = asked.filter(|_| self.waived(Waived::Validation).is_none()) else {
            return Ok(());
        };
        match (self.run.reports.get(customer), silent) {
            (Some(ReportOutcome::Works), _) | (None, WhenSilent::Move) => Ok(()),
            (Some(ReportOutcome::Trouble), _) => Err((RULE, self.says(&format!("customer {customer} has trouble")))),
            (None, WhenSilent::Wait) => Err((RULE, self.says(&format!("customer {customer} has said nothing")))),
        }
    }

    fn may_move(&self) -> Checked {
        let promise = &self.run.promise;
        let waived = self.waived(Waived::Window);
        let cell = self.state.seats.get(self.tenant).map(|seat| &seat.cell);
        for (number, freeze) in &self.ledger.freezes {
            let holds = cell.is_some_and(|cell| freeze.whom.holds(self.tenant, cell));
            let is_on = freeze.from <= self.now && freeze.until.is_none_or(|until| self.now < until);
            if holds && is_on && waived.is_none_or(|at| at < freeze.at) {
                return Err((
                    "no tenant moves while it is frozen",
                    self.says(&format!("freeze {number} is on")),
                ));
            }
        }
        if waived.is_some() {
            return Ok(());
        }
        let zone = promise.whose(self.tenant).zone;
        let Some(wave) = self.wave else { return Ok(()) };
        let came_later = self.ledger.came_later(self.run, self.tenant);
        let start = promise.start(self.tenant, came_later.then_some(wave));
        if let Some(start) = start.filter(|start| *start > self.now) {
            let detail = self.says(&format!("its planned start is {start}"));
            return Err(("no tenant moves before its planned start", detail));
        }
        let today = clock::date(&zone, self.now);
        let first = promise.first_day(self.tenant).filter(|_| !came_later);
        if let Some(first) = first.filter(|first| today < *first) {
            let detail = self.says(&format!("its day is {first}, by its clocks it is {today}"));
            return Err(("no tenant moves before its day", detail));
        }
        let windows = promise.windows(self.tenant);
        let Some(covered) = Covered::of(&windows, &zone, self.now) else {
            return Ok(());
        };
        if let Some(freeze) = covered.freeze {
            let detail = self.says(&format!("{} forbids it", freeze.name));
            return Err(("no tenant moves while it is frozen", detail));
        }
        let finishing = self.run.waves.get(wave);
        let finishing = finishing.is_some_and(|wave| wave.finishing.contains(&promise.class_index(self.tenant)));
        if covered.needs && covered.allowing.is_empty() && !finishing {
            return Err(("no tenant moves outside its windows", self.says("none is open")));
        }
        Ok(())
    }
}

/// Nobody's word counts who was not asked for it.
fn approved_by_those_asked(run: &Kept, entry: &Entry) -> Checked {
    let schedule = &run.promise.plan.schedule;
    let named = entry.reason.split_once(": ").map_or("", |(name, _)| name);
    let planned = schedule.approvals.iter().find(|planned| planned.name.as_str() == named);
    let asked = planned.map(|planned| super::promise::Asked {
        name: &planned.name,
        roles: &planned.roles,
        count: planned.count,
        before: planned.before.clone(),
        expires: planned.expires,
    });
    let may = asked.is_some_and(|asked| run.may_agree(&entry.actor, &asked));
    if may {
        return Ok(());
    }
    let detail = format!("{} approved {}", entry.actor, run.promise.plan.release.version);
    Err(("nobody approves who was not asked to", detail))
}

/// What starts, people had agreed to: others than its author, as many as the playbook asks for.
fn agreed(run: &Kept, before: &Before, now: Timestamp) -> Checked {
    for asked in run.promise.asked().iter().filter(|asked| asked.before == *before) {
        let agreed = run.agreed(asked, now);
        if agreed.len() < asked.count as usize {
            let release = &run.promise.plan.release.version;
            let detail = format!(
                "release {release} starts: {} of {} have given approval {}",
                agreed.len(),
                asked.count,
                asked.name
            );
            return Err(("what starts is approved", detail));
        }
    }
    Ok(())
}

/// A wave begins with the agreement it needs, and after its gap.
fn begins(run: &Kept, entry: &Entry, now: Timestamp) -> Checked {
    let Some(name) = &entry.wave else { return Ok(()) };
    agreed(run, &Before::Wave(name.clone()), now)?;
    let promise = &run.promise;
    let earlier = promise.plan.waves.iter().take_while(|wave| wave.name != *name);
    let confirmed = earlier
        .filter_map(|wave: &PlannedWave| run.waves.get(&wave.name)?.confirmed)
        .max();
    let Some(confirmed) = confirmed else { return Ok(()) };
    let gap = promise.gap(name);
    // By a clock that was set back the wave before is confirmed in the future; where nothing is waited for, so be it.
    if gap.is_zero() {
        return Ok(());
    }
    if promise.base().gap_is_over(confirmed, gap, now) == Some(false) {
        let detail = format!(
            "wave {name} of {} begins at {now}, the one before is confirmed since {confirmed}",
            promise.plan.release.version
        );
        return Err(("the time between two waves is kept", detail));
    }
    Ok(())
}

/// A wave is confirmed after its least bake, and after the peaks of those it has moved, unless a person ended its bake.
fn has_baked(run: &Kept, entry: &Entry, now: Timestamp) -> Checked {
    const RULE: &str = "a bake lasts its least time and through peaks";
    let promise = &run.promise;
    let wave = entry.wave.as_ref();
    let (Some(name), Some(kept)) = (wave, wave.and_then(|wave| run.waves.get(wave))) else {
        return Ok(());
    };
    let Some(planned) = promise.wave(name) else {
        return Ok(());
    };
    if kept.promoted || kept.on.is_empty() || planned.policy.bake.longest.is_zero() {
        return Ok(());
    }
    if let Some(least) = kept
        .baking
        .map(|since| since + planned.policy.bake.least)
        .filter(|least| now < *least)
    {
        let detail = format!("wave {name} is confirmed at {now}, and bakes until {least}");
        return Err((RULE, detail));
    }
    let through = planned.policy.bake.through == Some(Through::Peak);
    for tenant in kept.on.iter().filter(|_| through) {
        let (Some(hours), Some(moved)) = (promise.peak(tenant), kept.moved) else {
            continue;
        };
        let over = clock::peak_is_over(hours, &promise.whose(tenant).zone, moved);
        if let Some(over) = over.filter(|over| now < *over) {
            let detail = format!("wave {name} is confirmed at {now}, the peak of {tenant} is over at {over}");
            return Err((RULE, detail));
        }
    }
    Ok(())
}
