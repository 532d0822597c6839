//! From test to production.

use super::*;
use crate::files::{Configuration, Environment, Scalar};
use crate::fixture::PLAYBOOK;
use crate::policy::Before;

/// `us` is for tests; a release goes through it first.
const ORDERED: &str = "
name: two-waves
environments: [test, production]
waves:
  - {name: tests, select: {environment: test}, bake: {least: 10m, longest: 1h, requests: 100}}
  - {name: first, select: {opt_in: true}, bake: {least: 10m, longest: 1h, requests: 100}}
  - {name: rest, select: {environment: production, rest: true}, gap: 1h, bake: {least: 10m, longest: 1h, requests: 100}}
approvals: [{name: go-live, before: {environment: production}}]
rollback_window: 2h
";

fn ordered(mut shop: Shop) -> Shop {
    shop.service = shop.service.replace("{name: us}", "{name: us, environment: test}");
    shop.playbook = ORDERED.to_owned();
    shop
}

/// What blocks a plan, with what to do about it.
fn said(shop: &Shop) -> Vec<String> {
    let (plan, report) = shop.plan("1.1.0");
    assert_eq!(plan.is_none(), report.blocked());
    let problems = report.problems.into_iter().filter(|it| it.severity == Severity::Blocks);
    problems
        .map(|problem| format!("{} [{}]", problem.message, problem.remedy))
        .collect()
}

#[test]
fn a_release_moves_all_tenants_in_test_before_any_in_production() {
    let shop = ordered(installed());
    let plan = shop.plan("1.1.0").0.unwrap();
    assert_eq!(check(&plan, &shop.input("1.1.0", "")), []);
    let waves: Vec<(&str, Vec<&str>)> = plan
        .waves
        .iter()
        .map(|wave| {
            (
                wave.name.as_str(),
                wave.tenants.keys().map(TenantName::as_str).collect(),
            )
        })
        .collect();
    assert_eq!(
        waves,
        [
            ("tests", vec!["dune", "echo", "flux"]),
            ("first", vec!["acme"]),
            ("rest", vec!["bolt", "cato"])
        ]
    );
    assert_eq!(&*plan.waves[0].tenants["dune"].because, "environment test");
    let approval = &plan.schedule.approvals[0];
    assert_eq!(
        approval.before,
        Before::Wave("first".parse().unwrap()),
        "the first in production"
    );
}

#[test]
fn the_first_release_goes_through_the_environments_as_well() {
    let shop = ordered(shop());
    let plan = shop.plan("1.0.0").0.unwrap();
    assert_eq!(check(&plan, &shop.input("1.0.0", "")), []);
    let names: Vec<&str> = plan.waves.iter().map(|wave| wave.name.as_str()).collect();
    assert_eq!(names, ["install-test", "install-production"]);
}

#[test]
fn waves_that_mix_environments_or_turn_their_order_are_refused() {
    let mut shop = ordered(installed());
    shop.playbook = ORDERED.replace("select: {environment: test}", "select: {opt_in: true}");
    assert_eq!(
        said(&shop),
        [
            "wave `tests` would move tenants in `test` and in `production` together [make a wave for each of them, with `environment: ..` in its `select`]",
            "no tenant in `test` moves, and tenants in `production` would [see that tenants live in a cell with `environment: test` and that a wave selects them, or take `test` off `environments` of playbook `two-waves`]",
        ][..1]
    );
    shop.playbook = ORDERED.replace("[test, production]", "[production, test]");
    assert_eq!(
        said(&shop),
        [
            "wave `first` moves tenants in `production` after wave `tests`, and a release goes through that environment before [put the waves in the order of `environments`: production, test]",
            "wave `rest` moves tenants in `production` after wave `tests`, and a release goes through that environment before [put the waves in the order of `environments`: production, test]",
        ]
    );
    shop.playbook = ORDERED.replace("[test, production]", "[production]");
    assert_eq!(
        said(&shop),
        [
            "wave `tests` moves tenants in `test`, which is none of the `environments` of playbook `two-waves` [add it to `environments`, at the place where a release comes to it]"
        ]
    );
    shop.playbook = PLAYBOOK.to_owned();
    assert_eq!(said(&shop), [""; 0], "without an order there is none to keep");
}

#[test]
fn nobody_in_production_moves_to_what_nobody_in_test_has_run() {
    let mut shop = ordered(installed());
    shop.playbook = ORDERED
        .replace(
            "  - {name: tests, select: {environment: test}, bake: {least: 10m, longest: 1h, requests: 100}}\n",
            "",
        )
        .replace("{opt_in: true}", "{opt_in: true, environment: production}");
    let untried = "no tenant in `test` moves, and tenants in `production` would [see that tenants live in a cell with `environment: test` and that a wave selects them, or take `test` off `environments` of playbook `two-waves`]";
    assert_eq!(said(&shop), [untried]);
    // They run it already, as after a release whose later waves came back.
    let release = shop.plan("1.1.0");
    assert!(release.0.is_none());
    for name in ["dune", "echo", "flux"] {
        shop.state.seats.get_mut(name).unwrap().version = Some(version("1.1.0"));
    }
    assert_eq!(said(&shop), [""; 0]);
}

#[test]
fn the_linter_finds_what_the_planner_would_mix_or_turn() {
    let shop = ordered(installed());
    let input = shop.input("1.1.0", "");
    let sound = shop.plan("1.1.0").0.unwrap();
    let found = |plan: &Plan| -> Vec<String> {
        let about = |text: &String| text.contains("environment");
        check(plan, &input)
            .into_iter()
            .map(|problem| problem.message)
            .filter(about)
            .collect()
    };
    let mut turned = sound.clone();
    turned.waves.swap(0, 2);
    assert_eq!(
        found(&turned),
        ["wave `tests` moves tenants in an environment that waves before it have left"]
    );
    let mut mixed = sound;
    let (name, planned) = mixed.waves[1].tenants.pop_first().unwrap();
    mixed.waves[0].tenants.insert(name, planned);
    assert_eq!(
        found(&mixed)[0],
        "wave `tests` moves tenants in more than one environment"
    );
}

#[test]
fn what_differs_between_environments_is_named_or_refused() {
    let mut shop = ordered(installed());
    let api = "- {name: api, ";
    shop.service = shop.service.replace(
        api,
        &format!("{api}secrets: {{KEY: {{file: /key}}}}, environments: {{test: {{secrets: {{KEY: {{environment: KEY}}}}}}}}, environment: {{COLOR: red}}, "),
    );
    let planned = |shop: &Shop| {
        let mut input = shop.input("1.1.0", "");
        let release = input.release.components.get_mut("api").unwrap();
        let set = |variables: &mut Configuration, value: &str| {
            variables.insert("LIMIT".parse().unwrap(), Scalar::new(value));
        };
        set(&mut release.configuration, "5");
        set(&mut release.environments.test, "50");
        plan(&input)
            .1
            .problems
            .into_iter()
            .map(|it| format!("{} [{}]", it.message, it.remedy))
            .collect::<Vec<_>>()
    };
    let remedy = |name: &str| {
        format!(
            "[add `differs: [{name}]` to component `api` in tidegate.yaml if it is meant to, or give it the same value in each]"
        )
    };
    let key = format!(
        "`KEY` of component `api` differs between environments: secret from variable `KEY` of the control plane in `test`, secret from file `/key` in `production` {}",
        remedy("KEY")
    );
    let limit = format!(
        "`LIMIT` of component `api` differs between environments: `50` in `test`, `5` in `production` {}",
        remedy("LIMIT")
    );
    assert_eq!(planned(&shop), [key.clone(), limit]);
    shop.service = shop.service.replace(api, &format!("{api}differs: [LIMIT], "));
    assert_eq!(planned(&shop), [key]);
    shop.service = shop.service.replace("differs: [LIMIT]", "differs: [LIMIT, KEY]");
    assert_eq!(planned(&shop), [""; 0]);
    shop.service = shop.service.replace("differs: [LIMIT, KEY], ", "");
    shop.playbook = PLAYBOOK.to_owned();
    assert_eq!(
        planned(&shop),
        [""; 0],
        "where a playbook has no environments they may be what they like"
    );
}

#[test]
fn cells_of_one_environment_that_differ_are_told_and_not_refused() {
    let mut shop = ordered(installed());
    shop.service = shop.service.replace("{name: eu}", "{name: eu}, {name: ap}");
    let mut input = shop.input("1.1.0", "");
    let release = input.release.components.get_mut("api").unwrap();
    let limit = || [("LIMIT".parse().unwrap(), Scalar::new("7"))].into();
    release.environments.test = limit();
    release.environments.production = limit();
    release.cells.insert(
        "ap".parse().unwrap(),
        [("LIMIT".parse().unwrap(), Scalar::new("8"))].into(),
    );
    input.project.service.components[0].differs = ["LIMIT".parse().unwrap()].into();
    assert!(plan(&input).0.is_some());
    let found = drift(&input.project, &described(&input.project, Some(&input.release)));
    assert_eq!(found.len(), 1, "{found:?}");
    let limit = &found[0].variables[0];
    assert_eq!(limit.in_words(Environment::Test), "`7`");
    assert_eq!(limit.in_words(Environment::Production), "`7` in eu; `8` in ap");
    assert!(limit.declared && limit.between_environments);
}
