//! Gates: what their verdicts mean, whom they ask, and what a person decides about one.

use std::collections::BTreeSet;

use serde_json::json;

use crate::effect::EffectBody;
use crate::event::{EventKind, GateAsk, GateAsked, Judgement, Verdict};
use crate::fixture::{Shop, installed, version};
use crate::id::{RoleName, WaveName};
use crate::journal::EntryKind;
use crate::policy::{Disposition, GateUse};
use crate::service::{Hold, WaveRun};
use crate::step::Refused;
use crate::time::Duration;

fn gate() -> GateUse {
    GateUse::new("http", json!({"url": "http://127.0.0.1/"}))
}

fn manual() -> GateUse {
    let with = json!({"question": "may it go out?", "who": {"roles": ["product"], "people": ["eve"]}, "expires": "3d"});
    GateUse::new("manual", with)
}

/// 1.1.0 whose first wave is asked these gates.
fn asked(gates: &[GateUse]) -> Shop {
    let mut shop = installed();
    shop.apply_changed("1.1.0", |plan| plan.waves[0].policy.gates = gates.to_vec());
    shop.settle();
    shop
}

fn wave(shop: &Shop) -> &WaveRun {
    &shop.state.run(&version("1.1.0")).unwrap().waves[0]
}

fn hold(shop: &Shop) -> Option<Hold> {
    shop.state.run(&version("1.1.0")).unwrap().hold.clone()
}

fn ends(shop: &mut Shop, gate: usize, verdict: Verdict) {
    let attempt = wave(shop).attempt;
    let effect = crate::effect::EffectId::gate(&version("1.1.0"), &wave(shop).name, gate, attempt);
    let judgement = Judgement::new(verdict, "as a test has it");
    shop.take(EventKind::Performed { effect, judgement }).unwrap();
    shop.settle();
}

fn say(shop: &mut Shop, person: &str, gate: &str, ask: GateAsk) -> Result<(), Refused> {
    let kind = EventKind::GateAsked(GateAsked {
        version: version("1.1.0"),
        wave: WaveName::new("first").unwrap(),
        gate: gate.to_owned(),
        ask,
    });
    let said = shop.take_from(person, kind);
    shop.settle();
    said
}

fn answer(shop: &mut Shop, person: &str, roles: &[&str], yes: bool) -> Result<(), Refused> {
    let roles: BTreeSet<RoleName> = roles.iter().map(|role| RoleName::new(role).unwrap()).collect();
    say(shop, person, "manual", GateAsk::Answer { yes, roles })
}

fn resume(shop: &mut Shop) {
    let version = version("1.1.0");
    shop.take(EventKind::Resume { version }).unwrap();
    shop.settle();
}

fn journal(shop: &Shop, kind: EntryKind) -> Vec<String> {
    let rows = shop.journal.iter().filter(|entry| entry.kind == kind);
    rows.map(|entry| format!("{}: {}", entry.actor, entry.reason)).collect()
}

#[test]
fn a_verdict_that_does_not_decide_holds_unless_the_playbook_says_otherwise() {
    let dispositions = [Disposition::Hold, Disposition::Fail, Disposition::Pass];
    for on_no_data in dispositions {
        for verdict in [Verdict::NoData, Verdict::Inconclusive, Verdict::Error] {
            let mut shop = asked(&[GateUse { on_no_data, ..gate() }]);
            ends(&mut shop, 0, verdict);
            let passes = verdict == Verdict::NoData && on_no_data == Disposition::Pass;
            assert_eq!(
                shop.on("1.1.0").len(),
                if passes { 2 } else { 0 },
                "{on_no_data:?} {verdict:?}"
            );
            assert_eq!(hold(&shop).is_none(), passes);
        }
    }
}

#[test]
fn what_the_playbook_makes_of_a_verdict_stands_in_the_hold_and_in_the_journal() {
    let mut shop = asked(&[GateUse {
        on_no_data: Disposition::Fail,
        ..gate()
    }]);
    ends(&mut shop, 0, Verdict::NoData);
    let reason = "no data, which the playbook takes for a failure: as a test has it";
    assert_eq!(
        hold(&shop).unwrap().reason,
        format!("gate http of wave first: {reason}")
    );
    assert_eq!(
        journal(&shop, EntryKind::GateEnded),
        [format!("tidegate/gate: http: {reason}")]
    );
    let mut shop = asked(&[GateUse {
        on_no_data: Disposition::Pass,
        ..gate()
    }]);
    ends(&mut shop, 0, Verdict::NoData);
    assert_eq!(
        journal(&shop, EntryKind::GateEnded),
        ["tidegate/gate: http: no data, the playbook lets it pass: as a test has it"]
    );
    let entered = journal(&shop, EntryKind::StageEntered);
    assert!(
        entered
            .iter()
            .any(|row| row.contains("no gate stops it (http: let pass)")),
        "{entered:?}"
    );
}

#[test]
fn a_dry_run_is_waited_for_and_stops_nothing() {
    for verdict in [Verdict::Fail, Verdict::Error, Verdict::NoData, Verdict::Inconclusive] {
        let mut shop = asked(&[
            GateUse {
                dry_run: true,
                ..gate()
            },
            gate(),
        ]);
        ends(&mut shop, 1, Verdict::Pass);
        assert_eq!(shop.on("1.1.0").len(), 0, "it is to judge what nobody uses yet");
        ends(&mut shop, 0, verdict);
        assert_eq!(shop.on("1.1.0").len(), 2, "{verdict:?}");
        assert_eq!(wave(&shop).gates[0].as_ref().unwrap().verdict, verdict);
    }
}

#[test]
fn an_overridden_gate_stops_no_attempt_and_the_others_still_do() {
    let mut shop = asked(&[gate(), gate()]);
    ends(&mut shop, 0, Verdict::Fail);
    assert!(hold(&shop).unwrap().reason.contains("gate http of wave first: fail"));
    say(&mut shop, "bob", "http", GateAsk::Override).unwrap();
    assert!(hold(&shop).is_some(), "whoever overrides does not resume");
    resume(&mut shop);
    assert!(
        shop.waiting().contains("gate 1.1.0/-/gate/first.1/"),
        "{}",
        shop.waiting()
    );
    assert!(
        !shop.waiting().contains("first.0"),
        "it is not asked any more: {}",
        shop.waiting()
    );
    ends(&mut shop, 1, Verdict::Fail);
    assert!(hold(&shop).unwrap().reason.contains("gate http-2 of wave first: fail"));
    resume(&mut shop);
    ends(&mut shop, 1, Verdict::Pass);
    assert_eq!(shop.on("1.1.0").len(), 2, "it holds for every attempt");
    assert_eq!(
        journal(&shop, EntryKind::GateOverridden),
        ["bob: http: a test asks for it"]
    );
    let entered = journal(&shop, EntryKind::StageEntered);
    assert!(
        entered.iter().any(|row| row.contains("http: overridden")),
        "{entered:?}"
    );
}

#[test]
fn a_gate_is_overridden_once_before_or_while_it_is_asked_and_not_when_its_wave_is_over() {
    let mut shop = asked(&[gate()]);
    say(&mut shop, "bob", "http", GateAsk::Override).unwrap();
    assert_eq!(shop.on("1.1.0").len(), 2, "it is not waited for any more");
    let refused = say(&mut shop, "eve", "http", GateAsk::Override).unwrap_err();
    assert!(refused.to_string().contains("overridden already, by bob"), "{refused}");
    assert_eq!(journal(&shop, EntryKind::GateOverridden).len(), 1);
    let refused = say(&mut shop, "bob", "htp", GateAsk::Override).unwrap_err();
    assert!(refused.to_string().contains("its gates are http"), "{refused}");
    shop.complete("1.1.0");
    let refused = say(&mut shop, "bob", "http", GateAsk::Override).unwrap_err();
    assert!(
        matches!(refused, Refused::Ended { .. } | Refused::OverriddenBefore { .. }),
        "{refused}"
    );
    ends(&mut shop, 0, Verdict::Fail);
    assert_eq!(
        wave(&shop).gates[0].as_ref().map(|said| said.verdict),
        Some(Verdict::Fail),
        "it is shown"
    );
}

#[test]
fn a_gate_of_a_wave_that_has_not_started_is_overridden_and_never_run() {
    let mut shop = installed();
    shop.apply_changed("1.1.0", |plan| plan.waves[1].policy.gates = vec![gate()]);
    let kind = EventKind::GateAsked(GateAsked {
        version: version("1.1.0"),
        wave: WaveName::new("rest").unwrap(),
        gate: "http".to_owned(),
        ask: GateAsk::Override,
    });
    shop.take_from("bob", kind).unwrap();
    shop.complete("1.1.0");
    assert_eq!(shop.phase("1.1.0"), "completed");
    let effects = shop.last.iter().flat_map(|step| &step.effects);
    assert!(
        effects
            .into_iter()
            .all(|effect| !matches!(effect.body, EffectBody::Gate { .. }))
    );
}

#[test]
fn the_word_of_a_person_who_is_asked_decides() {
    let mut shop = asked(&[manual()]);
    let waiting = shop.waiting();
    assert!(
        waiting.contains("an answer of eve or role product to gate manual"),
        "{waiting}"
    );
    assert!(waiting.contains("may it go out?"), "{waiting}");
    let refused = answer(&mut shop, "bob", &["operator"], true).unwrap_err();
    assert!(
        refused.to_string().contains("asks for the word of eve or role product"),
        "{refused}"
    );
    let refused = answer(&mut shop, "ada", &["product"], true).unwrap_err();
    assert!(
        refused.to_string().contains("ada made or applied the plan"),
        "{refused}"
    );
    answer(&mut shop, "eve", &[], true).unwrap();
    assert_eq!(shop.on("1.1.0").len(), 2);
    assert_eq!(
        journal(&shop, EntryKind::GateAnswered),
        ["eve: manual: yes: a test asks for it"]
    );
    let refused = answer(&mut shop, "eve", &[], false).unwrap_err();
    assert!(refused.to_string().contains("asks nobody now"), "{refused}");
}

#[test]
fn a_no_holds_the_release_and_whoever_resumes_it_asks_again() {
    let mut shop = asked(&[manual()]);
    answer(&mut shop, "bob", &["product"], false).unwrap();
    let reason = hold(&shop).unwrap().reason;
    assert_eq!(
        reason,
        "gate manual of wave first: fail: bob says no: a test asks for it"
    );
    let refused = answer(&mut shop, "bob", &["product"], true).unwrap_err();
    assert!(refused.to_string().contains("asks nobody now"), "{refused}");
    resume(&mut shop);
    assert!(shop.waiting().contains("an answer of"), "{}", shop.waiting());
    answer(&mut shop, "bob", &["product"], true).unwrap();
    assert_eq!(shop.on("1.1.0").len(), 2);
}

#[test]
fn nobodys_word_is_inconclusive_at_its_end() {
    for (on_inconclusive, moved) in [(Disposition::Hold, 0), (Disposition::Fail, 0), (Disposition::Pass, 2)] {
        let mut shop = asked(&[GateUse {
            on_inconclusive,
            ..manual()
        }]);
        let end = shop.now + Duration::from_hours(72);
        shop.pass(Duration::from_hours(71));
        assert_eq!((shop.on("1.1.0").len(), hold(&shop)), (0, None));
        shop.now = end;
        let refused = answer(&mut shop, "eve", &[], true).unwrap_err();
        assert!(
            matches!(refused, Refused::OverAlready { .. } | Refused::NothingToAnswer { .. }),
            "{refused}"
        );
        assert_eq!(shop.on("1.1.0").len(), moved, "{on_inconclusive:?}");
        assert_eq!(hold(&shop).is_some(), moved == 0);
        let said = wave(&shop).gates[0].clone().unwrap();
        assert_eq!(said.verdict, Verdict::Inconclusive);
        assert!(said.reason.contains("nobody has answered until"), "{}", said.reason);
    }
}

#[test]
fn people_are_asked_beside_other_gates_and_an_override_is_an_answer_too() {
    let mut shop = asked(&[manual(), gate()]);
    assert!(
        shop.waiting().contains("gate 1.1.0/-/gate/first.1/"),
        "{}",
        shop.waiting()
    );
    say(&mut shop, "bob", "manual", GateAsk::Override).unwrap();
    let refused = answer(&mut shop, "eve", &[], true).unwrap_err();
    assert!(refused.to_string().contains("asks nobody now"), "{refused}");
    ends(&mut shop, 1, Verdict::Pass);
    assert_eq!(shop.on("1.1.0").len(), 2);
}

#[test]
fn a_question_that_cannot_be_read_is_an_error_and_holds() {
    let shop = asked(&[GateUse::new("manual", json!({"question": "?"}))]);
    let reason = hold(&shop).unwrap().reason;
    assert!(
        reason.contains("error: `with` cannot be used: missing field `who`"),
        "{reason}"
    );
}

#[test]
fn what_was_decided_about_gates_reads_back_as_it_was_written() {
    let mut shop = asked(&[gate(), manual()]);
    say(&mut shop, "bob", "http", GateAsk::Override).unwrap();
    answer(&mut shop, "eve", &[], false).unwrap();
    let text = serde_json::to_string(&shop.state).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::service::Service>(&text).unwrap(),
        shop.state
    );
}
