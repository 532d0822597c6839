//! Work on data in downtime: there is a downtime for it, and it fits.

use super::super::super::Project;
use crate::files::diagnostic::{Code, Finding, Report};
use crate::files::tree::Node;
use crate::time::Duration;

/// Where nothing is said, as in [`crate::files::ReleaseStep`].
const TIMEOUT: Duration = Duration::from_secs(600);

pub(super) fn check(report: &mut Report<'_>, tree: &Node, project: &Project) {
    let is_in_downtime = |step: &&Node| step.text_of("kind") == Some("during_downtime");
    let steps: Vec<&Node> = tree.items_of("steps").iter().filter(is_in_downtime).collect();
    let Some(planned) = tree.field("downtime") else {
        for kind in steps.iter().filter_map(|step| step.field("kind")) {
            let message = "the step is run in downtime, and the release plans none".to_owned();
            let finding = Finding::error(Code::Conflict, &kind.span, message);
            report.push(
                finding.help("write `downtime: 10m` in the release: how long tenants are out of service at the most"),
            );
        }
        return;
    };
    let planned = planned.text().and_then(|text| text.parse::<Duration>().ok());
    let playbook = project.playbooks.get(&project.service.playbook);
    let downtime = playbook.and_then(|playbook| playbook.downtime);
    // Without one, the downtime itself is refused.
    let (Some(planned), Some(downtime)) = (planned, downtime) else {
        return;
    };
    let whole = planned + downtime.overrun;
    let drains = project
        .service
        .components
        .iter()
        .map(|component| component.drain.requests);
    let drain = drains.max().unwrap_or(Duration::ZERO);
    for cell in &project.service.cells {
        let is_here = |step: &&&Node| {
            let mut cells = step.items_of("cells").iter().filter_map(Node::text).peekable();
            cells.peek().is_none() || cells.any(|name| name == cell.name.as_str())
        };
        let here: Vec<&Node> = steps.iter().filter(is_here).copied().collect();
        let Some(last) = here.last() else { continue };
        let span = last
            .field("timeout")
            .map_or_else(|| last.first_span(), |timeout| timeout.span.clone());
        let works = total(here.iter().copied());
        let undoes = total(here.iter().copied().filter(|step| step.field("undo").is_some()));
        if undoes > downtime.undo {
            let message = format!(
                "undoing what is done in downtime takes up to {undoes} in cell `{}`, and the playbook gives `undo` {}",
                cell.name, downtime.undo
            );
            let help = format!("write shorter `timeout`s, or a longer `undo` of `downtime` in the playbook: {undoes}");
            report.push(Finding::error(Code::Conflict, &span, message).help(help));
            return;
        }
        if works + drain + downtime.undo > whole {
            let message = format!(
                "what is done in downtime takes up to {works} in cell `{}`, after {drain} for what is in flight, and {} are kept to undo it: the \
                 downtime has {whole}",
                cell.name, downtime.undo
            );
            let help = format!(
                "write shorter `timeout`s, or plan a `downtime` of {} or more",
                works + drain + downtime.undo
            );
            report.push(Finding::error(Code::Conflict, &span, message).help(help));
            return;
        }
    }
}

/// One is done after the other.
fn total<'n>(steps: impl Iterator<Item = &'n Node>) -> Duration {
    let timeouts = steps.map(|step| match step.text_of("timeout") {
        Some(text) => text.parse().unwrap_or(Duration::ZERO),
        None => TIMEOUT,
    });
    timeouts.fold(Duration::ZERO, |sum, timeout| sum + timeout)
}
