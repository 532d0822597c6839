mod in_downtime;
mod steps;
mod together;

use std::collections::BTreeSet;

use super::{check_known, secrets, unknown_name};
use crate::files::Project;
use crate::files::change::is_unwritten;
use crate::files::diagnostic::{Code, Finding, Report};
use crate::files::tree::{Entry, Node};
use crate::id::{ChangeId, TenantName};
use crate::time::Duration;

pub(super) fn check(report: &mut Report<'_>, tree: &Node, project: &Project) {
    let components: BTreeSet<&str> = project
        .service
        .components
        .iter()
        .map(|component| component.name.as_str())
        .collect();
    let cells: BTreeSet<&str> = project.service.cells.iter().map(|cell| cell.name.as_str()).collect();
    let tenants = project.tenants.tenants.iter().map(|tenant| &tenant.id);
    let tenants: BTreeSet<&str> = tenants.chain(project.broken.keys()).map(TenantName::as_str).collect();
    check_keys(report, tree.entries_of("components"), "component", &components);
    check_changes(report, tree, project);
    check_reason(report, tree);
    check_downtime(report, tree, project);
    steps::check(report, tree, (&components, &cells));
    in_downtime::check(report, tree, project);
    together::check(report, tree, project);
    secrets::check_release(report, tree, project);
    for component in tree.entries_of("components") {
        check_keys(report, component.value.entries_of("cells"), "cell", &cells);
        check_keys(report, component.value.entries_of("tenants"), "tenant", &tenants);
    }
}

fn check_changes(report: &mut Report<'_>, tree: &Node, project: &Project) {
    let known: BTreeSet<&str> = project.changes.keys().map(ChangeId::as_str).collect();
    for item in tree.items_of("changes") {
        check_known(report, item, "change", &known);
        let change = item.text().and_then(|text| project.changes.get(text));
        if let Some(change) = change.filter(|change| is_unwritten(change)) {
            let message = format!("the change `{}` is not written yet", change.id);
            let help = "write its sections: customers would read the text that `tidegate changes new` left there";
            report.push(Finding::error(Code::Conflict, &item.span, message).help(help));
        }
    }
}

/// An emergency skips what protects customers, so it is said why.
fn check_reason(report: &mut Report<'_>, tree: &Node) {
    let Some(kind) = tree.field("kind").filter(|kind| kind.text() == Some("emergency")) else {
        return;
    };
    if tree.field("reason").is_none() {
        let message = "an emergency has no `reason`".to_owned();
        let finding = Finding::error(Code::MissingField, &kind.span, message);
        report.push(finding.help("add `reason:` - why it cannot wait"));
    }
}

/// A release is out of service no longer than its playbook promises.
fn check_downtime(report: &mut Report<'_>, tree: &Node, project: &Project) {
    let Some(node) = tree.field("downtime") else { return };
    let Some(planned) = node.text().and_then(|text| text.parse::<Duration>().ok()) else {
        return;
    };
    let Some(playbook) = project.playbooks.get(&project.service.playbook) else {
        return;
    };
    let name = &playbook.name;
    let (message, help) = match playbook.downtime {
        None => (
            format!("the release plans downtime, and the playbook `{name}` allows none"),
            format!("write `downtime: {{longest: {planned}}}` in playbooks/{name}.yaml, or release it without"),
        ),
        Some(downtime) if planned > downtime.longest => (
            format!(
                "the release plans {planned} of downtime, the playbook `{name}` allows {}",
                downtime.longest
            ),
            format!("make it shorter, or `longest` of `downtime` in playbooks/{name}.yaml longer"),
        ),
        // It would be undone the moment it begins, each time.
        Some(downtime) if planned + downtime.overrun <= downtime.undo => (
            format!(
                "the release plans {planned} of downtime, and undoing it takes {} by the playbook `{name}`",
                downtime.undo
            ),
            format!("make it longer, or `undo` of `downtime` in playbooks/{name}.yaml shorter"),
        ),
        Some(_) => return,
    };
    report.push(Finding::error(Code::Conflict, &node.span, message).help(help));
}

pub(super) fn check_keys(report: &mut Report<'_>, entries: &[Entry], what: &str, known: &BTreeSet<&str>) {
    for entry in entries.iter().filter(|entry| !known.contains(entry.key.as_str())) {
        if report.is_full() {
            return;
        }
        report.push(unknown_name(what, &entry.key, &entry.key_span, known));
    }
}
