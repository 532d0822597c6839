//! The lint settings: a `clippy.toml` in a crate replaces the one of the root, so each has to repeat what all share,
//! and the pure crates share one.

use super::Finding;
use super::tree::Tree;
use super::walls::PURE;

const SHARED: &[&str] = &["too-many-lines-threshold = 70", "allow-unwrap-in-tests = true"];

/// Modules of the standard library that a pure crate may not name. Clippy bans the calls one by one; this is the
/// whole module, whatever is added to it.
const OUTSIDE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.with_extension("toml") {
        if !path.ends_with("clippy.toml") {
            continue;
        }
        for setting in SHARED
            .iter()
            .filter(|setting| !text.lines().any(|line| line == **setting))
        {
            findings.push(Finding::new(
                path,
                1,
                format!("`{setting}` is not in force here"),
                "repeat it: a `clippy.toml` of a crate replaces the one of the root",
            ));
        }
    }
    check_pure(tree, findings);
}

fn check_pure(tree: &Tree, findings: &mut Vec<Finding>) {
    let model = format!("{}/clippy.toml", PURE[0]);
    for folder in PURE {
        let path = format!("{folder}/clippy.toml");
        if tree.files.get(&path) != tree.files.get(&model) || !tree.files.contains_key(&path) {
            findings.push(Finding::new(
                &path,
                1,
                "the pure crates do not share one set of bans",
                format!("copy `{model}`"),
            ));
        }
    }
    for (path, text) in tree.with_extension("rs") {
        let pure = PURE.iter().any(|folder| path.starts_with(&format!("{folder}/src/")));
        // Tests may read goldens; clippy makes each of them say why.
        if !pure || path.ends_with("tests.rs") || path.contains("/tests/") {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for module in OUTSIDE.iter().filter(|module| line.contains(**module)) {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    format!("a pure crate names `{module}`"),
                    "take the value as an argument",
                ));
            }
        }
    }
}
