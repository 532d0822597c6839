//! `changes`, and what a release tells of them, without a server.

use crate::workspace::Workspace;

const NEW: [&str; 7] = [
    "changes",
    "new",
    "points-expire-later",
    "--kind",
    "changed",
    "--audience",
    "developer,internal",
];

#[test]
fn a_new_change_is_checked_and_is_not_released_before_it_is_written() {
    let workspace = Workspace::starter();
    workspace
        .run(&NEW)
        .succeeded()
        .shows("changes/points-expire-later.md")
        .says("add `points-expire-later` to `changes` of a release");
    workspace
        .run(&["changes", "lint"])
        .succeeded()
        .says("is not written yet")
        .says("2 changes without a mistake");
    workspace
        .run(&["plan"])
        .succeeded()
        .says("note: no release lists `points-expire-later`");
    workspace.replace("release.yaml", "[says-hello]", "[says-hello, points-expire-later]");
    workspace
        .run(&["plan"])
        .ended_with(1)
        .says("the change `points-expire-later` is not written yet")
        .says("release.yaml:");
    workspace
        .run(&NEW)
        .ended_with(4)
        .says("there is a change `points-expire-later` already");
}

#[test]
fn an_impact_that_asks_for_something_asks_for_action_and_deadline() {
    let workspace = Workspace::starter();
    let mut arguments = NEW.to_vec();
    arguments.extend(["--impact", "breaking"]);
    workspace
        .run(&arguments)
        .ended_with(1)
        .says("a change of impact `breaking` needs `--action`");
    arguments.extend(["--action", "Read `expires_at`: it's new", "--deadline", "2027-03-01"]);
    workspace.run(&arguments).succeeded();
    let listed = workspace.run(&["changes", "list", "--json"]).succeeded().json();
    assert_eq!(listed["changes"][0]["id"], "points-expire-later");
    assert_eq!(listed["changes"][0]["deadline"], "2027-03-01");
    assert_eq!(listed["changes"][1]["releases"][0], "release.yaml");
    workspace
        .run(&["changes", "new", "x", "--kind", "add", "--audience", "developer"])
        .ended_with(2)
        .says("`added`");
}

#[test]
fn all_mistakes_of_all_changes_are_told_at_once() {
    let workspace = Workspace::starter();
    workspace.replace("changes/says-hello.md", "## Internal", "## Marketing");
    workspace.write(
        "changes/other.md",
        "---\nkind: fixed\naudience: [developer]\npictures:\n  - {file: gone.png, shows: Nothing}\n---\n# Other\n## Developers\n\n",
    );
    let linted = workspace.run(&["changes", "lint"]).ended_with(1);
    linted
        .says("changes/says-hello.md:4:23")
        .says("the audience `internal` has no section `## Internal`")
        .says("nobody is the audience of the section `## Marketing`")
        .says("changes/other.md:8:1")
        .says("there is no picture `gone.png`")
        .says("error: the folder of changes has 4 mistakes");
    let findings = workspace.run(&["changes", "lint", "--json"]).ended_with(1).json();
    assert_eq!(findings["findings"].as_array().unwrap().len(), 4);
    workspace
        .run(&["plan"])
        .ended_with(1)
        .says("there is no picture `gone.png`");
}

#[test]
fn an_audience_reads_what_is_for_it() {
    let workspace = Workspace::starter();
    let shown = workspace
        .run(&["changes", "show", "says-hello", "--audience", "internal"])
        .succeeded()
        .shows("The service says hello")
        .shows("Nothing is to be turned on.");
    assert!(!shown.stdout.contains("answers with a greeting"), "{shown:#?}");
    workspace
        .run(&["changes", "show", "says-hello", "--audience", "marketing"])
        .ended_with(1)
        .says("its audience is `developer`, `internal`");
    workspace
        .run(&["changes", "show", "says-hallo"])
        .ended_with(1)
        .says("there is no change `says-hallo`");
    let listed = workspace
        .run(&["changes", "list", "--audience", "marketing"])
        .succeeded();
    assert!(listed.stdout.ends_with("0 changes\n"), "{listed:#?}");
    workspace
        .run(&["changes", "list"])
        .succeeded()
        .shows("says-hello  added  additive  developer, internal  -         release.yaml");
}

#[test]
fn what_is_told_is_part_of_the_digest() {
    let workspace = Workspace::starter();
    let before = workspace.run(&["plan", "--offline", "--json"]).succeeded().json();
    workspace.replace("changes/says-hello.md", "a greeting", "greetings");
    let after = workspace.run(&["plan", "--offline", "--json"]).succeeded().json();
    assert_ne!(before["digest"], after["digest"]);
}
