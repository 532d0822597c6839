//! What a component of the kind `job` says of its runs.

use crate::calendar::{Schedule, WindowZone, WrittenSchedule};
use crate::files::calendars::typed;
use crate::files::diagnostic::{Code, Finding, Report};
use crate::files::tree::Node;

pub(super) fn check(report: &mut Report<'_>, component: &Node) {
    check_timeout(report, component);
    let Some(node) = component.field("schedule") else {
        check_missed(report, component);
        return;
    };
    let Some(written) = typed::<WrittenSchedule>(node) else {
        return;
    };
    let zone = match &written {
        WrittenSchedule::Days { time_zone, .. } => Some(time_zone),
        WrittenSchedule::Every { .. } => None,
    };
    if component.text_of("per") == Some("cell") && zone == Some(&WindowZone::Tenant) {
        let message = "the clocks of which tenant, in a job that is run for a whole cell?".to_owned();
        let span = node
            .entry("time_zone")
            .map_or_else(|| node.first_span(), |entry| entry.value.first_span());
        let finding = Finding::error(Code::Conflict, &span, message);
        report.push(finding.help("write `time_zone` with an IANA name, such as `Europe/Berlin`"));
    }
    let Err(error) = Schedule::try_from(written) else {
        return;
    };
    let span = match node.entry(error.field()) {
        Some(entry) => entry.value.first_span(),
        None => node.first_span(),
    };
    let text = error.to_string();
    let (message, rest) = text.split_once(": ").unwrap_or((&text, ""));
    let finding = Finding::error(Code::Conflict, &span, message.replacen("it ", "this schedule ", 1));
    report.push(if message == "it never comes" {
        finding
            .label(rest)
            .help("correct it, or remove `schedule` to run the job on demand only")
    } else {
        finding.help(rest)
    });
}

fn check_timeout(report: &mut Report<'_>, component: &Node) {
    let timeout = component.field("timeout");
    let zero = |node: &&Node| node.text().and_then(|text| text.parse().ok()) == Some(crate::time::Duration::ZERO);
    if let Some(node) = timeout.filter(zero) {
        let message = "no run can end within this time".to_owned();
        let finding = Finding::error(Code::Conflict, &node.span, message);
        report.push(finding.help("write how long a run may take, such as `1h`"));
    }
}

/// Of a job that is only run on demand no run is missed.
fn check_missed(report: &mut Report<'_>, component: &Node) {
    if let Some(entry) = component.entry("missed") {
        let message = "no run of a job without a `schedule` is missed".to_owned();
        let finding = Finding::error(Code::Conflict, &entry.key_span, message);
        report.push(finding.help("remove the field, or add `schedule`"));
    }
}
