use std::collections::BTreeMap;

use super::check_unique;
use crate::files::diagnostic::{Code, Finding, Report, shown};
use crate::files::tree::Node;

/// Of two customers of one name, or two contacts of one customer, one would never be told anything.
pub(super) fn check(report: &mut Report<'_>, tree: &Node) {
    check_unique(report, tree, "customers", "id", "customer");
    for customer in tree.items_of("customers") {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for name in customer
            .items_of("contacts")
            .iter()
            .filter_map(|contact| contact.field("name"))
        {
            let Some(text) = name.text() else { continue };
            let Some(earlier) = first.get(text) else {
                first.insert(text, name.span.start);
                continue;
            };
            let message = format!("this customer has two contacts named {}", shown(text));
            let finding = Finding::error(Code::DuplicateName, &name.span, message);
            report.push(finding.first_at(*earlier));
        }
    }
}
