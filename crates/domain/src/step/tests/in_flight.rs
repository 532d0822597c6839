//! Several releases in flight at once.

use super::{back, hold};
use crate::change::Impact;
use crate::event::{EventKind, Scope, Verdict};
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::TenantName;
use crate::plan::{ProblemKind, plan};
use crate::policy::WhileInFlight;
use crate::service::{Place, RunPhase};
use crate::time::Duration;
use crate::waiting::Waiting;

fn shop(how: &str) -> Shop {
    let mut shop = installed();
    shop.playbook.push_str(&format!("while_in_flight: {how}\n"));
    shop
}

/// By cells: `eu` first, then `us`.
fn by_cell() -> Shop {
    let mut shop = installed();
    shop.playbook = "
name: two-waves
waves:
  - {name: eu, select: {cell: eu}, bake: {least: 10m, longest: 1h, requests: 100}}
  - {name: us, select: {rest: true}, gap: 7d, bake: {least: 10m, longest: 1h, requests: 100}}
rollback_window: 2h
while_in_flight: parallel
"
    .to_owned();
    shop
}

fn goes_well(shop: &mut Shop, release: &str, wave: &str) {
    shop.judge(release, wave, Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
}

fn waits_for(shop: &Shop) -> Vec<(String, Vec<TenantName>)> {
    let waiting = shop.last.iter().flat_map(|step| &step.waiting);
    let earlier = waiting.filter_map(|waiting| {
        let Waiting::EarlierMoves { earlier, tenants, .. } = waiting else {
            return None;
        };
        Some((earlier.to_string(), tenants.clone()))
    });
    earlier.collect()
}

#[test]
fn a_newer_release_takes_whom_the_earlier_has_not_moved_and_the_others_bake_on() {
    let mut shop = shop("supersede");
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    shop.apply("1.2.0");
    shop.settle();
    assert_eq!((shop.phase("1.1.0"), shop.phase("1.2.0")), ("moving", "moving"));
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"], "they are watched to the end first");
    assert_eq!(
        waits_for(&shop),
        [("1.1.0".to_owned(), vec![tenant("acme"), tenant("dune")])]
    );
    goes_well(&mut shop, "1.1.0", "first");
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "superseded");
    assert_eq!(shop.on("1.2.0"), ["acme", "dune"]);
    goes_well(&mut shop, "1.2.0", "first");
    shop.pass(Duration::from_hours(1));
    assert_eq!(shop.on("1.2.0").len(), 6);
    goes_well(&mut shop, "1.2.0", "rest");
    assert_eq!(shop.phase("1.2.0"), "completed");
    assert!(shop.on("1.1.0").is_empty());
}

#[test]
fn what_a_superseded_release_does_wrong_comes_back_and_the_newer_one_leaves_it_where_it_is() {
    let mut shop = shop("supersede");
    shop.apply("1.1.0");
    shop.settle();
    shop.apply("1.2.0");
    shop.judge("1.1.0", "first", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    assert_eq!(shop.on("1.0.0"), ["acme", "bolt", "cato", "dune", "echo", "flux"]);
    shop.pass(Duration::from_hours(1));
    assert_eq!(shop.on("1.2.0"), ["bolt", "cato", "echo", "flux"], "{}", shop.waiting());
    let left = shop.state.run(&version("1.2.0")).unwrap().waves[0].members[&tenant("acme")].clone();
    assert!(matches!(left.place, Place::Left { .. }), "{left:?}");
}

#[test]
fn a_release_that_has_moved_nobody_is_superseded_at_once() {
    let mut shop = shop("supersede");
    shop.broken = vec!["api".to_owned()];
    shop.apply("1.1.0");
    shop.settle();
    shop.broken.clear();
    shop.apply("1.2.0");
    assert_eq!(shop.phase("1.1.0"), "superseded");
    shop.settle();
    assert_eq!(shop.on("1.2.0"), ["acme", "dune"]);
}

#[test]
fn who_goes_back_from_the_newer_one_goes_to_its_own_version_and_on_to_the_one_before() {
    let mut shop = shop("supersede");
    shop.apply("1.1.0");
    shop.settle();
    shop.apply("1.2.0");
    goes_well(&mut shop, "1.1.0", "first");
    shop.settle();
    goes_well(&mut shop, "1.2.0", "first");
    shop.pass(Duration::from_hours(1));
    shop.judge("1.2.0", "rest", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(
        shop.on("1.0.0"),
        ["bolt", "cato", "echo", "flux"],
        "they never had 1.1.0"
    );
    shop.take(back("1.2.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    assert_eq!(shop.phase("1.2.0"), "rolled back");
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!((shop.on("1.0.0").len(), shop.phase("1.1.0")), (6, "rolled back"));
}

#[test]
fn a_superseded_release_that_is_held_keeps_its_tenants_until_a_person_decides() {
    let mut shop = shop("supersede");
    shop.apply("1.1.0");
    shop.settle();
    shop.take(hold("1.1.0")).unwrap();
    shop.apply("1.2.0");
    shop.pass(Duration::from_hours(3));
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    assert_eq!(shop.phase("1.1.0"), "moving");
    shop.take(EventKind::Abort {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6, "what was in flight goes back");
}

#[test]
fn tenants_that_skip_a_release_get_its_changes_too() {
    let mut shop = shop("supersede");
    shop.apply("1.1.0");
    shop.settle();
    let release = shop.state.pinned.get_mut(&version("1.1.0")).unwrap();
    release.changes = serde_json::from_value(serde_json::json!([
        {"id": "prices-in-cents", "title": "Prices are in cents", "kind": "changed", "impact": "breaking", "sections": {}}
    ]))
    .unwrap();
    let (planned, report) = plan(&shop.input("1.2.0", ""));
    let planned = planned.unwrap_or_else(|| panic!("{:?}", report.problems));
    assert_eq!(report.takes_over, [version("1.1.0")]);
    assert_eq!(
        planned.impact(),
        Impact::Breaking,
        "its notices are those of what comes to them"
    );
    let skipped = &planned.skipped[&version("1.0.0")];
    assert_eq!((skipped.releases.len(), skipped.changes.len()), (1, 1));
    assert!(!planned.skipped.contains_key(&version("1.1.0")), "they have it already");
}

#[test]
fn work_on_data_is_never_skipped() {
    let mut shop = shop("supersede");
    let steps = "steps: [{name: add-column, kind: expand, component: api, command: ['{artifact}', migrate]}]\n";
    shop.apply_with("1.1.0", steps);
    let (planned, report) = plan(&shop.input("1.2.0", ""));
    assert_eq!(planned.unwrap().policy.while_in_flight, WhileInFlight::Queue);
    assert_eq!(report.queues_because.as_deref(), Some("release 1.1.0 works on data"));
    assert_eq!(report.after, Some(version("1.1.0")));
}

#[test]
fn where_a_cell_runs_all_the_versions_it_may_a_release_queues() {
    let mut shop = shop("supersede");
    shop.playbook.push_str("max_versions: 2\n");
    shop.apply("1.1.0");
    shop.settle();
    let (planned, report) = plan(&shop.input("1.2.0", ""));
    assert_eq!(planned.unwrap().policy.while_in_flight, WhileInFlight::Queue);
    let because = report.queues_because.unwrap();
    assert!(because.contains("runs 2 versions already"), "{because}");
}

#[test]
fn releases_move_beside_each_other_in_different_cells() {
    let mut shop = by_cell();
    shop.apply("1.1.0");
    shop.settle();
    shop.apply("1.2.0");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "bolt", "cato"]);
    assert!(shop.on("1.2.0").is_empty(), "1.1.0 is not done in eu");
    goes_well(&mut shop, "1.1.0", "eu");
    shop.settle();
    assert_eq!(shop.on("1.2.0"), ["acme", "bolt", "cato"], "{}", shop.waiting());
    assert_eq!(shop.on("1.0.0"), ["dune", "echo", "flux"], "1.1.0 still waits for us");
    goes_well(&mut shop, "1.2.0", "eu");
    shop.pass(Duration::from_hours(24 * 7));
    assert_eq!(shop.on("1.1.0"), ["dune", "echo", "flux"]);
    goes_well(&mut shop, "1.1.0", "us");
    assert_eq!(shop.phase("1.1.0"), "completed");
    shop.pass(Duration::from_hours(24 * 7));
    assert_eq!(shop.on("1.2.0").len(), 6);
}

#[test]
fn trouble_in_one_cell_does_not_take_back_who_has_moved_on_in_another() {
    let mut shop = by_cell();
    shop.playbook.push_str("on_failure: release\n");
    shop.apply("1.1.0");
    shop.settle();
    shop.apply("1.2.0");
    goes_well(&mut shop, "1.1.0", "eu");
    shop.settle();
    goes_well(&mut shop, "1.2.0", "eu");
    shop.pass(Duration::from_hours(24 * 7));
    shop.judge("1.1.0", "us", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    assert_eq!(shop.on("1.2.0"), ["acme", "bolt", "cato"]);
    assert_eq!(shop.on("1.0.0"), ["dune", "echo", "flux"]);
}

#[test]
fn who_comes_back_to_a_release_in_flight_is_watched_for_it_again() {
    let mut shop = by_cell();
    shop.apply("1.1.0");
    shop.settle();
    shop.apply("1.2.0");
    goes_well(&mut shop, "1.1.0", "eu");
    shop.settle();
    shop.judge("1.2.0", "eu", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "bolt", "cato"]);
    let member = shop.state.run(&version("1.1.0")).unwrap().waves[0].members[&tenant("acme")].clone();
    assert!(matches!(member.place, Place::Moved { .. }), "{member:?}");
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!((shop.on("1.0.0").len(), shop.phase("1.1.0")), (6, "rolled back"));
}

#[test]
fn a_new_tenant_is_taken_by_the_last_release_that_moves_beside_others() {
    let mut shop = shop("supersede");
    shop.apply("1.1.0");
    shop.settle();
    shop.apply("1.2.0");
    shop.take(EventKind::TenantAdded {
        tenant: tenant("gilt"),
        cell: "eu".parse().unwrap(),
    })
    .unwrap();
    let has = |release: &str| {
        let run = shop.state.run(&version(release)).unwrap();
        run.members().any(|(name, _)| *name == tenant("gilt"))
    };
    assert_eq!((has("1.1.0"), has("1.2.0")), (false, true));
}

#[test]
fn what_is_only_kept_warm_gives_way_the_oldest_first() {
    let mut shop = installed();
    shop.playbook = shop.playbook.replace("rollback_window: 2h", "rollback_window: 7d");
    for release in ["1.1.0", "1.2.0", "1.3.0"] {
        shop.apply(release);
        shop.settle();
        goes_well(&mut shop, release, "first");
        shop.pass(Duration::from_hours(1));
        goes_well(&mut shop, release, "rest");
        assert_eq!(shop.phase(release), "completed");
    }
    let slots = shop.slots("eu").join(", ");
    assert!(
        slots.contains("api 1.3.0 Run") && slots.contains("api 1.2.0 Run"),
        "{slots}"
    );
    assert!(
        slots.contains("api 1.1.0 Run") && !slots.contains("api 1.0.0 Run"),
        "{slots}"
    );
    shop.take(back("1.3.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.2.0").len(), 6);
}

#[test]
fn a_release_that_would_be_one_version_too_many_is_refused_with_who_is_in_the_way() {
    let mut shop = installed();
    shop.playbook = "
name: two-waves
waves: [{name: first, select: {opt_in: true}, bake: {least: 10m, longest: 1h, requests: 100}}]
rollback_window: 2h
max_versions: 2
"
    .to_owned();
    shop.apply("1.1.0");
    shop.settle();
    goes_well(&mut shop, "1.1.0", "first");
    assert_eq!(shop.phase("1.1.0"), "completed", "{}", shop.waiting());
    let (planned, report) = plan(&shop.input("1.2.0", ""));
    assert!(planned.is_none());
    let mut problems = report.problems.iter();
    let problem = problems.find(|problem| problem.kind == ProblemKind::Versions).unwrap();
    assert!(
        problem.message.contains("would run 3 versions of component `api`"),
        "{problem:?}"
    );
    assert!(
        problem.remedy.contains("move `bolt` and others that are left on 1.0.0"),
        "{problem:?}"
    );
}

#[test]
fn a_wave_that_would_bring_one_version_too_many_is_held_by_name() {
    let mut shop = installed();
    shop.playbook.push_str("max_versions: 2\n");
    shop.apply("1.1.0");
    shop.apply("1.2.0");
    shop.settle();
    shop.take(EventKind::OptOut { tenant: tenant("bolt") }).unwrap();
    goes_well(&mut shop, "1.1.0", "first");
    shop.pass(Duration::from_hours(1));
    goes_well(&mut shop, "1.1.0", "rest");
    assert_eq!(shop.phase("1.1.0"), "completed");
    shop.settle();
    let held = shop.state.run(&version("1.2.0")).unwrap().hold.clone().unwrap();
    assert!(
        held.reason
            .contains("cell eu runs 1.0.0, 1.1.0 and would run 3 versions"),
        "{}",
        held.reason
    );
    shop.take(EventKind::TenantRemoved { tenant: tenant("bolt") }).unwrap();
    shop.take(EventKind::Resume {
        version: version("1.2.0"),
    })
    .unwrap();
    shop.settle();
    assert_eq!(shop.on("1.2.0"), ["acme", "dune"], "{}", shop.waiting());
}

#[test]
fn since_when_a_release_is_in_flight_is_asked_of_the_oldest_and_of_one_that_takes_tenants_back() {
    let mut shop = shop("supersede");
    assert_eq!(shop.state.in_flight_since(), None, "1.0.0 is completed");
    let first = shop.now;
    shop.apply("1.1.0");
    shop.settle();
    shop.pass(Duration::from_secs(600));
    shop.apply("1.2.0");
    assert_eq!(shop.state.in_flight_since(), Some(first));
    for run in shop.state.runs.iter_mut().filter(|run| run.version != version("1.0.0")) {
        run.phase = RunPhase::Aborted { at: shop.now };
    }
    assert_eq!(shop.state.in_flight_since(), None);
    let member = shop.state.runs[1].waves[0].members.get_mut(&tenant("acme")).unwrap();
    member.place = Place::Returning {
        reason: "a test asks for it".to_owned(),
    };
    assert_eq!(shop.state.in_flight_since(), Some(first));
}
