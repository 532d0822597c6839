//! The scenarios in `tests/scenarios`: each is a script, a line `---`, and what it leads to. A new behaviour is a new file;
//! `tidegate sim --replay FILE` prints what comes after the line, and `UPDATE=1` writes it.

#![expect(clippy::unwrap_used, reason = "what cannot be prepared is a failed test")]

mod comings;
mod data_steps;
mod life;
mod planted;
mod practices;

use std::fs;
use std::path::Path;

use tidegate_sim::{Script, replay, run};

#[test]
fn scenarios_lead_to_what_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10, "the scenarios are gone");
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let script: Script = text.parse().unwrap();
        let (told, expected) = text.split_once("\n---\n").unwrap_or((text.trim_end(), ""));
        let found = replay(&script).trace;
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, format!("{told}\n---\n{found}")).unwrap();
        } else if found != expected {
            wrong.push(format!("{}:\n{}", file.display(), difference(expected, &found)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first lines that differ, with some before them.
fn difference(expected: &str, found: &str) -> String {
    let same = expected.lines().zip(found.lines()).take_while(|(a, b)| a == b).count();
    let some = |text: &str| {
        text.lines()
            .skip(same.saturating_sub(3))
            .take(8)
            .collect::<Vec<_>>()
            .join("\n")
    };
    format!("expected ...\n{}\nfound ...\n{}", some(expected), some(found))
}

/// Crashes at every boundary, before, after and twice; people, tenants and clocks as they are. No plan that was checked breaks
/// a rule, whatever releases wait for.
#[test]
fn hundreds_of_worlds_break_no_rule_and_every_boundary_is_hit() {
    let report = run(300, 0, &|_| ());
    assert!(report.violations.is_empty(), "{report}");
    assert_eq!(report.boundaries_missed, Vec::<String>::new());
    assert_eq!(report.waits_missed, Vec::<String>::new());
    assert!(report.plans_checked > 2 * report.plans_blocked, "{report}");
}
