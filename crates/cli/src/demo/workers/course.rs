//! The hand-overs, one after the other: each release takes the work over in three waves, and every other release gives all of it
//! back at once. A person would type the same verbs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_domain::journal::EntryKind;
use tidegate_loyalty::ledger::Ledger;
use tidegate_loyalty::{Artifact, Edition};

use super::process::Worker;
use super::trouble::{Trouble, pause};
use crate::demo::journal::{Journal, Row, now_ms};
use crate::demo::releases;
use crate::demo::server::Patient;
use crate::demo::world::{CELLS, World, tenants};
use crate::error::CliError;
use crate::traffic::random::Random;
use rustix::process::Signal;

/// The waves of the playbook, and the cells in which each moves somebody.
const WAVES: [(&str, &[&str]); 3] = [("first", &CELLS), ("eu", &["eu"]), ("us", &["us"])];
/// Longer than any hand-over takes, on a machine that is busy with other things too.
const WITHIN: Duration = Duration::from_secs(100);
const POLL: Duration = Duration::from_millis(4);

/// What a hand-over was like.
#[derive(Debug, Clone, Copy)]
pub struct HandOver {
    pub trouble: Trouble,
    /// All of a release given back, not a wave taken over.
    pub is_back: bool,
    pub tenants: usize,
    /// From the journal's row of the move until the last tenant's ledger was claimed by the new epoch, by the ledger's own files.
    pub claimed_ms: i64,
    /// Until somebody booked again.
    pub booked_ms: i64,
}

pub struct Course<'a> {
    world: &'a World,
    client: &'a Patient,
    journal: Journal,
    random: Random,
    pack: Vec<Trouble>,
    /// The version whose workers have what the release in hand has not taken.
    base: String,
    /// The release in hand, and how many of its waves have taken over.
    current: Option<(String, usize)>,
    releases: usize,
    seen: Vec<HandOver>,
}

impl<'a> Course<'a> {
    pub fn new(world: &'a World, client: &'a Patient, seed: u64) -> Self {
        Self {
            world,
            client,
            journal: Journal::new(),
            random: Random::seeded(seed),
            pack: Vec::new(),
            base: Artifact::old().version,
            current: None,
            releases: 0,
            seen: Vec::new(),
        }
    }

    /// The next one, whatever is next in the course.
    pub fn hand_over(&mut self) -> Result<HandOver, CliError> {
        let done = match self.current.clone() {
            Some((version, taken)) if taken < WAVES.len() => self.take_over(&version, taken)?,
            Some((version, _)) if self.releases.is_multiple_of(2) => self.give_back(&version)?,
            Some((version, taken)) => {
                self.complete(&version, taken)?;
                self.begin()?
            }
            None => self.begin()?,
        };
        self.seen.push(done);
        Ok(done)
    }

    /// Lets the last release end, and tells what was seen.
    pub fn finish(mut self) -> Result<Vec<HandOver>, CliError> {
        if let Some((version, taken)) = self.current.clone() {
            if taken == WAVES.len() {
                self.complete(&version, taken)?;
            } else {
                self.give_back(&version)?;
            }
        }
        Ok(self.seen)
    }

    /// A release whose only news is another ledger.
    fn begin(&mut self) -> Result<HandOver, CliError> {
        self.releases += 1;
        let artifact = Artifact {
            version: format!("1.0.{}", self.releases),
            edition: Edition::Old,
        };
        let version = artifact.version.clone();
        self.current = Some((version.clone(), 0));
        let release = self.world.release(&artifact, &["ledger"])?;
        let (world, client) = (self.world, self.client);
        self.change(&version, WAVES[0], |_| {
            releases::apply(world, client, &version, release)
        })
    }

    /// The wave before is promoted, and the next one takes over.
    fn take_over(&mut self, version: &str, taken: usize) -> Result<HandOver, CliError> {
        let client = self.client;
        self.change(version, WAVES[taken], |_| promote(client, version))
    }

    /// One wave: `begin` is what makes it move.
    fn change(
        &mut self,
        version: &str,
        (wave, cells): (&str, &[&str]),
        begin: impl FnOnce(&mut Self) -> Result<(), CliError>,
    ) -> Result<HandOver, CliError> {
        let from = self.base.clone();
        let moved = |row: &Row| row.body.kind == EntryKind::Moved && is_of(row, version, wave);
        let switched = |row: &Row| {
            row.body.kind == EntryKind::StageEntered && row.body.reason.starts_with("bake") && is_of(row, version, wave)
        };
        let roles = Roles {
            from: &from,
            to: version,
            cells,
        };
        let done = self.pass_on(&roles, begin, moved, switched)?;
        if let Some((_, taken)) = &mut self.current {
            *taken += 1;
        }
        Ok(done)
    }

    /// All that the release has taken goes back at once.
    fn give_back(&mut self, version: &str) -> Result<HandOver, CliError> {
        let (client, to) = (self.client, self.base.clone());
        let returned = |row: &Row| row.body.kind == EntryKind::Returned && is_release(row, version);
        let ended = |row: &Row| row.body.kind == EntryKind::RolledBack && is_release(row, version);
        let roles = Roles {
            from: version,
            to: &to,
            cells: &CELLS,
        };
        let begin = |_: &mut Self| {
            command(
                client,
                version,
                "rollback",
                &json!({"reason": "a hand-over", "all": true}),
            )
        };
        let done = self.pass_on(&roles, begin, returned, ended)?;
        self.current = None;
        Ok(HandOver { is_back: true, ..done })
    }

    fn complete(&mut self, version: &str, taken: usize) -> Result<(), CliError> {
        debug_assert_eq!(taken, WAVES.len());
        promote(self.client, version)?;
        let done = |row: &Row| row.body.kind == EntryKind::Completed && is_release(row, version);
        self.wait_for(done)?;
        self.base = version.to_owned();
        self.current = None;
        Ok(())
    }

    fn pass_on(
        &mut self,
        roles: &Roles<'_>,
        begin: impl FnOnce(&mut Self) -> Result<(), CliError>,
        moved: impl Fn(&Row) -> bool,
        settled: impl Fn(&Row) -> bool,
    ) -> Result<HandOver, CliError> {
        let before: BTreeMap<String, u64> = tenants().map(|one| (one.name.clone(), self.fence(&one.name))).collect();
        let trouble = Trouble::deal(&mut self.pack, &mut self.random);
        let asleep = Asleep(trouble.before(self.world, roles.from, roles.cells));
        begin(self)?;
        let (rows, already) = self.wait_for_any(moved, &settled)?;
        trouble.after(self.world, roles.to, roles.cells);
        let moved_at = rows.iter().map(|row| row.at_ms).min().unwrap_or_default();
        let names: Vec<String> = rows.iter().flat_map(names).collect();
        self.until("the new worker's claim", || {
            names.iter().all(|name| self.fence(name) > before[name])
        })?;
        let claimed_ms = now_ms() - moved_at;
        let booked = self.booked(&names);
        self.until("the new worker's first booking", || self.booked(&names) > booked)?;
        let booked_ms = now_ms() - moved_at;
        pause(&mut self.random);
        drop(asleep);
        if !already {
            self.wait_for(settled)?;
        }
        pause(&mut self.random);
        Ok(HandOver {
            trouble,
            is_back: false,
            tenants: names.len(),
            claimed_ms,
            booked_ms,
        })
    }

    fn wait_for(&mut self, wanted: impl Fn(&Row) -> bool) -> Result<Vec<Row>, CliError> {
        self.wait_for_any(wanted, |_| false).map(|(rows, _)| rows)
    }

    /// Rows that are wanted, and whether one that `also` looks for came with them.
    fn wait_for_any(
        &mut self,
        wanted: impl Fn(&Row) -> bool,
        also: impl Fn(&Row) -> bool,
    ) -> Result<(Vec<Row>, bool), CliError> {
        let until = Instant::now() + WITHIN;
        while Instant::now() < until {
            let news = self.journal.news(self.client)?;
            if let Some(held) = news
                .iter()
                .find(|row| row.body.kind == EntryKind::Held && row.body.actor.as_str().starts_with("tidegate/"))
            {
                return Err(CliError::new(format!("the release is held: {}", held.body.reason)));
            }
            let also = news.iter().any(&also);
            let found: Vec<Row> = news.into_iter().filter(|row| wanted(row)).collect();
            if !found.is_empty() {
                return Ok((found, also));
            }
            std::thread::sleep(POLL);
        }
        Err(CliError::timed_out("a hand-over does not get on").help("read server.log with `--keep`"))
    }

    fn until(&self, what: &str, holds: impl Fn() -> bool) -> Result<(), CliError> {
        let until = Instant::now() + WITHIN;
        while !holds() {
            if Instant::now() > until {
                return Err(CliError::timed_out(format!(
                    "waited {} s in vain for {what}",
                    WITHIN.as_secs()
                )));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// The highest epoch that has claimed the tenant's ledger. What cannot be read just now is asked again.
    fn fence(&self, tenant: &str) -> u64 {
        self.directories(tenant)
            .filter_map(|directory| Ledger::fence(&directory).ok())
            .max()
            .unwrap_or_default()
    }

    fn booked(&self, tenants: &[String]) -> u64 {
        let directories = tenants.iter().flat_map(|tenant| self.directories(tenant));
        directories
            .filter_map(|directory| Some(Ledger::newest(&directory).ok()?.events()))
            .sum()
    }

    fn directories(&self, tenant: &str) -> impl Iterator<Item = std::path::PathBuf> {
        CELLS
            .map(|cell| self.world.data(cell).join(tenant))
            .into_iter()
            .filter(|path| path.is_dir())
    }
}

/// Who has the work, who gets it, and where.
struct Roles<'a> {
    from: &'a str,
    to: &'a str,
    cells: &'a [&'a str],
}

/// Stopped workers; they wake when this is dropped, however the hand-over went.
struct Asleep(Vec<Worker>);

impl Drop for Asleep {
    fn drop(&mut self) {
        self.0.iter().for_each(|worker| worker.signal(Signal::CONT));
    }
}

fn promote(client: &Patient, version: &str) -> Result<(), CliError> {
    command(client, version, "promote", &json!({"reason": "a hand-over"}))
}

fn command(client: &Patient, version: &str, verb: &str, body: &serde_json::Value) -> Result<(), CliError> {
    client.post(&format!("/v1/releases/{version}/{verb}"), body).map(drop)
}

fn is_release(row: &Row, version: &str) -> bool {
    row.body
        .release
        .as_ref()
        .is_some_and(|release| release.as_str() == version)
}

fn is_of(row: &Row, version: &str, wave: &str) -> bool {
    is_release(row, version) && row.body.wave.as_ref().is_some_and(|name| name.as_str() == wave)
}

fn names(row: &Row) -> impl Iterator<Item = String> {
    row.body.tenants.iter().map(ToString::to_string)
}

impl fmt::Display for HandOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tenants, claimed_ms, ..
        } = self;
        let what = if self.is_back { "given back" } else { "taken over" };
        write!(f, "{tenants} tenants {what} in {claimed_ms} ms, {}", self.trouble)
    }
}
