use super::{back, hold};
use crate::desired::{Route, Split, desired};
use crate::event::{EventKind, Scope, TenantAsk, Verdict};
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::CellName;
use crate::journal::EntryKind;
use crate::monitor::{Assignment, monitors};
use crate::release::Stage;
use crate::service::Selection;
use crate::time::Duration;

const WAVES: &str = "
name: two-waves
waves:
  - name: first
    select: {opt_in: true}
    canary: {share: 10, least: 5m, longest: 20m, requests: 50, warm_up: 10s}
    bake: {least: 10m, longest: 1h, requests: 100}
  - {name: rest, select: {rest: true}, bake: {least: 10m, longest: 1h, requests: 100}}
rollback_window: 2h
";

/// A release whose first wave is in its canary.
fn canary() -> Shop {
    with_playbook(WAVES)
}

fn with_playbook(playbook: &str) -> Shop {
    let mut shop = installed();
    shop.playbook = playbook.to_owned();
    shop.apply("1.1.0");
    shop.settle();
    shop
}

fn route(shop: &Shop, name: &str) -> Route {
    let desired = desired(&shop.state);
    let mut routes = desired.cells.values().filter_map(|cell| cell.routes.get(&tenant(name)));
    routes.next().unwrap().clone()
}

fn split(shop: &Shop) -> Vec<&'static str> {
    let names = ["acme", "bolt", "cato", "dune", "echo", "flux"];
    names
        .into_iter()
        .filter(|name| route(shop, name).split.is_some())
        .collect()
}

fn stage(shop: &Shop) -> Option<Stage> {
    shop.state.run(&version("1.1.0")).unwrap().waves[0].stage()
}

fn held(shop: &Shop) -> String {
    let run = shop.state.run(&version("1.1.0")).unwrap();
    run.hold.as_ref().map_or(String::new(), |hold| hold.reason.clone())
}

fn resume(shop: &mut Shop) {
    let version = version("1.1.0");
    shop.take(EventKind::Resume { version }).unwrap();
}

#[test]
fn a_share_of_the_requests_goes_first_and_nobody_is_moved() {
    let shop = canary();
    let route = route(&shop, "acme");
    assert_eq!(route.version, version("1.0.0"));
    assert_eq!(
        route.split,
        Some(Split {
            version: version("1.1.0"),
            share: 10
        })
    );
    assert_eq!((split(&shop), shop.on("1.1.0").len()), (vec!["acme", "dune"], 0));
    assert!(
        shop.waiting().contains("the canary of wave first"),
        "{}",
        shop.waiting()
    );
    let eu = &desired(&shop.state).cells[&CellName::new("eu").unwrap()];
    let owners = eu.slots.values().filter(|slot| slot.spec.version == version("1.1.0"));
    for slot in owners {
        assert!(
            !format!("{:?}", slot.owns).contains("acme"),
            "workers stay with the tenant's version"
        );
    }
}

#[test]
fn it_ends_with_the_switch_once_it_was_shown_to_be_good() {
    let mut shop = canary();
    shop.judge("1.1.0", "first", Verdict::Pass, 60);
    shop.pass(Duration::from_secs(299));
    assert_eq!(stage(&shop), Some(Stage::Canary), "it has a least time");
    shop.pass(Duration::from_secs(1));
    assert_eq!(
        (stage(&shop), shop.on("1.1.0")),
        (Some(Stage::Bake), vec!["acme", "dune"])
    );
    assert!(split(&shop).is_empty());
    let run = shop.state.run(&version("1.1.0")).unwrap();
    assert_eq!(run.waves[0].health, None, "the bake is judged by itself");
    let entered = shop
        .journal
        .iter()
        .filter(|entry| entry.reason.starts_with("switch: pass over 60"));
    assert_eq!(entered.count(), 1);
}

#[test]
fn a_judgement_of_the_canary_that_comes_late_says_nothing_of_the_bake() {
    let mut shop = canary();
    let attempt = shop.state.run(&version("1.1.0")).unwrap().waves[0].attempt;
    shop.judge("1.1.0", "first", Verdict::Pass, 60);
    shop.pass(Duration::from_secs(300));
    let run = shop.state.run(&version("1.1.0")).unwrap();
    assert_ne!(run.waves[0].attempt, attempt);
}

#[test]
fn a_failed_canary_is_over_in_the_same_step_and_has_moved_nobody() {
    let mut shop = canary();
    let generation = shop.state.routing.generation;
    shop.judge("1.1.0", "first", Verdict::Fail, 60);
    assert!(split(&shop).is_empty());
    assert_eq!(shop.state.routing.generation, generation + 1);
    assert_eq!((shop.on("1.1.0").len(), stage(&shop)), (0, Some(Stage::Canary)));
    assert_eq!(held(&shop), "the canary of wave first: fail over 60 requests");
    let ended = shop
        .journal
        .iter()
        .find(|entry| entry.kind == EntryKind::CanaryEnded)
        .unwrap();
    assert_eq!(ended.tenants.len(), 2);
    assert!(ended.reason.contains("fail over 60 requests"), "{}", ended.reason);
    // A person may let it try again, from the beginning.
    resume(&mut shop);
    assert_eq!(split(&shop), ["acme", "dune"]);
    assert_eq!(shop.state.run(&version("1.1.0")).unwrap().waves[0].health, None);
}

#[test]
fn without_a_verdict_at_the_longest_the_playbook_decides() {
    let mut shop = canary();
    shop.judge("1.1.0", "first", Verdict::Pass, 49);
    shop.pass(Duration::from_secs(1199));
    assert!(shop.waiting().contains("49 of 50 requests"), "{}", shop.waiting());
    shop.pass(Duration::from_secs(1));
    assert!(
        held(&shop).contains("the canary of wave first has lasted its longest"),
        "{}",
        held(&shop)
    );
    assert!(split(&shop).is_empty());
    let mut shop = with_playbook(&WAVES.replace("warm_up: 10s", "on_inconclusive: pass"));
    shop.pass(Duration::from_secs(1200));
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
}

#[test]
fn what_narrows_takes_the_split_away_at_once() {
    let freeze = |name: &str| EventKind::Freeze {
        of: Selection::Tenants(std::collections::BTreeSet::from([tenant(name)])),
        from: Some(installed().now),
        until: None,
    };
    let opt_out = EventKind::OptOut { tenant: tenant("acme") };
    let suspend = EventKind::TenantAsked {
        tenant: tenant("acme"),
        ask: TenantAsk::Suspend,
    };
    let remove = EventKind::TenantRemoved { tenant: tenant("acme") };
    for ask in [freeze("acme"), opt_out, suspend] {
        let mut shop = canary();
        shop.take(ask.clone()).unwrap();
        assert_eq!(split(&shop), ["dune"], "{ask:?}");
    }
    let mut shop = canary();
    shop.take(remove).unwrap();
    assert!(route(&shop, "dune").split.is_some());
    for ask in [hold("1.1.0"), back("1.1.0", Scope::Everything)] {
        let mut shop = canary();
        shop.take(ask.clone()).unwrap();
        assert!(split(&shop).is_empty(), "{ask:?}");
    }
    let mut shop = canary();
    let abort = EventKind::Abort {
        version: version("1.1.0"),
    };
    shop.take(abort).unwrap();
    assert!(split(&shop).is_empty());
}

#[test]
fn a_freeze_that_begins_later_ends_it_then_and_it_begins_anew_when_that_is_over() {
    let mut shop = canary();
    let from = shop.now + Duration::from_secs(100);
    let freeze = EventKind::Freeze {
        of: Selection::Everybody,
        from: Some(from),
        until: Some(from + Duration::from_secs(1000)),
    };
    shop.take(freeze).unwrap();
    assert_eq!(split(&shop), ["acme", "dune"]);
    assert_eq!(shop.last.as_ref().unwrap().wake, Some(from));
    shop.judge("1.1.0", "first", Verdict::Pass, 60);
    shop.pass(Duration::from_secs(100));
    assert!(split(&shop).is_empty());
    assert!(shop.waiting().contains("freeze"), "{}", shop.waiting());
    // Its longest time does not run meanwhile, and what it had come to is forgotten.
    shop.pass(Duration::from_secs(1000));
    assert_eq!(split(&shop), ["acme", "dune"]);
    shop.pass(Duration::from_secs(600));
    assert_eq!((held(&shop).as_str(), stage(&shop)), ("", Some(Stage::Canary)));
}

#[test]
fn one_that_is_cut_short_again_and_again_is_a_matter_for_a_person() {
    let mut shop = canary();
    let freeze_soon = |shop: &mut Shop| {
        let from = shop.now + Duration::from_secs(100);
        let freeze = EventKind::Freeze {
            of: Selection::Everybody,
            from: Some(from),
            until: Some(from + Duration::from_secs(100)),
        };
        shop.take(freeze).unwrap();
        shop.pass(Duration::from_secs(100));
        assert!(split(shop).is_empty());
        shop.pass(Duration::from_secs(100));
    };
    freeze_soon(&mut shop);
    freeze_soon(&mut shop);
    assert_eq!((held(&shop).as_str(), split(&shop).len()), ("", 2));
    freeze_soon(&mut shop);
    assert!(held(&shop).contains("has begun 3 times"), "{}", held(&shop));
    resume(&mut shop);
    assert_eq!((held(&shop).as_str(), split(&shop).len()), ("", 2));
    freeze_soon(&mut shop);
    assert_eq!(held(&shop), "");
}

#[test]
fn its_slots_are_stopped_only_when_every_gateway_has_a_table_without_it() {
    let mut shop = canary();
    shop.gateways_follow = false;
    let abort = EventKind::Abort {
        version: version("1.1.0"),
    };
    shop.take(abort).unwrap();
    shop.settle();
    assert!(split(&shop).is_empty());
    assert!(
        shop.slots("eu").iter().any(|slot| slot.starts_with("api 1.1.0 Drain")),
        "{:?}",
        shop.slots("eu")
    );
    shop.gateways_follow = true;
    shop.settle();
    assert!(
        !shop.slots("eu").iter().any(|slot| slot.starts_with("api 1.1.0")),
        "{:?}",
        shop.slots("eu")
    );
}

#[test]
fn a_slot_that_fails_under_it_stops_the_release() {
    let mut shop = canary();
    let cells = shop.state.cells.values();
    let slots = cells
        .flat_map(|cell| &cell.slots)
        .filter(|(_, slot)| slot.version == version("1.1.0"));
    let slot = slots.map(|(id, _)| id.to_string()).next();
    shop.broken.extend(slot);
    shop.observe();
    assert!(held(&shop).contains("it ends with 1"), "{}", held(&shop));
    assert!(split(&shop).is_empty());
}

#[test]
fn a_person_may_skip_what_is_left_of_it() {
    let mut shop = canary();
    let promote = EventKind::Promote {
        version: version("1.1.0"),
    };
    shop.take(promote).unwrap();
    shop.settle();
    assert_eq!(stage(&shop), Some(Stage::Bake));
    assert!(
        !shop.state.run(&version("1.1.0")).unwrap().waves[0].promoted,
        "the bake is not skipped"
    );
}

#[test]
fn its_monitor_compares_the_requests_of_the_same_tenants_after_the_warm_up() {
    let shop = canary();
    let monitors = monitors(&shop.state);
    let [monitor] = monitors.as_slice() else {
        panic!("{monitors:?}")
    };
    assert_eq!(monitor.requests_min, 50);
    assert_eq!(monitor.tenants[&tenant("acme")], Some(version("1.0.0")));
    let Assignment::Requests { from } = &monitor.assignment else {
        panic!("{monitor:?}")
    };
    assert_eq!(from[&tenant("acme")], monitor.since + Duration::from_secs(10));
}

#[test]
fn a_wave_without_a_canary_is_switched_after_its_gates() {
    let shop = with_playbook(&WAVES.replace(
        "    canary: {share: 10, least: 5m, longest: 20m, requests: 50, warm_up: 10s}\n",
        "",
    ));
    assert_eq!((stage(&shop), shop.on("1.1.0").len()), (Some(Stage::Bake), 2));
}
