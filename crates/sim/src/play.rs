//! A release played in virtual time: the files of a project, the planner, the state machine and the engine as they are, in a
//! world that is made up. What comes of it is a diary: what happens at which instant to whom and why.

mod deed;
mod diary;
mod instant;
mod people;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use tidegate_domain::calendar::Profile;
use tidegate_domain::event::{EventKind, Scope, Verdict};
use tidegate_domain::files::{Project, ReleaseFile};
use tidegate_domain::id::{ComponentName, TenantName, Version, WaveName};
use tidegate_domain::plan::{FoundArtifact, Plan, PlanInput, PlannedWave, Problem, check, plan};
use tidegate_domain::release::Stage;
use tidegate_domain::service::{Service, WaveRun, WaveState};
use tidegate_domain::time::{Duration, Timestamp};

pub use self::deed::{Deed, Misreading, What, When, read_duration};
pub use self::diary::{Diary, Event, Outcome};
pub use self::people::People;
use crate::check::Violation;
use crate::world::World;

/// More happenings than any play needs: one that does not come to rest has a defect.
const HAPPENINGS_MAX: usize = 1_000_000;

/// What is played.
#[derive(Debug, Clone)]
pub struct Play {
    pub project: Project,
    /// Where every tenant is when it begins.
    pub state: Service,
    pub begins: Timestamp,
    /// After this much virtual time it ends, whatever waits.
    pub longest: Duration,
    /// The reader's time zone.
    pub zone: TimeZone,
    pub arrivals: Vec<Arrival>,
    pub deeds: Vec<Deed>,
    pub people: People,
    /// The traffic of tenants, for quietest times and peaks.
    pub profile: Option<Profile>,
}

/// A release that is planned and applied at an instant.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub at: Timestamp,
    pub release: ReleaseFile,
    pub artifacts: BTreeMap<ComponentName, FoundArtifact>,
}

/// Why a play cannot be told to its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Trouble {
    #[error("release {release} cannot be planned")]
    Blocked { release: Version, problems: Vec<Problem> },
    #[error("there is no wave `{wave}` in release {release}: its waves are {waves}")]
    NoSuchWave {
        wave: String,
        release: Version,
        waves: String,
    },
    #[error("wave `{wave}` has no gates that could fail")]
    NoGates { wave: WaveName },
    #[error("wave `{wave}` prepares nothing: what it needs in cell `{cell}` runs since wave `{earlier}`")]
    NothingToPrepare {
        wave: WaveName,
        cell: String,
        earlier: WaveName,
    },
    #[error("no wave of release {release} moves tenant `{tenant}`")]
    NoSuchTenant { tenant: TenantName, release: Version },
    #[error("the simulation broke a rule of Tidegate, {}: {}", .0.invariant, .0.detail)]
    Broken(Violation),
    #[error("the simulation does not come to rest")]
    Restless,
}

/// Plays it to its end.
///
/// # Errors
/// Where a release cannot be planned, a deed names what is not there, or a rule of Tidegate is broken.
pub fn play(play: &Play) -> Result<Diary, Trouble> {
    let play = play.without_schedules();
    let mut stage = Stageplay::new(&play);
    stage.run()?;
    Ok(stage
        .diary
        .ended(stage.world.state(), stage.world.waiting(), stage.over))
}

impl Play {
    /// Runs of jobs move nobody and hold nobody up: a play of weeks is told without all of them.
    fn without_schedules(&self) -> Self {
        let mut play = self.clone();
        for component in &mut play.project.service.components {
            component.schedule = None;
        }
        let releases = play.state.pinned.values_mut();
        for part in releases.flat_map(|release| release.components.values_mut()) {
            part.definition.job.schedule = None;
        }
        play.state.jobs.clear();
        play
    }
}

/// A play on its way.
struct Stageplay<'a> {
    play: &'a Play,
    world: World,
    diary: Diary,
    /// Not here yet, the next one last.
    arrivals: Vec<&'a Arrival>,
    /// What is to be done when its moment has come.
    pending: Vec<Deed>,
    due: BTreeMap<(Timestamp, usize), Deed>,
    plans: BTreeMap<Version, Plan>,
    /// The virtual time was over before everything had ended.
    over: bool,
}

impl<'a> Stageplay<'a> {
    fn new(play: &'a Play) -> Self {
        let mut arrivals: Vec<&Arrival> = play.arrivals.iter().collect();
        arrivals.sort_by_key(|arrival| std::cmp::Reverse(arrival.at));
        Self {
            play,
            world: World::inhabited(&play.state, play.begins),
            diary: Diary::new(play),
            arrivals,
            pending: play.deeds.clone(),
            due: BTreeMap::new(),
            plans: BTreeMap::new(),
            over: false,
        }
    }

    fn run(&mut self) -> Result<(), Trouble> {
        let end = self.play.begins + self.play.longest;
        for _ in 0..HAPPENINGS_MAX {
            let arrival = self.arrivals.last().map(|arrival| arrival.at);
            let deed = self.due.keys().next().map(|(at, _)| *at);
            let happening = self.world.next_at();
            let Some(next) = [arrival, deed, happening].into_iter().flatten().min() else {
                return Ok(());
            };
            if next > end {
                self.over = true;
                return Ok(());
            }
            // What was under way at that moment has come to its end before somebody acts.
            if happening == Some(next) {
                self.world.go_on().map_err(Trouble::Broken)?;
                self.look();
                continue;
            }
            self.world.wait_until(next);
            if arrival == Some(next)
                && let Some(arrival) = self.arrivals.pop()
            {
                self.arrive(arrival)?;
            } else if let Some((_, deed)) = self.due.pop_first() {
                self.act(&deed);
            }
        }
        Err(Trouble::Restless)
    }

    /// Plans a release from where everything is now, and applies the plan.
    fn arrive(&mut self, arrival: &Arrival) -> Result<(), Trouble> {
        let state = self.world.state().unwrap_or(&self.play.state).clone();
        let input = PlanInput {
            project: self.play.project.clone(),
            release: arrival.release.clone(),
            artifacts: arrival.artifacts.clone(),
            state,
            now: self.world.instant(),
            profile: self.play.profile.clone(),
        };
        let release = arrival.release.version.clone();
        let (plan, mut report) = plan(&input);
        report.problems.extend(plan.iter().flat_map(|plan| check(plan, &input)));
        let plan = plan.filter(|_| !report.blocked()).ok_or_else(|| Trouble::Blocked {
            release: release.clone(),
            problems: report.problems.clone(),
        })?;
        self.prepare_deeds(&plan)?;
        self.diary.planned(&plan, &report, self.world.instant());
        self.plans.insert(release, plan.clone());
        let reason = format!("plan {}", plan.digest().short());
        let project = Arc::new(self.play.project.clone());
        self.world.promise(&plan, plan.clone(), None, Some(project));
        self.world.ask(
            "release manager",
            &reason,
            EventKind::Apply {
                plan: Box::new(plan),
                author: None,
            },
        );
        Ok(())
    }

    /// Every deed must be possible; what must be so from the start is made so.
    fn prepare_deeds(&mut self, plan: &Plan) -> Result<(), Trouble> {
        let version = &plan.release.version;
        for deed in &mut self.pending {
            if deed.release.get_or_insert_with(|| version.clone()) != version {
                continue;
            }
            let place = place(plan, &deed.wave)?;
            let wave = &plan.waves[place];
            wave.name.as_str().clone_into(&mut deed.wave);
            match &deed.what {
                What::Slots => {
                    for cell in wave.tenants.values().map(|tenant| &tenant.cell) {
                        let here = |wave: &&PlannedWave| wave.tenants.values().any(|tenant| tenant.cell == *cell);
                        if let Some(earlier) = plan.waves[..place].iter().find(here) {
                            return Err(Trouble::NothingToPrepare {
                                wave: wave.name.clone(),
                                cell: cell.to_string(),
                                earlier: earlier.name.clone(),
                            });
                        }
                        self.world.fail_slots(version, cell);
                    }
                }
                What::Gates if wave.policy.gates.is_empty() => {
                    let wave = wave.name.clone();
                    return Err(Trouble::NoGates { wave });
                }
                What::Gates => self.world.set_gates(version, &wave.name, Verdict::Fail),
                What::Health { hurt, .. } => {
                    let unknown = hurt.iter().find(|tenant| !wave.tenants.contains_key(*tenant));
                    if let Some(tenant) = unknown.cloned() {
                        let release = version.clone();
                        return Err(Trouble::NoSuchTenant { tenant, release });
                    }
                }
                What::Gateway | What::Hold(_) | What::Promote | What::RollBack(_) | What::Abort | What::Ask { .. } => {}
            }
        }
        Ok(())
    }

    /// Sees what has become of it: writes it down, and finds deeds whose moment has come.
    fn look(&mut self) {
        self.diary.follow(&self.world, &self.plans);
        let Some(state) = self.world.state() else { return };
        let mut come = Vec::new();
        self.pending.retain(|deed| {
            let at = moment(deed, state);
            come.extend(at.map(|at| (at, deed.clone())));
            at.is_none()
        });
        for deed in self.play.people.deeds(state, self.world.instant()) {
            if let When::Instant(at) = deed.when {
                come.push((at, deed));
            }
        }
        for (at, deed) in come {
            // Who has begun to do something does not begin again because it still waits.
            let same =
                |(_, other): (&(Timestamp, usize), &Deed)| other.what == deed.what && other.release == deed.release;
            if !self.due.iter().any(same) {
                let serial = self.diary.next_serial();
                self.due.insert((at.max(self.world.instant()), serial), deed);
            }
        }
    }

    fn act(&mut self, deed: &Deed) {
        if let What::Ask { who, reason, kind } = &deed.what {
            return self.world.ask(who, reason, (**kind).clone());
        }
        let (Some(version), Ok(wave)) = (deed.release.clone(), WaveName::new(&deed.wave)) else {
            return;
        };
        let Some(state) = self.world.state() else { return };
        let on_wave = || state.run(&version)?.waves.iter().find(|run| run.name == wave);
        match &deed.what {
            What::Health { verdict, hurt } => self.world.set_health(&version, &wave, *verdict, hurt),
            What::Gateway => self.world.silence_gateway(),
            What::Slots | What::Gates | What::Ask { .. } => {}
            What::Hold(length) => {
                let until = length.map(|length| self.world.instant() + length);
                self.ask("held by hand", EventKind::Hold { version, until });
            }
            What::Promote => self.ask("it is good enough", EventKind::Promote { version }),
            What::Abort => self.ask("it is not wanted any more", EventKind::Abort { version }),
            What::RollBack(tenant) => {
                let scope = match tenant {
                    Some(tenant) => Scope::Tenant(tenant.clone()),
                    None if on_wave().is_some() => Scope::Wave(wave),
                    None => Scope::Everything,
                };
                self.ask("it hurts", EventKind::RollBack { version, scope });
            }
        }
    }

    fn ask(&mut self, reason: &str, kind: EventKind) {
        self.world.ask("release manager", reason, kind);
    }
}

/// A wave by its name, or by its place: `wave1` is the first.
fn place(plan: &Plan, wave: &str) -> Result<usize, Trouble> {
    let named = plan.waves.iter().position(|planned| planned.name.as_str() == wave);
    let counted = || {
        let place: usize = wave.strip_prefix("wave")?.parse().ok()?;
        place.checked_sub(1).filter(|place| *place < plan.waves.len())
    };
    named.or_else(counted).ok_or_else(|| Trouble::NoSuchWave {
        wave: wave.to_owned(),
        release: plan.release.version.clone(),
        waves: plan
            .waves
            .iter()
            .map(|wave| format!("`{}`", wave.name))
            .collect::<Vec<_>>()
            .join(", "),
    })
}

/// When a deed's moment is, if that is known yet.
fn moment(deed: &Deed, state: &Service) -> Option<Timestamp> {
    if let When::Instant(at) = deed.when {
        return Some(at);
    }
    let run = state.run(deed.release.as_ref()?)?;
    let wave = run.waves.iter().find(|wave| wave.name.as_str() == deed.wave)?;
    match deed.when {
        When::Instant(at) => Some(at),
        When::AfterSwitch(after) => Some(wave.switched? + after),
        When::Stage(stage) => reached(wave, stage).then_some(run.applied),
    }
}

fn reached(wave: &WaveRun, wanted: Stage) -> bool {
    match wave.state {
        WaveState::Active { stage, .. } => stage >= wanted,
        WaveState::Confirmed { .. } | WaveState::Superseded { .. } => true,
        WaveState::Waiting | WaveState::RolledBack { .. } | WaveState::Dropped => false,
    }
}
