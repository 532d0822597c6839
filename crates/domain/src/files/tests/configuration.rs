//! What a component must have, and where its secrets are found.

use super::{RELEASE, SERVICE, brief, good_project, good_sources, source};
use crate::files::{Diagnostic, read_project, read_release, render};

#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(SERVICE.contains(from), "{from}");
    let mut sources = good_sources();
    sources[0].text = SERVICE.replacen(from, to, 1);
    let (_, diagnostics) = read_project(&sources);
    assert_eq!(brief(&diagnostics), expected, "{from} -> {to}");
}

#[track_caller]
fn check_release(from: &str, to: &str, expected: &[&str]) {
    assert!(RELEASE.contains(from), "{from}");
    let changed = source("release.yaml", &RELEASE.replacen(from, to, 1));
    let (_, diagnostics) = read_release(&changed, &good_project());
    assert_eq!(brief(&diagnostics), expected, "{from} -> {to}");
}

#[test]
fn a_variable_is_no_secret_in_one_place_and_plain_in_another() {
    let help = "(the `environment` of this component gives it in clear) [keep one of the two]";
    check(
        "    memory: 64MB\n",
        "    environment: {QUEUE_KEY: hunter2}\n",
        &[
            &format!("tidegate.yaml:29:77: `QUEUE_KEY` is a secret and is given in clear as well {help}"),
            &format!("tidegate.yaml:31:28: `QUEUE_KEY` is a secret and is given in clear as well {help}"),
        ],
    );
    let ledger = |variables: &str| format!("  ledger:\n    artifact: build/ledger\n    {variables}\nsummary:");
    let help = "(tidegate.yaml lists it among the `secrets` of this component) [keep one of the two]";
    for (variables, column) in [
        ("configuration: {QUEUE_KEY: a}", 21),
        ("environments: {test: {QUEUE_KEY: a}}", 27),
        ("cells: {us: {QUEUE_KEY: a}}", 18),
        ("tenants: {acme: {QUEUE_KEY: a}}", 22),
    ] {
        check_release(
            "summary:",
            &ledger(variables),
            &[&format!(
                "release.yaml:16:{column}: `QUEUE_KEY` is a secret and is given in clear as well {help}"
            )],
        );
    }
}

#[test]
fn a_secret_is_found_in_one_place_and_its_value_is_not_written_down() {
    let reference = "{environment: LEDGER_QUEUE_KEY}";
    check(
        reference,
        "hunter2",
        &["tidegate.yaml:29:88: this must be a mapping (`key: value`), but it is the text `…`"],
    );
    check(
        reference,
        "{file: secrets/queue}",
        &["tidegate.yaml:29:95: `…` is not a path of a file [it starts with `/`, such as `/run/secrets/database`]"],
    );
    check(
        reference,
        "{credential: ../queue}",
        &[
            "tidegate.yaml:29:101: `…` is not a name of a credential [1 to 128 letters, digits, `.`, `_` and `-`, the first not a `.`]",
        ],
    );
}

#[test]
fn places_that_are_not_there_are_told() {
    check(
        "cells: {eu: {secrets",
        "cells: {ue: {secrets",
        &["tidegate.yaml:31:13: there is no cell `ue` (did you mean `eu`?)"],
    );
    check(
        "name: us, environment: test",
        "name: us",
        &[
            "tidegate.yaml:30:20: no cell has the environment `test` [give a cell of tidegate.yaml this `environment`, or remove this]",
        ],
    );
    let mut sources = good_sources();
    sources[0].text = SERVICE.replace(", environment: test", "");
    let project = read_project(&sources).0.unwrap();
    let (_, diagnostics) = read_release(&source("release.yaml", RELEASE), &project);
    let told = brief(&diagnostics);
    assert_eq!(
        told,
        [
            "release.yaml:13:20: no cell has the environment `test` [give a cell of tidegate.yaml this `environment`, or remove this]"
        ]
    );
}

#[test]
fn what_may_be_a_secret_is_not_drawn() {
    let reference = "{environment: LEDGER_QUEUE_KEY}";
    for pasted in [
        "hunter2",
        "[hunter2]",
        "{value: hunter2}",
        "{file: hunter2}",
        "{environment: 'hun ter2'}",
        "{credential: 'hunter2/', version: [hunter2]}",
        "{file: /run/queue, keyword: {inner: hunter2}}",
    ] {
        let mut sources = good_sources();
        sources[0].text = SERVICE.replacen(reference, pasted, 1);
        let (_, diagnostics) = read_project(&sources);
        assert!(diagnostics.iter().any(Diagnostic::is_error), "{pasted}");
        let drawn = render(&diagnostics, &sources, false);
        let told: String = diagnostics.iter().map(ToString::to_string).collect();
        for text in [&drawn, &told] {
            assert!(
                !text.contains("hunter2") && !text.contains("hun ter2"),
                "{pasted}: {text}"
            );
        }
        assert!(drawn.contains("QUEUE_KEY"), "{drawn}");
    }
}
