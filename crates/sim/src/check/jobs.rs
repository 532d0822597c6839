//! Jobs: every due instant has one run, never two at once, each on the version of its tenant at that moment, by the journal
//! alone; and what a run needs stays.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::calendar::{Schedule, read_instant};
use tidegate_domain::id::{CellName, ComponentName, JobName, JobOf, TenantName, Version};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_domain::service::Service;
use tidegate_domain::time::Timestamp;
use tidegate_domain::waiting::Waiting;
use tidegate_engine::Turned;

use super::Checked;

const ONE_RUN: &str = "every due instant of a job has one run";

/// What the journal says of runs.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    seats: BTreeMap<TenantName, Version>,
    /// Those that have a job of their own: somebody is on a version there.
    cells: BTreeSet<CellName>,
    jobs: BTreeMap<JobName, Known>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    goes_on: bool,
    /// Of the last run that was due.
    due: Option<Timestamp>,
    /// Since when there is the job; `None`: it was there before, or something of it was dropped.
    since: Option<Timestamp>,
}

impl Runs {
    pub fn begin_with(&mut self, state: &Service) {
        let seats = state.seats.iter();
        self.seats = seats
            .filter_map(|(name, seat)| Some((name.clone(), seat.version.clone()?)))
            .collect();
    }

    /// Follows the rows that were added.
    pub fn follow(&mut self, rows: &[(Timestamp, Entry)], state: &Service) -> Checked {
        for (at, entry) in rows {
            let kind = entry.kind;
            if matches!(
                kind,
                EntryKind::Moved | EntryKind::Returned | EntryKind::TenantAdded | EntryKind::TenantStarted
            ) {
                self.seat(*at, entry);
            } else if kind == EntryKind::TenantRemoved {
                self.remove(entry);
            } else if kind == EntryKind::TenantMoved {
                self.moves_between_runs(entry)?;
            } else if kind == EntryKind::JobStarted {
                self.started(*at, entry, state)?;
            } else if matches!(kind, EntryKind::JobDone | EntryKind::JobFailed) {
                self.ended(entry)?;
            } else if kind == EntryKind::JobDropped
                && let Some(known) = name_in(entry).and_then(|name| self.jobs.get_mut(&name))
            {
                (known.due, known.since) = (None, None);
            }
        }
        if let Some((at, _)) = rows.last() {
            self.cells_come_and_go(*at, state);
        }
        Ok(())
    }

    /// No instant is due in a cell that its last tenant has left; they count anew from when somebody is on a version there again.
    fn cells_come_and_go(&mut self, at: Timestamp, state: &Service) {
        let mut inhabited = BTreeSet::new();
        for seat in state.seats.values().filter(|seat| seat.version.is_some()) {
            let has_job = || state.cells.get(&seat.cell).is_some_and(|cell| cell.jobs_on.is_some());
            if !inhabited.contains(&seat.cell) && has_job() {
                inhabited.insert(seat.cell.clone());
            }
        }
        for cell in self.cells.symmetric_difference(&inhabited) {
            let (component, of) = (component(), JobOf::Cell(cell.clone()));
            let known = self.jobs.entry(JobName { component, of }).or_default();
            (known.due, known.since) = (None, inhabited.contains(cell).then_some(at));
        }
        self.cells = inhabited;
    }

    fn remove(&mut self, entry: &Entry) {
        self.seats.retain(|tenant, _| !entry.tenants.contains(tenant));
        let gone = |name: &JobName| name.tenant().is_some_and(|tenant| entry.tenants.contains(tenant));
        for (_, known) in self.jobs.iter_mut().filter(|(name, _)| gone(name)) {
            (known.due, known.since) = (None, None);
        }
    }

    fn seat(&mut self, at: Timestamp, entry: &Entry) {
        let Some(version) = &entry.now_on else { return };
        for tenant in &entry.tenants {
            if self.seats.insert(tenant.clone(), version.clone()).is_none() {
                let (component, of) = (component(), JobOf::Tenant(tenant.clone()));
                let known = self.jobs.entry(JobName { component, of }).or_default();
                known.since = Some(at);
            }
        }
    }

    fn moves_between_runs(&self, entry: &Entry) -> Checked {
        let own = |name: &JobName| name.tenant().is_some_and(|tenant| entry.tenants.contains(tenant));
        match self.jobs.iter().find(|(name, known)| own(name) && known.goes_on) {
            Some((name, _)) => Err((
                "a tenant changes its cell between runs",
                format!("{} goes on", name.in_words()),
            )),
            None => Ok(()),
        }
    }

    fn started(&mut self, at: Timestamp, entry: &Entry, state: &Service) -> Checked {
        let detail = || entry.reason.clone();
        let Some(name) = name_in(entry) else {
            return Err(("a run says what it is of", detail()));
        };
        if let Some(tenant) = name.tenant()
            && self.seats.get(tenant) != entry.release.as_ref()
        {
            let on = self.seats.get(tenant).map_or("none", Version::as_str);
            return Err((
                "a run begins on the version of its tenant",
                format!("{}, who is on {on}", detail()),
            ));
        }
        let schedule = state.jobs.get(&name).and_then(|job| job.schedule.clone());
        let once = entry.reason.contains("that it makes up for");
        let known = self.jobs.entry(name).or_default();
        if known.goes_on {
            return Err(("never two runs of a job at once", detail()));
        }
        known.goes_on = true;
        let (Some(due), Some(schedule)) = (due_in(entry), schedule) else {
            return Ok(());
        };
        let expected = known.due.or(known.since).and_then(|before| schedule.after(before));
        if due > at || expected.is_some_and(|expected| expected != due) {
            return Err((ONE_RUN, format!("{}, and {expected:?} was next", detail())));
        }
        known.since = None;
        known.due = Some(if once { last_until(&schedule, due, at) } else { due });
        Ok(())
    }

    fn ended(&mut self, entry: &Entry) -> Checked {
        let known = name_in(entry).and_then(|name| self.jobs.get_mut(&name));
        match known.filter(|known| known.goes_on) {
            Some(known) => {
                known.goes_on = false;
                Ok(())
            }
            None => Err(("a run ends once", entry.reason.clone())),
        }
    }
}

/// The only job of a simulated product.
fn component() -> ComponentName {
    "tally".parse().expect("a name")
}

/// `job tally of tenant acme begins: ...`.
fn name_in(entry: &Entry) -> Option<JobName> {
    let words: Vec<&str> = entry.reason.split(' ').collect();
    let place = words.iter().position(|word| *word == "job")?;
    let [component, "of", kind, name, ..] = words.get(place + 1..)? else {
        return None;
    };
    let of = match *kind {
        "tenant" => JobOf::Tenant(name.parse().ok()?),
        "cell" => JobOf::Cell(name.parse().ok()?),
        _ => return None,
    };
    let component = component.parse().ok()?;
    Some(JobName { component, of })
}

fn due_in(entry: &Entry) -> Option<Timestamp> {
    let (_, due) = entry.reason.split_once("due at ")?;
    read_instant(due.split(',').next()?).ok()
}

/// The last instant of those that one run makes up for.
fn last_until(schedule: &Schedule, from: Timestamp, until: Timestamp) -> Timestamp {
    let instants = std::iter::successors(Some(from), |at| schedule.after(*at));
    instants.take_while(|at| *at <= until).last().unwrap_or(from)
}

/// What a run began with is kept to its end.
pub fn keep_what_they_need(state: &Service) -> Checked {
    for (name, job) in &state.jobs {
        let Some(run) = &job.run else { continue };
        if !state.pinned.contains_key(&run.version) {
            let detail = format!("{} runs on {}, which is forgotten", name.in_words(), run.version);
            return Err(("a version is kept as long as a run goes on with it", detail));
        }
    }
    Ok(())
}

/// A run whose time has come begins, or what it waits for is said.
pub fn are_explained(turned: &Turned, now: Timestamp) -> Checked {
    for (name, job) in &turned.state.jobs {
        let is_due = job.next.is_some_and(|next| next <= now) || !job.asked.is_empty();
        let is_said = || {
            let mut waiting = turned.waiting.iter();
            waiting.any(|waiting| matches!(waiting, Waiting::Job { job, .. } if job == name))
        };
        if is_due && !is_said() {
            return Err(("a run begins when it is due, or says why not", name.in_words()));
        }
    }
    Ok(())
}
