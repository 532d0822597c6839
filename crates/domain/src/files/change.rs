//! `changes/*.md`: what one change is, and what each of its readers is told.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnostic::{Code, Diagnostic, Finding, Place, Report, Severity, shown};
use super::shape::Shape;
use super::tree::{self, Node};
use super::{CHANGES_FOLDER, Source, folder_and_name};
use crate::calendar::LocalDate;
use crate::change::{
    Audience, Change, ChangeKind, Endpoint, FieldName, FlagName, Impact, Link, OptIn, OwnerName, Picture, PicturePath,
};
use crate::id::ChangeId;

mod check;
mod markdown;
mod template;

use markdown::Body;
pub use template::NewChange;

/// The largest file of a change, in bytes: it is read by people.
pub const CHANGE_BYTES_MAX: usize = 64 * 1024;

/// The line before and after the front matter.
const FENCE: &str = "---";

/// What stands in a section until its author has written it.
pub(super) const PLACEHOLDER: &str = "Write here what changes for";

/// The front matter of a change: the YAML between the two lines `---` at the beginning of its file. The Markdown below it
/// has the title (`# Title`) and a section for each audience: `## Developers`, `## Marketing`, `## Operations` or
/// `## Internal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeFile {
    /// What is done to the service.
    pub kind: ChangeKind,
    /// Who is told; each has a section below the front matter. `internal` is support, customer success and sales.
    #[schemars(length(min = 1))]
    pub audience: BTreeSet<Audience>,
    /// What it asks of its readers. `action-required` and `breaking` come with `action` and `deadline`.
    #[serde(default)]
    pub impact: Impact,
    /// The endpoints that it touches.
    #[serde(default)]
    pub endpoints: BTreeSet<Endpoint>,
    /// The fields of requests and answers that it touches.
    #[serde(default)]
    pub fields: BTreeSet<FieldName>,
    /// The flag that turns it on.
    pub flag: Option<FlagName>,
    /// For what customers turn on or off themselves.
    pub opt_in: Option<OptIn>,
    /// The last day, in the reader's time zone, on which the old way works.
    pub deadline: Option<LocalDate>,
    /// What the reader has to do until then.
    #[schemars(length(min = 1))]
    pub action: Option<String>,
    /// Who sees to it that readers do: a person or a team.
    pub owner: Option<OwnerName>,
    /// Pages to read on.
    #[serde(default)]
    pub documentation: Vec<Link>,
    /// Pictures of what looks different.
    #[serde(default)]
    pub pictures: Vec<Picture>,
}

/// A picture that a change names, for the caller to see whether it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPicture {
    /// The path of the change's file.
    pub change: String,
    /// The picture's path, relative to the folder of that file.
    pub picture: PicturePath,
    place: Place,
}

/// Reads the files of changes among `sources`, all mistakes of all of them at once. There are changes exactly when no
/// diagnostic is an error.
#[must_use]
pub fn read_changes(sources: &[Source]) -> (Option<BTreeMap<ChangeId, Change>>, Vec<Diagnostic>) {
    let shape = Shape::of::<ChangeFile>();
    let of_changes = sources.iter().filter(|source| is_change(&source.path));
    let mut fragments: Vec<Fragment<'_>> = of_changes.map(|source| Fragment::read(source, &shape)).collect();
    refuse_duplicates(&mut fragments);
    let mut changes = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for mut fragment in fragments {
        changes.extend(fragment.change().map(|change| (change.id.clone(), change)));
        diagnostics.extend(fragment.report.diagnostics());
    }
    let changes = (!diagnostics.iter().any(Diagnostic::is_error)).then_some(changes);
    (changes, diagnostics)
}

/// The pictures that the changes among `sources` name. Those of a wrong shape are left out: they are reported already.
#[must_use]
pub fn named_pictures(sources: &[Source]) -> Vec<NamedPicture> {
    let mut pictures = Vec::new();
    for source in sources.iter().filter(|source| is_change(&source.path)) {
        let mut report = Report::new(source);
        let tree = front_matter(&source.text).ok().and_then(|front| {
            let text = &source.text[..front.yaml.end];
            tree::read_part(&mut report, text)
        });
        let Some(tree) = tree else { continue };
        for file in tree.items_of("pictures").iter().filter_map(|item| item.field("file")) {
            let Some(Ok(picture)) = file.text().map(PicturePath::new) else {
                continue;
            };
            pictures.push(NamedPicture {
                change: source.path.clone(),
                picture,
                place: Place::of(&file.span, &source.text),
            });
        }
    }
    pictures
}

/// Whether a file of this path is one of a change. `README.md` is for those who write them.
#[must_use]
pub fn is_change(path: &str) -> bool {
    let (folder, name) = folder_and_name(path);
    folder == CHANGES_FOLDER && name.ends_with(".md") && name != "README.md"
}

impl NamedPicture {
    /// What is said of a picture that is not there.
    #[must_use]
    pub fn is_missing(&self) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: Code::MissingFile,
            file: self.change.clone(),
            place: Some(self.place.clone()),
            message: format!("there is no picture `{}`", self.picture),
            label: String::new(),
            help: Some("the path is relative to the folder of this file".to_owned()),
            hidden: std::sync::Arc::default(),
        }
    }
}

/// A file of a change with what is known about it.
struct Fragment<'a> {
    report: Report<'a>,
    id: Option<ChangeId>,
    /// Absent where the front matter is not YAML.
    tree: Option<Node>,
    /// Absent where it could not be told from the front matter.
    body: Option<Body<'a>>,
}

/// Where the front matter stands in a file, in bytes.
struct FrontMatter {
    /// From the first `---` to the last line before the second: a YAML document by itself, with the places of the file.
    yaml: Range<usize>,
    /// After the second `---`.
    body: usize,
}

impl<'a> Fragment<'a> {
    fn read(source: &'a Source, shape: &Shape) -> Self {
        let mut fragment = Self {
            report: Report::new(source),
            id: None,
            tree: None,
            body: None,
        };
        let bytes = source.text.len();
        if bytes > CHANGE_BYTES_MAX {
            let message = format!("the file has {bytes} bytes; a change has at most {CHANGE_BYTES_MAX}");
            let finding = Finding::of_file(Code::Limit, message);
            let help = "say what readers need, and name a page with the rest in `documentation`";
            fragment.report.push(finding.help(help));
            return fragment;
        }
        fragment.read_id();
        match front_matter(&source.text) {
            Ok(front) => {
                fragment.tree = tree::read_part(&mut fragment.report, &source.text[..front.yaml.end]);
                if let Some(tree) = &fragment.tree {
                    fragment.report.extend(shape.check(tree));
                }
                fragment.body = Some(Body::read(&source.text, front.body));
            }
            Err(finding) => fragment.report.push(finding),
        }
        check::fragment(&mut fragment.report, fragment.tree.as_ref(), fragment.body.as_ref());
        fragment
    }

    fn read_id(&mut self) {
        let (_, name) = folder_and_name(&self.report.source().path);
        let stem = name.strip_suffix(".md").unwrap_or(name);
        match ChangeId::new(stem) {
            Ok(id) => self.id = Some(id),
            Err(error) => {
                let message = format!("{} is not a {}", shown(&error.text), error.what);
                let help = format!("rename the file: {}", error.rule);
                self.report
                    .push(Finding::of_file(Code::InvalidText, message).help(help));
            }
        }
    }

    /// The change of a file without errors.
    fn change(&mut self) -> Option<Change> {
        if self.report.has_errors() {
            return None;
        }
        let (id, body) = (self.id.clone()?, self.body.as_ref()?);
        let front: ChangeFile = match ChangeFile::deserialize(self.tree.as_ref()?) {
            Ok(front) => front,
            Err(error) => {
                // Never seen: the tests hold schema and struct together.
                self.report.push(Finding::of_file(Code::InvalidText, error.to_string()));
                return None;
            }
        };
        let title = body.titles.first()?.text.to_owned();
        let sections = body.sections.iter();
        let sections = sections.filter_map(|section| Some((section.audience()?, section.markdown())));
        Some(Change {
            id,
            title,
            kind: front.kind,
            impact: front.impact,
            endpoints: front.endpoints,
            fields: front.fields,
            flag: front.flag,
            opt_in: front.opt_in,
            deadline: front.deadline,
            action: front.action,
            owner: front.owner,
            documentation: front.documentation,
            pictures: front.pictures,
            sections: sections.collect(),
        })
    }
}

/// Finds the two lines `---`.
fn front_matter(text: &str) -> Result<FrontMatter, Finding> {
    let mut lines = markdown::lines(text, 0);
    let first = lines.next().unwrap_or(0..0);
    let written = text[first.clone()].trim_start_matches('\u{feff}');
    if written.trim_end() != FENCE {
        let message = "the file does not begin with its front matter".to_owned();
        return Err(Finding::error(Code::Yaml, &first, message)
            .label("the first line is `---`")
            .help("`tidegate changes new` writes a file to start from"));
    }
    let Some(second) = lines.find(|line| text[line.clone()].trim_end() == FENCE) else {
        let message = "the front matter that begins here has no end".to_owned();
        return Err(Finding::error(Code::Yaml, &first, message).help("write a line `---` between it and the text"));
    };
    let between = &text[first.end..second.start];
    let is_empty = between
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if is_empty {
        let message = "the front matter is empty".to_owned();
        return Err(Finding::error(Code::Yaml, &first, message)
            .help("write at least `kind:` and `audience:` between the two lines `---`"));
    }
    let after = text[second.end..]
        .find('\n')
        .map_or(text.len(), |at| second.end + at + 1);
    Ok(FrontMatter {
        yaml: 0..second.start,
        body: after,
    })
}

fn refuse_duplicates(fragments: &mut [Fragment<'_>]) {
    let mut first: BTreeMap<ChangeId, String> = BTreeMap::new();
    for fragment in fragments {
        let Some(id) = fragment.id.clone() else { continue };
        let path = fragment.report.source().path.clone();
        if let Some(earlier) = first.get(&id) {
            let message = format!("there are two changes named `{id}`");
            let help = format!("rename one of the two; the other is `{earlier}`");
            fragment
                .report
                .push(Finding::of_file(Code::DuplicateName, message).help(help));
        } else {
            first.insert(id, path);
        }
    }
}

/// Whether a section has not been written yet.
pub(super) fn is_unwritten(change: &Change) -> bool {
    change.sections.values().any(|text| text.starts_with(PLACEHOLDER))
}

#[cfg(test)]
mod tests;
