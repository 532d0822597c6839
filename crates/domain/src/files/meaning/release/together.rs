//! Releases that go together: each names all, its own among them, and the servers of the others are known.

use std::collections::BTreeSet;

use super::super::unknown_name;
use crate::files::Project;
use crate::files::diagnostic::{Code, Finding, Report};
use crate::files::tree::Node;
use crate::id::ServiceName;

pub(super) fn check(report: &mut Report<'_>, tree: &Node, project: &Project) {
    let Some(list) = tree.field("together") else { return };
    let own = project.service.service.as_str();
    let others = project.service.services.keys().map(ServiceName::as_str);
    let known: BTreeSet<&str> = others.chain([own]).collect();
    let mut services: Vec<(&str, usize)> = Vec::new();
    for one in tree.items_of("together") {
        let Some((node, service)) = one.field("service").and_then(|node| Some((node, node.text()?))) else {
            continue;
        };
        if !known.contains(service) {
            let finding = unknown_name("service", service, &node.span, &known);
            report.push(finding.help("list it in `services` of tidegate.yaml, with its server and a token"));
        }
        if let Some((_, first)) = services.iter().find(|(earlier, _)| *earlier == service) {
            let message = format!("two releases of the service `{service}` would go together");
            let finding = Finding::error(Code::DuplicateName, &node.span, message).first_at(*first);
            report.push(finding.help("keep one of the two"));
        }
        services.push((service, node.span.start));
        check_own(report, tree, one, service == own);
    }
    let message = match (services.iter().any(|(service, _)| *service == own), services.len()) {
        (true, 2..) => return,
        (true, _) => "a release cannot go together with itself alone".to_owned(),
        (false, _) => format!("this release, of the service `{own}`, is not among those that go together"),
    };
    let help = "list all of them, in the order in which they begin, and the same list in the file of each";
    report.push(Finding::error(Code::Conflict, &list.span, message).help(help));
}

/// Of this service, it is this release.
fn check_own(report: &mut Report<'_>, tree: &Node, one: &Node, is_own: bool) {
    let (Some(node), Some(own)) = (one.field("version"), tree.text_of("version")) else {
        return;
    };
    let Some(version) = node.text().filter(|version| is_own && *version != own) else {
        return;
    };
    let message = format!("this release is {own}, and its service goes along with {version}");
    let finding = Finding::error(Code::Conflict, &node.span, message);
    report.push(finding.help(format!("write `version: {own}`")));
}
