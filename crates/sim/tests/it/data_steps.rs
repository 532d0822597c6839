//! A schema change over expand, migrate and contract, taken back at each point of it.

use tidegate_sim::{Script, replay};

/// Steps take up to half a minute each. The contract begins when the rollback window is over.
const RELEASE: &str = "
cells eu
tenants acme@eu bolt@eu
gateways g1
release 1.0.0 waves= bake=0s..0s
release 2.0.0 waves=acme| bake=1m..5m gap=1m window=10m steps=expand,migrate,contract
";

fn told(action: &str, at: u32) -> String {
    let slow = ["expand", "migrate", "contract"].map(|kind| format!("1s step 2.0.0 {kind} retried\n"));
    let text = format!(
        "{RELEASE}{}1s apply 1.0.0\n95s apply 2.0.0\n{at}s {action}\n40m long acme 1s\n",
        slow.concat()
    );
    let script: Script = text.parse().unwrap();
    replay(&script).trace
}

/// When the journal has the first row with these words, in seconds.
fn seconds(told: &str, words: &str) -> Option<u32> {
    let line = told.lines().find(|line| line.contains(words))?;
    let of = |unit: &str| {
        let found = line.split_whitespace().take(3).find_map(|word| word.strip_suffix(unit));
        found.and_then(|number| number.parse::<u32>().ok()).unwrap_or(0)
    };
    Some(of("m") * 60 + of("s"))
}

#[test]
fn a_schema_change_is_taken_back_whole_until_it_is_contracted() {
    let undisturbed = told("long bolt 1s", 1);
    let at = |words: &str| seconds(&undisturbed, words).unwrap_or_else(|| panic!("no {words}:\n{undisturbed}"));
    let moved = at("moved 2.0.0 w1");
    let contracted = at("step contract in cell eu begins");
    assert!(at("step expand in cell eu is done") < moved);
    assert!(at("step migrate in cell eu begins") < contracted);
    let mut refused = 0;
    for second in (moved + 1..contracted + 120).step_by(29) {
        let told = told("rollback 2.0.0 all", second);
        assert!(!told.contains("VIOLATED"), "at {second} s:\n{told}");
        if told.contains("ada refused 2.0.0") {
            refused += 1;
            assert!(second >= contracted, "at {second} s:\n{told}");
            assert!(told.contains("step `contract` has taken away"), "{told}");
            assert!(told.contains("step contract in cell eu is done"), "{told}");
            assert!(told.contains("= 2.0.0 completed: acme, bolt"), "{told}");
        } else {
            assert!(second <= contracted, "at {second} s:\n{told}");
            assert!(
                told.contains("step expand in cell eu is undone"),
                "at {second} s:\n{told}"
            );
            assert!(
                !told.contains("step contract in cell eu begins"),
                "at {second} s:\n{told}"
            );
            assert!(told.contains("= 1.0.0 completed: acme, bolt"), "at {second} s:\n{told}");
            assert!(told.contains("= 2.0.0 rolled back: nobody is on it"), "{told}");
        }
    }
    assert!(refused > 2, "the contract is not reached");
}

#[test]
fn a_release_that_is_aborted_in_its_expand_leaves_nothing() {
    for second in (96..130).step_by(3) {
        let told = told("abort 2.0.0", second);
        assert!(!told.contains("VIOLATED"), "at {second} s:\n{told}");
        assert!(
            told.contains("step expand in cell eu is undone"),
            "at {second} s:\n{told}"
        );
        assert!(
            told.contains("= 2.0.0 aborted: nobody is on it"),
            "at {second} s:\n{told}"
        );
    }
}

/// Work in downtime that takes up to half a minute, in cells whose waves follow each other.
fn in_downtime(how: &str, action: &str, at: u32) -> String {
    let text = format!(
        "
cells eu us
tenants acme@eu bolt@eu cato@us
gateways g1 g2
worker tenant
release 1.0.0 waves= bake=0s..0s
release 2.0.0 waves=acme,bolt| bake=20s..1m gap=20s window=5m steps=during_downtime{how}
1s apply 1.0.0
1s step 2.0.0 during_downtime retried
95s apply 2.0.0
{at}s {action}
40m long acme 1s
"
    );
    let script: Script = text.parse().unwrap();
    replay(&script).trace
}

#[test]
fn work_in_downtime_is_taken_back_at_each_point_of_it() {
    for action in [
        "rollback 2.0.0 all",
        "abort 2.0.0",
        "hold 2.0.0",
        "opt-out acme",
        "put-freeze 0s open all",
    ] {
        for second in (96..300).step_by(9) {
            let told = in_downtime("", action, second);
            assert!(!told.contains("VIOLATED"), "{action} at {second} s:\n{told}");
            if action.starts_with("rollback") && !told.contains("ada refused") {
                let began = told.matches("during_downtime in cell eu begins").count();
                let undone = told.matches("during_downtime in cell eu is undone").count();
                assert_eq!(began, undone, "at {second} s:\n{told}");
                assert!(
                    told.contains("= 1.0.0 completed: acme, bolt, cato"),
                    "at {second} s:\n{told}"
                );
            }
        }
    }
}

#[test]
fn work_in_downtime_without_an_undo_ends_well_or_never_begins() {
    let mut refused = 0;
    for second in (96..300).step_by(9) {
        let told = in_downtime(" for-good", "rollback 2.0.0 all", second);
        assert!(!told.contains("VIOLATED"), "at {second} s:\n{told}");
        if told.contains("has begun in its downtime and has no `undo`") {
            refused += 1;
            assert!(
                told.contains("= 2.0.0 completed: acme, bolt, cato"),
                "at {second} s:\n{told}"
            );
        } else if !told.contains("ada refused") {
            assert!(!told.contains("in cell eu begins"), "at {second} s:\n{told}");
        }
    }
    assert!(refused > 2, "the work is not reached");
}
