use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tidegate_domain::files::{LabelName, Scalar};
use tidegate_domain::id::{CellName, ComponentName};

use super::super::TargetSlot;
use super::super::tests::target;
use super::*;

/// A project's folder, and beside it what is kept.
struct Ground {
    folder: TempDir,
    target: Target,
}

/// Cells `one` (x86) and `two` (arm), each with an `api`.
fn ground() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("project");
    fs::create_dir(&directory).unwrap();
    let slot = |cell: &str| TargetSlot {
        cell: CellName::new(cell).unwrap(),
        component: ComponentName::new("api").unwrap(),
        addresses: vec!["127.0.0.1:9".parse().unwrap()],
    };
    let labels = |arch: &str| BTreeMap::from([("arch".parse::<LabelName>().unwrap(), Scalar::new(arch))]);
    let target = Target {
        directory,
        slots: vec![slot("one"), slot("two")],
        has_old: false,
        old: Vec::new(),
        labels: BTreeMap::from([
            (CellName::new("one").unwrap(), labels("x86")),
            (CellName::new("two").unwrap(), labels("arm")),
        ]),
        kept: folder.path().join("kept"),
        ..target(&[], &[])
    };
    Ground { folder, target }
}

impl Ground {
    async fn said(&self, with: Value) -> (Verdict, String) {
        let judgement = run(with, self.target.clone()).await;
        (judgement.verdict, judgement.reason)
    }

    fn kept(&self, path: &str) -> String {
        fs::read_to_string(self.target.kept.join(path)).unwrap()
    }
}

fn shell(script: &str) -> Value {
    json!(["sh", "-c", script])
}

/// One suite, which writes this as JUnit's report and ends so.
fn suite(report: &str, code: i32) -> Value {
    let script = format!("cat > $TIDEGATE_REPORT <<'END'\n{report}\nEND\nexit {code}");
    json!({"command": shell(&script), "report": {"format": "junit"}})
}

fn matrix() -> Value {
    json!([
        {"name": "intel", "select": {"labels": {"arch": "x86"}}},
        {"name": "arm", "select": {"labels": {"arch": "arm"}, "components": ["api"]}},
    ])
}

const PASSES: &str = "<testsuite><testcase name='a'/><testcase name='b'><skipped/></testcase></testsuite>";
const FAILS: &str =
    "<testsuite><testcase name='a'/><testcase name='b'><failure message='expected 3'/></testcase></testsuite>";

#[tokio::test]
async fn every_combination_runs_with_what_is_its_own_and_is_kept() {
    let ground = ground();
    let script = format!(
        "echo \"$1 $TIDEGATE_PLATFORM $TIDEGATE_TENANT $TIDEGATE_SLOTS\"; echo \"{PASSES}\" > \"$2\"; test \"$2\" = $TIDEGATE_REPORT"
    );
    let with = json!({
        "command": ["sh", "-c", script, "sh", "{platform}/{tenant}", "{report}"],
        "report": {"format": "junit", "path": "build/{platform}/{tenant}.xml"},
        "platforms": matrix(), "tenants": ["ours", "demo"], "parallel": 2,
    });
    let (verdict, reason) = ground.said(with).await;
    assert_eq!(verdict, Verdict::Pass, "{reason}");
    let kept = ground.target.kept.display();
    let expected =
        format!("4 of 4 combinations passed (4 of 8 tests passed, 4 skipped); what it printed is kept in `{kept}`");
    assert_eq!(reason, expected);
    let printed = ground.kept("arm/demo/stdout");
    assert!(printed.starts_with("arm/demo arm demo [{\"cell\":\"two\""), "{printed}");
    assert!(!printed.contains("\"one\""), "{printed}");
    assert_eq!(ground.kept("intel/ours/report.xml").trim(), PASSES);
    assert!(ground.target.directory.join("build/intel/ours.xml").exists());
}

#[tokio::test]
async fn one_combination_that_fails_fails_and_is_named() {
    let ground = ground();
    let script = format!(
        "if test $TIDEGATE_PLATFORM = arm; then echo \"{FAILS}\"; else echo \"{PASSES}\"; fi > $TIDEGATE_REPORT"
    );
    let with = json!({
        "command": shell(&format!("{script}; test $TIDEGATE_PLATFORM = intel")),
        "report": {"format": "junit"}, "platforms": matrix(), "tenants": ["ours"],
    });
    let (verdict, reason) = ground.said(with).await;
    assert_eq!(verdict, Verdict::Fail, "{reason}");
    let expected =
        "1 of 2 combinations failed (2 of 4 tests passed, 1 failed, 1 skipped): arm as ours: `b`: expected 3; what";
    assert!(reason.starts_with(expected), "{reason}");
}

#[tokio::test]
async fn many_failures_are_counted_and_a_few_are_named() {
    let cases: String = (0..30)
        .map(|n| {
            format!(
                "<testcase name='t{n}'><failure message='{}'/></testcase>",
                "x".repeat(900)
            )
        })
        .collect();
    let (verdict, reason) = ground()
        .said(suite(&format!("<testsuite>{cases}</testsuite>"), 1))
        .await;
    assert_eq!(verdict, Verdict::Fail);
    assert!(reason.contains("`t2`: xxx") && !reason.contains("`t3`"), "{reason}");
    assert!(reason.contains("; and 27 more; what it printed"), "{reason}");
    assert!(reason.len() < 1_500, "{reason}");
}

#[tokio::test]
async fn a_report_that_was_there_before_does_not_count() {
    let ground = ground();
    let report = ground.target.directory.join("report.xml");
    fs::write(&report, PASSES).unwrap();
    let with = json!({"command": shell("echo done"), "report": {"format": "junit", "path": "report.xml"}});
    let (verdict, reason) = ground.said(with).await;
    assert_eq!(verdict, Verdict::Error, "{reason}");
    assert!(
        reason.contains("there is no report (`sh` ended with code 0: done)"),
        "{reason}"
    );
    assert!(!report.exists());
    // A link to it is no way around that, and neither is a folder that is a link out of the project.
    fs::write(ground.target.directory.join("earlier.xml"), PASSES).unwrap();
    let with =
        json!({"command": shell("ln -s earlier.xml report.xml"), "report": {"format": "junit", "path": "report.xml"}});
    let (verdict, reason) = ground.said(with).await;
    assert_eq!(verdict, Verdict::Error, "{reason}");
    assert!(reason.contains("no file of its own"), "{reason}");
    std::os::unix::fs::symlink(ground.folder.path(), ground.target.directory.join("out")).unwrap();
    let with = json!({"command": shell("true"), "report": {"format": "junit", "path": "out/x/report.xml"}});
    let (verdict, reason) = ground.said(with).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.contains("outside of the project's folder"), "{reason}");
}

#[tokio::test]
async fn a_report_is_held_against_the_exit_code_and_the_number_of_tests() {
    for (report, code, verdict, said) in [
        (
            FAILS,
            0,
            Verdict::Fail,
            "`b`: expected 3 (although `sh` ended with code 0)",
        ),
        (
            PASSES,
            3,
            Verdict::Fail,
            "`sh` ended with code 3 although no test in its report failed, of 2",
        ),
        (
            "<testsuite/>",
            0,
            Verdict::Error,
            "there is no test in the report (`sh` ended with code 0)",
        ),
        (
            "<testsuite/>",
            1,
            Verdict::Error,
            "there is no test in the report (`sh` ended with code 1)",
        ),
        (
            "<testsuite><testcase name='a'><skipped/></testcase></testsuite>",
            0,
            Verdict::Error,
            "0 tests ran and 1 was skipped, and at least 1 have to run",
        ),
        (
            "<testsuite>\n<testcase name='a'/>",
            0,
            Verdict::Error,
            "it ends inside of `<testsuite>`: it was cut off (`sh`",
        ),
    ] {
        let (found, reason) = ground().said(suite(report, code)).await;
        assert_eq!(found, verdict, "{report}: {reason}");
        assert!(reason.contains(said), "{report}: {reason}");
    }
}

#[tokio::test]
async fn how_many_have_to_run_and_may_be_skipped_is_declared() {
    for (field, limit, verdict) in [
        ("minimum_tests", 1, Verdict::Pass),
        ("minimum_tests", 2, Verdict::Error),
        ("skipped_at_most", 1, Verdict::Pass),
        ("skipped_at_most", 0, Verdict::Error),
    ] {
        let mut with = suite(PASSES, 0);
        with[field] = json!(limit);
        let (found, reason) = ground().said(with).await;
        assert_eq!(found, verdict, "{field} {limit}: {reason}");
    }
}

#[tokio::test]
async fn one_that_hangs_is_killed_with_all_it_started() {
    let ground = ground();
    let script = "sleep 600 & echo $!; echo waiting; wait";
    let with = json!({"command": shell(script), "report": {"format": "exit-code"}, "timeout": "2s"});
    let begun = Instant::now();
    let (verdict, reason) = ground.said(with).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.contains("did not end within 2s and was killed"), "{reason}");
    // What it had printed is kept.
    let printed = ground.kept("stdout");
    let child = printed.lines().next().unwrap();
    assert!(printed.ends_with("waiting\n"), "{printed}");
    let is_gone = || {
        let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    };
    while !is_gone() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{child} still runs");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn tap_is_taken_from_what_is_printed_or_from_a_file() {
    let tap = "printf '1..2\\nok 1 - a\\nnot ok 2 - b\\n# no such row\\n'";
    let (verdict, reason) = ground()
        .said(json!({"command": shell(tap), "report": {"format": "tap"}}))
        .await;
    assert_eq!(verdict, Verdict::Fail);
    assert!(reason.contains("`b`: no such row"), "{reason}");
    let file = json!({
        "command": shell("echo noise; printf '1..1\\nok 1\\n' > out.tap"), "report": {"format": "tap", "path": "out.tap"},
    });
    assert_eq!(ground().said(file).await.0, Verdict::Pass);
    let cut = json!({"command": shell("printf '1..9\\nok 1\\n'"), "report": {"format": "tap"}});
    let (verdict, reason) = ground().said(cut).await;
    assert_eq!(verdict, Verdict::Fail);
    assert!(
        reason.contains("9 tests were planned, and 1 are in the report"),
        "{reason}"
    );
    let silent = json!({"command": shell("true"), "report": {"format": "tap"}});
    assert_eq!(ground().said(silent).await.0, Verdict::Error);
}

#[tokio::test]
async fn as_many_run_at_once_as_is_said() {
    let ground = ground();
    // Each waits for the other: one after the other they would never end.
    let script = "touch $TIDEGATE_PLATFORM; until test -e intel && test -e arm; do :; done";
    let mut with = json!({
        "command": shell(script), "report": {"format": "exit-code"}, "platforms": matrix(), "parallel": 2, "timeout": "60s",
    });
    let (verdict, reason) = ground.said(with.clone()).await;
    assert_eq!(verdict, Verdict::Pass, "{reason}");
    with["parallel"] = json!(1);
    with["command"] = shell("test ! -e busy && touch busy && rm busy");
    assert_eq!(ground.said(with).await.0, Verdict::Pass);
}

#[tokio::test]
async fn a_platform_that_is_nowhere_and_a_suite_that_cannot_run_are_errors() {
    let ground = ground();
    let mut with = suite(PASSES, 0);
    with["platforms"] = json!([{"name": "power", "select": {"labels": {"arch": "ppc"}}}]);
    let (verdict, reason) = ground.said(with).await;
    assert_eq!(verdict, Verdict::Error);
    let known = "nowhere in this wave, which has the cells one, two with the labels arch: arm, arch: x86, and the components api";
    assert!(reason.contains(known), "{reason}");
    let exit = |command: Value| json!({"command": command, "report": {"format": "exit-code"}});
    let (verdict, reason) = ground.said(exit(json!(["no-such-suite"]))).await;
    assert_eq!(verdict, Verdict::Error);
    assert!(reason.contains("`no-such-suite` cannot be started"), "{reason}");
    assert_eq!(ground.said(exit(shell("kill -9 $$"))).await.0, Verdict::Error);
    let (verdict, reason) = ground.said(exit(shell("echo 1 failed >&2; exit 7"))).await;
    assert_eq!(verdict, Verdict::Fail);
    assert!(
        reason.starts_with("the suite failed: the suite: `sh` ended with code 7: 1 failed"),
        "{reason}"
    );
}

#[test]
fn mistakes_are_told_when_it_is_planned() {
    let check = |field: &str, value: Value, said: &str| {
        let mut with = json!({"command": ["suite"], "report": {"format": "junit"}, "tenants": ["ours", "demo"]});
        with[field] = value;
        let mistake = (GATE.validate)(&with).expect_err(said);
        assert!(mistake.contains(said), "{mistake}");
    };
    check("rate", json!(5), "unknown field `rate`");
    check("command", json!([]), "names no program");
    check(
        "command",
        json!(["x", "{platform}"]),
        "stands for nothing: the gate has no `platforms`",
    );
    check("platforms", json!([]), "`platforms` is empty");
    check("tenants", json!([]), "`tenants` is empty");
    check("tenants", json!(["ours", "ours"]), "lists `ours` twice");
    check(
        "platforms",
        json!([{"name": "a"}, {"name": "a"}]),
        "two platforms have the name `a`",
    );
    check("platforms", json!([{"name": "../a"}]), "no name that a folder can have");
    check(
        "platforms",
        json!([{"name": "a", "tenants": []}]),
        "`tenants` of the platform `a` is empty",
    );
    check(
        "platforms",
        json!([{"name": "a", "select": {"label": {}}}]),
        "unknown field `label`",
    );
    let many: Vec<Value> = (0..51).map(|number| json!({"name": format!("p{number}")})).collect();
    check("platforms", json!(many), "102 combinations");
    check("report", json!({"format": "html"}), "unknown variant `html`");
    check(
        "report",
        json!({"format": "exit-code", "path": "x"}),
        "there is no report",
    );
    for path in ["../x.xml", "/tmp/x.xml", "a/../../x.xml", "", "build/"] {
        check(
            "report",
            json!({"format": "junit", "path": path}),
            "no file in the project's folder",
        );
    }
    check(
        "report",
        json!({"format": "junit", "path": "{cell}.xml"}),
        "only `{platform}` and `{tenant}`",
    );
    check("parallel", json!(17), "between 1 and 16");
    check("timeout", json!("0s"), "above 0");
    check("minimum_tests", json!(0), "at least 1");
    check("flaky", json!("pass"), "unknown variant `pass`, expected `fail`");
}

#[test]
fn what_does_not_go_together_is_told_when_it_is_planned() {
    let with = |path: &str, parallel: u32| json!({"command": ["suite"], "report": {"format": "tap", "path": path}, "tenants": ["ours", "demo"], "parallel": parallel});
    let twice = (GATE.validate)(&with("x.tap", 2)).unwrap_err();
    assert!(
        twice.contains("as ours and as demo run at the same time and would both write `x.tap`"),
        "{twice}"
    );
    assert_eq!((GATE.validate)(&with("x.tap", 1)), Ok(()));
    assert_eq!((GATE.validate)(&with("{tenant}.tap", 2)), Ok(()));
    let counted = json!({"command": ["suite"], "report": {"format": "exit-code"}, "minimum_tests": 5});
    assert!((GATE.validate)(&counted).unwrap_err().contains("no test is counted"));
    let printed = json!({"command": ["suite", "{report}"], "report": {"format": "tap"}});
    assert!(
        (GATE.validate)(&printed)
            .unwrap_err()
            .contains("writes no report into a file")
    );
}
