//! Work on data that a release file cannot mean so.

use std::collections::BTreeSet;

use super::super::{check_known, check_unique};
use crate::files::diagnostic::{Code, Finding, Report};
use crate::files::tree::Node;

/// What of a step decides when it is run, and on what.
struct Written<'n> {
    kind: &'n str,
    database: &'n str,
    /// Empty: all.
    cells: BTreeSet<&'n str>,
}

pub(super) fn check(report: &mut Report<'_>, tree: &Node, (components, cells): (&BTreeSet<&str>, &BTreeSet<&str>)) {
    check_unique(report, tree, "steps", "name", "step");
    let mut earlier: Vec<(Written<'_>, usize)> = Vec::new();
    for step in tree.items_of("steps") {
        if let Some(component) = step.field("component") {
            check_known(report, component, "component", components);
        }
        for cell in step.items_of("cells") {
            check_known(report, cell, "cell", cells);
        }
        check_undo(report, step);
        let Some(written) = Written::of(step) else { continue };
        let same = earlier.iter().find(|(earlier, _)| earlier.meets(&written));
        if let Some((_, start)) = same {
            let message = format!(
                "there are two steps of kind `{}` on database `{}`",
                written.kind, written.database
            );
            let finding = Finding::error(Code::Conflict, &step.first_span(), message).first_at(*start);
            report.push(finding.help("make one command of the two, or name their databases with `database`"));
        }
        earlier.push((written, step.first_span().start));
    }
}

/// There is no way back behind a contract.
fn check_undo(report: &mut Report<'_>, step: &Node) {
    let Some(undo) = step.field("undo").filter(|_| step.text_of("kind") == Some("contract")) else {
        return;
    };
    let message = "a `contract` cannot be undone".to_owned();
    let help = "remove `undo`: it is run when no tenant can go back any more";
    report.push(Finding::error(Code::Conflict, &undo.span, message).help(help));
}

impl<'n> Written<'n> {
    fn of(step: &'n Node) -> Option<Self> {
        Some(Self {
            kind: step.text_of("kind")?,
            database: step.text_of("database").or(step.text_of("component"))?,
            cells: step.items_of("cells").iter().filter_map(Node::text).collect(),
        })
    }

    /// Both are run at the same time, in some cell, on the same data.
    fn meets(&self, other: &Self) -> bool {
        let everywhere = self.cells.is_empty() || other.cells.is_empty();
        self.kind == other.kind
            && self.database == other.database
            && (everywhere || !self.cells.is_disjoint(&other.cells))
    }
}
