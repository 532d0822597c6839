//! The workflows under `examples/ci`: what they ask of the command line is there, and what they write is a release.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shop::Shop;
use crate::workspace::Workspace;

const WORKFLOWS: [&str; 3] = ["github-actions.yaml", "gitlab-ci.yaml", "Jenkinsfile"];

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/ci")
        .join(name)
}

/// The words of every command line of the file, as a shell would read its start.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '/']));
    let commands = lines.filter_map(|line| {
        let start = line.find("tidegate ")?;
        let before = &line[..start];
        let begins =
            before.is_empty() || before.ends_with("- ") || before.ends_with("run: ") || before.ends_with("sh '");
        begins.then(|| &line[start..])
    });
    let words = commands.map(|command| {
        let words = command.split_whitespace().map(|word| word.trim_matches(['\'', '"']));
        words.skip(1).map(str::to_owned).collect()
    });
    words.collect()
}

#[test]
fn the_verbs_and_options_that_workflows_use_are_there() {
    let workspace = Workspace::empty();
    for name in WORKFLOWS {
        let commands = commands(&std::fs::read_to_string(example(name)).unwrap());
        let verbs: BTreeSet<&str> = commands.iter().map(|words| &*words[0]).collect();
        assert!(verbs.contains("releases"), "{name} hands nothing in: {commands:?}");
        for words in &commands {
            let is_verb = |word: &&String| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            let verb: Vec<&str> = words.iter().take(2).take_while(is_verb).map(String::as_str).collect();
            let verb: Vec<&str> = verb.into_iter().filter(|word| !word.starts_with('-')).collect();
            let help = workspace.run(&[verb.as_slice(), &["--help"]].concat()).succeeded();
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap();
                assert!(
                    help.stdout.contains(option),
                    "{name}: {words:?}: no {option}: {help:#?}"
                );
            }
        }
    }
}

fn git(shop: &Shop, arguments: &[&str]) {
    let identity = [
        "-c",
        "user.name=ada",
        "-c",
        "user.email=ada@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    let mut command = Command::new("git");
    command.current_dir(&shop.workspace).args(identity).args(arguments);
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
}

#[test]
fn the_release_that_a_workflow_writes_is_handed_in_with_its_commits_and_tickets() {
    let shop = Shop::installed("300ms");
    let listed = "{artifact: loyalty-1.1.0}";
    let components = format!("components: {{api: {listed}, ledger: {listed}}}\n");
    shop.workspace.write("release.in.yaml", &components);
    git(&shop, &["init", "--quiet"]);
    git(&shop, &["add", "release.in.yaml"]);
    git(&shop, &["commit", "--quiet", "--message", "SHOP-1: the first"]);
    git(&shop, &["tag", "v1.0.0"]);
    let change =
        std::fs::read_to_string(example("../../crates/domain/src/files/starter/changes/says-hello.md")).unwrap();
    shop.workspace.write("changes/says-hello.md", &change);
    git(&shop, &["add", "changes"]);
    git(
        &shop,
        &["commit", "--quiet", "--message", "SHOP-12, SHOP-7: says hello"],
    );
    let mut script = Command::new("sh");
    script
        .arg(example("write-release.sh"))
        .arg("1.1.0")
        .current_dir(&shop.workspace);
    let written = script.output().unwrap();
    assert!(written.status.success(), "{written:?}");
    let text = String::from_utf8(written.stdout).unwrap();
    assert_eq!(text.matches("- {id: ").count(), 1, "{text}");
    assert!(
        text.contains("tickets: [SHOP-12,SHOP-7]\nchanges: [says-hello]\n"),
        "{text}"
    );
    shop.workspace.write("release.yaml", &text);
    shop.run(&["releases", "create", "release.yaml"])
        .succeeded()
        .says("release 1.1.0 is handed in");
    let planned = shop.run(&["plan", "--created", "1.1.0", "--json"]).succeeded().json();
    shop.run(&["apply", planned["digest"].as_str().unwrap()]).succeeded();
    let diff = shop.run(&["diff", "1.0.0", "1.1.0", "--json"]).succeeded().json();
    assert!(diff["changes"].to_string().contains("says-hello"), "{diff:#?}");
}
