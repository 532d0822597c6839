mod admission;
mod approval;
mod canary;
mod cell_move;
mod data_downtime;
mod data_step;
mod downtime;
mod exception;
mod gate;
mod hotfix;
mod in_flight;
mod job;
mod migration;
mod patch;
mod reservation;
mod roster;
mod simulated;
mod together;
mod validation;

use crate::desired::desired;
use crate::event::{EventKind, Scope, Verdict};
use crate::fixture::{Shop, apply, installed, tenant, version};
use crate::id::{CellName, TenantName, WaveName};
use crate::journal::EntryKind;
use crate::monitor::monitors;
use crate::service::Selection;
use crate::step::Refused;
use crate::time::{Duration, Timestamp};

fn hold(release: &str) -> EventKind {
    EventKind::Hold {
        version: version(release),
        until: None,
    }
}

fn back(release: &str, scope: Scope) -> EventKind {
    EventKind::RollBack {
        version: version(release),
        scope,
    }
}

/// A release whose first wave is being baked.
fn baking() -> Shop {
    let mut shop = installed();
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    shop
}

#[test]
fn a_good_release_reaches_everybody_wave_by_wave() {
    let mut shop = baking();
    assert!(shop.waiting().contains("the bake of wave first"), "{}", shop.waiting());
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(599));
    assert_eq!(shop.on("1.1.0").len(), 2, "the bake has a least time");
    shop.pass(Duration::from_secs(1));
    assert!(
        shop.waiting().contains("the earliest start of wave rest"),
        "{}",
        shop.waiting()
    );
    shop.pass(Duration::from_hours(1));
    assert_eq!(shop.on("1.1.0").len(), 6);
    shop.judge("1.1.0", "rest", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    assert_eq!(shop.phase("1.1.0"), "completed");
    assert_eq!(shop.slots("eu").len(), 4, "the old slots stay warm");
    shop.pass(Duration::from_hours(2));
    assert_eq!(shop.slots("eu"), ["api 1.1.0 Run", "ledger 1.1.0 Run"]);
}

#[test]
fn a_bake_passes_by_a_verdict_about_enough_requests_and_nothing_else() {
    let mut shop = baking();
    shop.pass(Duration::from_secs(1200));
    assert_eq!(shop.on("1.1.0").len(), 2, "no verdict is not a pass");
    shop.judge("1.1.0", "first", Verdict::Pass, 99);
    shop.pass(Duration::from_secs(60));
    assert!(shop.waiting().contains("99 of 100 requests"), "{}", shop.waiting());
    shop.judge("1.1.0", "first", Verdict::NoData, 0);
    shop.pass(Duration::from_hours(1));
    let hold = shop.state.run(&version("1.1.0")).unwrap().hold.clone().unwrap();
    assert_eq!(hold.by.as_str(), "tidegate/bake");
    assert!(hold.reason.contains("without a clear verdict"), "{}", hold.reason);
}

/// kargo#1396: rollback by itself.
#[test]
fn a_failed_verdict_brings_the_wave_back_by_itself() {
    let mut shop = baking();
    shop.judge("1.1.0", "first", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    let returned: Vec<_> = shop
        .journal
        .iter()
        .filter(|entry| entry.kind == EntryKind::Returned)
        .collect();
    assert_eq!(returned.len(), 1);
    assert_eq!(returned[0].actor.as_str(), "tidegate/health");
    assert_eq!(returned[0].tenants.len(), 2);
}

#[test]
fn after_the_second_wave_failed_the_first_stays_and_the_release_is_held() {
    let mut shop = baking();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop.pass(Duration::from_hours(1));
    shop.judge("1.1.0", "rest", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    assert!(shop.state.run(&version("1.1.0")).unwrap().hold.is_some());
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 6, "a person may let the wave start anew");
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!((shop.on("1.0.0").len(), shop.phase("1.1.0")), (6, "rolled back"));
}

#[test]
fn what_never_gets_ready_moves_nobody_and_says_why() {
    let mut shop = installed();
    let mut broken = shop.input("1.1.0", "");
    broken.state = shop.state.clone();
    let (plan, _) = crate::plan::plan(&broken);
    let plan = plan.unwrap();
    let slot = plan.release.slot_ids(&CellName::new("us").unwrap())["api"].clone();
    shop.broken.push(slot.to_string());
    shop.take(apply(plan)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
    let hold = shop.state.run(&version("1.1.0")).unwrap().hold.clone().unwrap();
    assert!(hold.reason.contains("it ends with 1"), "{}", hold.reason);
    shop.take(EventKind::Abort {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "aborted");
    assert_eq!(shop.slots("us").len(), 2, "what was started for it is gone");
}

#[test]
fn a_switch_counts_when_every_gateway_has_confirmed_it() {
    let mut shop = installed();
    shop.gateways_follow = false;
    shop.apply("1.1.0");
    shop.settle();
    assert!(shop.waiting().contains("all gateways to confirm"), "{}", shop.waiting());
    shop.pass(Duration::from_secs(60));
    let hold = shop.state.run(&version("1.1.0")).unwrap().hold.clone().unwrap();
    assert_eq!(hold.by.as_str(), "tidegate/switch");
}

#[test]
fn a_hold_stops_what_moves_forward_and_nothing_else() {
    let mut shop = baking();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.take(hold("1.1.0")).unwrap();
    shop.pass(Duration::from_hours(5));
    assert_eq!(shop.on("1.1.0").len(), 2);
    shop.judge("1.1.0", "first", Verdict::Fail, 900);
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6, "the way back is never held");
}

#[test]
fn a_hold_ends_at_its_time() {
    let mut shop = baking();
    let until = Some(shop.now + Duration::from_hours(1));
    shop.take(EventKind::Hold {
        version: version("1.1.0"),
        until,
    })
    .unwrap();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    assert_eq!(shop.last.as_ref().unwrap().wake, until);
    shop.pass(Duration::from_hours(1));
    assert!(shop.state.run(&version("1.1.0")).unwrap().hold.is_none());
}

#[test]
fn one_tenant_goes_back_alone_and_the_release_goes_on() {
    let mut shop = baking();
    shop.take(back("1.1.0", Scope::Tenant(tenant("acme")))).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["dune"]);
    shop.complete("1.1.0");
    assert_eq!(shop.on("1.0.0"), ["acme"]);
    assert_eq!(shop.phase("1.1.0"), "completed");
}

#[test]
fn a_completed_release_goes_back_in_one_action_even_when_the_old_slots_are_gone() {
    let mut shop = baking();
    shop.complete("1.1.0");
    shop.pass(Duration::from_hours(2));
    assert_eq!(shop.slots("eu").len(), 2);
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    assert!(
        shop.waiting().contains("the earlier version to be ready"),
        "{}",
        shop.waiting()
    );
    shop.settle();
    assert_eq!((shop.on("1.0.0").len(), shop.phase("1.1.0")), (6, "rolled back"));
}

#[test]
fn commands_that_make_no_sense_are_refused_with_what_works() {
    let mut shop = baking();
    let wave = Scope::Wave(WaveName::new("rest").unwrap());
    let cases = [
        (
            EventKind::Resume {
                version: version("1.1.0"),
            },
            "is not held",
        ),
        (
            EventKind::Hold {
                version: version("9.0.0"),
                until: None,
            },
            "there is no release 9.0.0",
        ),
        (back("1.1.0", wave), "there is nothing to roll back"),
        (
            back("1.1.0", Scope::Tenant(tenant("bolt"))),
            "tenant `bolt` is not on release 1.1.0",
        ),
        (
            back("1.1.0", Scope::Tenant(tenant("nobody"))),
            "there is no tenant `nobody`",
        ),
        (
            back("1.0.0", Scope::Tenant(tenant("acme"))),
            "has moved on to release 1.1.0",
        ),
        (
            EventKind::Promote {
                version: version("1.0.0"),
            },
            "has ended",
        ),
    ];
    for (kind, expect) in cases {
        let before = shop.state.clone();
        let refused = shop.take(kind).expect_err(expect);
        assert!(refused.to_string().contains(expect), "{refused}");
        assert_eq!(shop.state, before, "a refused command leaves no trace");
    }
}

#[test]
fn applying_again_has_no_effect_and_another_plan_is_refused() {
    let mut shop = baking();
    let (before, mut input) = (shop.state.clone(), shop.input("1.1.0", ""));
    let (old, _) = crate::plan::plan(&installed().input("1.1.0", ""));
    shop.take(apply(old.unwrap())).unwrap();
    assert_eq!(shop.state, before);
    input.state = installed().state;
    input.release.kind = crate::release::ReleaseKind::Patch;
    let (other, _) = crate::plan::plan(&input);
    let refused = shop.take(apply(other.unwrap())).unwrap_err();
    assert_eq!(
        refused,
        Refused::AppliedWithOtherPlan {
            release: version("1.1.0")
        }
    );
}

#[test]
fn a_later_release_waits_and_then_moves_tenants_from_the_earlier() {
    let mut shop = baking();
    shop.apply("1.2.0");
    shop.settle();
    assert!(shop.waiting().contains("release 1.1.0 to end"), "{}", shop.waiting());
    shop.complete("1.1.0");
    shop.complete("1.2.0");
    assert_eq!(shop.on("1.2.0").len(), 6);
}

#[test]
fn a_tenant_that_comes_meanwhile_joins_the_last_wave_and_one_that_goes_leaves_every_wave() {
    let mut shop = baking();
    let cell = CellName::new("eu").unwrap();
    shop.take(EventKind::TenantAdded {
        tenant: tenant("nova"),
        cell,
    })
    .unwrap();
    shop.take(EventKind::TenantRemoved { tenant: tenant("bolt") }).unwrap();
    assert!(shop.on("1.0.0").contains(&"nova"));
    shop.complete("1.1.0");
    assert_eq!(shop.on("1.1.0"), ["acme", "cato", "dune", "echo", "flux", "nova"]);
}

#[test]
fn data_that_forbids_going_back_is_respected() {
    let mut shop = installed();
    shop.apply_with("1.1.0", "reversible: {until: bake}\n");
    shop.settle();
    let refused = shop.take(back("1.1.0", Scope::Everything)).unwrap_err();
    assert!(refused.to_string().contains("cannot be taken back"), "{refused}");
    shop.judge("1.1.0", "first", Verdict::Fail, 500);
    assert_eq!(shop.on("1.1.0").len(), 2, "automatic rollback never crosses it");
    assert!(shop.state.run(&version("1.1.0")).unwrap().hold.is_some());
}

#[test]
fn the_generation_rises_with_the_document_and_only_then() {
    let mut shop = baking();
    let generation = shop.state.routing.generation;
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    assert_eq!(shop.state.routing.generation, generation);
    let before = desired(&shop.state).cells;
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    assert_ne!(desired(&shop.state).cells, before);
    assert_eq!(shop.state.routing.generation, generation + 1);
}

#[test]
fn who_has_moved_is_watched_until_the_release_has_ended() {
    let mut shop = baking();
    let watched = monitors(&shop.state);
    assert_eq!(watched.len(), 1);
    assert_eq!(
        watched[0].tenants.keys().map(TenantName::as_str).collect::<Vec<_>>(),
        ["acme", "dune"]
    );
    shop.complete("1.1.0");
    assert!(monitors(&shop.state).is_empty());
}

/// kargo#5144: what failed when it was verified again could still be promoted.
#[test]
fn what_confirmed_a_wave_stands_until_something_speaks_against_it() {
    let mut shop = baking();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    let judged = |shop: &Shop| {
        let wave = &shop.state.runs[1].waves[0];
        (wave.health.as_ref().map(|health| health.verdict), wave.judged)
    };
    let confirmed = judged(&shop);
    assert_eq!(confirmed.0, Some(Verdict::Pass));
    for unclear in [Verdict::NoData, Verdict::Inconclusive, Verdict::Error] {
        shop.pass(Duration::from_secs(60));
        shop.judge("1.1.0", "first", unclear, 500);
        assert_eq!(judged(&shop), confirmed, "nobody is left to compare with");
    }
    shop.judge("1.1.0", "first", Verdict::Fail, 500);
    assert_eq!(judged(&shop).0, Some(Verdict::Fail));
    assert!(judged(&shop).1 > confirmed.1);
}

#[test]
fn the_state_reads_back_as_it_was_written() {
    let shop = baking();
    let text = serde_json::to_string(&shop.state).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::service::Service>(&text).unwrap(),
        shop.state
    );
}

#[test]
fn no_gap_is_never_waited_for_though_the_clock_is_set_back() {
    let mut shop = installed();
    shop.playbook = shop.playbook.replace("gap: 1h", "gap: 0s");
    shop.pass(Duration::from_hours(2));
    shop.apply("1.1.0");
    shop.settle();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.take(admission::freeze(Selection::Everybody, None)).unwrap();
    shop.pass(Duration::from_secs(600));
    let number = *shop.state.freezes.keys().next().unwrap();
    shop.now = Timestamp(shop.now.0 - Duration::from_hours(24).as_millis());
    shop.take(EventKind::Unfreeze { number }).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 6, "{}", shop.waiting());
}

/// What was seen of a slot that was stopped since is not the one that is asked for now.
#[test]
fn a_report_about_an_older_document_says_nothing_of_a_slot_asked_for_since() {
    let mut shop = baking();
    let old = shop.observation();
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    shop.pass(Duration::from_hours(2));
    assert_eq!(shop.slots("eu"), ["api 1.0.0 Run", "ledger 1.0.0 Run"]);
    shop.apply("1.1.0");
    shop.take(old).unwrap();
    assert_eq!(shop.on("1.1.0").len(), 0, "its processes are new");
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 2);
}
