//! The page a release manager reads before anything moves.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate_domain::calendar::Local;
use tidegate_domain::change::Change;
use tidegate_domain::id::{CellName, RoleName, Version};
use tidegate_domain::plan::{
    Due, Plan, PlanReport, PlannedWave, Problem, Rollback, Schedule, Severity, Skipped, WaveReport, bake_in_words,
    canary_in_words,
};
use tidegate_domain::policy::{Before, Canary, WhenSilent, gate_names};
use tidegate_domain::release::{AfterStep, Companion, DataStep, Release};
use tidegate_domain::time::Timestamp;
use tidegate_evidence::{CanaryTraffic, WaveTraffic};
use tidegate_server::health;

use super::{Planned, word};
use crate::table::count;
use crate::when;

/// Names shown of a wave; the rest is counted.
const NAMES_MAX: usize = 8;

/// Starts shown of a wave; the rest is counted.
const STARTS_MAX: usize = 6;

/// Draws the plan, or what blocks it. `every` names every tenant.
pub fn draw(planned: &Planned, every: bool) -> String {
    let mut page = String::new();
    if let Some(plan) = &planned.plan {
        head(&mut page, plan, planned);
        changed(&mut page, plan, &planned.report);
        for (wave, report) in plan.waves.iter().zip(&planned.report.waves) {
            draw_wave(&mut page, plan, wave, report, every);
        }
        notices(&mut page, plan);
        left_behind(&mut page, plan, every);
    }
    for (index, problem) in planned.report.problems.iter().enumerate() {
        if index > 0 || planned.plan.is_some() {
            page.push('\n');
        }
        draw_problem(&mut page, problem);
    }
    page
}

fn head(page: &mut String, plan: &Plan, planned: &Planned) {
    let release = &plan.release;
    let _ = writeln!(
        page,
        "Release {} of {}, by playbook {}",
        release.version, plan.service, plan.policy.playbook
    );
    line(page, "kind", &kind(release));
    if let Some(summary) = &release.summary {
        line(page, "summary", summary.trim_end());
    }
    let (moves, waves) = (count(plan.moves(), "tenant"), count(plan.waves.len(), "wave"));
    line(page, "moves", &format!("{moves} in {waves}"));
    in_flight(page, plan, &planned.report);
    for (name, part) in &release.components {
        line(
            page,
            "runs",
            &format!("{name} {} ({})", part.artifact.digest.short(), part.artifact.path),
        );
    }
    for step in &release.steps {
        line(page, "data", &step_line(step));
    }
    for change in &release.changes {
        line(page, "changes", &change_line(change));
    }
    let runs = planned.report.runs.iter().map(|(version, n)| match version.as_str() {
        "-" => format!("{n} none"),
        version => format!("{n} {version}"),
    });
    let runs: Vec<String> = runs.collect();
    if !runs.is_empty() {
        line(page, "now", &format!("tenants run: {}", runs.join(", ")));
    }
    for missed in &planned.report.missed {
        line(
            page,
            "misses",
            &format!("release day {}: {}", missed.date, missed.because.in_words()),
        );
    }
    if let Some(traffic) = &planned.report.traffic {
        line(page, "traffic", &traffic.in_words(&plan.schedule.base.zone));
    }
    if let Some(until) = planned.report.valid_until {
        line(
            page,
            "valid",
            &format!("until {}", Local::new(until, &plan.schedule.base.zone)),
        );
    }
    if let Some(digest) = &planned.digest {
        line(page, "plan", digest.as_str());
    }
}

/// How it goes with earlier releases in flight, and what of them its tenants never had.
fn in_flight(page: &mut String, plan: &Plan, report: &PlanReport) {
    if let Some(after) = &report.after {
        let because = report.queues_because.as_ref();
        let because = because.map_or_else(String::new, |because| format!(": {because}"));
        line(page, "after", &format!("release {after}, which is in flight{because}"));
    }
    for earlier in &report.takes_over {
        let what = format!("whom release {earlier} has not moved; it watches those it has to the end first");
        line(page, "takes", &what);
    }
    for earlier in &report.beside {
        let what = format!("release {earlier}, in the cells in which that is done");
        line(page, "beside", &what);
    }
    if !plan.release.together.is_empty() {
        line(page, "together", &together(plan));
    }
    for (from, skipped) in &plan.skipped {
        line(page, "skips", &skipped_line(from, skipped));
    }
}

/// Where the release stands among those that go together.
fn together(plan: &Plan) -> String {
    let all = &plan.release.together;
    let own = all.iter().position(|one| one.service == plan.service).unwrap_or(0);
    let listed = |all: &[Companion]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let before = (own > 0).then(|| format!("after {}", listed(&all[..own])));
    let after = (own + 1 < all.len()).then(|| format!("before {}", listed(&all[own + 1..])));
    let places: Vec<String> = before.into_iter().chain(after).collect();
    format!("{}; what one of them takes back, all take back", places.join(", "))
}

/// What tenants that come from a version get besides the release's own changes.
fn skipped_line(from: &Version, skipped: &Skipped) -> String {
    let releases: Vec<&str> = skipped.releases.iter().map(Version::as_str).collect();
    let changes: Vec<&str> = skipped.changes.iter().map(|change| change.id.as_str()).collect();
    let mut line = format!("{} for those on {from}", releases.join(", "));
    if !changes.is_empty() {
        let _ = write!(line, ", whose changes they get too: {}", changes.join(", "));
    }
    line
}

fn step_line(step: &DataStep) -> String {
    let mut line = format!("{} {} of database {}", step.kind.as_str(), step.name, step.database);
    if !step.cells.is_empty() {
        let cells: Vec<&str> = step.cells.iter().map(CellName::as_str).collect();
        let _ = write!(line, ", only in cell {}", cells.join(", "));
    }
    if step.rollback == AfterStep::LosesNewWrites {
        line.push_str("; once it has begun, a rollback loses new writes");
    }
    line
}

/// What has changed since the last plan, and what the release changes of what runs.
fn changed(page: &mut String, plan: &Plan, report: &PlanReport) {
    for replaced in &report.replaces {
        let (version, who) = (&replaced.version, count(replaced.tenants, "tenant"));
        line(page, "against", &format!("{version}, {who}: {}", replaced.in_words()));
    }
    let Some(since) = &report.since_last else { return };
    let planned = Local::new(since.planned, &plan.schedule.base.zone);
    let _ = writeln!(page, "\nSince the last plan, {} of {planned}", since.plan.short());
    let lines = since.differences.in_words();
    if lines.is_empty() {
        line(page, "changed", "nothing: it is the same plan");
    }
    for text in &lines {
        line(page, "changed", text);
    }
}

/// What the playbook goes by: the kind of the release and the greatest impact of its changes.
fn kind(release: &Release) -> String {
    let kind = format!("{}, impact {}", word(release.kind), release.impact());
    match &release.reason {
        Some(reason) => format!("{kind}; because {}", reason.trim_end()),
        None => kind,
    }
}

fn change_line(change: &Change) -> String {
    let line = format!("{} ({}): {}", change.kind, change.impact, change.title);
    match &change.deadline {
        Some(deadline) => format!("{line}; until {deadline}"),
        None => line,
    }
}

fn draw_wave(page: &mut String, plan: &Plan, wave: &PlannedWave, report: &WaveReport, every: bool) {
    let cells: Vec<&str> = report.cells.iter().map(CellName::as_str).collect();
    let _ = writeln!(
        page,
        "\nWave {}: {} in {}",
        wave.name,
        count(wave.tenants.len(), "tenant"),
        cells.join(", ")
    );
    let from: Vec<String> = report.from.iter().map(|(version, n)| came_from(version, *n)).collect();
    line(page, "moves", &from.join(", "));
    starts(page, plan, wave, report);
    if let Some(canary) = &wave.policy.canary {
        line(page, "canary", &canary_in_words(canary));
        line(page, "precision", &canary_floor(plan, canary, report));
    }
    line(page, "bake", &bake_in_words(&wave.policy.bake));
    if !wave.policy.bake.longest.is_zero() {
        line(page, "health", &floor(plan, wave, report));
    }
    let parallel = &wave.policy.max_parallel;
    if let Some(tenants) = parallel.tenants {
        line(page, "at a time", &count(tenants as usize, "tenant"));
    }
    if let Some(cells) = parallel.cells {
        line(page, "at a time", &count(cells as usize, "cell"));
    }
    for (gate, name) in wave.policy.gates.iter().zip(gate_names(&wave.policy.gates)) {
        line(page, "gate", &gate.in_words(&name));
    }
    line(
        page,
        "rollback",
        &match &report.rollback {
            Rollback::Clean => "clean, at any time".to_owned(),
            Rollback::Until(stage) => format!("only until the wave enters {stage}: its data forbid it from there on"),
            Rollback::LosesNewWrites(step) => {
                format!(
                    "clean, until step {step} has begun; from there by a person only, who loses what was written since"
                )
            }
            Rollback::ImpossibleAfter(step) => {
                format!("clean, until the rollback window is over and step {step} begins")
            }
            Rollback::CleanByUndoing(step) => {
                format!("clean, at any time; tenants are out of service while step {step} is undone")
            }
            Rollback::ImpossibleAfterDowntime(step) => {
                format!("impossible after {step}, which has no undo; clean until it begins in the downtime")
            }
            Rollback::NothingBefore => "none: these tenants have no earlier version".to_owned(),
        },
    );
    let tenants = wave
        .tenants
        .iter()
        .map(|(name, tenant)| (&*tenant.because, name.as_str()));
    for (because, names) in by_reason(tenants) {
        line(page, "tenants", &format!("{because}: {}", listed(&names, every)));
    }
}

/// What a share of the wave's traffic can show before anybody is moved, and what it cannot.
fn canary_floor(plan: &Plan, canary: &Canary, report: &WaveReport) -> String {
    let judged = canary.longest.to_std().saturating_sub(canary.warm_up.to_std());
    let traffic = report.requests_per_hour.map(|per_hour| CanaryTraffic {
        per_hour: per_hour as f64,
        share: f64::from(canary.share) / 100.0,
        hours: judged.as_secs_f64() / 3_600.0,
    });
    health::canary_rule(&plan.policy.health).canary_floor(traffic).sentence
}

/// What the wave's traffic can show of its health while it bakes, and what it cannot.
fn floor(plan: &Plan, wave: &PlannedWave, report: &WaveReport) -> String {
    let traffic = report.requests_per_hour.map(|per_hour| WaveTraffic {
        per_hour: per_hour as f64,
        hours: wave.policy.bake.longest.to_std().as_secs_f64() / 3_600.0,
    });
    health::rule(&plan.policy.health).floor(traffic).sentence
}

/// Classes that start at the same instant for the same reasons are one line.
fn starts(page: &mut String, plan: &Plan, wave: &PlannedWave, report: &WaveReport) {
    if report.classes.is_empty() {
        let at = when::near(report.not_before);
        line(page, "starts", &format!("{}; at the earliest {at}", report.because));
        return;
    }
    let mut tenants: BTreeMap<u16, usize> = BTreeMap::new();
    for tenant in wave.tenants.keys() {
        *tenants.entry(plan.schedule.class_index(tenant)).or_default() += 1;
    }
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    for (class, known) in &report.classes {
        let zone = plan.zone_of(*class);
        let why = known.in_words(&report.because, zone);
        let who = count(tenants.get(class).copied().unwrap_or_default(), "tenant");
        lines.push((
            known.expected,
            format!("{}, {who}: {why}", Local::new(known.expected, zone)),
        ));
    }
    lines.sort();
    let more = lines.len().saturating_sub(STARTS_MAX);
    for (_, text) in lines.iter().take(STARTS_MAX) {
        line(page, "starts", text);
    }
    if more > 0 {
        line(page, "starts", &format!("and {more} more, see `--explain TENANT`"));
    }
    if let Some(validation) = &wave.policy.validation {
        line(
            page,
            "validation",
            &format!("customers report of wave {} first", validation.of),
        );
    }
}

/// When it is due, its kind, its wave, and whether the wave waits for it.
type NoticeLine<'a> = (Due, &'a str, &'a str, bool);

/// What is sent, counted by what it is and when.
fn notices(page: &mut String, plan: &Plan) {
    let Schedule {
        notices,
        approvals,
        validations,
        ..
    } = &plan.schedule;
    let downtime = plan.policy.downtime.as_ref();
    if notices.is_empty() && approvals.is_empty() && validations.is_empty() && downtime.is_none() {
        return;
    }
    page.push_str("\nBefore and after\n");
    if let Some(downtime) = downtime {
        line(page, "downtime", &format!("tenants are {}", downtime.in_words()));
    }
    let zone = &plan.schedule.base.zone;
    let mut kinds: BTreeMap<NoticeLine<'_>, (usize, Option<Timestamp>)> = BTreeMap::new();
    for notice in &plan.schedule.notices {
        let key = (notice.due, notice.kind.as_str(), notice.wave.as_str(), notice.required);
        let (n, deadline) = kinds.entry(key).or_default();
        *n += 1;
        *deadline = (*deadline).into_iter().chain(notice.deadline).min();
    }
    for ((due, kind, wave, required), (n, deadline)) in kinds {
        let due = match due {
            Due::Applied => "as soon as the plan is applied".to_owned(),
            Due::At(at) => Local::new(at, zone).to_string(),
            Due::Confirmed => "when the wave is confirmed".to_owned(),
        };
        let deadline = deadline.map_or(String::new(), |at| format!(", at the latest {}", Local::new(at, zone)));
        let waits = if required { "; the wave waits for it" } else { "" };
        line(
            page,
            kind,
            &format!("{} about wave {wave}: {due}{deadline}{waits}", count(n, "message")),
        );
    }
    for approval in &plan.schedule.approvals {
        let roles: Vec<&str> = approval.roles.iter().map(RoleName::as_str).collect();
        let people = if approval.count == 1 {
            "1 person".to_owned()
        } else {
            format!("{} people", approval.count)
        };
        let before = match &approval.before {
            Before::Release => "the release".to_owned(),
            Before::Wave(wave) => format!("wave {wave}"),
        };
        let when = if approval.afterwards { "after" } else { "before" };
        let text = format!(
            "{}: {people} with role {} {when} {before}",
            approval.name,
            roles.join(" or ")
        );
        line(page, "approval", &text);
    }
    validated(page, plan);
}

/// Who tries the release on an earlier wave first, counted by the waves.
fn validated(page: &mut String, plan: &Plan) {
    let mut waves: BTreeMap<(&str, &str, bool), (Vec<&str>, usize)> = BTreeMap::new();
    for planned in &plan.schedule.validations {
        let silent = planned.when_silent == WhenSilent::Move;
        let key = (planned.of.as_str(), planned.wave.as_str(), silent);
        let (customers, tenants) = waves.entry(key).or_default();
        customers.push(planned.customer.as_str());
        *tenants += planned.tenants.len();
    }
    for ((of, wave, silent), (customers, tenants)) in waves {
        let silent = if silent { "; silence moves them" } else { "" };
        let (who, tenants) = (listed(&customers, false), count(tenants, "tenant"));
        let text = format!("on wave {of}, before {tenants} of wave {wave} move: {who} report that it works{silent}");
        line(page, "reports", &text);
    }
}

fn left_behind(page: &mut String, plan: &Plan, every: bool) {
    if plan.left_behind.is_empty() {
        return;
    }
    let _ = writeln!(page, "\nLeft behind: {}", count(plan.left_behind.len(), "tenant"));
    let left = plan
        .left_behind
        .iter()
        .map(|(name, left)| (&*left.because, name.as_str()));
    for (because, names) in by_reason(left) {
        line(page, "tenants", &format!("{because}: {}", listed(&names, every)));
    }
}

fn draw_problem(page: &mut String, problem: &Problem) {
    let word = match problem.severity {
        Severity::Blocks => "blocks",
        Severity::Excludes => "excluded",
        Severity::Warns => "warning",
    };
    let _ = writeln!(page, "{word}: {}", problem.message);
    if let Some(place) = &problem.place {
        let _ = writeln!(page, "  --> {}:{}", place.file, place.line);
    }
    let _ = writeln!(page, "help: {}", problem.remedy);
}

fn line(page: &mut String, name: &str, text: &str) {
    let _ = writeln!(page, "  {name:<10} {text}");
}

fn by_reason<'a>(tenants: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (because, name) in tenants {
        reasons.entry(because).or_default().push(name);
    }
    reasons
}

fn came_from(version: &str, tenants: usize) -> String {
    match version {
        "-" => format!("{tenants} from nothing"),
        version => format!("{tenants} from {version}"),
    }
}

fn listed(names: &[&str], every: bool) -> String {
    if every || names.len() <= NAMES_MAX {
        return names.join(", ");
    }
    format!("{} and {} more", names[..NAMES_MAX].join(", "), names.len() - NAMES_MAX)
}
