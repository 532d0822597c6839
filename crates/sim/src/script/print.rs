//! A scenario as text.

use std::fmt;

use tidegate_domain::event::{Scope, Verdict};
use tidegate_domain::policy::{OnFailure, OnInconclusive, WhileInFlight};
use tidegate_domain::release::{AfterStep, DataStepKind, Ownership, Reversible};
use tidegate_domain::service::{CompanionPhase, Selection};
use tidegate_domain::time::{Duration, Timestamp};

use super::{Action, Command, GateMood, GatewayMood, Habits, MIDNIGHT, Release, Script, SlotMood};

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.begins != MIDNIGHT {
            writeln!(f, "begins {}", self.begins)?;
        }
        if !self.cells.is_empty() {
            writeln!(f, "cells {}", words(&self.cells, " "))?;
            let tenants: Vec<String> = self
                .tenants
                .iter()
                .map(|(name, cell)| format!("{name}@{cell}"))
                .collect();
            writeln!(f, "tenants {}", tenants.join(" "))?;
        }
        writeln!(f, "gateways {}", self.gateways.join(" "))?;
        if self.habits != Habits::default() {
            writeln!(f, "{}", self.habits)?;
        }
        match self.worker {
            None => {}
            Some(Ownership::Tenant) => writeln!(f, "worker tenant")?,
            Some(Ownership::Cell) => writeln!(f, "worker cell")?,
        }
        if let Some(job) = &self.job {
            writeln!(f, "{job}")?;
        }
        for (version, release) in &self.releases {
            writeln!(f, "release {version} {release}")?;
        }
        for (path, text) in &self.files {
            writeln!(f, "file {path}")?;
            text.lines().try_for_each(|line| writeln!(f, "| {line}"))?;
        }
        for (tenant, traffic) in &self.traffic {
            let hours: Vec<u8> = traffic.peak_hours.iter().copied().collect();
            let line = format!("traffic {tenant} {} {}", traffic.hourly, words(&hours, ","));
            writeln!(f, "{}", line.trim_end())?;
        }
        for (at, action) in &self.actions {
            writeln!(f, "{} {action}", offset(*at))?;
        }
        Ok(())
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waves: Vec<String> = self.waves.iter().map(|wave| words(wave, ",")).collect();
        write!(f, "waves={}", waves.join("|"))?;
        write!(f, " bake={}..{}", offset(self.bake.least), offset(self.bake.longest))?;
        write!(
            f,
            " requests={} gap={} gates={}",
            self.bake.requests,
            offset(self.gap),
            self.gates
        )?;
        if !self.gate_rules.is_empty() {
            write!(f, " rules={}", super::gate::print(&self.gate_rules))?;
        }
        if let Some(tenants) = self.parallel.tenants {
            write!(f, " tenants={tenants}")?;
        }
        if let Some(cells) = self.parallel.cells {
            write!(f, " cells={cells}")?;
        }
        let on_failure = match self.on_failure {
            OnFailure::Tenant => "tenant",
            OnFailure::Wave => "wave",
            OnFailure::Release => "release",
            OnFailure::Hold => "hold",
        };
        let on_inconclusive = match self.on_inconclusive {
            OnInconclusive::Hold => "hold",
            OnInconclusive::Pass => "pass",
        };
        write!(f, " failure={on_failure} inconclusive={on_inconclusive}")?;
        if let Reversible::Until(stage) = self.reversible {
            write!(f, " until={}", stage.as_str())?;
        }
        if let Some((least, longest)) = self.canary {
            write!(f, " canary={}..{}", offset(least), offset(longest))?;
        }
        write!(f, " window={}", offset(self.rollback_window))?;
        if self.only_api {
            write!(f, " only-api")?;
        }
        if let Some(fixed) = &self.hotfix {
            write!(f, " hotfix={fixed}")?;
        }
        if self.lacks_fixes {
            write!(f, " lacks-fixes")?;
        }
        if self.while_in_flight != WhileInFlight::Queue {
            write!(f, " in-flight={}", self.while_in_flight.as_str())?;
        }
        if !self.together.is_empty() {
            let all = self.together.iter();
            let all: Vec<String> = all.map(|one| format!("{}:{}", one.service, one.version)).collect();
            write!(f, " together={}", all.join(","))?;
        }
        if !self.steps.is_empty() {
            let steps: Vec<String> = self.steps.iter().map(step).collect();
            write!(f, " steps={}", steps.join(","))?;
        }
        if self.for_good {
            write!(f, " for-good")?;
        }
        Ok(())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(command) => write!(f, "{command}"),
            Self::ApplyAgain(version) => write!(f, "apply-again {version}"),
            Self::TryRollBack(version) => write!(f, "try-rollback {version}"),
            Self::Health(version, verdict, tenants) => {
                write!(f, "health {version} {}", verdict_word(*verdict))?;
                tenants.iter().try_for_each(|tenant| write!(f, " {tenant}"))
            }
            Self::Gate(version, mood) => write!(f, "gate {version} {mood}"),
            Self::Step(version, kind, mood) => write!(f, "step {version} {} {mood}", kind.as_str()),
            Self::Companion(version, service, phase) => {
                write!(f, "companion {version} {service} {}", companion_word(phase))
            }
            Self::Slots(version, cell, mood) => write!(f, "slots {version} {cell} {mood}"),
            Self::Gateway(name, mood) => write!(f, "gateway {name} {mood}"),
            Self::Long(tenant, duration) => write!(f, "long {tenant} {}", offset(*duration)),
            Self::Freeze(version, cell) => write!(f, "freeze {version} {cell}"),
            Self::Thaw(version, cell) => write!(f, "thaw {version} {cell}"),
            Self::Clock(millis) if *millis < 0 => write!(f, "clock back {}", offset(span(-millis))),
            Self::Clock(millis) => write!(f, "clock forward {}", offset(span(*millis))),
            Self::Fault((kind, moment)) => write!(f, "fault {kind} {moment}"),
            Self::Plant(version, planted) => write!(f, "plant {version} {planted}"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply(version) => write!(f, "apply {version}"),
            Self::Hold(version, None) => write!(f, "hold {version}"),
            Self::Hold(version, Some(length)) => write!(f, "hold {version} {}", offset(*length)),
            Self::Resume(version) => write!(f, "resume {version}"),
            Self::Promote(version) => write!(f, "promote {version}"),
            Self::Abort(version) => write!(f, "abort {version}"),
            Self::RollBack(version, Scope::Tenant(tenant)) => write!(f, "rollback {version} tenant {tenant}"),
            Self::RollBack(version, Scope::Wave(wave)) => write!(f, "rollback {version} wave {wave}"),
            Self::RollBack(version, Scope::Everything) => write!(f, "rollback {version} all"),
            Self::Add(tenant, cell) => write!(f, "add {tenant} {cell}"),
            Self::Remove(tenant) => write!(f, "remove {tenant}"),
            Self::MoveTo(tenant, cell) => write!(f, "move {tenant} {cell}"),
            Self::Suspend(tenant) => write!(f, "suspend {tenant}"),
            Self::ResumeTenant(tenant) => write!(f, "resume-tenant {tenant}"),
            Self::Approve(version, person) => write!(f, "approve {version} {person}"),
            Self::Reject(version, person) => write!(f, "reject {version} {person}"),
            Self::Override { version, wave, gate } => write!(f, "override {version} {wave} {gate}"),
            Self::Answer {
                version,
                wave,
                gate,
                yes,
                person,
            } => {
                let word = if *yes { "yes" } else { "no" };
                write!(f, "answer {version} {wave} {gate} {word} {person}")
            }
            Self::Notify(version, Duration::ZERO) => write!(f, "notify {version}"),
            Self::Notify(version, ago) => write!(f, "notify {version} {}", offset(*ago)),
            Self::Waive(version, of, length, whom) => {
                let of = of.as_str();
                write!(f, "waive {version} {of} {} {}", offset(*length), selection(whom))
            }
            Self::Freeze { of, after, length } => {
                let length = length.map_or_else(|| "open".to_owned(), offset);
                write!(f, "put-freeze {} {length} {}", offset(*after), selection(of))
            }
            Self::Unfreeze => f.write_str("lift-freezes"),
            Self::Report(version, customer, outcome) => write!(f, "report {version} {customer} {}", outcome.as_str()),
            Self::Migrate(state, tenants) => {
                let tenants = words(&tenants.iter().collect::<Vec<_>>(), " ");
                write!(f, "migrate {} {tenants}", state.as_str())
            }
            Self::Reserve(version, tenant, None) => write!(f, "reserve {version} {tenant} as-planned"),
            Self::Reserve(version, tenant, Some(after)) => write!(f, "reserve {version} {tenant} {}", offset(*after)),
            Self::OptIn(tenant) => write!(f, "opt-in {tenant}"),
            Self::OptOut(tenant) => write!(f, "opt-out {tenant}"),
        }
    }
}

/// One behind which a rollback loses what was written has a `!`.
fn step((kind, rollback): (&DataStepKind, &AfterStep)) -> String {
    let loses = match rollback {
        AfterStep::Clean => "",
        AfterStep::LosesNewWrites => "!",
    };
    format!("{}{loses}", kind.as_str())
}

fn selection(of: &Selection) -> String {
    match of {
        Selection::Everybody => "all".to_owned(),
        Selection::Cells(cells) => format!("cells {}", words(&cells.iter().collect::<Vec<_>>(), " ")),
        Selection::Tenants(names) => format!("tenants {}", words(&names.iter().collect::<Vec<_>>(), " ")),
    }
}

impl fmt::Display for GateMood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ends(verdict) => f.write_str(verdict_word(*verdict)),
            Self::Retried => f.write_str("retried"),
            Self::Dead => f.write_str("dead"),
        }
    }
}

impl fmt::Display for SlotMood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Takes(duration) => write!(f, "take {}", offset(*duration)),
            Self::Fails => f.write_str("fail"),
            Self::Crashes => f.write_str("crash"),
            Self::Heals => f.write_str("heal"),
        }
    }
}

impl fmt::Display for GatewayMood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lapses => f.write_str("lapse"),
            Self::Returns => f.write_str("return"),
            Self::Restarts => f.write_str("restart"),
            Self::Leaves => f.write_str("leave"),
            Self::Joins => f.write_str("join"),
            Self::Takes(duration) => write!(f, "take {}", offset(*duration)),
        }
    }
}

/// One word of a line.
pub fn companion_word(phase: &CompanionPhase) -> String {
    phase.as_str().replace(' ', "-")
}

pub const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NoData => "no-data",
        Verdict::Error => "error",
    }
}

/// A duration without its spaces: `1h30m`.
pub fn offset(duration: Duration) -> String {
    duration.to_string().replace(' ', "")
}

fn span(millis: i64) -> Duration {
    Timestamp(millis) - Timestamp(0)
}

fn words<T: fmt::Display>(list: &[T], separator: &str) -> String {
    let list: Vec<String> = list.iter().map(ToString::to_string).collect();
    list.join(separator)
}
