//! `docs/gates.md`: the gates that it shows are read, and its template is filled in as it says.

use std::fs;

use crate::files::tests::{brief, source};
use crate::files::{Project, read_project};

const SERVICE: &str = "
service: shop
playbook: shown
cells: [{name: eu, labels: {arch: x86}}]
gateway: {tenant_from: [{header: x-tenant}]}
components: [{name: api, command: ['{artifact}'], ready: {path: /healthz}}]
";

fn page() -> String {
    #![expect(
        clippy::disallowed_methods,
        reason = "the published files are the repository's, not the crate's"
    )]
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gates.md")).unwrap()
}

/// What stands between the marks of a block of YAML.
fn blocks(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

fn read(gates: &str, template: &str) -> Project {
    let indented = gates.replace('\n', "\n    ");
    let playbook = format!("name: shown\nwaves:\n  - name: all\n    select: {{rest: true}}\n    {indented}\n");
    let sources = [
        source("tidegate.yaml", SERVICE),
        source("tenants.yaml", "tenants: [{id: acme, cell: eu}]\n"),
        source("playbooks/shown.yaml", &playbook),
        source("gates/queue.yaml", template),
    ];
    let (project, found) = read_project(&sources);
    assert_eq!(brief(&found), Vec::<String>::new(), "{gates}");
    project.unwrap()
}

#[test]
fn every_gate_that_is_shown_is_read_and_the_template_becomes_what_is_said() {
    let page = page();
    let blocks = blocks(&page);
    let template = blocks
        .iter()
        .find(|block| block.starts_with("# gates/queue.yaml"))
        .unwrap();
    let lists: Vec<&String> = blocks.iter().filter(|block| block.starts_with("gates:")).collect();
    assert!(lists.len() >= 8, "{lists:#?}");
    let mut filled = Vec::new();
    for gates in lists {
        let project = read(gates, template);
        let wave = &project.playbooks.values().next().unwrap().waves[0];
        let plain = project.plain_gates(&wave.gates);
        filled.extend(plain.into_iter().filter(|gate| gate.template.is_some()));
    }
    let [orders, mails] = filled.as_slice() else {
        panic!("{filled:#?}");
    };
    let query = r#"queue_lag{queue="orders",version="${version}"}"#;
    assert_eq!(
        (&orders.with["query"], &orders.with["at_most"]),
        (&query.into(), &1000.into())
    );
    assert_eq!(
        (mails.label(), &mails.with["at_most"], mails.dry_run),
        ("mails", &50.into(), true)
    );
}
