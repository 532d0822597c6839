use serde_json::json;
use tidegate_domain::files::{Source, read_project};

use super::*;

/// Instances of `api` in one cell, before and now.
pub(super) fn target(old: &[SocketAddr], new: &[SocketAddr]) -> Target {
    let slots = |addresses: &[SocketAddr]| {
        vec![TargetSlot {
            cell: CellName::new("eu").unwrap(),
            component: ComponentName::new("api").unwrap(),
            addresses: addresses.to_vec(),
        }]
    };
    Target {
        version: Version::new("2.0.0").unwrap(),
        wave: WaveName::new("first").unwrap(),
        directory: std::env::temp_dir(),
        slots: slots(new),
        old: slots(old),
        has_old: true,
        tenants: Vec::new(),
        taps: Taps::default(),
        homes: BTreeMap::new(),
        labels: BTreeMap::new(),
        kept: PathBuf::new(),
        artifacts: Vec::new(),
        old_artifacts: Vec::new(),
        hands: None,
    }
}

fn project() -> Project {
    let files = [
        (
            "tidegate.yaml",
            "service: shop\nplaybook: plain\ncells:\n  - {name: one, labels: {arch: x86}}\n  - {name: two, labels: [spare]}\n\
             gateway: {tenant_from: [{header: x-tenant}]}\ncomponents:\n  - {name: api, command: [\"{artifact}\"]}\n",
        ),
        ("tenants.yaml", "tenants:\n  - {id: ours, cell: one}\n"),
        (
            "playbooks/plain.yaml",
            "name: plain\nwaves:\n  - {name: all, select: {rest: true}, bake: {least: 1h, longest: 2h, requests: 10}}\n",
        ),
    ];
    let sources = files.map(|(path, text)| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    });
    let (project, diagnostics) = read_project(&sources);
    project.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

#[test]
fn what_a_gate_names_and_the_project_does_not_have_is_told() {
    let project = project();
    let platform = |select: Value| json!({"command": ["x"], "report": {"format": "tap"}, "platforms": [{"name": "p", "select": select}]});
    let tenants = |names: Value| json!({"command": ["x"], "report": {"format": "tap"}, "tenants": names});
    for (uses, with, problem) in [
        ("http", json!({"component": "api", "path": "/"}), None),
        ("http", json!({"url": "http://localhost/"}), None),
        (
            "http",
            json!({"component": "web", "path": "/"}),
            Some("no component `web` in tidegate.yaml; there are api"),
        ),
        (
            "load",
            json!({"component": "web", "requests": [{"path": "/"}]}),
            Some("no component `web`"),
        ),
        (
            "regression",
            platform(json!({"labels": {"arch": "x86"}, "cells": ["one"], "components": ["api"]})),
            None,
        ),
        ("regression", platform(json!({"labels": {"spare": true}})), None),
        (
            "regression",
            platform(json!({"cells": ["three"]})),
            Some("in a cell `three`, which tidegate.yaml does not have; it has one, two"),
        ),
        (
            "regression",
            platform(json!({"components": ["web"]})),
            Some("no component `web`"),
        ),
        (
            "regression",
            platform(json!({"labels": {"arch": "arm"}})),
            Some(
                "no cell of tidegate.yaml is what the platform `p` selects; cells have the labels arch: x86, spare: true",
            ),
        ),
        (
            "regression",
            platform(json!({"labels": {"arch": "x86"}, "cells": ["two"]})),
            Some("no cell of tidegate.yaml"),
        ),
        ("regression", tenants(json!(["ours"])), None),
        (
            "regression",
            tenants(json!(["theirs"])),
            Some("there is no tenant `theirs` in tenants.yaml"),
        ),
    ] {
        let gate: GateUse = serde_json::from_value(json!({"uses": uses, "with": with})).unwrap();
        match (check(&gate, &project), problem) {
            (Ok(()), None) => {}
            (Err(GateMistake::With(said)), Some(problem)) => assert!(said.contains(problem), "{with}: {said}"),
            (found, problem) => panic!("{with}: {found:?}, expected is {problem:?}"),
        }
    }
}

#[test]
fn a_person_is_asked_a_question_by_somebody_who_listens() {
    let project = project();
    let question = json!({"question": "go?", "who": {"roles": ["product"]}, "expires": "3d"});
    for (changed, more, problem) in [
        (json!({}), json!({}), None),
        (json!({}), json!({"on_inconclusive": "pass"}), None),
        (json!({"who": {"people": ["ada"]}}), json!({}), None),
        (json!({"who": null}), json!({}), Some("invalid type: null")),
        (json!({"who": {}}), json!({}), Some("nobody may answer")),
        (json!({"question": " "}), json!({}), Some("`question` is one line")),
        (json!({"question": "a\nb"}), json!({}), Some("`question` is one line")),
        (json!({"expires": "0s"}), json!({}), Some("`expires` is above 0")),
        (
            json!({"expires": "91d"}),
            json!({}),
            Some("`expires` is above 0 and 90d at most"),
        ),
        (json!({"whom": "ada"}), json!({}), Some("unknown field `whom`")),
        (json!({}), json!({"dry_run": true}), Some("leave one of the two out")),
        (
            json!({}),
            json!({"on_no_data": "pass"}),
            Some("write `on_inconclusive`"),
        ),
    ] {
        let mut gate = json!({"uses": "manual", "with": question});
        for (field, value) in changed.as_object().unwrap() {
            gate["with"][field] = value.clone();
        }
        for (field, value) in more.as_object().unwrap() {
            gate[field] = value.clone();
        }
        let gate: GateUse = serde_json::from_value(gate).unwrap();
        match (check(&gate, &project), problem) {
            (Ok(()), None) => {}
            (Err(GateMistake::With(said)), Some(problem)) => assert!(said.contains(problem), "{changed}: {said}"),
            (found, problem) => panic!("{changed}: {found:?}, expected is {problem:?}"),
        }
    }
}

#[test]
fn a_gate_that_people_answer_is_among_those_there_are() {
    let unknown = check(&GateUse::new("manuel", Value::Null), &project());
    let Err(GateMistake::Unknown { known }) = unknown else {
        panic!("{unknown:?}");
    };
    assert!(known.contains(&"manual") && known.contains(&"http"), "{known:?}");
}
