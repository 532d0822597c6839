use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use tempfile::TempDir;
use tidegate_domain::id::Version;

use super::super::super::tests::target;
use super::super::GATE;
use super::*;

/// What a worker makes of its input: a total for each order, and a number of the run that is never the same.
const SOUND: &str =
    "while read order price; do echo \"{\\\"id\\\": \\\"$order\\\", \\\"total\\\": $price, \\\"run\\\": $$}\"; done";

struct Ground {
    folder: TempDir,
    target: Target,
}

impl Ground {
    /// Artifacts are scripts that read their input from where `$1` says, and write to `$2`.
    fn of(old: &str, new: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let built = |name: &str, version: &str, script: &str| {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\nexec < \"$1\" > \"$2\"\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            Built {
                component: ComponentName::new("billing").unwrap(),
                version: Version::new(version).unwrap(),
                path,
            }
        };
        let orders: String = (0..60).map(|order| format!("order-{order} {}\n", order * 3)).collect();
        fs::write(folder.path().join("orders.txt"), orders).unwrap();
        let target = Target {
            directory: folder.path().to_owned(),
            kept: folder.path().join("kept"),
            artifacts: vec![built("new", "2.0.0", new)],
            old_artifacts: vec![built("old", "1.9.0", old)],
            ..target(&[], &[])
        };
        Self { folder, target }
    }

    async fn judged(&self, with: &Value) -> Judgement {
        (GATE.run)(with.clone(), self.target.clone()).await
    }
}

fn usual() -> Value {
    json!({"component": "billing", "command": ["{artifact}", "{input}", "{output}"], "inputs": ["orders.txt"],
        "output": {"format": "ndjson", "key": "id"}})
}

#[tokio::test]
async fn what_both_write_alike_passes_and_a_total_that_is_wrong_is_named() {
    let judged = Ground::of(SOUND, SOUND).judged(&usual()).await;
    assert_eq!(
        (judged.verdict, judged.requests),
        (Verdict::Pass, 60),
        "{}",
        judged.reason
    );
    let ground = Ground::of(SOUND, &SOUND.replace("$price,", "$((price + 1)),"));
    let judged = ground.judged(&usual()).await;
    assert_eq!(judged.verdict, Verdict::Fail, "{}", judged.reason);
    assert!(
        judged.reason.contains("OUTPUT /orders.txt: `$.total`, another value"),
        "{}",
        judged.reason
    );
    assert!(!judged.reason.contains("`$.run`"), "{}", judged.reason);
    for side in ["old", "new", "old-again"] {
        assert!(
            ground
                .folder
                .path()
                .join("kept/0.0")
                .join(side)
                .join("output")
                .is_file(),
            "{side}"
        );
    }
}

#[tokio::test]
async fn what_the_new_version_leaves_out_is_a_difference() {
    let judged = Ground::of(SOUND, &SOUND.replace("do echo", "do test $price -ge 90 && echo"))
        .judged(&usual())
        .await;
    assert_eq!(judged.verdict, Verdict::Fail, "{}", judged.reason);
    assert!(
        judged.reason.contains("`status`, another class of status"),
        "{}",
        judged.reason
    );
}

#[tokio::test]
async fn a_new_version_that_cannot_do_it_fails_and_an_old_one_that_cannot_says_nothing() {
    let broken = "echo no such column >&2; exit 7";
    let judged = Ground::of(SOUND, broken).judged(&usual()).await;
    assert_eq!(judged.verdict, Verdict::Fail);
    assert!(
        judged.reason.contains("version 2.0.0 with `orders.txt`"),
        "{}",
        judged.reason
    );
    assert!(
        judged.reason.contains("ended with code 7: no such column"),
        "{}",
        judged.reason
    );
    let judged = Ground::of(broken, SOUND).judged(&usual()).await;
    assert_eq!(judged.verdict, Verdict::Error, "{}", judged.reason);
    let judged = Ground::of(SOUND, "echo nonsense").judged(&usual()).await;
    assert_eq!(judged.verdict, Verdict::Fail);
    assert!(
        judged.reason.contains("line 1 of what it wrote is no JSON"),
        "{}",
        judged.reason
    );
}

#[tokio::test]
async fn whole_documents_and_bytes_are_compared_run_by_run() {
    let mut with = usual();
    with["times"] = json!(50);
    with["output"] = json!({"format": "bytes"});
    let judged = Ground::of("cat", "cat").judged(&with).await;
    assert_eq!(
        (judged.verdict, judged.requests),
        (Verdict::Pass, 50),
        "{}",
        judged.reason
    );
    with["output"] = json!({"format": "json"});
    with["times"] = json!(2);
    let (one, other) = ("echo '{\"sum\": 1}'", "echo '{\"sum\": \"1\"}'");
    let judged = Ground::of(one, one).judged(&with).await;
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{}", judged.reason);
    assert_eq!(
        judged.needs.as_deref(),
        Some("more pairs: larger samples, or `times: 25`")
    );
    let judged = Ground::of(one, other).judged(&with).await;
    assert!(judged.reason.contains("`$.sum`, another type"), "{}", judged.reason);
}

#[tokio::test]
async fn the_same_artifact_and_a_first_version_pass_without_a_run() {
    let ground = Ground::of("exit 1", "exit 1");
    let first = Target {
        old_artifacts: Vec::new(),
        ..ground.target.clone()
    };
    let judged = (GATE.run)(usual(), first).await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    let same = Target {
        old_artifacts: ground.target.artifacts.clone(),
        ..ground.target.clone()
    };
    let judged = (GATE.run)(usual(), same).await;
    assert_eq!(judged.verdict, Verdict::Pass);
    assert!(judged.reason.contains("`billing` is unchanged"), "{}", judged.reason);
}

#[test]
fn what_a_replay_of_programs_cannot_be_told_is_told() {
    let check = |field: &str, value: Value, problem: &str| {
        let mut with = usual();
        with[field] = value;
        let said = (GATE.validate)(&with).unwrap_err();
        assert!(said.contains(problem), "{field}: {said}");
    };
    check("command", json!([]), "`command` names no program");
    check("inputs", json!([]), "between one and 1000 files");
    check("times", json!(0), "between 1 and 1000");
    let mut many = usual();
    many["inputs"] = json!(vec!["orders.txt"; 1_000]);
    many["times"] = json!(2);
    assert!((GATE.validate)(&many).unwrap_err().contains("would be run 6000 times"));
    check("output", json!({"format": "xml"}), "unknown variant `xml`");
    check("workloads", json!([]), "unknown field `workloads`");
    let missing = super::super::check_files(&usual(), Path::new("/nowhere")).unwrap_err();
    assert!(missing.contains("`orders.txt` cannot be read"), "{missing}");
}
