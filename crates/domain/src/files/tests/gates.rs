//! What those who know the gates say of them is shown at its place.

use crate::files::{Code, Diagnostic, GateMistake, Project, Source, check_gates, read_project};
use crate::policy::{Disposition, GateUse};

use super::{brief, source};

const PLAYBOOK: &str = "
name: careful
waves:
  - name: first
    select: {rest: true}
    gates:
      - {uses: comand}
      - uses: command
        with: {command: 7}
      - uses: command
";

fn check(gate: &GateUse) -> Result<(), GateMistake> {
    match gate.uses.as_str() {
        "command" if gate.with.is_null() => Err(GateMistake::With("missing field `command`".to_owned())),
        "command" if gate.with["command"].is_array() => Ok(()),
        "command" => Err(GateMistake::With("`command` is a list".to_owned())),
        _ => Err(GateMistake::Unknown { known: vec!["command"] }),
    }
}

fn told(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn each_gate_that_cannot_be_used_is_named_with_its_place() {
    let sources = [
        source("playbooks/careful.yaml", PLAYBOOK),
        source("tenants.yaml", PLAYBOOK),
    ];
    assert_eq!(
        told(&check_gates(&sources, check)),
        [
            "playbooks/careful.yaml:7:16: there is no gate `comand`",
            "playbooks/careful.yaml:9:16: gate `command` cannot be used so: `command` is a list",
            "playbooks/careful.yaml:10:15: gate `command` cannot be used so: missing field `command`",
        ]
    );
    assert!(check_gates(&sources, |_| Ok(())).is_empty());
}

#[test]
fn what_every_gate_takes_and_stands_in_with_is_told_where_it_belongs() {
    let playbook = PLAYBOOK.replace("{command: 7}", "{command: 7, on_no_data: pass}");
    let found = check_gates(&[source("playbooks/careful.yaml", &playbook)], check);
    assert_eq!(
        found[1].help.as_deref(),
        Some("write `on_no_data` beside `with`: every gate takes it")
    );
}

const SERVICE: &str = "
service: shop
playbook: careful
cells: [{name: eu}]
gateway: {tenant_from: [{header: x-tenant}]}
components: [{name: api, command: ['{artifact}'], ready: {path: /healthz}}]
";

const SUITE: &str = "
arguments:
  only: {description: which tests are run}
  times: {default: 3}
uses: command
with: {command: [./suite, --only, '${{ only }}', --times, '${{ times }}']}
on_no_data: fail
dry_run: true
";

/// A project with these templates, and with gates in a wave.
fn sources(templates: &[(&str, &str)], gates: &str) -> Vec<Source> {
    let gates = gates.replace('\n', "\n      ");
    let playbook = format!(
        "name: careful\nwaves:\n  - name: first\n    select: {{rest: true}}\n    gates:\n      {}\n",
        gates.trim()
    );
    let mut sources = vec![
        source("tidegate.yaml", SERVICE),
        source("tenants.yaml", "tenants: [{id: acme, cell: eu}]\n"),
        source("playbooks/careful.yaml", &playbook),
    ];
    let templates = templates.iter();
    sources.extend(templates.map(|(name, text)| source(&format!("gates/{name}.yaml"), text)));
    sources
}

fn read(sources: &[Source]) -> Project {
    let (project, found) = read_project(sources);
    project.unwrap_or_else(|| panic!("{:?}", brief(&found)))
}

#[test]
fn a_template_becomes_a_gate_and_what_the_playbook_says_counts_more() {
    let gates = "- {uses: suite, arguments: {only: money}}
- {name: twice, uses: suite, arguments: {only: 7, times: 2}, on_no_data: pass, dry_run: false}";
    let sources = sources(&[("suite", SUITE)], gates);
    let project = read(&sources);
    let wave = &project.playbooks.values().next().unwrap().waves[0];
    let plain = project.plain_gates(&wave.gates);
    let told = serde_json::json!({"command": ["./suite", "--only", "money", "--times", 3]});
    let first = GateUse {
        template: "suite".parse().ok(),
        on_no_data: Disposition::Fail,
        dry_run: true,
        ..GateUse::new("command", told)
    };
    assert_eq!(plain[0], first);
    assert_eq!(plain[1].label(), "twice");
    assert_eq!((plain[1].on_no_data, plain[1].dry_run), (Disposition::Pass, false));
    assert_eq!(
        plain[1].with["command"],
        serde_json::json!(["./suite", "--only", 7, "--times", 2])
    );
    assert!(check_gates(&sources, check).is_empty());
}

#[test]
fn each_mistake_of_a_use_is_told_with_the_place_in_both_files() {
    let gates = "- {uses: suite}
- uses: suite
  with: {command: []}
  arguments: {only: a, tims: 3}
- {uses: siute, arguments: {only: a}}
- {name: one, uses: suite, arguments: {only: a}}
- {name: one, uses: suite, arguments: {only: a}}";
    let (project, found) = read_project(&sources(&[("suite", SUITE)], gates));
    assert!(project.is_none());
    assert_eq!(
        told(&found),
        [
            "playbooks/careful.yaml:6:16: argument `only` of template `suite` is missing",
            "playbooks/careful.yaml:8:9: `with` stands in the template `suite`",
            "playbooks/careful.yaml:9:30: template `suite` has no argument `tims`",
            "playbooks/careful.yaml:10:16: there is no template `siute`",
            "playbooks/careful.yaml:12:16: there are two gates named `one`",
        ]
    );
    let help = |place: usize| found[place].help.as_deref().unwrap_or_default();
    assert_eq!(help(0), "it is declared in gates/suite.yaml:3: `which tests are run`");
    assert!(help(1).contains("change gates/suite.yaml"), "{}", help(1));
    assert!(help(2).contains("gates/suite.yaml"), "{}", help(2));
    assert_eq!(found[2].label, "did you mean `times`?");
    assert_eq!(found[3].label, "did you mean `suite`?");
}

#[test]
fn each_mistake_of_a_template_is_told_whether_or_not_it_is_used() {
    let wrong = "arguments:
  only: {}
  unused: {default: 1}
uses: suite
with:
  ${{ only }}: 1
  command: [./suite, '${{ onyl }}', '${{ only', '${{ only }}']
";
    let (project, found) = read_project(&sources(&[("suite", SUITE), ("wrong", wrong)], "- {uses: command}"));
    assert!(project.is_none());
    assert_eq!(
        told(&found),
        [
            "gates/wrong.yaml:3:3: argument `unused` stands nowhere in `with`",
            "gates/wrong.yaml:4:7: `suite` is a template, and a template uses a gate",
            "gates/wrong.yaml:6:3: an argument stands in the name of a field",
            "gates/wrong.yaml:7:22: there is no argument `onyl`",
            "gates/wrong.yaml:7:37: `${{` has no `}}` after it",
        ]
    );
    let (_, found) = read_project(&sources(&[("No Name", SUITE)], "- {uses: command}"));
    assert_eq!(found[0].code, Code::InvalidText, "{:?}", told(&found));
    let (_, found) = read_project(&sources(&[("suite", "with: {}\n")], "- {uses: command}"));
    assert_eq!(found[0].code, Code::MissingField, "{:?}", told(&found));
}

#[test]
fn what_a_gate_makes_of_its_arguments_is_told_with_the_line_of_the_template() {
    let seven = "arguments: {what: {}}\nuses: command\nwith:\n  command: ${{ what }}\n";
    let templates = [("other", "uses: comand\n"), ("seven", seven)];
    let gates = "- {uses: seven, arguments: {what: 7}}";
    let sources = sources(&templates, gates);
    read(&sources);
    let found = check_gates(&sources, check);
    assert_eq!(
        told(&found),
        [
            "gates/other.yaml:1:7: there is no gate `comand`",
            "playbooks/careful.yaml:6:35: gate `command` of template `seven` cannot be used so: `command` is a list",
        ]
    );
    assert_eq!(
        found[1].help.as_deref(),
        Some("what it is told stands in gates/seven.yaml:4")
    );
}

#[test]
fn a_template_has_another_name_than_every_gate() {
    let sources = sources(&[("command", SUITE)], "- {uses: command, arguments: {only: a}}");
    read(&sources);
    assert_eq!(
        told(&check_gates(&sources, check)),
        ["gates/command.yaml:5:7: there is a gate `command`: a template has a name of its own"]
    );
}

#[test]
fn without_arguments_a_template_and_arguments_without_a_template_are_told_apart() {
    let (_, found) = read_project(&sources(&[], "- {uses: command, arguments: {a: 1}}"));
    assert_eq!(
        told(&found),
        ["playbooks/careful.yaml:6:16: there is no template `command`"]
    );
    assert_eq!(found[0].help.as_deref(), Some("there are no templates at all"));
}
