//! Plans and applies a release as a person would, and follows it to its end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_domain::journal::{Entry, EntryKind};
use tidegate_loyalty::Artifact;

use super::generator::Generator;
use super::journal::{Journal, Row, now_ms};
use super::server::{Patient, patiently};
use super::world::{COMPONENTS, World};
use super::{EXPECTED, say};
use crate::error::CliError;
use crate::verb::plan;

/// Longer than any release of the demo takes, on a machine that is busy with other things too.
const END_WITHIN: Duration = Duration::from_secs(200);
const POLL: Duration = Duration::from_millis(25);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Completed,
    RolledBack,
    /// Anything else: held, aborted, or not over in time.
    Unexpected,
}

/// What is told of a release in the end.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub version: String,
    pub ending: Ending,
    /// Waves that have been switched.
    pub waves: usize,
    /// From the first tenant's move to the confirmation by every gateway and worker, by wave.
    pub switch_ms: Vec<i64>,
    /// From the first tenant's move to the failed verdict.
    pub detect_ms: Option<i64>,
    /// From the failed verdict until every tenant was confirmed back.
    pub restore_ms: Option<i64>,
    /// What each gate said.
    pub gates: Vec<String>,
    /// Why it came back.
    pub failure: Option<String>,
}

pub struct Releases<'a> {
    world: &'a World,
    client: &'a Patient,
    journal: Journal,
    began: Instant,
}

/// A release on its way.
struct Progress {
    outcome: Outcome,
    /// By wave: the tenants that have moved, and when the first did.
    moved: BTreeMap<String, (Vec<String>, i64)>,
    failed_at: Option<i64>,
    ended: bool,
}

impl<'a> Releases<'a> {
    pub fn new(world: &'a World, client: &'a Patient, began: Instant) -> Self {
        Self {
            world,
            client,
            journal: Journal::new(),
            began,
        }
    }

    /// The first release: there is no traffic yet.
    pub fn install(&mut self, artifact: &Artifact) -> Result<(), CliError> {
        let progress = self.follow(artifact, None)?;
        if progress.outcome.ending == Ending::Completed {
            return Ok(());
        }
        Err(self.unexpected(&progress.outcome))
    }

    pub fn roll_out(&mut self, artifact: &Artifact, traffic: &mut Generator) -> Result<Outcome, CliError> {
        let progress = self.follow(artifact, Some(traffic))?;
        let expected = EXPECTED.contains(&(artifact.version.as_str(), progress.outcome.ending));
        if expected {
            Ok(progress.outcome)
        } else {
            Err(self.unexpected(&progress.outcome))
        }
    }

    fn unexpected(&self, outcome: &Outcome) -> CliError {
        let status: Value = self.client.get("/v1/status").unwrap_or(Value::Null);
        let releases = status["releases"].as_array().into_iter().flatten();
        let waiting = releases.filter_map(|release| release["waiting"].as_array()).flatten();
        let waiting: Vec<&str> = waiting.filter_map(|one| one["text"].as_str()).collect();
        CliError::new(format!(
            "release {} ended as the demo does not expect: {:?}",
            outcome.version, outcome.ending
        ))
        .diagnostics(waiting.join("\n"))
        .help("run `tidegate demo --keep` and read server.log in its folder")
    }

    fn follow(&mut self, artifact: &Artifact, mut traffic: Option<&mut Generator>) -> Result<Progress, CliError> {
        let version = artifact.version.clone();
        let release = self.world.release(artifact, &COMPONENTS)?;
        apply(self.world, self.client, &version, release)?;
        let mut progress = Progress::new(version);
        let until = Instant::now() + END_WITHIN;
        while !progress.ended && Instant::now() < until {
            for row in self.journal.news(self.client)? {
                if row
                    .body
                    .release
                    .as_ref()
                    .is_some_and(|release| release.as_str() == progress.outcome.version)
                {
                    self.take(&mut progress, &row, traffic.as_deref_mut())?;
                }
            }
            if let Some(traffic) = traffic.as_deref_mut() {
                traffic.watch(POLL)?;
            } else {
                std::thread::sleep(POLL);
            }
        }
        Ok(progress)
    }

    fn take(&self, progress: &mut Progress, row: &Row, traffic: Option<&mut Generator>) -> Result<(), CliError> {
        let (entry, wave, version) = (&row.body, wave(row), &progress.outcome.version);
        match entry.kind {
            EntryKind::Moved => moved(progress, row, wave, traffic)?,
            EntryKind::StageEntered if entry.reason.starts_with("bake") => {
                self.switched(progress, row, &wave, traffic)?;
            }
            EntryKind::Returned => self.returned(row, traffic)?,
            EntryKind::GateEnded => gate_ended(self.began, progress, row),
            EntryKind::Judged => judged(self.began, progress, row),
            EntryKind::WaveConfirmed => say(self.began, &format!("{version}: wave {wave} confirmed")),
            EntryKind::Held => say(self.began, &format!("{version}: held: {}", entry.reason)),
            EntryKind::Completed => self.completed(progress),
            EntryKind::RolledBack => self.came_back(progress)?,
            EntryKind::Aborted | EntryKind::Superseded => progress.end(Ending::Unexpected),
            EntryKind::Applied
            | EntryKind::TakenOver
            | EntryKind::Approved
            | EntryKind::Rejected
            | EntryKind::ApprovalExpired
            | EntryKind::Waived
            | EntryKind::Frozen
            | EntryKind::Unfrozen
            | EntryKind::OptedIn
            | EntryKind::OptedOut
            | EntryKind::NoticeDue
            | EntryKind::NoticeProven
            | EntryKind::CompanionSeen
            | EntryKind::CustomerReported
            | EntryKind::Reserved
            | EntryKind::DowntimeStarted
            | EntryKind::DowntimeExtended
            | EntryKind::DowntimeEnded
            | EntryKind::Started
            | EntryKind::Resumed
            | EntryKind::Promoted
            | EntryKind::StageEntered
            | EntryKind::GateAnswered
            | EntryKind::GateOverridden
            | EntryKind::CanaryStarted
            | EntryKind::CanaryEnded
            | EntryKind::JobAsked
            | EntryKind::JobStarted
            | EntryKind::JobDone
            | EntryKind::JobFailed
            | EntryKind::JobDropped
            | EntryKind::StepStarted
            | EntryKind::StepDone
            | EntryKind::StepFailed
            | EntryKind::StepUndone
            | EntryKind::StepKept
            | EntryKind::LeftBehind
            | EntryKind::MigrationSet
            | EntryKind::TakenUp
            | EntryKind::WaveRolledBack
            | EntryKind::TenantAdded
            | EntryKind::TenantRemoved
            | EntryKind::TenantStarted
            | EntryKind::TenantMoveBegun
            | EntryKind::TenantClosed
            | EntryKind::TenantMoved
            | EntryKind::TenantOpened
            | EntryKind::TenantMoveEnded
            | EntryKind::TenantSuspended
            | EntryKind::TenantResumed
            | EntryKind::SlotLeft
            | EntryKind::SlotStopped
            | EntryKind::Announced
            | EntryKind::Refused => {}
        }
        Ok(())
    }

    fn completed(&self, progress: &mut Progress) {
        let version = &progress.outcome.version;
        say(self.began, &format!("{version}: completed, every tenant is on it"));
        progress.end(Ending::Completed);
    }

    fn came_back(&self, progress: &mut Progress) -> Result<(), CliError> {
        self.wait_for_gateways()?;
        let version = &progress.outcome.version;
        say(self.began, &format!("{version}: rolled back by itself"));
        progress.outcome.restore_ms = progress.failed_at.map(|failed| now_ms() - failed);
        progress.end(Ending::RolledBack);
        Ok(())
    }

    /// Every gateway has confirmed the wave.
    fn switched(
        &self,
        progress: &mut Progress,
        row: &Row,
        wave: &str,
        traffic: Option<&mut Generator>,
    ) -> Result<(), CliError> {
        // Journal times are cut to milliseconds: it was confirmed before the next one.
        let confirmed_at = row.at_ms + 1;
        let version = &progress.outcome.version;
        let Some((tenants, moved_at)) = progress.moved.get(wave) else {
            return Ok(());
        };
        if let Some(traffic) = traffic {
            traffic.confirmed(tenants, version, confirmed_at)?;
        }
        let count = tenants.len();
        say(
            self.began,
            &format!("{version}: wave {wave} switched: {count} tenants, every gateway confirmed"),
        );
        progress.outcome.switch_ms.push(confirmed_at - moved_at);
        progress.outcome.waves += 1;
        Ok(())
    }

    /// They may be answered by the earlier version at once, and must be as soon as the gateways have confirmed.
    fn returned(&self, row: &Row, traffic: Option<&mut Generator>) -> Result<(), CliError> {
        let (Some(traffic), Some(version)) = (traffic, &row.body.now_on) else {
            return Ok(());
        };
        let tenants = names(&row.body);
        traffic.switching(&tenants, version.as_str(), row.at_ms)?;
        self.wait_for_gateways()?;
        traffic.confirmed(&tenants, version.as_str(), now_ms())
    }

    fn wait_for_gateways(&self) -> Result<(), CliError> {
        let until = Instant::now() + END_WITHIN;
        while Instant::now() < until {
            let status: Value = self.client.get("/v1/status")?;
            if status["confirmed"].as_u64() >= status["generation"].as_u64() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(CliError::timed_out("the gateway of the demo does not confirm"))
    }
}

impl Progress {
    fn new(version: String) -> Self {
        let outcome = Outcome {
            version,
            ending: Ending::Unexpected,
            waves: 0,
            switch_ms: Vec::new(),
            detect_ms: None,
            restore_ms: None,
            gates: Vec::new(),
            failure: None,
        };
        Self {
            outcome,
            moved: BTreeMap::new(),
            failed_at: None,
            ended: false,
        }
    }

    fn end(&mut self, ending: Ending) {
        self.outcome.ending = ending;
        self.ended = true;
    }
}

/// Plans a release and applies that plan.
pub fn apply(world: &World, client: &Patient, version: &str, release: PathBuf) -> Result<(), CliError> {
    let args = plan::Args {
        release: Some(release),
        json: true,
        ..plan::Args::default()
    };
    let planned = patiently(|| plan::make(&args, &world.context()))?;
    let Some(digest) = planned.digest.filter(|_| planned.plan.is_some()) else {
        let problems = planned.report.problems.into_iter().map(|problem| problem.message);
        let error = CliError::new(format!("there is no plan for {version}"));
        return Err(error.diagnostics(problems.collect::<Vec<String>>().join("\n")));
    };
    client
        .post("/v1/releases", &json!({ "plan": digest, "reason": "the demo" }))
        .map(drop)
}

fn moved(progress: &mut Progress, row: &Row, wave: String, traffic: Option<&mut Generator>) -> Result<(), CliError> {
    let names = names(&row.body);
    if let Some(traffic) = traffic {
        traffic.switching(&names, &progress.outcome.version, row.at_ms)?;
    }
    let (tenants, _) = progress.moved.entry(wave).or_insert_with(|| (Vec::new(), row.at_ms));
    tenants.extend(names);
    Ok(())
}

fn gate_ended(began: Instant, progress: &mut Progress, row: &Row) {
    let (version, wave, reason) = (&progress.outcome.version, wave(row), &row.body.reason);
    say(began, &format!("{version}: wave {wave}: gate {reason}"));
    progress.outcome.gates.push(reason.clone());
}

fn judged(began: Instant, progress: &mut Progress, row: &Row) {
    let wave = wave(row);
    let (version, reason) = (&progress.outcome.version, &row.body.reason);
    say(began, &format!("{version}: wave {wave}: {reason}"));
    if row.body.reason.starts_with("fail") && progress.failed_at.is_none() {
        progress.failed_at = Some(row.at_ms);
        progress.outcome.failure = Some(reason.clone());
        let first = progress.moved.values().map(|(_, at)| *at).min();
        progress.outcome.detect_ms = first.map(|first| row.at_ms - first);
    }
}

fn wave(row: &Row) -> String {
    row.body.wave.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn names(entry: &Entry) -> Vec<String> {
    entry.tenants.iter().map(ToString::to_string).collect()
}
