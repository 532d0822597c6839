//! Finds the line of a file that a problem of a plan is about.

use std::ops::Range;

use super::diagnostic::{Code, Finding, Report};
use super::tree::{self, Node};
use super::{PLAYBOOKS_FOLDER, SERVICE_FILE, Source, TENANTS_FILE, folder_and_name};
use crate::id::PlaybookName;
use crate::plan::{About, Problem, ProblemPlace};

/// Gives each problem the place of what it is about. Files are read only if there is a problem.
pub fn locate(problems: &mut [Problem], sources: &[Source], playbook: &PlaybookName) {
    for problem in problems.iter_mut().filter(|problem| problem.place.is_none()) {
        let Some(about) = &problem.about else { continue };
        problem.place = sources.iter().find_map(|source| place(about, source, playbook));
    }
}

fn place(about: &About, source: &Source, playbook: &PlaybookName) -> Option<ProblemPlace> {
    let (folder, name) = folder_and_name(&source.path);
    let in_playbook = folder == PLAYBOOKS_FOLDER && name.strip_suffix(".yaml") == Some(playbook.as_str());
    let asked = match about {
        About::Playbook | About::Wave(_) | About::Notice(_) => in_playbook,
        About::Service | About::Window(_) | About::Calendar(_) | About::Component(_) => name == SERVICE_FILE,
        About::Tenant(_) => name == TENANTS_FILE,
        // The release file is no part of the project.
        About::Release => false,
    };
    if !asked {
        return None;
    }
    let mut report = Report::new(source);
    let tree = tree::read(&mut report)?;
    let span = span(about, &tree)?;
    let mut report = Report::new(source);
    report.push(Finding::error(Code::Doubtful, &span, String::new()));
    let diagnostic = report.diagnostics().into_iter().next()?;
    Some(ProblemPlace {
        file: source.path.clone(),
        line: diagnostic.place?.line,
    })
}

fn span(about: &About, tree: &Node) -> Option<Range<usize>> {
    let named = |list: &str, key: &str, name: &str| {
        let item = tree
            .items_of(list)
            .iter()
            .find(|item| item.text_of(key) == Some(name))?;
        item.field(key).map(|key| key.span.clone())
    };
    match about {
        About::Service | About::Release | About::Playbook => Some(tree.first_span()),
        About::Wave(wave) => named("waves", "name", wave.as_str()),
        About::Notice(place) => tree.items_of("notices").get(*place).map(Node::first_span),
        About::Window(window) => named("windows", "name", window.as_str()),
        About::Component(component) => named("components", "name", component.as_str()),
        About::Tenant(tenant) => named("tenants", "id", tenant.as_str()),
        About::Calendar(calendar) => {
            let entries = tree.entries_of("calendars").iter();
            let mut own = entries.filter(|entry| entry.key == calendar.as_str());
            own.next().map(|entry| entry.key_span.clone())
        }
    }
}
