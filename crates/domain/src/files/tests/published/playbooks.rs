//! `docs/playbooks.md`: what it shows works, and it leaves out no field and no playbook that comes with the executable.

use std::fs;

use crate::calendar::read_instant;
use crate::files::tests::{brief, source};
use crate::files::{SHIPPED_PLAYBOOKS, Source, read_project, read_release, schemas};
use crate::id::{Digest, Version};
use crate::plan::{Facts, FoundArtifact, PlanInput, check, plan};

const SERVICE: &str = "
service: shop
playbook: NAME
cells: [{name: standard}, {name: controlled}]
gateway: {tenant_from: [{header: x-tenant}]}
components: [{name: api, command: ['{artifact}'], ready: {path: /healthz}}]
calendars: {eu: {time_zone: Europe/Berlin, working_hours: '09:00-17:00'}}
windows:
  - {name: night, kind: allow, from: '02:00', until: '06:00'}
  - {name: year-end, kind: freeze, from: 2026-12-24T00:00, until: 2027-01-02T00:00}
";
const TENANTS: &str = "
tenants:
  - {id: acme, cell: standard, calendar: eu, opt_in: true}
  - {id: globex, cell: controlled, calendar: eu, customer: globex}
  - {id: ours, cell: standard, calendar: eu, labels: {tier: internal}}
";

fn page() -> String {
    #![expect(
        clippy::disallowed_methods,
        reason = "the published files are the repository's, not the crate's"
    )]
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/playbooks.md")).unwrap()
}

/// The playbooks of the page; a part of one is made whole.
fn examples() -> Vec<(String, String)> {
    let page = page();
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap().to_owned());
    let whole = blocks.enumerate().map(|(place, text)| {
        let has = |field: &str| text.lines().any(|line| line.starts_with(field));
        let named = text.lines().find_map(|line| line.strip_prefix("name: "));
        let name = named.map_or_else(|| format!("example-{place}"), str::to_owned);
        let mut text = if has("name:") {
            text.clone()
        } else {
            format!("name: {name}\n{text}")
        };
        if !text.lines().any(|line| line.starts_with("waves:")) {
            text.push_str("waves: [{name: everybody, select: {rest: true}}]\n");
        }
        (name, text)
    });
    whole.collect()
}

#[test]
fn every_example_is_read_without_a_complaint_and_planned() {
    let examples = examples();
    assert!(examples.len() >= 8, "{examples:#?}");
    for (name, text) in examples {
        let sources: [Source; 3] = [
            source("tidegate.yaml", &SERVICE.replace("NAME", &name)),
            source("tenants.yaml", TENANTS),
            source(&format!("playbooks/{name}.yaml"), &text),
        ];
        let (project, found) = read_project(&sources);
        assert_eq!(brief(&found), Vec::<String>::new(), "{text}");
        let project = project.unwrap();
        let release = source("release.yaml", "version: 1.1.0\ncomponents: {api: {artifact: api}}\n");
        let release = read_release(&release, &project).0.unwrap();
        let facts = Facts {
            version: Some(Version::new("1.0.0").unwrap()),
            ..Facts::default()
        };
        let digest = Ok(Digest::of(b"api"));
        let path = "/api".to_owned();
        let input = PlanInput {
            state: facts.state(&project),
            project,
            release,
            artifacts: [("api".parse().unwrap(), FoundArtifact { path, digest })].into(),
            now: read_instant("2026-11-19T10:00:00Z").unwrap(),
            profile: None,
        };
        let (plan, report) = plan(&input);
        let plan = plan.unwrap_or_else(|| panic!("{text}\n{:#?}", report.problems));
        assert_eq!(plan.moves(), 3, "{text}\n{:#?}", plan.left_behind);
        assert_eq!(check(&plan, &input), []);
    }
}

#[test]
fn the_page_leaves_out_no_field_and_no_playbook() {
    let page = page();
    let schemas = schemas();
    let (_, root) = schemas.iter().find(|(name, _)| *name == "playbook.json").unwrap();
    let playbook = root["properties"].as_object().unwrap().keys();
    let wave = root["$defs"]["Wave"]["properties"].as_object().unwrap().keys();
    for field in playbook.chain(wave) {
        let is_told = [format!("`{field}`"), format!("{field}:"), format!("`{field}: ")];
        assert!(
            is_told.iter().any(|told| page.contains(told)),
            "nothing is said of `{field}`"
        );
    }
    for (name, _) in SHIPPED_PLAYBOOKS {
        assert!(page.contains(&format!("- **`{name}`**")), "nothing is said of `{name}`");
        assert!(
            page.contains(&format!("(../playbooks/{name}.yaml)")),
            "no link to `{name}`"
        );
    }
}
