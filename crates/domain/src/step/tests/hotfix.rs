//! Hot-fixes of what tenants run, beside releases in flight.

use super::back;
use crate::event::{EventKind, Scope, Verdict};
use crate::fixture::{Shop, installed, tenant, version};
use crate::plan::{ProblemKind, plan};
use crate::release::Commit;
use crate::service::Place;
use crate::time::Duration;

const FIX: &str = "kind: emergency\nreason: prices are wrong\nhotfix: 1.0.0\ncommits: [{id: abcdef1}]\n";

/// 1.1.0 has reached its first wave; the others, on 1.0.0, wait for three weeks.
fn paused() -> Shop {
    let mut shop = installed();
    shop.playbook = shop.playbook.replace("gap: 1h", "gap: 21d");
    shop.playbook
        .push_str("hotfix: {bake: {least: 1m, longest: 10m, requests: 10}, gap: 0s}\n");
    shop.apply("1.1.0");
    shop.settle();
    goes_well(&mut shop, "1.1.0", "first", 600);
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    shop
}

fn goes_well(shop: &mut Shop, release: &str, wave: &str, seconds: u32) {
    shop.judge(release, wave, Verdict::Pass, 500);
    shop.pass(Duration::from_secs(seconds));
}

/// 1.1.0, though it was there before the fix.
fn was_built_on_the_fix(shop: &mut Shop) {
    let commit = Commit {
        repository: None,
        id: "abcdef1".to_owned(),
        at: None,
    };
    shop.state.pinned.get_mut(&version("1.1.0")).unwrap().commits = vec![commit];
}

fn blocks(shop: &Shop, release: &str, more: &str) -> String {
    let (planned, report) = plan(&shop.input(release, more));
    assert!(planned.is_none());
    let problems = report.problems.iter();
    let fixes = problems.filter(|problem| problem.kind == ProblemKind::Hotfix);
    fixes
        .map(|problem| format!("{}; {}\n", problem.message, problem.remedy))
        .collect()
}

#[test]
fn a_hotfix_reaches_those_on_its_version_while_another_release_is_paused() {
    let mut shop = paused();
    shop.apply_with("1.0.1", FIX);
    shop.settle();
    assert_eq!(shop.on("1.0.1"), ["bolt", "cato", "echo", "flux"], "{}", shop.waiting());
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"], "they do not run what is repaired");
    goes_well(&mut shop, "1.0.1", "rest", 60);
    assert_eq!(shop.phase("1.0.1"), "completed", "its bake is the shortened one");
    let paused = shop.state.run(&version("1.1.0")).unwrap();
    let hold = paused.hold.clone().unwrap();
    assert!(hold.reason.contains("lacks commit abcdef1"), "{}", hold.reason);
    let member = &paused.waves[1].members[&tenant("bolt")];
    assert_eq!(member.from, Some(version("1.0.1")), "it goes on on top of the fix");
}

#[test]
fn the_paused_release_goes_on_on_top_and_goes_back_to_the_fix() {
    let mut shop = paused();
    was_built_on_the_fix(&mut shop);
    shop.apply_with("1.0.1", FIX);
    shop.settle();
    assert!(
        shop.state.run(&version("1.1.0")).unwrap().hold.is_none(),
        "it has the fix"
    );
    goes_well(&mut shop, "1.0.1", "rest", 60);
    shop.pass(Duration::from_hours(24 * 22));
    assert_eq!(shop.on("1.1.0").len(), 6, "{}", shop.waiting());
    shop.judge("1.1.0", "rest", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.on("1.0.1"), ["bolt", "cato", "echo", "flux"]);
}

#[test]
fn a_hotfix_that_hurts_comes_back_and_the_paused_release_moves_from_before_it() {
    let mut shop = paused();
    shop.apply_with("1.0.1", FIX);
    shop.settle();
    shop.judge("1.0.1", "rest", Verdict::Fail, 500);
    shop.settle();
    assert_eq!((shop.on("1.0.0").len(), shop.phase("1.0.1")), (4, "rolled back"));
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.pass(Duration::from_hours(24 * 22));
    assert_eq!(shop.on("1.1.0").len(), 6, "{}", shop.waiting());
}

#[test]
fn no_later_release_loses_the_fix() {
    let mut shop = paused();
    shop.apply_with("1.0.1", FIX);
    shop.settle();
    goes_well(&mut shop, "1.0.1", "rest", 600);
    let told = blocks(&shop, "1.1.1", "patches: 1.1.0\n");
    assert!(
        told.contains("release 1.1.1 lacks commit abcdef1, which hot-fix 1.0.1 has brought to 4"),
        "{told}"
    );
    let (planned, report) = plan(&shop.input("1.1.1", "patches: 1.1.0\nincludes: [abcdef1]\n"));
    assert!(planned.is_some(), "{:?}", report.problems);
    shop.apply_with("1.1.1", "patches: 1.1.0\nincludes: [abcdef1]\n");
    shop.settle();
    assert_eq!(shop.on("1.1.1"), ["acme", "dune"]);
    goes_well(&mut shop, "1.1.1", "first", 600);
    shop.pass(Duration::from_hours(24 * 22));
    assert_eq!(shop.on("1.1.1").len(), 6, "{}", shop.waiting());
}

#[test]
fn who_is_rolled_back_from_a_completed_hotfix_is_on_what_it_repairs() {
    let mut shop = installed();
    shop.apply_with("1.0.1", FIX);
    shop.settle();
    assert_eq!(shop.on("1.0.1"), ["acme", "dune"], "the waves are the playbook's");
    goes_well(&mut shop, "1.0.1", "first", 600);
    goes_well(&mut shop, "1.0.1", "rest", 600);
    assert_eq!(shop.phase("1.0.1"), "completed");
    let (planned, report) = plan(&shop.input("1.1.0", "includes: [abcdef1]\n"));
    assert!(planned.is_some(), "{:?}", report.problems);
    shop.take(back("1.0.1", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
}

#[test]
fn a_new_tenant_on_what_is_repaired_gets_the_fix_too() {
    let mut shop = paused();
    shop.apply_with("1.0.1", FIX);
    shop.settle();
    shop.take(EventKind::TenantAdded {
        tenant: tenant("gilt"),
        cell: "eu".parse().unwrap(),
    })
    .unwrap();
    shop.settle();
    assert!(shop.on("1.0.1").contains(&"gilt"), "{}", shop.waiting());
    let run = shop.state.run(&version("1.1.0")).unwrap();
    let member = &run.waves[1].members[&tenant("gilt")];
    assert_eq!(
        (&member.place, &member.from),
        (&Place::Waiting, &Some(version("1.0.1")))
    );
}

#[test]
fn a_hotfix_is_no_newer_than_what_it_repairs() {
    let mut shop = paused();
    was_built_on_the_fix(&mut shop);
    shop.apply_with("1.0.1", FIX);
    shop.settle();
    goes_well(&mut shop, "1.0.1", "rest", 60);
    shop.take(EventKind::OptOut { tenant: tenant("bolt") }).unwrap();
    shop.pass(Duration::from_hours(24 * 22));
    goes_well(&mut shop, "1.1.0", "rest", 600);
    assert_eq!((shop.phase("1.0.1"), shop.phase("1.1.0")), ("completed", "completed"));
    assert_eq!(shop.on("1.0.1"), ["bolt"]);
    let eu = "eu".parse().unwrap();
    assert_eq!(shop.state.newest_confirmed(&eu), Some(version("1.1.0")));
}

#[test]
fn what_is_no_hotfix_is_refused_with_what_to_do() {
    let shop = paused();
    let told = blocks(&shop, "1.0.1", "hotfix: 0.9.0\ncommits: [{id: abcdef1}]\n");
    assert!(
        told.contains("no tenant runs 0.9.0") && told.contains("tenants run 1.0.0, 1.1.0"),
        "{told}"
    );
    let told = blocks(&shop, "1.1.1", "hotfix: 1.1.0\ncommits: [{id: abcdef1}]\n");
    assert!(
        told.contains("1.1.0 is in flight") && told.contains("`patches: 1.1.0`"),
        "{told}"
    );
    let told = blocks(&shop, "1.0.1", "hotfix: 1.0.0\n");
    assert!(told.contains("names no commit"), "{told}");
    let told = blocks(&shop, "1.2.0", "hotfix: 1.0.0\ncommits: [{id: abcdef1}]\n");
    assert!(told.contains("give it one after 1.0.0 and before 1.1.0"), "{told}");
}
