//! Releases of several services that go together.

use super::back;
use crate::event::{EventKind, Scope, Verdict};
use crate::fixture::{Shop, installed, version};
use crate::journal::EntryKind;
use crate::release::Companion;
use crate::service::CompanionPhase;
use crate::time::Duration;

/// `web` begins after the shop, `billing` before it.
const TOGETHER: &str =
    "together: [{service: billing, version: 7.0.0}, {service: shop, version: 1.1.0}, {service: web, version: 3.0.0}]\n";

fn seen(shop: &mut Shop, service: &str, release: &str, phase: CompanionPhase) {
    let companion = Companion {
        service: service.parse().unwrap(),
        version: version(release),
    };
    shop.take(EventKind::CompanionSeen {
        version: version("1.1.0"),
        companion,
        phase,
    })
    .unwrap();
    shop.settle();
}

fn together() -> Shop {
    let mut shop = installed();
    shop.service
        .push_str("services:\n  billing: {server: 'http://localhost:1', token: {environment: A}}\n  web: {server: 'http://localhost:2', token: {environment: A}}\n");
    shop.apply_with("1.1.0", TOGETHER);
    shop.settle();
    shop
}

/// On its way: the first wave is on it and is watched.
fn begun() -> Shop {
    let mut shop = together();
    seen(&mut shop, "web", "3.0.0", CompanionPhase::Applied);
    seen(&mut shop, "billing", "7.0.0", CompanionPhase::Completed);
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"], "{}", shop.waiting());
    shop
}

#[test]
fn it_begins_when_those_before_it_are_completed_and_those_after_it_applied() {
    let mut shop = together();
    assert_eq!(
        shop.waiting(),
        "release 7.0.0 of service billing, with which it goes together: it may be anywhere: its server was \
         not asked yet"
    );
    seen(&mut shop, "billing", "7.0.0", CompanionPhase::Applied);
    assert!(
        shop.waiting()
            .contains("billing, with which it goes together: it is on its way")
    );
    seen(&mut shop, "billing", "7.0.0", CompanionPhase::Completed);
    seen(&mut shop, "web", "3.0.0", CompanionPhase::NotApplied);
    assert!(
        shop.waiting()
            .contains("web, with which it goes together: it is not applied there; apply it")
    );
    assert_eq!(shop.on("1.1.0").len(), 0);
    seen(&mut shop, "web", "3.0.0", CompanionPhase::Applied);
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    let seen = |entry: &&crate::journal::Entry| entry.kind == EntryKind::CompanionSeen;
    assert_eq!(shop.journal.iter().filter(seen).count(), 4);
}

#[test]
fn what_one_takes_back_all_take_back() {
    let mut shop = begun();
    seen(&mut shop, "web", "3.0.0", CompanionPhase::RolledBack);
    assert_eq!(shop.on("1.0.0").len(), 6);
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    let last = shop.journal.iter().rfind(|entry| entry.kind == EntryKind::RolledBack);
    assert_eq!(last.unwrap().reason, "release 3.0.0 of service web was rolled back");
}

#[test]
fn a_completed_release_goes_back_with_its_companions() {
    let mut shop = begun();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop.pass(Duration::from_hours(1));
    shop.judge("1.1.0", "rest", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    assert_eq!(shop.phase("1.1.0"), "completed");
    seen(&mut shop, "web", "3.0.0", CompanionPhase::RolledBack);
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    assert_eq!(shop.on("1.0.0").len(), 6);
}

#[test]
fn one_that_has_not_begun_waits_for_a_person_where_a_companion_came_back() {
    let mut shop = together();
    seen(&mut shop, "web", "3.0.0", CompanionPhase::Applied);
    seen(&mut shop, "billing", "7.0.0", CompanionPhase::RolledBack);
    assert_eq!(shop.phase("1.1.0"), "moving");
    assert!(
        shop.waiting()
            .contains("it is rolled back; apply it again, or abort this one")
    );
    seen(&mut shop, "billing", "7.0.0", CompanionPhase::Completed);
    assert_eq!(
        shop.on("1.1.0"),
        ["acme", "dune"],
        "it was applied again, and went well"
    );
}

#[test]
fn where_there_is_no_way_back_by_itself_the_release_is_held() {
    let mut shop = installed();
    shop.service
        .push_str("services:\n  billing: {server: 'http://localhost:1', token: {environment: A}}\n  web: {server: 'http://localhost:2', token: {environment: A}}\n");
    shop.apply_with("1.1.0", &format!("{TOGETHER}reversible: {{until: bake}}\n"));
    shop.settle();
    seen(&mut shop, "web", "3.0.0", CompanionPhase::Applied);
    seen(&mut shop, "billing", "7.0.0", CompanionPhase::Completed);
    seen(&mut shop, "billing", "7.0.0", CompanionPhase::RolledBack);
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    assert!(
        shop.waiting()
            .contains("release 7.0.0 of service billing was rolled back; not rolled back by itself")
    );
    let before = shop.state.clone();
    seen(&mut shop, "billing", "7.0.0", CompanionPhase::RolledBack);
    assert_eq!(shop.state, before, "told twice, it is done once");
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.settle();
    assert!(
        !shop.waiting().contains("not rolled back"),
        "a person has decided: {}",
        shop.waiting()
    );
}

#[test]
fn a_release_that_a_person_took_back_starts_anew_when_it_is_applied_again() {
    let mut shop = begun();
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    shop.apply_with("1.1.0", TOGETHER);
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 0);
    assert!(shop.waiting().contains("its server was not asked yet"));
}
