//! What those who know the gates say of them is shown at its place.

use crate::files::{GateMistake, check_gates};
use crate::policy::GateUse;

use super::source;

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
        "command" => Err(GateMistake::With("`command` is a list".to_owned())),
        _ => Err(GateMistake::Unknown { known: vec!["command"] }),
    }
}

#[test]
fn each_gate_that_cannot_be_used_is_named_with_its_place() {
    let sources = [
        source("playbooks/careful.yaml", PLAYBOOK),
        source("tenants.yaml", PLAYBOOK),
    ];
    let found: Vec<String> = check_gates(&sources, check).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "playbooks/careful.yaml:7:16: there is no gate `comand`",
            "playbooks/careful.yaml:9:16: gate `command` cannot be used so: `command` is a list",
            "playbooks/careful.yaml:10:15: gate `command` cannot be used so: missing field `command`",
        ]
    );
    assert!(check_gates(&sources, |_| Ok(())).is_empty());
}
