//! The manifests: what a line of a `Cargo.toml` says, and the rules every manifest follows.
//!
//! Read line by line rather than by a TOML parser: the house writes one form only, and this is where it is held to it.

use super::Finding;
use super::tree::Tree;

/// `key = value` of a manifest, with the section it stands in.
pub struct Entry<'a> {
    pub line: usize,
    pub section: &'a str,
    pub key: &'a str,
    pub value: &'a str,
}

/// The section as a table of dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Normal,
    Development,
    Build,
}

impl<'a> Entry<'a> {
    /// The kind and name of the dependency this entry declares, if it declares one.
    pub fn dependency(&self) -> Option<(Kind, &'a str)> {
        if self.section == "workspace.dependencies" {
            return None;
        }
        // The table may be one of a target: `[target.'cfg(unix)'.dependencies]`.
        let kind = match self.section.rsplit('.').next()? {
            "dependencies" => Kind::Normal,
            "dev-dependencies" => Kind::Development,
            "build-dependencies" => Kind::Build,
            _ => return None,
        };
        Some((kind, self.key.split('.').next()?))
    }
}

pub fn entries(text: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim_matches(['[', ']']);
            return None;
        }
        let (key, value) = line.split_once('=')?;
        (!line.starts_with('#')).then_some(Entry {
            line: index + 1,
            section,
            key: key.trim(),
            value: value.trim(),
        })
    })
}

/// The manifests of packages: folder of the package, path of the manifest, text.
pub fn packages(tree: &Tree) -> impl Iterator<Item = (&str, &str, &str)> {
    tree.with_extension("toml").filter_map(|(path, text)| {
        let folder = path.strip_suffix("/Cargo.toml")?;
        Some((folder, path, text))
    })
}

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (folder, path, text) in packages(tree) {
        check_versions(path, text, findings);
        check_package(folder, path, text, findings);
    }
}

/// One version and one selection of features per dependency: else it is compiled twice.
fn check_versions(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let remedy = "put version and features in `[workspace.dependencies]`, here only `name.workspace = true`";
    for (index, line) in text.lines().enumerate() {
        let table = line.starts_with('[') && line.contains("dependencies.");
        if table {
            findings.push(Finding::new(
                path,
                index + 1,
                "a dependency as a table of its own",
                remedy,
            ));
        }
    }
    for entry in entries(text) {
        let Some((_, name)) = entry.dependency() else {
            continue;
        };
        if entry.key != format!("{name}.workspace") || entry.value != "true" {
            findings.push(Finding::new(
                path,
                entry.line,
                format!("`{name}` is selected outside the workspace"),
                remedy,
            ));
        }
    }
}

fn check_package(folder: &str, path: &str, text: &str, findings: &mut Vec<Finding>) {
    let has = |section: &str, key: &str, value: &str| {
        entries(text).any(|entry| entry.section == section && entry.key == key && entry.value == value)
    };
    if !has("lints", "workspace", "true") {
        findings.push(Finding::new(
            path,
            1,
            "the lints of the workspace are not in force",
            "add `[lints]` with `workspace = true`",
        ));
    }
    let name = folder.rsplit('/').next().unwrap_or(folder);
    let house = format!("\"tidegate-{name}\"");
    if name != "xtask" && !has("package", "name", &house) {
        findings.push(Finding::new(
            path,
            1,
            format!("the package in `{folder}` is not named after its folder"),
            format!("write `name = {house}`"),
        ));
    }
}
