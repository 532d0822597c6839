//! Variables and secrets: what a component gets where, and what is refused.

use super::*;
use crate::files::{Environment, Scalar, Source, VariableName, locate};
use crate::fixture::{Shop, installed, shop, tenant};
use crate::id::{CellName, ComponentName};
use crate::release::{Release, SecretReference, SlotSpec};

/// `us` is for tests, and the component `api` requires what is named.
fn input_requiring(shop: &Shop, version: &str, variables: &[&str]) -> PlanInput {
    let mut input = shop.input(version, "");
    let service = &mut input.project.service;
    service.cells[1].environment = Environment::Test;
    let names = variables.iter().map(|name| VariableName::new(name).unwrap());
    service.components[0].requires = names.collect();
    input
}

fn set(variables: &mut crate::files::Configuration, name: &str, value: &str) {
    variables.insert(VariableName::new(name).unwrap(), Scalar::new(value));
}

fn api(input: &mut PlanInput) -> &mut crate::files::ReleaseComponent {
    input.release.components.get_mut("api").unwrap()
}

fn secret(text: &str) -> (VariableName, SecretReference) {
    let (name, reference) = text.split_once(' ').unwrap();
    (
        VariableName::new(name).unwrap(),
        serde_json::from_str(reference).unwrap(),
    )
}

fn messages(input: &PlanInput) -> Vec<String> {
    let (plan, report) = plan(input);
    assert_eq!(plan.is_none(), report.blocked());
    if let Some(plan) = plan {
        assert_eq!(check(&plan, input), []);
    }
    report.problems.into_iter().map(|problem| problem.message).collect()
}

fn slot(release: &Release, cell: &str) -> SlotSpec {
    let (cell, api) = (CellName::new(cell).unwrap(), ComponentName::new("api").unwrap());
    release.slot(&cell, &api).unwrap()
}

#[test]
fn a_required_variable_has_a_value_in_every_cell_wherever_it_is_given() {
    let shop = shop();
    let input = || input_requiring(&shop, "1.0.0", &["LIMIT"]);
    let nowhere = "component `api` requires `LIMIT`, which has no value in any cell";
    let in_eu = "component `api` requires `LIMIT`, which has no value in cell `eu`";
    assert_eq!(messages(&input()), [nowhere]);

    let mut from_component = input();
    set(
        &mut from_component.project.service.components[0].environment,
        "LIMIT",
        "1",
    );
    assert_eq!(messages(&from_component), [""; 0]);

    let mut from_release = input();
    set(&mut api(&mut from_release).configuration, "LIMIT", "1");
    assert_eq!(messages(&from_release), [""; 0]);

    let mut from_test = input();
    set(&mut api(&mut from_test).environments.test, "LIMIT", "1");
    assert_eq!(messages(&from_test), [in_eu]);
    let cells = &mut api(&mut from_test).cells;
    set(cells.entry("eu".parse().unwrap()).or_default(), "LIMIT", "2");
    assert_eq!(messages(&from_test), [""; 0]);

    let mut from_tenants = input();
    set(&mut api(&mut from_tenants).environments.test, "LIMIT", "1");
    for name in ["acme", "bolt", "cato"] {
        assert_eq!(messages(&from_tenants), [in_eu], "until each of its tenants has one");
        let tenants = &mut api(&mut from_tenants).tenants;
        set(tenants.entry(tenant(name)).or_default(), "LIMIT", "3");
    }
    assert_eq!(messages(&from_tenants), [""; 0]);

    let mut from_secrets = input();
    let component = &mut from_secrets.project.service.components[0];
    let secrets = &mut component.environments.test.secrets;
    secrets.extend([secret(r#"LIMIT {"environment":"TEST_LIMIT"}"#)]);
    assert_eq!(messages(&from_secrets), [in_eu]);
    let component = &mut from_secrets.project.service.components[0];
    let secrets = component.cells.entry("eu".parse().unwrap()).or_default();
    secrets.secrets.extend([secret(r#"LIMIT {"file":"/limit"}"#)]);
    assert_eq!(messages(&from_secrets), [""; 0]);
}

#[test]
fn a_missing_variable_is_told_with_its_line_and_what_to_do() {
    let shop = shop();
    let input = input_requiring(&shop, "1.0.0", &["COLOR", "LIMIT"]);
    let (_, mut report) = plan(&input);
    let text = "components:\n  - name: other\n    requires: [LIMIT]\n  - name: api\n    requires:\n      - COLOR\n      - LIMIT\n";
    let source = Source {
        path: "tidegate.yaml".to_owned(),
        text: text.to_owned(),
    };
    locate(&mut report.problems, &[source], &input.project.service.playbook);
    let places: Vec<usize> = report
        .problems
        .iter()
        .map(|it| it.place.as_ref().unwrap().line)
        .collect();
    assert_eq!(places, [6, 7]);
    assert_eq!(
        report.problems[1].remedy,
        "give it one in `configuration` of the release or under `environments` or `cells`, or as one of the `secrets` in tidegate.yaml"
    );
}

#[test]
fn a_component_that_stays_as_it_is_keeps_what_it_requires() {
    let mut shop = shop();
    let mut first = input_requiring(&shop, "1.0.0", &["LIMIT"]);
    set(&mut api(&mut first).environments.test, "LIMIT", "1");
    set(&mut api(&mut first).environments.production, "LIMIT", "2");
    shop.take(crate::fixture::apply(plan(&first).0.unwrap())).unwrap();
    shop.settle();
    let mut next = input_requiring(&shop, "1.1.0", &["LIMIT"]);
    next.release.components.remove("api");
    assert_eq!(messages(&next), [""; 0]);
    next.project.service.cells[0].environment = Environment::Test;
    let planned = plan(&next).0.unwrap().release;
    assert_eq!(
        slot(&planned, "eu").configuration["LIMIT"],
        "1",
        "what a cell is for may change"
    );
    let mut without = next.clone();
    without
        .state
        .pinned
        .get_mut("1.0.0")
        .unwrap()
        .components
        .get_mut("api")
        .unwrap()
        .configuration
        .environments
        .clear();
    let (_, report) = plan(&without);
    assert_eq!(
        report.problems[0].remedy,
        "list `api` in the release and give it one there: it runs on as it is otherwise"
    );
}

#[test]
fn a_tenant_is_stronger_than_a_cell_and_that_than_an_environment_the_release_and_the_component() {
    let shop = shop();
    let mut input = input_requiring(&shop, "1.0.0", &["A", "B", "C", "D", "E"]);
    let component = &mut input.project.service.components[0].environment;
    for name in ["A", "B", "C", "D", "E"] {
        set(component, name, "component");
    }
    let release = api(&mut input);
    for name in ["B", "C", "D", "E"] {
        set(&mut release.configuration, name, "release");
    }
    for name in ["C", "D", "E"] {
        set(&mut release.environments.test, name, "environment");
    }
    for name in ["D", "E"] {
        set(release.cells.entry("us".parse().unwrap()).or_default(), name, "cell");
    }
    set(release.tenants.entry(tenant("echo")).or_default(), "E", "tenant");
    let release = plan(&input).0.unwrap().release;
    let us = slot(&release, "us");
    let value = |name: &str| {
        us.configuration
            .get(name)
            .or(us.definition.environment.get(name))
            .unwrap()
            .as_str()
    };
    assert_eq!(
        ["A", "B", "C", "D", "E"].map(value),
        ["component", "release", "environment", "cell", "cell"]
    );
    assert_eq!(us.tenant_configuration["echo"]["E"], "tenant");
    assert_eq!(
        slot(&release, "eu").configuration["C"],
        "release",
        "another environment"
    );
}

#[test]
fn what_is_required_makes_no_other_slot_and_a_new_version_of_a_secret_does() {
    let shop = installed();
    let mut input = shop.input("1.1.0", "");
    let planned = |input: &PlanInput| plan(input).0.unwrap();
    let before = planned(&input);
    set(&mut api(&mut input).configuration, "LIMIT", "1");
    let configured = planned(&input);
    assert_ne!(slot(&before.release, "eu").id(), slot(&configured.release, "eu").id());
    input.project.service.components[0].requires = [VariableName::new("LIMIT").unwrap()].into();
    assert_eq!(
        slot(&planned(&input).release, "eu").id(),
        slot(&configured.release, "eu").id()
    );

    let component = |input: &mut PlanInput, text: &str| {
        input.project.service.components[0].secrets.extend([secret(text)]);
    };
    component(&mut input, r#"KEY {"file":"/key"}"#);
    let first = planned(&input);
    component(&mut input, r#"KEY {"file":"/key","version":"2"}"#);
    let second = planned(&input);
    let (old, new) = (slot(&first.release, "eu").id(), slot(&second.release, "eu").id());
    assert_ne!(old, slot(&configured.release, "eu").id());
    assert_ne!(old, new, "rotating starts new instances");
    assert_ne!(first.digest(), second.digest(), "and is another plan");
}

/// The linter does not trust the planner.
#[test]
fn the_linter_finds_what_is_missing_and_what_is_given_twice() {
    let shop = installed();
    let input = shop.input("1.1.0", "");
    let mut broken = plan(&input).0.unwrap();
    let part = broken.release.components.get_mut("api").unwrap();
    part.definition.requires.insert("LIMIT".to_owned());
    let (name, reference) = secret(r#"KEY {"file":"/key"}"#);
    part.secrets.all.insert(name.as_str().to_owned(), reference);
    part.configuration.all.insert("KEY".to_owned(), "hunter2".to_owned());
    let found: Vec<String> = check(&broken, &input)
        .into_iter()
        .map(|problem| problem.message)
        .collect();
    assert_eq!(
        found,
        [
            "component `api` has no `LIMIT` for tenant `acme` in cell `eu`",
            "`KEY` of component `api` is a secret and given in clear",
            "component `api` has no `LIMIT` for tenant `dune` in cell `us`",
            "`KEY` of component `api` is a secret and given in clear",
        ]
    );
}
