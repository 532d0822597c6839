//! What a plan means for one tenant.

use std::fmt::Write as _;

use tidegate_domain::calendar::Local;
use tidegate_domain::id::TenantName;
use tidegate_domain::plan::{Due, Plan, PlanReport};

use crate::error::CliError;

/// # Errors
/// If the plan does not know the tenant.
pub fn draw(plan: &Plan, report: &PlanReport, tenant: &TenantName) -> Result<String, CliError> {
    let mut page = String::new();
    let version = &plan.release.version;
    if let Some(left) = plan.left_behind.get(tenant) {
        let on = left.on.as_ref().map_or("no version".to_owned(), ToString::to_string);
        let _ = writeln!(page, "{tenant} stays on {on}: {}", left.because);
        return Ok(page);
    }
    let mut waves = plan.waves.iter().zip(&report.waves);
    let Some((wave, told)) = waves.find(|(wave, _)| wave.tenants.contains_key(tenant)) else {
        return Err(CliError::new(format!("there is no tenant `{tenant}` in the plan"))
            .help("`tidegate plan --tenants` names every tenant"));
    };
    let planned = &wave.tenants[tenant];
    let from = planned.from.as_ref().map_or("nothing".to_owned(), ToString::to_string);
    let _ = writeln!(page, "{tenant} moves from {from} to {version} with wave {}", wave.name);
    let mut line = |name: &str, text: &str| {
        let _ = writeln!(page, "  {name:<10} {text}");
    };
    line("because", &planned.because);
    line("cell", planned.cell.as_str());
    let class = plan.schedule.class_index(tenant);
    let zone = plan.zone_of(class);
    let known = told.classes.get(&class);
    let start = known.map_or(told.not_before, |class| class.expected);
    line("starts", &format!("{}, at the earliest", Local::new(start, zone)));
    line(
        "why then",
        &known.map_or(told.because.clone(), |class| class.in_words(&told.because, zone)),
    );
    if let Some(window) = wave.starts.get(&class).and_then(|start| start.window.as_ref())
        && let Some(closes) = window.closes
    {
        line("closes", &Local::new(closes, zone).to_string());
    }
    for notice in plan
        .schedule
        .notices
        .iter()
        .filter(|notice| notice.tenants.contains(tenant))
    {
        let due = match notice.due {
            Due::Applied => "as soon as the plan is applied".to_owned(),
            Due::At(at) => Local::new(at, zone).to_string(),
            Due::Confirmed => "when the wave is confirmed".to_owned(),
        };
        let to = notice
            .contact
            .as_ref()
            .map_or("nobody known", |contact| contact.as_str());
        let deadline = notice
            .deadline
            .map_or(String::new(), |at| format!(", at the latest {}", Local::new(at, zone)));
        line(
            notice.kind.as_str(),
            &format!("to {to}: {due}{deadline} ({})", notice.because),
        );
    }
    Ok(page)
}
