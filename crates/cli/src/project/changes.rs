//! The changes of a project, the pictures they name, and the releases that list them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tidegate_domain::change::Change;
use tidegate_domain::files::{
    CHANGES_FOLDER, Diagnostic, NamedPicture, Source, is_change, listed_changes, named_pictures, read_changes,
};
use tidegate_domain::id::ChangeId;

use super::{beside, text};
use crate::context::Context;
use crate::error::CliError;

/// The files of changes, in the order of their names.
pub(super) fn files(context: &Context) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(beside(context, CHANGES_FOLDER)).into_iter().flatten();
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut changes: Vec<PathBuf> = paths.filter(|path| is_change(&path.display().to_string())).collect();
    changes.sort();
    changes
}

/// The changes by themselves, without the rest of the project.
pub struct Changes {
    /// In the order of their ids; absent where one has a mistake.
    pub changes: Option<BTreeMap<ChangeId, Change>>,
    pub diagnostics: Vec<Diagnostic>,
    pub sources: Vec<Source>,
}

/// Reads the changes of the project.
pub fn read(context: &Context) -> Result<Changes, CliError> {
    let paths = files(context);
    let sources = paths.iter().map(|path| text(path)).collect::<Result<Vec<_>, _>>()?;
    let (changes, mut diagnostics) = read_changes(&sources);
    let missing = missing_pictures(&sources);
    let changes = changes.filter(|_| missing.is_empty());
    diagnostics.extend(missing);
    Ok(Changes {
        changes,
        diagnostics,
        sources,
    })
}

/// The release files that lie in the project's folder, by what people call them: `release.yaml` and `release-*.yaml`, with
/// the changes that each lists.
pub fn releases(context: &Context) -> Result<BTreeMap<String, BTreeSet<ChangeId>>, CliError> {
    let entries = std::fs::read_dir(&context.project).into_iter().flatten().flatten();
    let mut releases = BTreeMap::new();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let stem = name.strip_suffix(".yaml").and_then(|stem| stem.strip_prefix("release"));
        if stem.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
            let listed = listed_changes(&text(&entry.path())?);
            releases.insert(name, listed);
        }
    }
    Ok(releases)
}

/// The mistakes of changes that name pictures which are not there.
pub(super) fn missing_pictures(sources: &[Source]) -> Vec<Diagnostic> {
    let is_there = |named: &NamedPicture| {
        let folder = Path::new(&named.change).parent().unwrap_or(Path::new(""));
        folder.join(named.picture.as_str()).is_file()
    };
    let missing = named_pictures(sources).into_iter().filter(|named| !is_there(named));
    missing.map(|named| named.is_missing()).collect()
}
