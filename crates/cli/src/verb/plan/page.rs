//! The page a release manager reads before anything moves.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate_domain::change::Change;
use tidegate_domain::id::CellName;
use tidegate_domain::plan::{Plan, PlannedWave, Problem, Rollback, Severity, WaveReport};
use tidegate_domain::release::Release;

use super::{Planned, word};
use crate::table::count;
use crate::when;

/// Names shown of a wave; the rest is counted.
const NAMES_MAX: usize = 8;

/// Draws the plan, or what blocks it. `every` names every tenant.
pub fn draw(planned: &Planned, every: bool) -> String {
    let mut page = String::new();
    if let Some(plan) = &planned.plan {
        head(&mut page, plan, planned);
        for (wave, report) in plan.waves.iter().zip(&planned.report.waves) {
            draw_wave(&mut page, wave, report, every);
        }
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
    if let Some(after) = &planned.report.after {
        line(page, "after", &format!("release {after}, which is in flight"));
    }
    for (name, part) in &release.components {
        line(
            page,
            "runs",
            &format!("{name} {} ({})", part.artifact.digest.short(), part.artifact.path),
        );
    }
    for change in &release.changes {
        line(page, "changes", &change_line(change));
    }
    if let Some(digest) = &planned.digest {
        line(page, "plan", digest.as_str());
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

fn draw_wave(page: &mut String, wave: &PlannedWave, report: &WaveReport, every: bool) {
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
    line(
        page,
        "starts",
        &format!("{}; at the earliest {}", report.because, when::near(report.not_before)),
    );
    let bake = &wave.policy.bake;
    line(
        page,
        "bake",
        &match bake.longest.is_zero() {
            true => "none: there is no earlier version to compare with".to_owned(),
            false => format!(
                "{} to {}, judged over at least {}",
                bake.least,
                bake.longest,
                count_requests(bake.requests)
            ),
        },
    );
    let parallel = &wave.policy.max_parallel;
    if let Some(tenants) = parallel.tenants {
        line(page, "at a time", &count(tenants as usize, "tenant"));
    }
    if let Some(cells) = parallel.cells {
        line(page, "at a time", &count(cells as usize, "cell"));
    }
    for gate in &wave.policy.gates {
        line(page, "gate", &gate.uses);
    }
    line(
        page,
        "rollback",
        &match &report.rollback {
            Rollback::Clean => "clean, at any time".to_owned(),
            Rollback::Until(stage) => format!("only until the wave enters {stage}: its data forbid it from there on"),
            Rollback::NothingBefore => "none: these tenants have no earlier version".to_owned(),
        },
    );
    let tenants = wave
        .tenants
        .iter()
        .map(|(name, tenant)| (tenant.because.as_str(), name.as_str()));
    for (because, names) in by_reason(tenants) {
        line(page, "tenants", &format!("{because}: {}", listed(&names, every)));
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
        .map(|(name, left)| (left.because.as_str(), name.as_str()));
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
    let _ = writeln!(page, "{word}: {}\nhelp: {}", problem.message, problem.remedy);
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

fn count_requests(n: u64) -> String {
    if n == 1 {
        "1 request".to_owned()
    } else {
        format!("{n} requests")
    }
}
