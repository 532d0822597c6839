//! Arguments that make no sense, and help.

use crate::workspace::Workspace;

#[test]
fn what_is_no_verb_is_wrong_usage() {
    let workspace = Workspace::empty();
    workspace.run(&["frobnicate"]).ended_with(2).says("frobnicate");
    workspace.run(&[]).ended_with(2);
    workspace.run(&["hold", "1.0.0"]).ended_with(2).says("--reason");
}

#[test]
fn a_rollback_says_of_whom_exactly_once() {
    let workspace = Workspace::empty();
    workspace
        .run(&["rollback", "1.0.0", "--reason", "why"])
        .ended_with(2)
        .says("--tenant");
    let both = ["rollback", "1.0.0", "--all", "--tenant", "acme", "--reason", "why"];
    workspace.run(&both).ended_with(2);
}

#[test]
fn help_lists_the_verbs_of_people_and_no_others() {
    let help = Workspace::empty().run(&["--help"]).succeeded();
    let verbs = "init plan apply changes status rollback hold resume promote abort releases history diff tenants logs serve \
        gateway backup restore token demo completions";
    let lists = |verb: &str| help.stdout.lines().any(|line| line.starts_with(&format!("  {verb} ")));
    for verb in verbs.split_whitespace() {
        assert!(lists(verb), "{verb}: {help:#?}");
    }
    for hidden in ["shim", "traffic", "loyalty"] {
        assert!(!lists(hidden), "{hidden}: {help:#?}");
    }
}

#[test]
fn completions_know_the_verbs() {
    for shell in ["bash", "zsh", "fish"] {
        Workspace::empty()
            .run(&["completions", shell])
            .succeeded()
            .shows("rollback");
    }
}

#[test]
fn without_a_server_the_way_to_have_one_is_said() {
    let workspace = Workspace::empty();
    for verb in ["status", "releases", "tenants", "history"] {
        workspace
            .run(&[verb])
            .ended_with(1)
            .says("help: start one with `tidegate serve`");
    }
    let nobody = ["status", "--server", "http://127.0.0.1:9"];
    workspace
        .with_token("tg_any", &nobody)
        .ended_with(1)
        .says("help: start it with `tidegate serve`");
    workspace
        .with_token("tg_any", &["status", "--server", "tcp:9"])
        .ended_with(1)
        .says("http://127.0.0.1:7070");
}
