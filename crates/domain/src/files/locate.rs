//! Finds the line of a file that a problem of a plan is about.

use std::collections::BTreeMap;
use std::ops::Range;

use super::diagnostic::Report;
use super::tree::{self, Node};
use super::{PLAYBOOKS_FOLDER, SERVICE_FILE, Source, TENANTS_FILE, folder_and_name};
use crate::id::PlaybookName;
use crate::plan::{About, Problem, ProblemPlace};

/// Gives each problem the place of what it is about. Files are read only if there is a problem, and each once.
pub fn locate(problems: &mut [Problem], sources: &[Source], playbook: &PlaybookName) {
    let mut files: BTreeMap<usize, Option<File>> = BTreeMap::new();
    for problem in problems.iter_mut().filter(|problem| problem.place.is_none()) {
        let Some(about) = &problem.about else { continue };
        let mut places = (0..sources.len()).filter_map(|index| {
            let source = &sources[index];
            if !may_say(source, about, playbook) {
                return None;
            }
            let file = files.entry(index).or_insert_with(|| File::read(source)).as_ref()?;
            Some(ProblemPlace {
                file: source.path.clone(),
                line: file.line(about)?,
            })
        });
        problem.place = places.next();
    }
}

fn may_say(source: &Source, about: &About, playbook: &PlaybookName) -> bool {
    let (folder, name) = folder_and_name(&source.path);
    match about {
        About::Playbook | About::Wave(_) | About::Notice(_) => {
            folder == PLAYBOOKS_FOLDER && name.strip_suffix(".yaml") == Some(playbook.as_str())
        }
        About::Service | About::Window(_) | About::Calendar(_) | About::Component(_) | About::Variable { .. } => {
            name == SERVICE_FILE
        }
        About::Tenant(_) => name == TENANTS_FILE,
        // The release file is no part of the project.
        About::Release => false,
    }
}

/// A file in which many places may be asked for.
struct File {
    tree: Node,
    /// Where its lines end.
    ends: Vec<usize>,
    /// Where its tenants stand, by their ids.
    tenants: BTreeMap<String, usize>,
}

impl File {
    fn read(source: &Source) -> Option<Self> {
        let tree = tree::read(&mut Report::new(source))?;
        let ids = tree.items_of("tenants").iter().filter_map(|tenant| tenant.field("id"));
        let tenants = ids.filter_map(|id| Some((id.text()?.to_owned(), id.span.start)));
        Some(Self {
            tenants: tenants.collect(),
            ends: source.text.match_indices('\n').map(|(end, _)| end).collect(),
            tree,
        })
    }

    /// From 1.
    fn line(&self, about: &About) -> Option<usize> {
        let start = match about {
            About::Tenant(tenant) => *self.tenants.get(tenant.as_str())?,
            About::Service
            | About::Release
            | About::Playbook
            | About::Wave(_)
            | About::Notice(_)
            | About::Window(_)
            | About::Calendar(_)
            | About::Component(_)
            | About::Variable { .. } => span(about, &self.tree)?.start,
        };
        Some(self.ends.partition_point(|end| *end < start) + 1)
    }
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
        About::Variable { component, variable } => {
            let mut components = tree.items_of("components").iter();
            let component = components.find(|item| item.text_of("name") == Some(component.as_str()))?;
            let mut required = component.items_of("requires").iter();
            let own = required.find(|item| item.text() == Some(variable));
            // It is required as it was when the component was last released.
            Some(own.or(component.field("name"))?.span.clone())
        }
        About::Tenant(tenant) => named("tenants", "id", tenant.as_str()),
        About::Calendar(calendar) => {
            let entries = tree.entries_of("calendars").iter();
            let mut own = entries.filter(|entry| entry.key == calendar.as_str());
            own.next().map(|entry| entry.key_span.clone())
        }
    }
}
