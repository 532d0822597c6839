use serde_json::json;

use super::*;

const VERDICTS: [Verdict; 5] = [
    Verdict::Pass,
    Verdict::Fail,
    Verdict::Inconclusive,
    Verdict::NoData,
    Verdict::Error,
];

fn named(name: &str, uses: &str) -> GateUse {
    GateUse {
        name: name.parse().ok(),
        ..GateUse::new(uses, json!({}))
    }
}

#[test]
fn each_gate_of_a_wave_has_a_name_of_its_own() {
    let templated = GateUse {
        template: "slow".parse().ok(),
        ..GateUse::new("metric", json!({}))
    };
    let gates = [
        GateUse::new("http", json!({})),
        named("http-2", "http"),
        GateUse::new("http", json!({})),
        templated.clone(),
        templated,
        GateUse::new("metric", json!({})),
    ];
    assert_eq!(
        gate_names(&gates),
        ["http", "http-2", "http-3", "slow", "slow-2", "metric"]
    );
}

#[test]
fn only_a_pass_passes_unless_the_playbook_says_otherwise() {
    let gate = GateUse::new("http", json!({}));
    let passes = |gate: &GateUse| {
        let lets = VERDICTS
            .iter()
            .filter(|verdict| gate.outcome(Some(**verdict)).lets_pass());
        lets.copied().collect::<Vec<_>>()
    };
    assert_eq!(passes(&gate), [Verdict::Pass]);
    assert!(!gate.outcome(None).lets_pass());
    let lenient = GateUse {
        on_no_data: Disposition::Pass,
        on_inconclusive: Disposition::Fail,
        ..gate.clone()
    };
    assert_eq!(passes(&lenient), [Verdict::Pass, Verdict::NoData]);
    assert_eq!(lenient.outcome(Some(Verdict::Inconclusive)), GateOutcome::Failed);
    assert_eq!(lenient.outcome(Some(Verdict::Error)), GateOutcome::Held);
    let dry_run = GateUse { dry_run: true, ..gate };
    assert_eq!(passes(&dry_run), VERDICTS);
    assert!(
        !dry_run.outcome(None).lets_pass(),
        "it is waited for, so that it judges what it is meant to"
    );
}

#[test]
fn what_the_playbook_makes_of_a_verdict_is_said_with_it() {
    let gate = GateUse {
        on_no_data: Disposition::Pass,
        on_inconclusive: Disposition::Fail,
        ..GateUse::new("metric", json!({}))
    };
    assert_eq!(
        gate.verdict_in_words(Verdict::NoData),
        "no data, the playbook lets it pass"
    );
    assert_eq!(
        gate.verdict_in_words(Verdict::Inconclusive),
        "inconclusive, which the playbook takes for a failure"
    );
    assert_eq!(gate.verdict_in_words(Verdict::Error), "error");
    assert_eq!(gate.in_words("lag"), "lag (metric, no data passes, inconclusive fails)");
    assert_eq!(GateUse::new("http", json!({})).in_words("http"), "http");
}

#[test]
fn what_was_planned_before_gates_had_names_reads_as_it_did() {
    let old = json!({"uses": "http", "with": {"path": "/"}});
    let gate: GateUse = serde_json::from_value(old.clone()).unwrap();
    assert_eq!(gate, GateUse::new("http", json!({"path": "/"})));
    assert_eq!(serde_json::to_value(&gate).unwrap(), old);
}
