use super::{Diagnostic, Source, read_project, render};

fn source(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn show() {
    let sources = [
        source(
            "tidegate.yaml",
            "service: Loyalty\nplaybook: two-wave\ncells:\n  - {name: eu, enviroment: test}\n  - {name: eu, max_starting: 0}\ngateway:\n  listen: localhost:80\n  tenant_from:\n    - host: \"{tenant}.x\"\n      path: /t/{tenant}\n    - hedaer: x\n    - {}\n    - jwt: {claim: sub}\n    - 3\ncomponents:\n  - name: api\n    kind: htp\n    command: run\n    environment: {A: 1.5, 1b: x, C: yes, D: 010, E: }\n    instances: \"2\"\n    ready: {path: healthz, within: 10 s}\n    drain: {requests: 99h 99d}\n  - kind: worker\n    command: []\n    memory: 64M\n",
        ),
        source(
            "tenants.yaml",
            "tenants:\n  - {name: acme, cell: eu}\n  - name: beta\n    cell: us\n    opt_in: yes\n    time_zone: EST\n",
        ),
        source(
            "playbooks/two-waves.yaml",
            "name: two-waves\nwaves:\n  - name: one\n    select: {labels: {tier: gold}}\n  - name: one\n    select: [{cell: ue}, {tenants: [acem]}]\n    bake: {least: 3h}\n",
        ),
        source("playbooks/bad.yaml", "name: bad\nwaves:\n\t- x"),
    ];
    let (project, diagnostics) = read_project(&sources);
    println!("{}", render(&diagnostics, &sources, false));
    assert!(project.is_none());
        println!("{name} {}", serde_json::to_string_pretty(&schema).unwrap());
    }
    let _: Option<Diagnostic> = None;
}
