//! Rules for Rust sources: size, names, where tests live, what a crate says of itself.

use super::Finding;
use super::tree::Tree;

const LINES_MAX: usize = 500;

/// Names that say nothing: whatever is put there belongs beside its noun.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "types", "misc"];

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.with_extension("rs") {
        check_size(path, text, findings);
        check_name(path, findings);
        check_head(path, text, findings);
        check_lines(path, text, findings);
    }
    check_test_binaries(tree, findings);
    check_marks(tree, findings);
}

fn check_size(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        findings.push(Finding::new(
            path,
            LINES_MAX + 1,
            format!("{lines} lines, the limit is {LINES_MAX}"),
            "move one concern into a file of its own, named after its noun",
        ));
    }
}

fn check_name(path: &str, findings: &mut Vec<Finding>) {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if parts.last() == Some(&"mod") {
        findings.push(Finding::new(
            path,
            1,
            "a `mod.rs`",
            "write `foo.rs` beside the folder `foo/`",
        ));
    }
    for part in parts.iter().filter(|part| EMPTY_NAMES.contains(part)) {
        findings.push(Finding::new(
            path,
            1,
            format!("a module named `{part}`"),
            "put each item beside the noun it serves",
        ));
    }
}

fn check_head(path: &str, text: &str, findings: &mut Vec<Finding>) {
    if path.ends_with("src/lib.rs") && !text.starts_with("//! ") {
        findings.push(Finding::new(
            path,
            1,
            "the crate does not say what it is",
            "open with `//!`: what it does and what it refuses to know",
        ));
    }
}

fn check_lines(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("mod tests {") {
            findings.push(Finding::new(
                path,
                index + 1,
                "tests inside the source file",
                "write `mod tests;` and move them to a `tests.rs` in the folder of the module",
            ));
        }
        if code.starts_with('#') && code.contains("clippy::too_many_lines") {
            findings.push(Finding::new(
                path,
                index + 1,
                "the limit on the length of functions is lifted",
                "split the function",
            ));
        }
    }
}

/// Each integration test file links the whole crate again: one binary, with modules.
fn check_test_binaries(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, _) in tree.with_extension("rs") {
        let Some((_, inside)) = path.split_once("/tests/") else {
            continue;
        };
        let binary = !path.contains("/src/")
            && (!inside.contains('/') || inside.matches('/').count() == 1 && inside.ends_with("/main.rs"));
        if binary && inside != "it/main.rs" {
            findings.push(Finding::new(
                path,
                1,
                "a second integration test binary",
                "make it a module of `tests/it/main.rs`",
            ));
        }
    }
}

/// Marks of unfinished work, in any text. Assembled here so that this file does not carry them.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

fn check_marks(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in &tree.files {
        for (index, line) in text.lines().enumerate() {
            for mark in MARKS.iter().filter(|mark| has_word(line, mark)) {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    format!("a `{mark}`"),
                    "finish it, or say in a decision why not",
                ));
            }
            if let Some(found) = machine_path(line, &tree.root) {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    format!("a path of one machine: `{found}`"),
                    "write it relative to the root of the tree",
                ));
            }
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        ![before, after]
            .iter()
            .flatten()
            .any(|c| c.is_alphanumeric() || *c == '_')
    })
}

/// Where developers' machines keep people's files.
const HOMES: &[&str] = &[concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/")];

fn machine_path<'a>(line: &str, root: &'a str) -> Option<&'a str> {
    let homes = HOMES.iter().copied();
    // A checkout directly below `/` has a name too short to tell from other words.
    let checkout = (root.matches('/').count() > 1).then_some(root);
    homes.chain(checkout).find(|&start| {
        line.match_indices(start).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "_-./}".contains(c))
        })
    })
}
