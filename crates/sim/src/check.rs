//! What must hold after every turn, whatever has happened. The first violation ends a world.

mod admission;
mod canary;
mod clock;
mod data_steps;
mod downtime;
mod gates;
mod in_flight;
mod jobs;
mod journal;
mod ledger;
mod migrations;
mod patched;
mod promise;
mod reserved;
mod rows;
mod state;
mod tenants;
mod together;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use tidegate_domain::desired::{Desired, desired};
use tidegate_domain::id::{Digest, ServiceName, TenantName, Version, WaveName};
use tidegate_domain::service::{Run, Service};
use tidegate_domain::step::step;
use tidegate_domain::time::{Duration, Timestamp};
use tidegate_domain::waiting::Waiting;
use tidegate_engine::Turned;
use tidegate_store::{JournalCheck, JournalFilter, Store, complete_now};

use self::ledger::Ledger;
pub use self::promise::Promise;
pub use self::waits::{Seen, Wait};
use crate::script::Script;
use crate::world::{Gateways, Performed};

/// A rule that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule, in words.
    pub invariant: &'static str,
    pub detail: String,
    /// Since the start of the world.
    pub at: Duration,
}

/// Remembers what the rules compare with.
#[derive(Debug, Clone)]
pub struct Checker {
    /// Milliseconds since the start.
    pub at: i64,
    pub trace: Vec<String>,
    pub violation: Option<Violation>,
    quiet: bool,
    epoch: Timestamp,
    service: ServiceName,
    journal: journal::Replay,
    ledger: Ledger,
    jobs: jobs::Runs,
    rosters: tenants::Rosters,
    together: together::Settled,
    /// What releases have waited for.
    pub waits: Seen,
    last: Option<Service>,
    document: Desired,
    /// The state's own generation in the store: one commit more, one higher.
    commits: u64,
    /// Waves' attempts that were judged to pass.
    passed: BTreeSet<(Version, WaveName, u32)>,
}

type Checked = Result<(), (&'static str, String)>;

impl Checker {
    pub fn new(epoch: Timestamp, service: ServiceName) -> Self {
        Self {
            at: 0,
            trace: Vec::new(),
            violation: None,
            quiet: false,
            epoch,
            service,
            journal: journal::Replay::default(),
            ledger: Ledger::default(),
            jobs: jobs::Runs::default(),
            rosters: tenants::Rosters::default(),
            together: together::Settled::default(),
            waits: Seen::new(),
            last: None,
            document: Desired::default(),
            commits: 0,
            passed: BTreeSet::new(),
        }
    }

    /// The world begins where a service is already.
    pub fn begin_with(&mut self, state: &Service) {
        self.journal = journal::Replay::of(state);
        self.ledger.begin_with(state);
        self.jobs.begin_with(state);
        self.document = desired(state);
        self.last = Some(state.clone());
    }

    /// In a rehearsal nobody reads along.
    pub fn hush(&mut self) {
        self.quiet = true;
        self.trace.clear();
    }

    pub fn violate(&mut self, invariant: &'static str, detail: String) {
        let at = since(self.at);
        self.say(&format!("VIOLATED: {invariant}: {detail}"));
        self.violation.get_or_insert(Violation { invariant, detail, at });
    }

    pub fn say(&mut self, line: &str) {
        if !self.quiet {
            let at = since(self.at).to_string();
            self.trace.push(format!("{at:>16}  {line}"));
        }
    }

    fn take(&mut self, checked: Checked) {
        if let Err((invariant, detail)) = checked {
            self.violate(invariant, detail);
        }
    }

    /// What is applied under this digest keeps what the plan promised when it was checked.
    pub fn promise(&mut self, applied: Digest, promise: Promise) {
        self.ledger.promise(applied, promise);
    }

    pub fn passed(&mut self, version: &Version, wave: &WaveName, attempt: u32) {
        self.passed.insert((version.clone(), wave.clone(), attempt));
    }

    /// Everything that a commit must keep.
    pub fn after_commit(&mut self, state: &Service, store: &Store, performed: &Performed) {
        let rows = complete_now(store.journal(self.service.as_str(), JournalFilter::All, self.journal.seq, 100_000));
        let rows = rows.unwrap_or_default();
        let (lines, replayed) = self.journal.follow(&rows);
        lines.into_iter().for_each(|line| self.say(&line));
        self.take(replayed);
        let compared = self.journal.compare(state, self.last.as_ref());
        self.take(compared);
        self.document_tells_its_changes(state, store);
        self.take(state::tenants_are_on_started_waves(state));
        self.take(state::members_are_where_they_are_said_to_be(state));
        self.take(state::not_too_many_at_once(state));
        self.take(state::downtime_ends_with_its_wave(state));
        self.take(state::every_version_in_use_runs(state, &self.document));
        self.take(state::the_way_back_is_free(state));
        self.take(data_steps::were_done(state, performed));
        let kept = self.ledger.follow(self.journal.fresh(), state);
        self.take(kept);
        self.take(data_steps::are_sound(state, &self.ledger));
        self.take(in_flight::queue(state, &self.ledger));
        self.take(in_flight::one_at_a_time(state));
        self.take(in_flight::versions(self.journal.fresh(), state, &self.ledger));
        self.take(together::begins(self.last.as_ref(), state, &self.ledger));
        let (fresh, last) = (self.journal.fresh(), self.last.as_ref());
        let came_back = self.together.comes_back(fresh, last, state);
        self.take(came_back);
        let jobs = self.jobs.follow(self.journal.fresh(), state);
        self.take(jobs.and(jobs::keep_what_they_need(state)));
        let rosters = self.rosters.follow(self.journal.fresh(), self.last.as_ref(), state);
        self.take(rosters);
        let now = Timestamp(self.epoch.0 + self.at);
        if let Some(last) = &self.last {
            let checked = state::only_evidence_confirms(self.journal.fresh(), (last, state), &self.passed);
            let tried = canary::only_evidence_ends(self.journal.fresh(), (last, state), &self.passed);
            let sticky = canary::clients_stay(last, state);
            let told = state::a_notice_is_asked_for_once(last, state);
            // By the server's clock, which may have jumped.
            let stamped = self.journal.fresh().last().map_or(now, |(at, _)| *at);
            let followed = data_steps::follow(last, state, &self.ledger, stamped);
            let fixes = in_flight::keeps_fixes(self.journal.fresh(), last, &self.ledger);
            self.take(checked.and(tried).and(sticky).and(told).and(followed).and(fixes));
        }
        self.last = Some(state.clone());
    }

    fn document_tells_its_changes(&mut self, state: &Service, store: &Store) {
        let document = desired(state);
        let stored = complete_now(store.load(self.service.as_str())).ok().flatten();
        let commits = stored.map_or(self.commits, |stored| stored.generation);
        let same = document.cells == self.document.cells;
        let (before, after) = (self.document.generation, document.generation);
        // Where another server has committed too, the document may have changed and changed back.
        let back_again = commits > self.commits + 1 && after > before;
        if (same && after != before && !back_again) || (!same && after <= before) {
            let what = if same { "has not changed" } else { "has changed" };
            let detail = format!("it {what}, its generation was {before} and is {after}");
            self.violate("the desired document's generation tells its changes", detail);
        }
        self.document = document;
        self.commits = commits;
    }

    /// Why nothing moves is always said, and until when.
    pub fn explained(&mut self, turned: &Turned, now: Timestamp) {
        self.waits.extend(turned.waiting.iter().filter_map(Wait::of));
        if !turned.more {
            self.take(waits::ends_by_itself(turned, now));
            self.take(waits::count(&self.ledger, &turned.waiting));
            self.take(jobs::are_explained(turned, now));
            self.take(canary::stand_as_they_may(&self.ledger, &turned.state, now));
        }
        let silent = turned.state.runs.iter().find(|run| {
            run.in_flight()
                && !turned
                    .waiting
                    .iter()
                    .any(|waiting| waiting.release() == Some(&run.version))
        });
        if let Some(run) = silent.filter(|_| !turned.more) {
            let detail = format!(
                "release {} is {} and waits for nothing",
                run.version,
                run.phase.in_words()
            );
            self.violate("what a release waits for is always said", detail);
        }
    }

    /// A turn does all that follows: another one at once, without news, finds nothing to do.
    pub fn settled(&mut self, turned: &Turned, now: Timestamp) {
        // It costs as much as the turn: one in four is enough over many worlds.
        let chosen = self.journal.seq % 4 == 0;
        if !chosen || !turned.changed || turned.more {
            return;
        }
        let again = step(&turned.state, &[], now).state;
        if again != turned.state {
            let detail = "another turn at the same moment, without an event, changes the state".to_owned();
            self.violate("a turn does all that follows", detail);
        }
    }

    /// A confirmed switch has been made by every gateway that is heard.
    pub fn served(&mut self, state: &Service, gateways: &Gateways, performed: &Performed) {
        let checked = data_steps::nobody_is_served_on_other_data(state, &self.ledger, gateways, performed);
        self.take(checked.and(canary::are_served_as_desired(state, gateways)));
        for (tenant, seat) in &state.seats {
            let Some(since) = state::on_its_version_since(state, tenant) else {
                continue;
            };
            if since > state.routing.confirmed {
                continue;
            }
            for (gateway, served) in gateways.served(&seat.cell, tenant) {
                if served != seat.version.as_ref() {
                    let served = served.map_or("nothing".to_owned(), ToString::to_string);
                    let on = seat.version.as_ref().map_or("nothing".to_owned(), ToString::to_string);
                    let detail = format!(
                        "tenant {tenant} is on {on} since generation {since}, which is confirmed; gateway {gateway} serves {served}"
                    );
                    self.violate("a tenant is served by exactly one version", detail);
                    return;
                }
            }
        }
    }

    /// Every release has ended, or waits for a person by name, for a window that never opens, or for others that do.
    pub fn releases_rest(&self, waiting: &[Waiting]) -> bool {
        let Some(state) = &self.last else { return true };
        let never = |version: &Version| {
            let closed = |waiting: &Waiting| matches!(waiting, Waiting::Window { opens: None, release, .. } if release == version);
            // The others do not apply it again.
            let alone = |waiting: &Waiting| {
                matches!(waiting, Waiting::Companion { release, companion, .. }
                    if release == version && together::is_over(state, version, companion))
            };
            let never = |waiting: &Waiting| closed(waiting) || alone(waiting);
            waiting.iter().any(never)
        };
        let in_flight: Vec<&Run> = state.runs.iter().filter(|run| run.in_flight()).collect();
        let for_ever = in_flight.iter().filter(|run| held_for_good(run) || never(&run.version));
        let mut resting: BTreeSet<&Version> = for_ever.map(|run| &run.version).collect();
        // Whoever waits for one that rests, rests too; a circle of releases that wait for each other never gets in.
        loop {
            let rests = |run: &&&Run| !resting.contains(&run.version) && waits_only_for(run, &resting, waiting);
            let more: Vec<&Version> = in_flight.iter().filter(rests).map(|run| &run.version).collect();
            if more.is_empty() {
                break;
            }
            resting.extend(more);
        }
        let works = |run: &Run| {
            let goes_on = |waiting: &Waiting| {
                let later = matches!(waiting, Waiting::Step { until: Some(_), .. });
                later && waiting.release() == Some(&run.version)
            };
            run.returning() || data_steps::open(run).next().is_some() || waiting.iter().any(goes_on)
        };
        let rest = |run: &Run| !works(run) && (!run.in_flight() || resting.contains(&run.version));
        state.runs.iter().all(rest)
            && state
                .seats
                .values()
                .all(|seat| seat.leaves_for().is_none() || tenants::waits_for_a_person(state, seat, &resting))
    }

    pub fn in_flight_in_words(&self, waiting: &[Waiting]) -> String {
        let runs = self
            .last
            .iter()
            .flat_map(|state| &state.runs)
            .filter(|run| run.in_flight());
        let words: Vec<String> = runs
            .map(|run| {
                let waves: Vec<String> = run.waves.iter().map(|wave| format!("{:?}", wave.state)).collect();
                let waiting = waiting.iter().filter(|waiting| waiting.release() == Some(&run.version));
                let waiting: Vec<String> = waiting.map(ToString::to_string).collect();
                format!(
                    "release {} is {}, its waves {}, waits for {}",
                    run.version,
                    run.phase.in_words(),
                    waves.join(", "),
                    waiting.join(" and ")
                )
            })
            .collect();
        if words.is_empty() {
            let waiting: Vec<String> = waiting.iter().map(ToString::to_string).collect();
            let open = self.last.iter().flat_map(|state| &state.runs).flat_map(|run| {
                data_steps::open(run).map(|step| {
                    format!(
                        "step {} of {} in cell {} is {}",
                        step.step.name,
                        run.version,
                        step.cell,
                        step.phase.in_words()
                    )
                })
            });
            let open: Vec<String> = open.collect();
            format!(
                "no release is in flight; waits for [{}]; open are [{}]",
                waiting.join(" and "),
                open.join(", ")
            )
        } else {
            words.join("; ")
        }
    }

    /// `now` by the server's clock.
    pub fn check_end(
        &mut self,
        store: &Store,
        (state, now): (&Service, Timestamp),
        gateways: &Gateways,
        performed: &Performed,
    ) {
        match complete_now(store.journal_verify(self.service.as_str())) {
            Ok(JournalCheck::Whole { .. }) => {}
            Ok(JournalCheck::Broken { seq }) => self.violate("the journal is whole", format!("row {seq} is broken")),
            Err(error) => self.violate("the journal is whole", error.to_string()),
        }
        self.served(state, gateways, performed);
        let pending = complete_now(store.pending(self.service.as_str())).unwrap_or_default();
        let overdue = pending
            .iter()
            .find(|row| row.due_ms + 86_400_000 < now.0 && performed.times(&row.id) == 0);
        if let Some(row) = overdue {
            self.violate(
                "every effect is done",
                format!("{} is due since {}", row.id, Timestamp(row.due_ms)),
            );
        }
    }

    /// Where everything and everybody is in the end, for the reader of a scenario.
    pub fn describe_end(&mut self, script: &Script) {
        let Some(state) = self.last.clone() else { return };
        for version in &script.versions() {
            let Some(run) = state.run(version) else { continue };
            let hold = run
                .hold
                .as_ref()
                .map_or(String::new(), |hold| format!(", held: {}", hold.reason));
            let on: Vec<&str> = on_version(&state, version).map(TenantName::as_str).collect();
            let on = if on.is_empty() {
                "nobody is on it".to_owned()
            } else {
                on.join(", ")
            };
            self.say(&format!("= {version} {}{hold}: {on}", run.phase.in_words()));
        }
    }
}

fn on_version<'a>(state: &'a Service, version: &'a Version) -> impl Iterator<Item = &'a TenantName> {
    let seats = state.seats.iter();
    seats
        .filter(move |(_, seat)| seat.version.as_ref() == Some(version))
        .map(|(tenant, _)| tenant)
}

/// All that it waits for is that some of these releases end, or are done with its tenants.
fn waits_only_for(run: &Run, others: &BTreeSet<&Version>, waiting: &[Waiting]) -> bool {
    let of_it = |waiting: &&Waiting| waiting.release() == Some(&run.version);
    let mut own = waiting.iter().filter(of_it).peekable();
    own.peek().is_some()
        && own.all(|waiting| {
            matches!(waiting, Waiting::EarlierRelease { earlier, .. } | Waiting::EarlierMoves { earlier, .. }
                if others.contains(earlier))
        })
}

fn held_for_good(run: &Run) -> bool {
    run.hold.as_ref().is_some_and(|hold| hold.until.is_none())
}

fn since(at: i64) -> Duration {
    Timestamp(at) - Timestamp(0)
}

/// Seats by tenant, as far as versions go.
type Versions = BTreeMap<TenantName, Option<Version>>;
