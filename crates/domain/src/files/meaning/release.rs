use std::collections::BTreeSet;

use super::unknown_name;
use crate::files::Project;
use crate::files::diagnostic::Report;
use crate::files::tree::{Entry, Node};

pub(super) fn check(report: &mut Report<'_>, tree: &Node, project: &Project) {
    let components: BTreeSet<&str> = project
        .service
        .components
        .iter()
        .map(|component| component.name.as_str())
        .collect();
    let cells: BTreeSet<&str> = project.service.cells.iter().map(|cell| cell.name.as_str()).collect();
    let tenants: BTreeSet<&str> = project
        .tenants
        .tenants
        .iter()
        .map(|tenant| tenant.id.as_str())
        .collect();
    check_keys(report, tree.entries_of("components"), "component", &components);
    for component in tree.entries_of("components") {
        check_keys(report, component.value.entries_of("cells"), "cell", &cells);
        check_keys(report, component.value.entries_of("tenants"), "tenant", &tenants);
    }
}

fn check_keys(report: &mut Report<'_>, entries: &[Entry], what: &str, known: &BTreeSet<&str>) {
    for entry in entries.iter().filter(|entry| !known.contains(entry.key.as_str())) {
        if report.is_full() {
            return;
        }
        report.push(unknown_name(what, &entry.key, &entry.key_span, known));
    }
}
