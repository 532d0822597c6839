use std::collections::{BTreeMap, BTreeSet};

use super::conditions;
use crate::files::diagnostic::{Code, Finding, Report, shown};
use crate::files::tree::Node;

/// What the cells of a service are for.
pub(super) struct Environments<'n>(BTreeMap<&'n str, &'n str>);

impl<'n> Environments<'n> {
    pub(super) fn of(service: Option<&'n Node>) -> Self {
        let cells = service.map_or(&[][..], |service| service.items_of("cells")).iter();
        let cells = cells.filter_map(|cell| {
            let environment = cell.text_of("environment").unwrap_or("production");
            Some((cell.text_of("name")?, environment))
        });
        Self(cells.collect())
    }

    pub(super) fn of_tenant(&self, tenant: &Node) -> Option<&'n str> {
        self.0.get(tenant.text_of("cell")?).copied()
    }

    /// Whether these waves leave nobody in any environment that cells have.
    pub(super) fn are_all_taken(&self, waves: &[Node]) -> bool {
        let whole = |conditions: &&Node| {
            let mut fields = conditions.entries().iter().map(|entry| entry.key.as_str());
            fields.all(|field| matches!(field, "environment" | "rest"))
        };
        let taken = waves.iter().flat_map(conditions).filter(whole);
        let taken: BTreeSet<&str> = taken
            .filter_map(|conditions| conditions.text_of("environment"))
            .collect();
        !self.0.is_empty() && self.0.values().all(|environment| taken.contains(environment))
    }
}

/// An environment is in the order once, and an approval waits for one that is in it.
pub(super) fn check(report: &mut Report<'_>, tree: &Node) {
    let order = tree.items_of("environments");
    for (place, environment) in order.iter().enumerate() {
        let Some(text) = environment.text() else { continue };
        if order[..place].iter().any(|earlier| earlier.text() == Some(text)) {
            let message = format!("the environment {} is in the order already", shown(text));
            report.push(Finding::error(Code::DuplicateName, &environment.span, message).help("keep it once"));
        }
    }
    for approval in tree.items_of("approvals") {
        let named = approval.field("before").and_then(|before| before.field("environment"));
        let Some((named, text)) = named.and_then(|named| Some((named, named.text()?))) else {
            continue;
        };
        if matches!(text, "test" | "production") && !order.iter().any(|it| it.text() == Some(text)) {
            let message = format!("{} is none of the `environments` of this playbook", shown(text));
            let help = "add it to `environments`, or name a wave: `before: {wave: ..}`";
            report.push(Finding::error(Code::UnknownName, &named.span, message).help(help));
        }
    }
}
