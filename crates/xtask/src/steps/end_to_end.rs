//! Steps that run the product itself, built as it is released, and read the one document it ends with.

#[cfg(test)]
mod tests;

use std::path::Path;

use serde_json::Value;

use crate::program;

/// The demo loses nothing, doubles nothing, releases the good version and brings the bad one back.
pub fn demo(root: &Path) -> Result<(), String> {
    verify(root, &["demo", "--json"], demo_faults)
}

/// Three demos whose server is killed ten times at random instants: the same zeros, the journal whole, and a process for
/// every instance that shall run.
pub fn kills(root: &Path) -> Result<(), String> {
    kill_runs(root, 3)
}

/// As many of them as asked for; each seed has instants of its own.
pub fn kill_runs(root: &Path, runs: u32) -> Result<(), String> {
    for seed in 1..=runs {
        eprintln!("kills: run {seed} of {runs}");
        let seed = seed.to_string();
        verify(root, &["demo", "--json", "--kills", "10", "--seed", &seed], demo_faults)
            .map_err(|fault| format!("seed {seed}: {fault}"))?;
    }
    Ok(())
}

/// Every story of the demo: nothing lost, nothing for the wrong tenant, every row that was acknowledged there once.
pub fn stories(root: &Path) -> Result<(), String> {
    for story in STORIES {
        eprintln!("stories: {story}");
        verify(root, &["demo", "--json", "--story", story], story_faults)
            .map_err(|fault| format!("{story}: {fault}"))?;
    }
    Ok(())
}

/// A thousand seeds, a crash at every boundary of an effect, every invariant held.
pub fn simulation(root: &Path) -> Result<(), String> {
    verify(root, &["sim", "--seeds", "1000", "--json"], simulation_faults)
}

fn verify(root: &Path, verb: &[&str], faults: fn(&Value) -> Vec<String>) -> Result<(), String> {
    let stdout = program::product(root, verb)?;
    let document: Value = serde_json::from_str(&stdout)
        .map_err(|error| format!("standard output is not one JSON document: {error}\n{stdout}"))?;
    let faults = faults(&document);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(format!("{}\n{document:#}", faults.join("\n")))
    }
}

const ZERO_IN_DEMO: &[&str] = &[
    "/requests/lost",
    "/requests/stale",
    "/requests/doubled",
    "/requests/wrong_tenant",
    "/worker/lost",
    "/worker/doubled",
];

/// What the gate and the bake of the first wave have to say of each release: the field that is wrong, a tenant that it is slow for.
const FOUND_IN_DEMO: &[(&str, &[&str])] = &[
    ("/releases/0/gates/0", &["shadow: pass"]),
    ("/releases/1/gates/0", &["$.points"]),
    ("/releases/1/failure", &["tenant-25", "tenant-30"]),
];

/// One after the other, for each loads the machine.
const STORIES: &[&str] = &["schema", "hotfix", "tenants"];

const ZERO_IN_STORY: &[&str] = &[
    "/requests/lost",
    "/requests/wrong_tenant",
    "/requests/stale",
    "/rows/lost",
    "/rows/doubled",
    "/rows/wrong",
];

fn story_faults(document: &Value) -> Vec<String> {
    let mut faults = check_numbers(document, ZERO_IN_STORY, |n| n == 0, "is not 0");
    faults.extend(check_numbers(
        document,
        &["/requests/sent", "/rows/found"],
        |n| n > 0,
        "is not above 0",
    ));
    let failures = document["failures"].as_array();
    if failures.is_none_or(|failures| !failures.is_empty()) {
        faults.push("the story found something wrong".to_owned());
    }
    faults
}

fn demo_faults(document: &Value) -> Vec<String> {
    let mut faults = check_numbers(document, ZERO_IN_DEMO, |n| n == 0, "is not 0");
    faults.extend(check_numbers(
        document,
        &["/requests/sent", "/worker/events"],
        |n| n > 0,
        "is not above 0",
    ));
    let outcomes: Vec<&Value> = document
        .pointer("/releases")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |releases| {
            releases.iter().map(|release| &release["outcome"]).collect()
        });
    if outcomes != ["completed", "rolled_back"] {
        faults.push(format!(
            "the releases ended as {outcomes:?}, not completed and then rolled_back"
        ));
    }
    let said = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    for (pointer, words) in FOUND_IN_DEMO {
        if !words.iter().any(|word| said(pointer).contains(word)) {
            faults.push(format!("`{pointer}` says none of {words:?}: {:?}", said(pointer)));
        }
    }
    faults
}

fn simulation_faults(document: &Value) -> Vec<String> {
    let mut faults = check_numbers(document, &["/seeds"], |n| n == 1000, "is not 1000");
    faults.extend(check_numbers(document, &["/boundaries"], |n| n > 0, "is not above 0"));
    faults.extend(check_numbers(
        document,
        &["/plans_checked"],
        |n| n > 0,
        "is not above 0",
    ));
    if document["boundaries"] != document["boundaries_hit"] {
        faults.push("a crash was not tried at every boundary".to_owned());
    }
    let missed = document["waits_missed"].as_array();
    if missed.is_none_or(|missed| !missed.is_empty()) {
        faults.push("something that a release can wait for was not waited for".to_owned());
    }
    if document["violations"]
        .as_array()
        .is_none_or(|violations| !violations.is_empty())
    {
        faults.push("invariants were violated".to_owned());
    }
    faults
}

/// A number that is missing is a fault as well.
fn check_numbers(document: &Value, pointers: &[&str], holds: fn(u64) -> bool, fault: &str) -> Vec<String> {
    pointers
        .iter()
        .filter(|pointer| !document.pointer(pointer).and_then(Value::as_u64).is_some_and(holds))
        .map(|pointer| format!("`{pointer}` {fault}"))
        .collect()
}
