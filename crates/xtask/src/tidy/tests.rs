use super::*;

/// The smallest tree without a finding.
const CLEAN: &[(&str, &str)] = &[
    (".ci/run", "#!/bin/bash\nexec cargo xtask test\n"),
    ("README.md", "# Tidegate\n\n```sh\ncargo xtask test\n```\n"),
    ("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\n"),
    ("clippy.toml", CLIPPY),
    ("crates/domain/clippy.toml", CLIPPY),
    ("crates/contract/clippy.toml", CLIPPY),
    ("crates/evidence/clippy.toml", CLIPPY),
    ("crates/flags/clippy.toml", CLIPPY),
    (
        "crates/domain/Cargo.toml",
        "[package]\nname = \"tidegate-domain\"\n[lints]\nworkspace = true\n",
    ),
    ("crates/domain/src/lib.rs", "//! What it refuses to know.\n"),
];

const CLIPPY: &str = "too-many-lines-threshold = 70\nallow-unwrap-in-tests = true\n";

/// Plants `files` into the clean tree, replacing those of the same name, and compares `path:line: what` of
/// every finding with `expect`, one a line.
#[track_caller]
fn check_planted(files: &[(&str, &str)], expect: &[&str]) {
    let files = CLEAN
        .iter()
        .chain(files)
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    let root = "/srv/checkouts/tidegate".to_owned();
    let found: Vec<String> = check(&Tree { files, root })
        .iter()
        .map(|finding| format!("{}:{}: {}", finding.path, finding.line, finding.what))
        .collect();
    assert_eq!(found, expect);
}

#[test]
fn this_tree_is_tidy() {
    if let Err(findings) = run(&crate::root()) {
        panic!("{findings}");
    }
}

#[test]
fn the_clean_tree_has_no_finding() {
    check_planted(&[], &[]);
}

#[test]
fn a_finding_says_where_what_and_how() {
    let finding = Finding::new("a.rs", 7, "what is wrong", "what to do");
    assert_eq!(finding.to_string(), "a.rs:7: what is wrong\n  help: what to do");
}

#[test]
fn long_files() {
    check_planted(&[("crates/domain/src/a.rs", &"\n".repeat(500))], &[]);
    check_planted(
        &[("crates/domain/src/a.rs", &"\n".repeat(501))],
        &["crates/domain/src/a.rs:501: 501 lines, the limit is 500"],
    );
}

#[test]
fn empty_names() {
    check_planted(
        &[
            ("crates/domain/src/plan/mod.rs", ""),
            ("crates/domain/src/utils.rs", ""),
            ("crates/domain/src/helpers/wave.rs", ""),
        ],
        &[
            "crates/domain/src/helpers/wave.rs:1: a module named `helpers`",
            "crates/domain/src/plan/mod.rs:1: a `mod.rs`",
            "crates/domain/src/utils.rs:1: a module named `utils`",
        ],
    );
}

#[test]
fn a_crate_that_does_not_introduce_itself() {
    check_planted(
        &[("crates/domain/src/lib.rs", "pub mod plan;\n")],
        &["crates/domain/src/lib.rs:1: the crate does not say what it is"],
    );
}

#[test]
fn tests_in_the_wrong_place() {
    let a = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
    check_planted(
        &[
            ("crates/domain/src/a.rs", a),
            ("crates/domain/src/a/tests.rs", ""),
            ("crates/cli/tests/it/main.rs", ""),
            ("crates/cli/tests/it/plan.rs", ""),
            ("crates/cli/tests/plan.rs", ""),
            ("crates/cli/tests/more/main.rs", ""),
        ],
        &[
            "crates/cli/tests/more/main.rs:1: a second integration test binary",
            "crates/cli/tests/plan.rs:1: a second integration test binary",
            "crates/domain/src/a.rs:4: tests inside the source file",
        ],
    );
}

#[test]
fn a_lifted_limit() {
    check_planted(
        &[(
            "crates/domain/src/a.rs",
            "#[allow(clippy::too_many_lines)]\nfn a() {}\n",
        )],
        &["crates/domain/src/a.rs:1: the limit on the length of functions is lifted"],
    );
}

#[test]
fn marks_of_unfinished_work() {
    let mark = concat!("TO", "DO");
    check_planted(
        &[(
            "docs/worker.md",
            &format!("\n{mark}: write\nMY{mark} is another word\n"),
        )],
        &[&format!("docs/worker.md:2: a `{mark}`")],
    );
}

#[test]
fn paths_of_one_machine() {
    let home = concat!("/ho", "me/");
    check_planted(
        &[
            ("docs/a.md", &format!("run `{home}ann/tidegate`\n")),
            ("docs/b.md", &format!("see https://example.com{home}page\n")),
            ("docs/c.yaml", "path: /srv/checkouts/tidegate/target\n"),
        ],
        &[
            &format!("docs/a.md:1: a path of one machine: `{home}`"),
            "docs/c.yaml:1: a path of one machine: `/srv/checkouts/tidegate`",
        ],
    );
}

fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"tidegate-{name}\"\n[lints]\nworkspace = true\n{rest}")
}

#[test]
fn versions_outside_the_workspace() {
    let engine = manifest(
        "engine",
        "[dependencies]\nserde.workspace = true\nbytes = \"1\"\nhttp = { workspace = true, features = [] }\n\
         [target.'cfg(unix)'.dev-dependencies]\ntempfile = \"3\"\n[dependencies.tokio]\nworkspace = true\n",
    );
    check_planted(
        &[("crates/engine/Cargo.toml", &engine)],
        &[
            "crates/engine/Cargo.toml:7: `bytes` is selected outside the workspace",
            "crates/engine/Cargo.toml:8: `http` is selected outside the workspace",
            "crates/engine/Cargo.toml:10: `tempfile` is selected outside the workspace",
            "crates/engine/Cargo.toml:11: a dependency as a table of its own",
        ],
    );
}

#[test]
fn a_package_without_lints_or_with_another_name() {
    check_planted(
        &[("crates/engine/Cargo.toml", "[package]\nname = \"motor\"\n")],
        &[
            "crates/engine/Cargo.toml:1: the lints of the workspace are not in force",
            "crates/engine/Cargo.toml:1: the package in `crates/engine` is not named after its folder",
        ],
    );
}

#[test]
fn dependencies_against_the_direction() {
    let depends = |name: &str, on: &str| manifest(name, &format!("[dev-dependencies]\n{on}.workspace = true\n"));
    check_planted(
        &[
            ("crates/evidence/Cargo.toml", &depends("evidence", "tidegate-domain")),
            ("crates/gateway/Cargo.toml", &depends("gateway", "tidegate-store")),
            ("crates/server/Cargo.toml", &depends("server", "tidegate-engine")),
            ("crates/xtask/Cargo.toml", &depends("xtask", "tidegate-cli")),
        ],
        &[
            "crates/evidence/Cargo.toml:6: `crates/evidence` may not depend on `tidegate-domain`",
            "crates/gateway/Cargo.toml:6: `crates/gateway` may not depend on `tidegate-store`",
            "crates/xtask/Cargo.toml:6: `crates/xtask` may not depend on `tidegate-cli`",
        ],
    );
}

#[test]
fn a_crate_without_a_wall() {
    check_planted(
        &[("crates/extra/Cargo.toml", &manifest("extra", ""))],
        &["crates/extra/Cargo.toml:1: no wall is drawn for `crates/extra`"],
    );
}

#[test]
fn a_pure_crate_that_reaches_the_world() {
    let lock = "[[package]]\nname = \"innocent\"\ndependencies = [\n \"between 1.0.0\",\n]\n\n\
                [[package]]\nname = \"between\"\ndependencies = [\n \"innocent\",\n \"tokio\",\n]\n";
    let domain = manifest(
        "domain",
        "[dependencies]\ninnocent.workspace = true\nserde.workspace = true\n\
         [dev-dependencies]\ninnocent.workspace = true\n",
    );
    check_planted(
        &[("Cargo.lock", lock), ("crates/domain/Cargo.toml", &domain)],
        &[
            "crates/domain/Cargo.toml:6: the pure crate `crates/domain` reaches `tokio` through `between` through `innocent`",
        ],
    );
}

#[test]
fn lint_settings_that_a_crate_drops() {
    check_planted(
        &[(
            "crates/engine/clippy.toml",
            "too-many-lines-threshold = 700\nallow-unwrap-in-tests = true\n",
        )],
        &["crates/engine/clippy.toml:1: `too-many-lines-threshold = 70` is not in force here"],
    );
    check_planted(
        &[(
            "crates/evidence/clippy.toml",
            &format!("{CLIPPY}disallowed-types = []\n"),
        )],
        &["crates/evidence/clippy.toml:1: the pure crates do not share one set of bans"],
    );
}

#[test]
fn a_pure_crate_that_names_the_world() {
    let text = "// std::fs is refused\nuse std::fs;\n";
    check_planted(
        &[
            ("crates/domain/src/plan.rs", text),
            ("crates/domain/src/plan/tests.rs", text),
            ("crates/effects/src/drivers.rs", text),
        ],
        &["crates/domain/src/plan.rs:2: a pure crate names `std::fs`"],
    );
}

#[test]
fn links_that_lead_nowhere() {
    let text = "[a](../README.md#head) [b](https://example.com/x) [c](#here) [d](lost.md)\n```\n[e](code.md)\n```\n\
                [f](../crates/domain) [g](../../README.md)\n[h](gone/)\n";
    check_planted(
        &[("docs/guide.md", text)],
        &[
            "docs/guide.md:1: the link to `lost.md` leads nowhere",
            "docs/guide.md:6: the link to `gone/` leads nowhere",
        ],
    );
}

#[test]
fn decisions_with_a_gap_or_without_their_parts() {
    let parts = "# One\n\n## Context\n\n## Decision\n\n## We refuse\n\n## Revisit when\n";
    check_planted(
        &[("decisions/0001-one.md", parts), ("decisions/0003-three.md", parts)],
        &["decisions/0003-three.md:1: the decision is not number 0002"],
    );
    check_planted(
        &[("decisions/0001-one.md", "# One\n\n## Decision\n")],
        &["decisions/0001-one.md:1: the decision has not the usual parts"],
    );
}

#[test]
fn a_readme_that_tests_otherwise_than_ci() {
    check_planted(
        &[("README.md", "Run cargo xtask test:\n\n```sh\ncargo test\n```\n")],
        &["README.md:1: the test command is not the one of `.ci/run`: `cargo xtask test`"],
    );
    check_planted(
        &[(".ci/run", "cargo test\n")],
        &["README.md:1: the test command is not the one of `.ci/run`: `cargo test`"],
    );
}
