//! Releases as content: what is the same, and how a difference is named.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_domain::files::{Source, read_project};
use tidegate_domain::id::{ComponentName, Digest};

use super::{Content, NewRelease, understand};
use crate::api::{FoundArtifact, SourceText};

const SERVICE: &str = "
service: shop
playbook: quick
cells: [{name: eu}]
gateway: {tenant_from: [{header: x-tenant}]}
components:
  - {name: api, command: ['{artifact}', '{port}']}
  - {name: ledger, kind: worker, command: ['{artifact}']}
";

fn project() -> Vec<Source> {
    let source = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let sources = vec![
        source("tidegate.yaml", SERVICE),
        source("tenants.yaml", "tenants: [{id: acme, cell: eu}]"),
        source(
            "playbooks/quick.yaml",
            "name: quick\nauto: apply\nwaves: [{name: all, select: {rest: true}}]",
        ),
    ];
    let (project, found) = read_project(&sources);
    assert!(project.is_some(), "{found:?}");
    sources
}

fn request(text: &str, built: &str) -> NewRelease {
    let artifacts = ["api", "ledger"].map(|name| FoundArtifact {
        component: ComponentName::new(name).unwrap(),
        path: format!("/{built}/{name}"),
        sha256: Some(Digest::of(name.as_bytes())),
        error: None,
    });
    NewRelease {
        release: SourceText {
            path: "release.yaml".to_owned(),
            text: text.to_owned(),
        },
        changes: Vec::new(),
        artifacts: artifacts.into(),
    }
}

fn content(text: &str, built: &str) -> Content {
    understand(&request(text, built), &project()).unwrap().content
}

const PLAIN: &str = "version: 1.0.0\ncomponents: {api: {artifact: api}, ledger: {artifact: ledger}}\n";

#[test]
fn how_a_release_is_written_and_where_it_was_built_is_no_part_of_it() {
    let commits = "commits: [{id: 0a1b2c3d4e5f}, {id: aa1b2c3d4e5f}]\n";
    let otherwise = "commits: [{id: aa1b2c3d4e5f}, {id: 0a1b2c3d4e5f}]\n";
    let one = content(&format!("{PLAIN}{commits}"), "first");
    let other = content(
        &format!(
            "# again\n{otherwise}tickets: []\ncomponents:\n  ledger: {{artifact: out/ledger}}\n  api: {{artifact: out/api, \
             sha256: \"{}\"}}\nversion: 1.0.0\nkind: scheduled\n",
            Digest::of(b"api").as_str().trim_start_matches("sha256:")
        ),
        "second",
    );
    assert_eq!(one.differences(&other), Vec::<String>::new());
    assert_eq!(one, other);
    // As it is kept and read again.
    let kept: Content = serde_json::from_value(json!(one)).unwrap();
    assert_eq!(kept, other);
}

#[test]
fn every_difference_is_named_by_its_place() {
    let one = content(&format!("{PLAIN}summary: fast\n"), "first");
    let text = "version: 1.0.0\nkind: patch\ncomponents: {api: {artifact: api, configuration: {COLOR: red}}, ledger: {artifact: l}}\n";
    let differences = one.differences(&content(text, "first"));
    assert_eq!(
        differences,
        [
            "`components.api.configuration` was not there, and is `{\"COLOR\":\"red\"}` now",
            "`kind` was `scheduled`, and is `patch` now",
            "`summary` was `fast`, and is not there now",
        ]
    );
}

#[test]
fn an_artifact_is_handed_in_for_every_component_that_is_listed_and_for_no_other() {
    let mut missing = request(PLAIN, "first");
    missing.artifacts.pop();
    let stranger = FoundArtifact {
        component: ComponentName::new("web").unwrap(),
        ..missing.artifacts[0].clone()
    };
    missing.artifacts.push(stranger);
    let refused = understand(&missing, &project()).unwrap_err();
    assert_eq!(refused.detail, "the release has 2 mistakes");
    let messages: BTreeMap<&str, u64> = refused
        .problems
        .iter()
        .map(|problem| (problem["message"].as_str().unwrap(), problem["line"].as_u64().unwrap()))
        .collect();
    let expected = [
        (
            "an artifact of component `web` was handed in, and the release does not list it",
            1,
        ),
        ("the artifact of component `ledger` was not handed in", 2),
    ];
    assert_eq!(messages, BTreeMap::from(expected));
}
