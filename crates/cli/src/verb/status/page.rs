//! The tree of release, wave and tenants, and what it runs on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate_domain::id::StepName;
use tidegate_domain::release::{DataStepKind, Stage};
use tidegate_domain::time::Timestamp;
use tidegate_server::api::{
    ApprovalStatus, CellStatus, CompanionStatus, GateStatus, Gateway, HealthStatus, HoldStatus, JournalStatus,
    ReleaseStatus, Status, StepStatus, TenantCounts, WaitingText, WaveStatus,
};

mod created;
mod restored;

use crate::paint::{Paint, Tone};
use crate::table::count;
use crate::when;

/// Tenants that are hurt, named; the rest is counted.
const CULPRITS_MAX: usize = 5;

pub fn draw(status: &Status, paint: Paint) -> String {
    let mut page = String::new();
    let title = paint.paint(Tone::Title, status.service.as_str());
    let _ = writeln!(page, "{title}  routing {}", routing(status));
    if let Some(trouble) = &status.trouble {
        let _ = writeln!(
            page,
            "{}",
            paint.paint(Tone::Bad, &format!("! nothing can be decided now: {trouble}"))
        );
    }
    if let Some(restored) = &status.restored {
        restored::draw(&mut page, restored, paint);
    }
    if let Some(journal) = &status.journal {
        draw_journal(&mut page, journal, paint);
    }
    let newest = status.releases.len().saturating_sub(1);
    for (index, release) in status.releases.iter().enumerate().rev() {
        page.push('\n');
        let to_review = |approval: &ApprovalStatus| approval.review_by_ms.is_some() && approval.missing > 0;
        let whole = index == newest || release.ended_ms.is_none() || release.approvals.iter().any(to_review);
        draw_release(&mut page, release, whole, paint);
    }
    if status.releases.is_empty() {
        page.push_str("\nnothing has been released yet\n");
    }
    created::draw(&mut page, &status.created, paint);
    for waiting in &status.waiting {
        let _ = writeln!(page, "\nwaits for {}", waiting.text);
    }
    for freeze in &status.freezes {
        let until = freeze.until_ms.map_or_else(
            || "until it is lifted".to_owned(),
            |until| format!("until {}", at_ms(until)),
        );
        let line = format!(
            "Freeze {} of {} from {} {until}, by {}: {}",
            freeze.number,
            freeze.of,
            at_ms(freeze.from_ms),
            freeze.by,
            freeze.reason
        );
        let _ = writeln!(page, "\n{}", paint.paint(Tone::Busy, &line));
    }
    for patch in status.patches.iter().filter(|patch| patch.overdue) {
        let line = format!(
            "Component {} runs unchanged since {}: an upgraded one is due since {}",
            patch.component,
            at_ms(patch.since_ms),
            at_ms(patch.due_ms)
        );
        let _ = writeln!(page, "\n{}", paint.paint(Tone::Busy, &line));
    }
    page.push('\n');
    for cell in &status.cells {
        draw_cell(&mut page, cell, paint);
    }
    for gateway in &status.gateways {
        draw_gateway(&mut page, gateway, status.generation, paint);
    }
    if status.gateways.is_empty() {
        let nobody = paint.paint(Tone::Bad, "no gateway is registered: no request is served");
        let _ = writeln!(page, "{nobody}");
    }
    page
}

/// A journal that goes back to its beginning, and is to, needs no line.
fn draw_journal(page: &mut String, journal: &JournalStatus, paint: Paint) {
    if journal.first > 1 {
        let since = at_ms(journal.since_ms);
        let _ = writeln!(
            page,
            "the journal begins with row {}, of {since}; older ones were exported",
            journal.first
        );
    }
    if let Some(trouble) = &journal.trouble {
        let line = format!("! what is old cannot be dropped: {trouble}");
        let _ = writeln!(page, "{}", paint.paint(Tone::Bad, &line));
    }
}

fn routing(status: &Status) -> String {
    if status.confirmed >= status.generation {
        return format!("generation {}, confirmed by every gateway", status.generation);
    }
    format!(
        "generation {}; {} is confirmed by every gateway",
        status.generation, status.confirmed
    )
}

/// An ended release is one line, unless it is the newest.
fn draw_release(page: &mut String, release: &ReleaseStatus, whole: bool, paint: Paint) {
    let (icon, tone) = match (release.phase.as_str(), &release.hold) {
        (_, Some(_)) if release.ended_ms.is_none() => ("॥", Tone::Busy),
        ("completed", _) => ("✓", Tone::Good),
        ("rolled back" | "aborted" | "superseded", _) => ("↩", Tone::Bad),
        ("queued", _) => ("·", Tone::Faint),
        (_, _) => ("▸", Tone::Busy),
    };
    let held = release.hold.as_ref().filter(|_| release.ended_ms.is_none());
    let phase = if held.is_some() {
        format!("{}, held", release.phase)
    } else {
        release.phase.clone()
    };
    let mark = paint.paint(tone, &format!("{icon} {phase}"));
    let title = paint.paint(Tone::Title, &format!("Release {}", release.version));
    let ended = release
        .ended_ms
        .map(|at| format!(", ended {}", at_ms(at)))
        .unwrap_or_default();
    let _ = writeln!(
        page,
        "{title}  {mark}  applied {} by {}{ended}",
        at_ms(release.applied_ms),
        release.author
    );
    if !whole {
        return;
    }
    if release.ended_ms.is_none() {
        let _ = writeln!(page, "  can be taken back {}", release.reversible);
    }
    if let Some(by) = release.superseded_by.as_ref().filter(|_| release.ended_ms.is_none()) {
        let _ = writeln!(page, "  release {by} moves whom it has not moved");
    }
    if !release.together.is_empty() {
        let _ = writeln!(page, "  goes together: {}", together(release));
    }
    if let Some(hold) = held {
        let _ = writeln!(page, "  {}", hold_line(hold));
    }
    draw_admission(page, release);
    draw_steps(page, release, paint);
    draw_failed_jobs(page, release, paint);
    // What holds it is told above, once, however many wait for its end.
    let waiting: Vec<&WaitingText> = release
        .waiting
        .iter()
        .filter(|waiting| waiting.r#for != "hold")
        .collect();
    let told = held.map(|hold| hold.reason.as_str());
    let last = release.waves.len() + waiting.len();
    let mut lines = 0;
    let mut branch = || {
        lines += 1;
        if lines == last {
            ("└─", "  ")
        } else {
            ("├─", "│ ")
        }
    };
    for wave in &release.waves {
        draw_wave(page, wave, branch(), told, paint);
    }
    for waiting in waiting {
        let _ = writeln!(page, "{} waits for {}", branch().0, waiting.text);
    }
}

fn hold_line(hold: &HoldStatus) -> String {
    let until = hold.until_ms.map(|until| format!(", until {}", at_ms(until)));
    let until = until.unwrap_or_default();
    let (by, since) = (&hold.by, at_ms(hold.since_ms));
    format!("held by {by} since {since}{until}: {}", hold.reason)
}

/// In the order in which they begin.
fn together(release: &ReleaseStatus) -> String {
    let one = |one: &CompanionStatus| match &one.phase {
        Some(phase) => format!("{} {} ({phase})", one.service, one.version),
        None => "this release".to_owned(),
    };
    let all: Vec<String> = release.together.iter().map(one).collect();
    all.join(", then ")
}

/// Each step once; where it is not done, its cells are named.
fn draw_steps(page: &mut String, release: &ReleaseStatus, paint: Paint) {
    let mut steps: BTreeMap<(DataStepKind, &StepName), Vec<&StepStatus>> = BTreeMap::new();
    for step in &release.steps {
        steps.entry((step.kind, &step.name)).or_default().push(step);
    }
    for ((kind, name), cells) in steps {
        let done = cells.iter().filter(|step| step.phase == "done").count();
        let mut words = Vec::new();
        if done > 0 {
            words.push(format!("done in {}", count(done, "cell")));
        }
        for step in cells.iter().filter(|step| step.phase != "done") {
            let outcome = match step.outcome.as_str() {
                "" => String::new(),
                outcome => format!(" ({outcome})"),
            };
            words.push(format!(
                "{} in {} since {}{outcome}",
                step.phase,
                step.cell,
                at_ms(step.since_ms)
            ));
        }
        let failed = cells.iter().any(|step| step.failures > 0);
        let tone = if failed { Tone::Bad } else { Tone::Faint };
        let line = format!("{} {name}: {}", kind.as_str(), words.join(", "));
        let _ = writeln!(page, "  {}", paint.paint(tone, &line));
    }
}

/// Runs that have failed on the release.
fn draw_failed_jobs(page: &mut String, release: &ReleaseStatus, paint: Paint) {
    for job in &release.failed_jobs {
        let last = job.last.as_ref().map_or_else(String::new, |last| format!("; {last}"));
        let runs = count(job.runs as usize, "run");
        let line = format!("job {}: {runs} failed{last}", job.component);
        let _ = writeln!(page, "  {}", paint.paint(Tone::Bad, &line));
    }
}

/// Who has agreed, what customers were told, and what a person let go.
fn draw_admission(page: &mut String, release: &ReleaseStatus) {
    if release.ended_ms.is_none() && !release.approvals.is_empty() {
        let _ = writeln!(page, "  plan {}", release.plan);
    }
    for approval in &release.approvals {
        let given: Vec<&str> = approval.given.iter().map(|given| given.by.as_str()).collect();
        let by = if given.is_empty() {
            String::new()
        } else {
            format!(" by {}", given.join(", "))
        };
        let wave = approval
            .wave
            .as_ref()
            .map_or_else(String::new, |wave| format!(" of wave {wave}"));
        let what = match approval.review_by_ms {
            Some(until) if approval.missing > 0 => {
                format!("review {}{wave}: due until {}", approval.name, at_ms(until))
            }
            Some(_) => format!("review {}{wave}", approval.name),
            None => format!("approval {}{wave}", approval.name),
        };
        let _ = writeln!(page, "  {what}: {} of {} given{by}", given.len(), approval.count);
    }
    if let Some(notices) = &release.notices {
        let _ = writeln!(
            page,
            "  {}: {} sent, {} to be sent now",
            count(notices.total, "notice"),
            notices.sent,
            notices.due
        );
    }
    for validation in &release.validations {
        let word = match (&validation.outcome, &validation.by, &validation.reason) {
            (Some(outcome), Some(by), Some(reason)) => format!("{outcome}, says {by}: {reason}"),
            _ => "not reported yet".to_owned(),
        };
        let _ = writeln!(
            page,
            "  customer {} tries wave {} before {} of wave {}: {word}",
            validation.customer,
            validation.of,
            count(validation.tenants, "tenant"),
            validation.wave
        );
    }
    for waiver in &release.waivers {
        let _ = writeln!(
            page,
            "  {}s of {} waived until {} by {}: {}",
            waiver.of,
            waiver.tenants,
            at_ms(waiver.until_ms),
            waiver.by,
            waiver.reason
        );
    }
}

/// `told` is a reason that stands on the page already.
fn draw_wave(page: &mut String, wave: &WaveStatus, (branch, below): (&str, &str), told: Option<&str>, paint: Paint) {
    let stage = wave.stage.map(Stage::as_str);
    let (icon, tone) = match wave.state.as_str() {
        "confirmed" => ("✓", Tone::Good),
        "rolled back" | "superseded" => ("↩", Tone::Bad),
        "active" => ("▸", Tone::Busy),
        _ => ("·", Tone::Faint),
    };
    let mark = paint.paint(tone, &format!("{icon} {}", stage.unwrap_or(&wave.state)));
    let since = wave
        .since_ms
        .map(|since| format!(" since {}", at_ms(since)))
        .unwrap_or_default();
    let counts = tenants(&wave.tenants);
    let _ = writeln!(page, "{branch} wave {}  {mark}{since}  {counts}", wave.name);
    let reason = wave.reason.as_deref().filter(|reason| told != Some(reason));
    if let Some(reason) = reason {
        let _ = writeln!(page, "{below}   because {reason}");
    }
    if let Some(maintenance) = &wave.maintenance {
        let extended = if maintenance.extended { ", extended" } else { "" };
        let _ = writeln!(
            page,
            "{below}   {} out of service since {}, until {}{extended}",
            count(maintenance.tenants.len(), "tenant"),
            at_ms(maintenance.since_ms),
            at_ms(maintenance.ends_ms)
        );
    }
    if let Some(canary) = &wave.canary {
        let _ = writeln!(
            page,
            "{below}   {} % of the clients of {} on the new version since {}",
            canary.share_percent,
            count(canary.tenants.len(), "tenant"),
            at_ms(canary.since_ms)
        );
    }
    let told = wave.reason.as_deref().or(told);
    if wave.promoted {
        let what = if wave.stage == Some(Stage::Canary) {
            "canary"
        } else {
            "bake"
        };
        let _ = writeln!(page, "{below}   the rest of its {what} was skipped by a person");
    }
    for gate in &wave.gates {
        draw_gate(page, below, gate, told, paint);
    }
    if let Some(health) = &wave.health {
        draw_health(page, below, "health", health, told, paint);
    }
}

fn draw_gate(page: &mut String, below: &str, gate: &GateStatus, told: Option<&str>, paint: Paint) {
    let dry_run = if gate.dry_run { " (dry run)" } else { "" };
    let what = format!("gate {}{dry_run}", gate.name);
    match (&gate.result, &gate.question, &gate.overridden) {
        (Some(result), _, _) => draw_health(page, below, &what, result, told, paint),
        (None, Some(question), _) => {
            let until = at_ms(question.until_ms);
            let _ = writeln!(page, "{below}   {what}: asks until {until}: {}", question.text);
        }
        (None, None, Some(_)) => {}
        (None, None, None) => {
            let _ = writeln!(page, "{below}   {what}: has not ended");
        }
    }
    let is_verdict = gate.overridden.is_some() || gate.dry_run;
    if let Some(because) = gate.because.as_ref().filter(|_| !is_verdict) {
        let _ = writeln!(page, "{below}     {because}");
    }
    if let Some(decided) = &gate.overridden {
        let (by, at, reason) = (&decided.by, at_ms(decided.at_ms), &decided.reason);
        let _ = writeln!(page, "{below}   {what}: overridden by {by} on {at}: {reason}");
    }
}

fn draw_health(page: &mut String, below: &str, what: &str, health: &HealthStatus, told: Option<&str>, paint: Paint) {
    let tone = match health.verdict.as_str() {
        "pass" => Tone::Good,
        "fail" | "error" => Tone::Bad,
        _ => Tone::Busy,
    };
    let verdict = paint.paint(tone, &health.verdict);
    let at = health.at_ms.map(|at| format!(" at {}", at_ms(at))).unwrap_or_default();
    let reason = Some(health.reason.as_str()).filter(|reason| told != Some(reason));
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let _ = writeln!(page, "{below}   {what}: {verdict}{at}{reason}");
    if let Some(needs) = &health.needs {
        let _ = writeln!(page, "{below}     to decide: {needs}");
    }
    for (tenant, why) in health.culprits.iter().take(CULPRITS_MAX) {
        let _ = writeln!(page, "{below}     tenant {tenant}: {why}");
    }
    if health.culprits.len() > CULPRITS_MAX {
        let more = count(health.culprits.len() - CULPRITS_MAX, "more tenant");
        let _ = writeln!(page, "{below}     and {more}");
    }
}

fn tenants(counts: &TenantCounts) -> String {
    let parts = [
        ("moved", counts.moved),
        ("waiting", counts.waiting),
        ("returning", counts.returning),
        ("returned", counts.returned),
        ("left behind", counts.left),
    ];
    let parts = parts
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(what, n)| format!("{n} {what}"));
    format!(
        "{}: {}",
        count(counts.total, "tenant"),
        parts.collect::<Vec<_>>().join(", ")
    )
}

fn draw_cell(page: &mut String, cell: &CellStatus, paint: Paint) {
    let _ = writeln!(page, "Cell {}: {}", cell.name, count(cell.tenants, "tenant"));
    for slot in &cell.slots {
        let tone = match (slot.phase.as_str(), slot.state.as_str()) {
            ("drain", _) => Tone::Faint,
            (_, "ready") => Tone::Good,
            (_, "failed") => Tone::Bad,
            (_, _) => Tone::Busy,
        };
        let drain = if slot.phase == "drain" { ", draining" } else { "" };
        let text = paint.paint(tone, &format!("{}{drain}", slot.text));
        let in_flight = if slot.in_flight > 0 {
            format!(", {} in flight", slot.in_flight)
        } else {
            String::new()
        };
        let _ = writeln!(
            page,
            "  slot {}  {} {}  {text}{in_flight}",
            slot.id, slot.component, slot.version
        );
    }
}

fn draw_gateway(page: &mut String, gateway: &Gateway, generation: u64, paint: Paint) {
    let confirmed = gateway.confirmed.unwrap_or_default();
    let (tone, text) = match &gateway.refused {
        _ if gateway.lapsed => (Tone::Bad, "does not answer, and may still serve".to_owned()),
        Some(why) => (
            Tone::Bad,
            format!("confirmed {confirmed} of {generation}, refuses the newest: {why}"),
        ),
        None if confirmed < generation => (Tone::Busy, format!("confirmed {confirmed} of {generation}")),
        None => (Tone::Good, format!("confirmed {confirmed}")),
    };
    let leaves = if gateway.lingering {
        ", takes no new connections"
    } else {
        ""
    };
    let listening: Vec<String> = gateway.listening.iter().map(ToString::to_string).collect();
    let text = paint.paint(tone, &text);
    let _ = writeln!(
        page,
        "Gateway {} on {}  {text}, {} in flight{leaves}",
        gateway.id,
        listening.join(", "),
        gateway.in_flight
    );
}

fn at_ms(at: i64) -> String {
    when::near(Timestamp(at))
}
