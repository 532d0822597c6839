//! The shape of the tree, checked by machine: what review would forget.
//!
//! Each rule is a pure function over the texts of the tree, so each is tested with a planted violation. What the
//! compiler or clippy can hold (length of functions, banned calls) is left to them; here stands the rest.

#[cfg(test)]
mod tests;

mod documents;
mod lints;
mod manifest;
mod sources;
mod tree;
mod walls;

use std::fmt;
use std::path::Path;

use tree::Tree;

/// One violation: where, what, and how to repair it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    what: String,
    remedy: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            remedy,
        } = self;
        write!(f, "{path}:{line}: {what}\n  help: {remedy}")
    }
}

/// Checks the tree below `root`. The error lists every violation.
pub fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::read(root).map_err(|error| format!("cannot read the tree: {error}"))?;
    let findings = check(&tree);
    if findings.is_empty() {
        return Ok(());
    }
    let text: Vec<String> = findings.iter().map(Finding::to_string).collect();
    Err(text.join("\n"))
}

fn check(tree: &Tree) -> Vec<Finding> {
    let rules: &[fn(&Tree, &mut Vec<Finding>)] = &[
        sources::check,
        manifest::check,
        walls::check,
        lints::check,
        documents::check,
    ];
    let mut findings = Vec::new();
    for rule in rules {
        rule(tree, &mut findings);
    }
    findings.sort();
    findings
}
