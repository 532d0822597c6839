//! What the front matter and the text of a change must have together.

use std::collections::BTreeMap;

use super::PLACEHOLDER;
use super::markdown::{Body, Section};
use crate::change::{Audience, Impact};
use crate::files::diagnostic::{Code, Finding, Report, listed, shown};
use crate::files::nearest::nearest;
use crate::files::tree::Node;

pub(super) fn fragment(report: &mut Report<'_>, tree: Option<&Node>, body: Option<&Body<'_>>) {
    if let Some(tree) = tree {
        action_and_deadline(report, tree);
    }
    let Some(body) = body else { return };
    if let Some(span) = &body.open_fence {
        // Headings below it are part of the code: what else could be said of them would only confuse.
        let message = "the code block that begins here has no end".to_owned();
        report.push(Finding::error(Code::InvalidText, span, message).help("close it with the same marks"));
        return;
    }
    title(report, body);
    if let Some(span) = &body.stray {
        let message = "this text stands in no section, so nobody would read it".to_owned();
        report.push(Finding::error(Code::NoEffect, span, message).help(format!(
            "move it below a heading such as `## {}`",
            Audience::Developer.heading()
        )));
    }
    sections(report, body);
    if let Some(tree) = tree {
        audience(report, tree, body);
    }
    for span in &body.html {
        let message = "HTML is not carried by mails; it is left out there".to_owned();
        report.push(Finding::warning(Code::Doubtful, span, message).help("write Markdown, or put it in backticks"));
    }
}

fn title(report: &mut Report<'_>, body: &Body<'_>) {
    let help = "begin the text with one line `# ` and what changes, in the reader's words";
    match body.titles.as_slice() {
        [] => {
            let message = "the change has no title".to_owned();
            report.push(Finding::error(Code::MissingField, &(body.start..body.start), message).help(help));
        }
        [first, more @ ..] => {
            if first.text.is_empty() {
                let message = "the title is empty".to_owned();
                report.push(Finding::error(Code::MissingField, &first.span, message).help(help));
            }
            for title in more {
                let message = "a change has one title".to_owned();
                let finding = Finding::error(Code::DuplicateName, &title.span, message).first_at(first.span.start);
                report.push(finding.help("write `###` for a heading inside a section"));
            }
        }
    }
}

fn sections(report: &mut Report<'_>, body: &Body<'_>) {
    let mut first: BTreeMap<Audience, usize> = BTreeMap::new();
    for section in &body.sections {
        let heading = &section.heading;
        let Some(audience) = section.audience() else {
            report.push(unknown_section(section));
            continue;
        };
        if let Some(earlier) = first.get(&audience) {
            let message = format!("there are two sections `## {}`", audience.heading());
            let finding = Finding::error(Code::DuplicateName, &heading.span, message).first_at(*earlier);
            report.push(finding.help("make one of the two"));
            continue;
        }
        first.insert(audience, heading.span.start);
        if section.is_empty() {
            let message = format!("the section `## {}` is empty", audience.heading());
            let help = format!("write what the audience `{audience}` should know, or remove the section");
            report.push(Finding::error(Code::OutOfRange, &heading.span, message).help(help));
        } else if section.markdown().starts_with(PLACEHOLDER) {
            let message = format!("the section `## {}` is not written yet", audience.heading());
            let finding = Finding::warning(Code::Doubtful, &heading.span, message);
            report.push(finding.help("replace the text below it; until then no release can list the change"));
        }
    }
}

fn unknown_section(section: &Section<'_>) -> Finding {
    let heading = &section.heading;
    let message = format!("there is no audience for the section {}", shown(heading.text));
    let finding = Finding::error(Code::UnknownName, &heading.span, message);
    let known = Audience::ALL.map(Audience::heading);
    match nearest(heading.text, known) {
        Some(meant) => finding.meant(Some(meant)),
        None => finding.help(format!(
            "the sections are {}; write `###` for a heading inside a section",
            listed(known, "and")
        )),
    }
}

/// Each audience has its section, and each section its audience.
fn audience(report: &mut Report<'_>, tree: &Node, body: &Body<'_>) {
    let items = tree.items_of("audience");
    let named = |item: &Node| {
        let text = item.text()?;
        Audience::ALL.into_iter().find(|audience| audience.word() == text)
    };
    for item in items {
        let Some(audience) = named(item) else { continue };
        let has_section = |section: &Section<'_>| section.audience() == Some(audience);
        if !body.sections.iter().any(has_section) {
            let heading = audience.heading();
            let message = format!("the audience `{audience}` has no section `## {heading}`");
            let help = format!(
                "add the heading `## {heading}` and what they should know, or remove `{audience}` from `audience`"
            );
            report.push(Finding::error(Code::MissingField, &item.span, message).help(help));
        }
    }
    // An audience that is not understood may be the one of any section.
    if items.is_empty() || items.iter().any(|item| named(item).is_none()) {
        return;
    }
    for section in &body.sections {
        let Some(audience) = section.audience() else { continue };
        if !items.iter().any(|item| named(item) == Some(audience)) {
            let message = format!("nobody is the audience of the section `## {}`", audience.heading());
            let help = format!("add `{audience}` to `audience`, or remove the section");
            report.push(Finding::error(Code::NoEffect, &section.heading.span, message).help(help));
        }
    }
}

/// Who must do something is told what, and until when; who need not is not asked.
fn action_and_deadline(report: &mut Report<'_>, tree: &Node) {
    let written = tree.text_of("impact").unwrap_or(Impact::None.word());
    let all = [Impact::None, Impact::Additive, Impact::ActionRequired, Impact::Breaking];
    let Some(impact) = all.into_iter().find(|impact| impact.word() == written) else {
        return;
    };
    let fields = [
        ("action", Some("what the reader has to do")),
        (
            "deadline",
            Some("the last day on which the old way works, such as `2027-03-01`"),
        ),
        ("owner", None),
    ];
    for (field, needed) in fields {
        match (tree.entry(field), tree.field("impact")) {
            (None, Some(node)) if impact.asks_for_action() => {
                let Some(what) = needed else { continue };
                let message = format!("`{field}` is missing: a change of impact `{impact}` needs it");
                let finding = Finding::error(Code::MissingField, &node.span, message);
                report.push(finding.help(format!("add `{field}:` - {what}")));
            }
            (Some(entry), _) if !impact.asks_for_action() => {
                let message = format!("`{field}` does not go with the impact `{impact}`");
                let finding = Finding::error(Code::Conflict, &entry.key_span, message);
                report.push(finding.help("write `impact: action-required`, or remove the field"));
            }
            (Some(_) | None, _) => {}
        }
    }
}
