use std::collections::BTreeSet;

use crate::fixture::{Shop, installed};
use crate::plan::when::base_class;
use crate::plan::{ProblemKind, plan};
use crate::service::Rolling;
use crate::time::Duration;

/// Every component is replaced within four weeks.
fn rolling() -> Shop {
    let mut shop = installed();
    shop.playbook.push_str("rolling_patches: {every: 4 weeks}\n");
    shop
}

/// What is overdue where `version` is planned that lists only the api.
fn overdue(shop: &Shop, version: &str) -> Vec<String> {
    let mut input = shop.input(version, "");
    input.release.components.retain(|name, _| name.as_str() == "api");
    let (_, report) = plan(&input);
    let problems = report.problems.into_iter();
    let overdue = problems.filter(|problem| problem.kind == ProblemKind::PatchOverdue);
    overdue.map(|problem| problem.message).collect()
}

#[test]
fn a_component_that_runs_unchanged_for_too_long_is_told_until_it_is_replaced() {
    let mut shop = rolling();
    assert!(overdue(&shop, "1.1.0").is_empty());
    shop.pass(Duration::from_days(27));
    assert!(overdue(&shop, "1.1.0").is_empty());
    shop.pass(Duration::from_days(1));
    let told = overdue(&shop, "1.1.0");
    assert_eq!(told.len(), 1, "what the release replaces is not overdue: {told:?}");
    assert!(
        told[0].starts_with("component `ledger` runs unchanged since"),
        "{told:?}"
    );
    shop.apply("1.1.0");
    shop.complete("1.1.0");
    assert!(overdue(&shop, "1.2.0").is_empty());
}

#[test]
fn what_is_taken_back_is_as_old_as_it_was() {
    let mut shop = rolling();
    shop.pass(Duration::from_days(28));
    shop.apply("1.1.0");
    shop.complete("1.1.0");
    shop.take(crate::event::EventKind::RollBack {
        version: crate::fixture::version("1.1.0"),
        scope: crate::event::Scope::Everything,
    })
    .unwrap();
    shop.settle();
    assert_eq!(overdue(&shop, "1.2.0").len(), 1);
}

#[test]
fn what_runs_is_listed_by_component_and_cell_with_the_time_of_its_replacement() {
    let mut shop = rolling();
    shop.pass(Duration::from_days(28));
    let input = shop.input("1.1.0", "");
    let calendars = &input.project.calendars;
    let playbook = &input.project.playbooks[&input.project.service.playbook];
    let base = base_class(calendars, playbook);
    let every = &playbook.rolling_patches.as_ref().unwrap().every;
    let base = &base;
    let rolling = Rolling { calendars, base, every };
    let running = input.state.running(Some(rolling));
    let places: BTreeSet<_> = running.iter().map(|one| (&one.component, &one.cell)).collect();
    assert_eq!(places.len(), running.len(), "one artifact runs in each cell");
    for one in &running {
        assert!(one.due.is_some_and(|due| due <= input.now), "{one:?}");
        assert!(one.since.is_some() && one.tenants > 0, "{one:?}");
    }
    for component in input.project.service.components.iter().map(|component| &component.name) {
        let rows = running.iter().filter(|one| one.component == *component);
        let tenants: usize = rows.map(|one| one.tenants).sum();
        assert_eq!(tenants, input.state.seats.len(), "{component}");
    }
    assert!(input.state.running(None).iter().all(|one| one.due.is_none()));
}
