//! Text as a scenario.

use std::collections::BTreeMap;
use std::str::FromStr;

use tidegate_domain::calendar::read_instant;
use tidegate_domain::event::{Scope, Verdict};
use tidegate_domain::id::{CellName, TenantName, Version};
use tidegate_domain::policy::{Bake, OnFailure, OnInconclusive, Parallel, WhileInFlight};
use tidegate_domain::release::{AfterStep, Companion, DataStepKind, Ownership, Reversible, Stage};
use tidegate_domain::service::{CompanionPhase, MigrationState, ReportOutcome, Selection, Waived};
use tidegate_domain::time::Duration;

use super::{Action, Command, GateMood, GatewayMood, Habits, JobLine, Release, Script, SlotMood, TrafficLine};

/// A line that is not of the language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read line {line} of the scenario, `{text}`: {problem}; docs/simulation.md has the language")]
pub struct Unreadable {
    pub line: usize,
    pub text: String,
    pub problem: &'static str,
}

impl FromStr for Script {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let mut script = Self::default();
        let mut file = None;
        for (index, line) in text.lines().enumerate() {
            let wrong = |problem| Unreadable {
                line: index + 1,
                text: line.to_owned(),
                problem,
            };
            if let Some(of_file) = line.strip_prefix('|') {
                let path: &String = file
                    .as_ref()
                    .ok_or(wrong("a line of a file stands below `file PATH`"))?;
                let text = script.files.entry(path.clone()).or_default();
                text.push_str(of_file.strip_prefix(' ').unwrap_or(of_file));
                text.push('\n');
                continue;
            }
            let line = line.trim();
            // What follows is what the scenario leads to.
            if line == "---" {
                break;
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            file = match words.as_slice() {
                ["file", path] => Some((*path).to_owned()),
                _ => None,
            };
            if file.is_none() {
                script.read(&words).map_err(wrong)?;
            }
        }
        script.sort();
        Ok(script)
    }
}

pub(super) type Read<T> = Result<T, &'static str>;

impl Script {
    fn read(&mut self, words: &[&str]) -> Read<()> {
        match words {
            ["begins", instant] => self.begins = read_instant(instant).map_err(|_| "a world begins at an instant")?,
            ["people", habits @ ..] => self.habits = Habits::read(habits)?,
            ["traffic", tenant, hourly, hours @ ..] => {
                let hours: Vec<&str> = hours.iter().flat_map(|hours| hours.split(',')).collect();
                let hours = list(&hours, "an hour of the week is from 0 to 167")?;
                let traffic = TrafficLine {
                    hourly: number(hourly)?,
                    peak_hours: hours.into_iter().collect(),
                };
                self.traffic.insert(name_of(tenant)?, traffic);
            }
            ["cells", names @ ..] => self.cells = list(names, "a cell is a name")?,
            ["tenants", tenants @ ..] => {
                for tenant in tenants {
                    let (name, cell) = tenant.split_once('@').ok_or("a tenant is written NAME@CELL")?;
                    self.tenants.insert(name_of(name)?, cell_of(cell)?);
                }
            }
            ["gateways", names @ ..] => self.gateways = names.iter().map(|name| (*name).to_owned()).collect(),
            ["worker", "tenant"] => self.worker = Some(Ownership::Tenant),
            ["worker", "cell"] => self.worker = Some(Ownership::Cell),
            ["job", words @ ..] => self.job = Some(JobLine::read(words)?),
            ["release", version, options @ ..] => {
                self.releases.insert(version_of(version)?, release(options)?);
            }
            [at, action @ ..] => self.actions.push((duration(at)?, read_action(action)?)),
            [] => {}
        }
        Ok(())
    }
}

fn release(options: &[&str]) -> Read<Release> {
    let mut release = Release {
        waves: vec![Vec::new()],
        bake: Bake {
            least: Duration::ZERO,
            longest: Duration::ZERO,
            requests: 0,
            ..Bake::default()
        },
        gap: Duration::ZERO,
        gates: 0,
        gate_rules: BTreeMap::new(),
        parallel: Parallel::default(),
        on_failure: OnFailure::Wave,
        on_inconclusive: OnInconclusive::Hold,
        reversible: Reversible::Always,
        rollback_window: Duration::from_hours(1),
        only_api: false,
        while_in_flight: WhileInFlight::Queue,
        hotfix: None,
        lacks_fixes: false,
        together: Vec::new(),
        steps: BTreeMap::new(),
        for_good: false,
        canary: None,
    };
    for option in options {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key {
            "waves" => {
                let wave = |names: &str| {
                    list(
                        &names.split(',').filter(|n| !n.is_empty()).collect::<Vec<_>>(),
                        "a tenant is a name",
                    )
                };
                release.waves = value.split('|').map(wave).collect::<Read<_>>()?;
            }
            "bake" => {
                let (least, longest) = value.split_once("..").ok_or("a bake is written LEAST..LONGEST")?;
                (release.bake.least, release.bake.longest) = (duration(least)?, duration(longest)?);
            }
            "canary" => {
                let (least, longest) = value.split_once("..").ok_or("a canary is written LEAST..LONGEST")?;
                release.canary = Some((duration(least)?, duration(longest)?));
            }
            "requests" => release.bake.requests = number(value)?,
            "gap" => release.gap = duration(value)?,
            "gates" => release.gates = number(value)?,
            "rules" => release.gate_rules = super::gate::read(value)?,
            "tenants" => release.parallel.tenants = Some(number(value)?),
            "cells" => release.parallel.cells = Some(number(value)?),
            "failure" => release.on_failure = on_failure(value)?,
            "inconclusive" => release.on_inconclusive = on_inconclusive(value)?,
            "until" => release.reversible = Reversible::Until(stage(value)?),
            "window" => release.rollback_window = duration(value)?,
            "only-api" => release.only_api = true,
            "hotfix" => release.hotfix = Some(version_of(value)?),
            "lacks-fixes" => release.lacks_fixes = true,
            "in-flight" => release.while_in_flight = while_in_flight(value)?,
            "together" => release.together = value.split(',').map(companion).collect::<Read<_>>()?,
            "steps" => release.steps = value.split(',').map(step).collect::<Read<_>>()?,
            "for-good" => release.for_good = true,
            _ => return Err("a release has no such option"),
        }
    }
    Ok(release)
}

fn read_action(words: &[&str]) -> Read<Action> {
    Ok(match words {
        ["apply-again", version] => Action::ApplyAgain(version_of(version)?),
        ["try-rollback", version] => Action::TryRollBack(version_of(version)?),
        ["health", version, word, tenants @ ..] => Action::Health(
            version_of(version)?,
            verdict(word)?,
            list(tenants, "a tenant is a name")?,
        ),
        ["gate", version, mood] => Action::Gate(version_of(version)?, gate_mood(mood)?),
        ["step", version, kind, mood] => Action::Step(version_of(version)?, step_kind(kind)?, gate_mood(mood)?),
        ["companion", version, service, phase] => {
            let service = service.parse().map_err(|_| "a service is a name")?;
            Action::Companion(version_of(version)?, service, companion_phase(phase)?)
        }
        ["slots", version, cell, mood @ ..] => {
            let mood = match mood {
                ["take", length] => SlotMood::Takes(duration(length)?),
                ["fail"] => SlotMood::Fails,
                ["crash"] => SlotMood::Crashes,
                ["heal"] => SlotMood::Heals,
                _ => return Err("slots take DURATION, fail, crash or heal"),
            };
            Action::Slots(version_of(version)?, cell_of(cell)?, mood)
        }
        ["gateway", name, mood @ ..] => Action::Gateway((*name).to_owned(), gateway_mood(mood)?),
        ["long", tenant, length] => Action::Long(name_of(tenant)?, duration(length)?),
        ["freeze", version, cell] => Action::Freeze(version_of(version)?, cell_of(cell)?),
        ["thaw", version, cell] => Action::Thaw(version_of(version)?, cell_of(cell)?),
        ["clock", "forward", length] => Action::Clock(duration(length)?.as_millis()),
        ["clock", "back", length] => Action::Clock(-duration(length)?.as_millis()),
        ["plant", version, planted] => {
            let planted = planted.parse().map_err(|()| "there is no such defect to plant")?;
            Action::Plant(version_of(version)?, planted)
        }
        ["fault", kind, moment] => {
            let kind = kind.parse().map_err(|()| "there is no such boundary")?;
            let moment = moment.parse().map_err(|()| "a fault falls before, after or twice")?;
            Action::Fault((kind, moment))
        }
        _ => Action::Person(command(words)?),
    })
}

fn command(words: &[&str]) -> Read<Command> {
    Ok(match words {
        ["apply", version] => Command::Apply(version_of(version)?),
        ["hold", version] => Command::Hold(version_of(version)?, None),
        ["hold", version, length] => Command::Hold(version_of(version)?, Some(duration(length)?)),
        ["resume", version] => Command::Resume(version_of(version)?),
        ["promote", version] => Command::Promote(version_of(version)?),
        ["abort", version] => Command::Abort(version_of(version)?),
        ["rollback", version, "tenant", tenant] => {
            Command::RollBack(version_of(version)?, Scope::Tenant(name_of(tenant)?))
        }
        ["rollback", version, "wave", wave] => {
            let wave = wave.parse().map_err(|_| "a wave is a name")?;
            Command::RollBack(version_of(version)?, Scope::Wave(wave))
        }
        ["rollback", version, "all"] => Command::RollBack(version_of(version)?, Scope::Everything),
        ["add", tenant, cell] => Command::Add(name_of(tenant)?, cell_of(cell)?),
        ["remove", tenant] => Command::Remove(name_of(tenant)?),
        ["move", tenant, cell] => Command::MoveTo(name_of(tenant)?, cell_of(cell)?),
        ["suspend", tenant] => Command::Suspend(name_of(tenant)?),
        ["resume-tenant", tenant] => Command::ResumeTenant(name_of(tenant)?),
        ["approve", version, person] => Command::Approve(version_of(version)?, (*person).to_owned()),
        ["reject", version, person] => Command::Reject(version_of(version)?, (*person).to_owned()),
        ["override", version, wave, gate] => Command::Override {
            version: version_of(version)?,
            wave: wave.parse().map_err(|_| "a wave is a name")?,
            gate: (*gate).to_owned(),
        },
        ["answer", version, wave, gate, word @ ("yes" | "no"), person] => Command::Answer {
            version: version_of(version)?,
            wave: wave.parse().map_err(|_| "a wave is a name")?,
            gate: (*gate).to_owned(),
            yes: *word == "yes",
            person: (*person).to_owned(),
        },
        ["notify", version] => Command::Notify(version_of(version)?, Duration::ZERO),
        ["notify", version, ago] => Command::Notify(version_of(version)?, duration(ago)?),
        ["waive", version, of, length, whom @ ..] => {
            let of = Waived::read(of).ok_or("notice, window, validation and migration can be waived")?;
            Command::Waive(version_of(version)?, of, duration(length)?, selection(whom)?)
        }
        ["put-freeze", after, length, whom @ ..] => Command::Freeze {
            of: selection(whom)?,
            after: duration(after)?,
            length: freeze_length(length)?,
        },
        ["lift-freezes"] => Command::Unfreeze,
        ["report", version, customer, outcome] => Command::Report(
            version_of(version)?,
            customer.parse().map_err(|_| "a customer is a name")?,
            report_outcome(outcome)?,
        ),
        ["migrate", state, tenants @ ..] => Command::Migrate(
            MigrationState::read(state).ok_or("a migration is contacted, acknowledged, migrated or not-affected")?,
            list(tenants, "a tenant is a name")?.into_iter().collect(),
        ),
        ["reserve", version, tenant, "as-planned"] => Command::Reserve(version_of(version)?, name_of(tenant)?, None),
        ["reserve", version, tenant, after] => {
            Command::Reserve(version_of(version)?, name_of(tenant)?, Some(duration(after)?))
        }
        ["opt-in", tenant] => Command::OptIn(name_of(tenant)?),
        ["opt-out", tenant] => Command::OptOut(name_of(tenant)?),
        _ => return Err("there is no such action, or not with these words"),
    })
}

fn report_outcome(word: &str) -> Read<ReportOutcome> {
    const ALL: [ReportOutcome; 2] = [ReportOutcome::Works, ReportOutcome::Trouble];
    let found = ALL.into_iter().find(|outcome| outcome.as_str() == word);
    found.ok_or("a customer reports works or trouble")
}

fn selection(words: &[&str]) -> Read<Selection> {
    match words {
        ["all"] => Ok(Selection::Everybody),
        ["cells", names @ ..] => Ok(Selection::Cells(list(names, "a cell is a name")?.into_iter().collect())),
        ["tenants", names @ ..] => Ok(Selection::Tenants(
            list(names, "a tenant is a name")?.into_iter().collect(),
        )),
        _ => Err("it is of all, of cells NAME..., or of tenants NAME..."),
    }
}

fn freeze_length(word: &str) -> Read<Option<Duration>> {
    if word == "open" {
        Ok(None)
    } else {
        duration(word).map(Some)
    }
}

fn gate_mood(word: &str) -> Read<GateMood> {
    Ok(match word {
        "retried" => GateMood::Retried,
        "dead" => GateMood::Dead,
        word => GateMood::Ends(verdict(word)?),
    })
}

fn companion(word: &str) -> Read<Companion> {
    let (service, version) = word.split_once(':').ok_or("a companion is written SERVICE:VERSION")?;
    Ok(Companion {
        service: service.parse().map_err(|_| "a service is a name")?,
        version: version_of(version)?,
    })
}

fn companion_phase(word: &str) -> Read<CompanionPhase> {
    let because = "as simulated".to_owned();
    let all = [
        CompanionPhase::Unclear { because },
        CompanionPhase::NotApplied,
        CompanionPhase::Applied,
        CompanionPhase::Completed,
        CompanionPhase::RolledBack,
        CompanionPhase::Stopped,
    ];
    let found = all
        .into_iter()
        .find(|phase| super::print::companion_word(phase) == word);
    found.ok_or("a companion is unclear, not-applied, applied, completed, rolled-back or stopped")
}

fn step(word: &str) -> Read<(DataStepKind, AfterStep)> {
    Ok(match word.strip_suffix('!') {
        None => (step_kind(word)?, AfterStep::Clean),
        Some(kind) => (step_kind(kind)?, AfterStep::LosesNewWrites),
    })
}

fn step_kind(word: &str) -> Read<DataStepKind> {
    const ALL: [DataStepKind; 4] = [
        DataStepKind::Expand,
        DataStepKind::DuringDowntime,
        DataStepKind::Migrate,
        DataStepKind::Contract,
    ];
    let found = ALL.into_iter().find(|kind| kind.as_str() == word);
    found.ok_or("a step is expand, during_downtime, migrate or contract, with a `!` where a rollback loses new writes")
}

fn gateway_mood(words: &[&str]) -> Read<GatewayMood> {
    Ok(match words {
        ["lapse"] => GatewayMood::Lapses,
        ["return"] => GatewayMood::Returns,
        ["restart"] => GatewayMood::Restarts,
        ["leave"] => GatewayMood::Leaves,
        ["join"] => GatewayMood::Joins,
        ["take", length] => GatewayMood::Takes(duration(length)?),
        _ => return Err("a gateway may lapse, return, restart, leave, join or take DURATION"),
    })
}

fn verdict(word: &str) -> Read<Verdict> {
    const ALL: [Verdict; 5] = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::NoData,
        Verdict::Error,
    ];
    let found = ALL
        .into_iter()
        .find(|verdict| super::print::verdict_word(*verdict) == word);
    found.ok_or("a verdict is pass, fail, inconclusive, no-data or error")
}

fn on_failure(word: &str) -> Read<OnFailure> {
    match word {
        "tenant" => Ok(OnFailure::Tenant),
        "wave" => Ok(OnFailure::Wave),
        "release" => Ok(OnFailure::Release),
        "hold" => Ok(OnFailure::Hold),
        _ => Err("failure is tenant, wave, release or hold"),
    }
}

fn while_in_flight(word: &str) -> Read<WhileInFlight> {
    const ALL: [WhileInFlight; 3] = [WhileInFlight::Queue, WhileInFlight::Supersede, WhileInFlight::Parallel];
    let found = ALL.into_iter().find(|way| way.as_str() == word);
    found.ok_or("in-flight is queue, supersede or parallel")
}

fn on_inconclusive(word: &str) -> Read<OnInconclusive> {
    match word {
        "hold" => Ok(OnInconclusive::Hold),
        "pass" => Ok(OnInconclusive::Pass),
        _ => Err("inconclusive is hold or pass"),
    }
}

fn stage(word: &str) -> Read<Stage> {
    const ALL: [Stage; 6] = [
        Stage::Prepare,
        Stage::Verify,
        Stage::Canary,
        Stage::Switch,
        Stage::Bake,
        Stage::Confirm,
    ];
    let found = ALL.into_iter().find(|stage| stage.as_str() == word);
    found.ok_or("there is no such stage")
}

/// `1h30m`: the domain's durations without their spaces.
pub(super) fn duration(text: &str) -> Read<Duration> {
    let mut spaced = String::new();
    let mut letters = false;
    for letter in text.chars() {
        if letters && letter.is_ascii_digit() {
            spaced.push(' ');
        }
        letters = letter.is_ascii_alphabetic();
        spaced.push(letter);
    }
    spaced.parse().map_err(|_| "a line begins with a time such as `1h30m`")
}

fn number<T: FromStr>(text: &str) -> Read<T> {
    text.parse().map_err(|_| "a number is wanted")
}

fn list<T: FromStr>(words: &[&str], problem: &'static str) -> Read<Vec<T>> {
    words.iter().map(|word| word.parse().map_err(|_| problem)).collect()
}

fn version_of(word: &str) -> Read<Version> {
    word.parse().map_err(|_| "a version is wanted")
}

fn name_of(word: &str) -> Read<TenantName> {
    word.parse().map_err(|_| "a tenant is a name")
}

fn cell_of(word: &str) -> Read<CellName> {
    word.parse().map_err(|_| "a cell is a name")
}
