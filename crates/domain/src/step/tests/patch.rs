use super::{back, hold};
use crate::event::{Scope, Verdict};
use crate::fixture::{Shop, apply, installed, tenant, version};
use crate::monitor::monitors;
use crate::plan::{PlanReport, ProblemKind, plan};
use crate::service::Place;
use crate::step::Refused;
use crate::time::Duration;

const PATCHES: &str = "kind: patch\npatches: 1.1.0\n";

/// 1.1.0 has moved its first wave, and is held for trouble.
fn troubled() -> Shop {
    let mut shop = installed();
    shop.apply("1.1.0");
    shop.settle();
    shop.take(hold("1.1.0")).unwrap();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    shop
}

fn problems(report: &PlanReport) -> String {
    let patches = report
        .problems
        .iter()
        .filter(|problem| problem.kind == ProblemKind::Patches);
    patches.map(|problem| problem.message.clone()).collect()
}

#[test]
fn a_patch_takes_the_place_of_what_it_patches_in_the_same_waves() {
    let mut shop = troubled();
    shop.apply_with("1.1.1", PATCHES);
    assert_eq!(shop.phase("1.1.0"), "superseded");
    shop.settle();
    assert_eq!(
        shop.on("1.1.1"),
        ["acme", "dune"],
        "those who are on what is patched move first"
    );
    assert!(shop.on("1.1.0").is_empty());
    shop.judge("1.1.1", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop.pass(Duration::from_hours(1));
    assert_eq!(shop.on("1.1.1").len(), 6);
    shop.judge("1.1.1", "rest", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    assert_eq!(shop.phase("1.1.1"), "completed");
}

#[test]
fn a_patch_that_hurts_too_goes_back_to_what_was_before_both() {
    let mut shop = troubled();
    shop.apply_with("1.1.1", PATCHES);
    shop.settle();
    let monitor = monitors(&shop.state).into_iter().next().unwrap();
    assert_eq!(monitor.version, version("1.1.1"), "what is patched is judged no more");
    assert_eq!(
        monitor.tenants[&tenant("acme")],
        Some(version("1.0.0")),
        "it is compared with what was good"
    );
    shop.judge("1.1.1", "first", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
    assert_eq!(shop.phase("1.1.1"), "rolled back");
    assert_eq!(shop.phase("1.1.0"), "superseded");
}

#[test]
fn until_the_patch_moves_them_tenants_can_be_taken_back_from_what_is_patched() {
    let mut shop = troubled();
    shop.apply_with("1.1.1", PATCHES);
    // Nothing is ready yet, so nobody has moved.
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    shop.take(back("1.1.0", Scope::Tenant(tenant("acme")))).unwrap();
    assert_eq!(shop.on("1.1.0"), ["dune"]);
    shop.settle();
    assert_eq!(
        shop.on("1.1.1"),
        ["acme", "dune"],
        "the patch finds it where it went back to"
    );
    let member = shop.state.run(&version("1.1.1")).unwrap().waves[0].members[&tenant("acme")].clone();
    assert_eq!((member.from, member.replaces), (Some(version("1.0.0")), None));
    let refused = shop.take(back("1.1.0", Scope::Tenant(tenant("dune"))));
    assert!(matches!(refused, Err(Refused::TenantElsewhere { .. })), "{refused:?}");
}

#[test]
fn a_patch_of_a_release_that_came_back_moves_its_first_wave_again() {
    let mut shop = troubled();
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    shop.apply_with("1.1.1", PATCHES);
    shop.settle();
    assert_eq!(shop.on("1.1.1"), ["acme", "dune"]);
    assert_eq!(shop.phase("1.1.0"), "rolled back", "history stays what it is");
}

#[test]
fn a_patch_of_a_patch_goes_back_to_what_was_before_all_of_them() {
    let mut shop = troubled();
    shop.broken = vec!["api".to_owned()];
    shop.apply_with("1.1.1", PATCHES);
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"], "what never gets ready moves nobody");
    shop.broken.clear();
    shop.apply_with("1.1.2", "patches: 1.1.1\n");
    shop.settle();
    assert_eq!(shop.on("1.1.2"), ["acme", "dune"]);
    assert_eq!(shop.phase("1.1.1"), "superseded");
    let first = shop.state.run(&version("1.1.0")).unwrap();
    let place = &first.waves[0].members[&tenant("acme")].place;
    assert!(matches!(place, Place::Superseded { .. }), "{place:?}");
    shop.judge("1.1.2", "first", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
}

#[test]
fn a_share_by_lot_is_the_same_for_what_patches_it() {
    let mut shop = installed();
    shop.playbook = shop.playbook.replace("{opt_in: true}", "{percentage: 34}");
    shop.apply("1.1.0");
    shop.settle();
    let first: Vec<String> = shop.on("1.1.0").into_iter().map(str::to_owned).collect();
    assert_eq!(first.len(), 3);
    for (round, patched) in (1..4).map(|round| (round, format!("1.1.{}", round - 1))) {
        let patch = format!("1.1.{round}");
        shop.apply_with(&patch, &format!("patches: {patched}\n"));
        shop.settle();
        assert_eq!(shop.on(&patch), first);
    }
}

#[test]
fn what_is_patched_has_to_be_there_and_be_the_last() {
    let shop = installed();
    let (none, report) = plan(&shop.input("1.1.1", PATCHES));
    assert!(none.is_none());
    assert!(problems(&report).contains("which nobody has applied"), "{report:?}");
    let mut shop = troubled();
    shop.apply("1.2.0");
    let (none, report) = plan(&shop.input("1.1.1", PATCHES));
    assert!(none.is_none());
    assert!(
        problems(&report).contains("release 1.2.0 is in flight after that one"),
        "{report:?}"
    );
}

#[test]
fn a_later_release_between_plan_and_apply_refuses_the_patch_whole() {
    let mut shop = troubled();
    let (patch, _) = plan(&shop.input("1.1.1", PATCHES));
    shop.apply("1.2.0");
    let before = shop.state.clone();
    let refused = shop.take(apply(patch.unwrap()));
    assert!(matches!(refused, Err(Refused::PatchedIsNotLast { .. })), "{refused:?}");
    assert_eq!(shop.state.runs, before.runs);
}

#[test]
fn nobody_starts_on_a_version_that_is_patched() {
    let mut shop = troubled();
    shop.apply_with("1.1.1", PATCHES);
    let kind = crate::event::EventKind::TenantAdded {
        tenant: tenant("gale"),
        cell: crate::id::CellName::new("eu").unwrap(),
    };
    shop.take(kind).unwrap();
    assert!(shop.on("1.0.0").contains(&"gale"));
}
