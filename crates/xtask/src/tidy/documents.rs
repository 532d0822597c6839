//! Rules for what people read: links lead somewhere, decisions are numbered, the README's test command is CI's.

use super::Finding;
use super::tree::Tree;

const DECISION_HEADINGS: &[&str] = &["## Context", "## Decision", "## We refuse", "## Revisit when"];

pub fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.with_extension("md") {
        check_links(tree, path, text, findings);
    }
    check_decisions(tree, findings);
    check_test_command(tree, findings);
}

/// Lines outside fenced code blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    lines_by_fence(text).filter_map(|(number, line, fenced)| (!fenced).then_some((number, line)))
}

fn lines_by_fence(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut fenced = false;
    text.lines().enumerate().map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (index + 1, line, fenced || fence)
    })
}

fn check_links(tree: &Tree, path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (number, line) in prose(text) {
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ', '#']).next().unwrap_or_default();
            let outside = target.contains("://") || target.starts_with("mailto:");
            if target.is_empty() || outside || tree.contains(&resolve(path, target)) {
                continue;
            }
            findings.push(Finding::new(
                path,
                number,
                format!("the link to `{target}` leads nowhere"),
                "name a file of the tree, relative to this one",
            ));
        }
    }
}

/// `target` as seen from the file `path`, from the root.
fn resolve(path: &str, target: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn check_decisions(tree: &Tree, findings: &mut Vec<Finding>) {
    let decisions = tree
        .with_extension("md")
        .filter(|(path, _)| path.starts_with("decisions/"));
    for (expected, (path, text)) in (1..).zip(decisions) {
        if !path.starts_with(&format!("decisions/{expected:04}-")) {
            findings.push(Finding::new(
                path,
                1,
                format!("the decision is not number {expected:04}"),
                "number the decisions without gaps or doubles",
            ));
        }
        let present: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        if present != DECISION_HEADINGS {
            findings.push(Finding::new(
                path,
                1,
                "the decision has not the usual parts",
                format!("write {}", DECISION_HEADINGS.join(", ")),
            ));
        }
    }
}

const CI: &str = ".ci/run";
const README: &str = "README.md";

/// What CI runs last is what the README tells a newcomer to run, word for word.
fn check_test_command(tree: &Tree, findings: &mut Vec<Finding>) {
    let missing = |path: &str, findings: &mut Vec<Finding>| {
        findings.push(Finding::new(path, 1, "the file is missing", "write it"));
    };
    let Some(script) = tree.files.get(CI) else {
        return missing(CI, findings);
    };
    let Some(readme) = tree.files.get(README) else {
        return missing(README, findings);
    };
    let last = script.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let command = last.trim_start_matches("exec ");
    let told = lines_by_fence(readme).any(|(_, line, fenced)| fenced && line.trim() == command);
    if !told {
        findings.push(Finding::new(
            README,
            1,
            format!("the test command is not the one of `{CI}`: `{command}`"),
            "write it on a line of its own in a code block, or change both",
        ));
    }
}
