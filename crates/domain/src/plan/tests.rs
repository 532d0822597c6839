mod canary;
mod configuration;
mod differences;
mod environments;
mod left_behind;
mod patches;
mod told;
mod when;

use super::*;
use crate::event::{EventKind, Scope};
use crate::fixture::{Shop, installed, shop, tenant, version};
use crate::time::Duration;

#[test]
fn the_first_release_is_one_wave_for_everybody() {
    let shop = shop();
    let (plan, report) = shop.plan("1.0.0");
    let plan = plan.unwrap();
    assert!(check(&plan, &shop.input("1.0.0", "")).is_empty());
    assert_eq!((plan.waves.len(), plan.moves()), (1, 6));
    assert_eq!(report.waves[0].rollback, Rollback::NothingBefore);
}

#[test]
fn every_tenant_is_in_the_first_wave_that_selects_it() {
    let shop = installed();
    let (plan, report) = shop.plan("1.1.0");
    let plan = plan.unwrap();
    assert!(check(&plan, &shop.input("1.1.0", "")).is_empty());
    let names: Vec<Vec<&str>> = plan
        .waves
        .iter()
        .map(|w| w.tenants.keys().map(TenantName::as_str).collect())
        .collect();
    assert_eq!(names, [vec!["acme", "dune"], vec!["bolt", "cato", "echo", "flux"]]);
    assert_eq!(plan.waves[0].tenants["acme"].from, Some(version("1.0.0")));
    assert_eq!(&*plan.waves[0].tenants["acme"].because, "opted in");
    let wait = report.waves[1].not_before - report.waves[0].not_before;
    assert_eq!(wait, "1h 10m".parse::<Duration>().unwrap());
    assert_eq!(report.waves[1].rollback, Rollback::Clean);
}

#[test]
fn the_digest_covers_decisions_and_nothing_else() {
    let mut shop = installed();
    let (plan, _) = shop.plan("1.1.0");
    let digest = plan.unwrap().digest();
    shop.now = shop.now + Duration::from_hours(3);
    assert_eq!(
        shop.plan("1.1.0").0.unwrap().digest(),
        digest,
        "time alone decides nothing"
    );
    shop.tenants = shop
        .tenants
        .replace("id: bolt, cell: eu", "id: bolt, cell: eu, opt_in: true");
    assert_ne!(
        shop.plan("1.1.0").0.unwrap().digest(),
        digest,
        "another wave is another plan"
    );
}

#[test]
fn what_cannot_be_is_said_all_at_once() {
    let mut shop = installed();
    shop.tenants = shop.tenants.replace("id: bolt, cell: eu", "id: bolt, cell: us");
    let mut input = shop.input("1.1.0", "");
    input.artifacts.get_mut("api").unwrap().digest = Err("no such file".to_owned());
    let (plan, report) = plan(&input);
    assert!(plan.is_none());
    let texts: Vec<&str> = report.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        texts,
        [
            "cannot read the artifact of component `api`, /api: no such file",
            "tenant `bolt` lives in cell `eu`, tenants.yaml says `us`",
        ]
    );
}

#[test]
fn an_unlisted_component_stays_as_it_was() {
    let shop = installed();
    let mut input = shop.input("1.1.0", "");
    input.release.components.remove("ledger");
    let (plan, _) = plan(&input);
    let old = &shop.state.pinned[&version("1.0.0")];
    assert_eq!(plan.unwrap().release.components["ledger"], old.components["ledger"]);
}

#[test]
fn a_share_is_of_all_that_fit_and_drawn_anew_for_each_release() {
    let mut shop = installed();
    shop.playbook = "
name: two-waves
waves:
  - {name: ten, select: {percentage: 10}}
  - {name: half, select: {percentage: 50}}
  - {name: rest, select: {rest: true}}
"
    .to_owned();
    let sizes = |release: &str| {
        let (plan, _) = shop.plan(release);
        plan.unwrap()
            .waves
            .iter()
            .map(|wave| wave.tenants.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(sizes("1.1.0"), [1, 2, 3]);
    let first = |release: &str| shop.plan(release).0.unwrap().waves[0].tenants.keys().next().cloned();
    let drawn: BTreeSet<_> = (0..20).map(|n| first(&format!("2.{n}.0"))).collect();
    assert!(drawn.len() > 1, "the same tenant would always be the first");
}

#[test]
fn a_version_cannot_be_released_twice_with_other_content() {
    let mut shop = installed();
    shop.apply("1.1.0");
    shop.complete("1.1.0");
    let mut input = shop.input("1.1.0", "");
    input.artifacts.get_mut("api").unwrap().digest = Ok(Digest::of(b"other"));
    let (plan, report) = plan(&input);
    assert!(plan.is_none());
    assert!(
        report
            .problems
            .iter()
            .any(|p| p.message.contains("was released with other content")),
        "{report:?}"
    );
}

#[test]
fn a_release_is_planned_again_only_where_it_can_be_applied_again() {
    let mut shop = installed();
    shop.apply("1.1.0");
    let said = |shop: &Shop| {
        let (plan, report) = shop.plan("1.1.0");
        assert_eq!(plan.is_none(), report.blocked());
        report
            .problems
            .into_iter()
            .map(|problem| problem.message)
            .collect::<Vec<_>>()
    };
    assert_eq!(said(&shop), ["release 1.1.0 is moving already"]);
    shop.complete("1.1.0");
    assert_eq!(said(&shop), ["release 1.1.0 is completed already"]);
    let back = EventKind::RollBack {
        version: version("1.1.0"),
        scope: Scope::Everything,
    };
    shop.take(back).unwrap();
    shop.settle();
    assert_eq!(said(&shop), [""; 0]);
}

/// OctopusDeploy/Issues#6809, #5994, #5720, #6679, #6935, #8321, #9815, #6151: from 40 tenants on a preview asked once for each
/// of them.
#[test]
fn ten_thousand_tenants_are_planned_at_once() {
    let mut shop = shop();
    shop.tenants = "tenants:\n".to_owned();
    for n in 0..10_000 {
        let cell = if n % 2 == 0 { "eu" } else { "us" };
        shop.tenants.push_str(&format!("  - {{id: t{n}, cell: {cell}}}\n"));
    }
    let (plan, _) = shop.plan("1.0.0");
    let plan = plan.unwrap();
    assert_eq!(plan.moves(), 10_000);
    assert_eq!(plan.waves[0].tenants[&tenant("t9999")].cell.as_str(), "us");
    assert_eq!(
        serde_json::from_str::<Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(),
        plan
    );
}
