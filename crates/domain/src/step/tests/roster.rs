use std::collections::{BTreeMap, BTreeSet};

use crate::desired::desired;
use crate::event::{EventKind, Listed, Roster, TenantAsk};
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::{CellName, TenantName};
use crate::service::Closed;
use crate::step::Refused;
use crate::time::Duration;

fn cell(name: &str) -> CellName {
    CellName::new(name).unwrap()
}

fn add(name: &str, to: &str) -> EventKind {
    EventKind::TenantAdded {
        tenant: tenant(name),
        cell: cell(to),
    }
}

fn closed(shop: &Shop, name: &str) -> Option<Closed> {
    let document = desired(&shop.state);
    let mut routes = document
        .cells
        .values()
        .filter_map(|cell| cell.routes.get(&tenant(name)));
    routes.next().unwrap().closed
}

#[test]
fn a_suspended_tenant_is_not_served_and_moves_with_its_releases() {
    let mut shop = installed();
    let suspend = || EventKind::TenantAsked {
        tenant: tenant("acme"),
        ask: TenantAsk::Suspend,
    };
    shop.take(suspend()).unwrap();
    let once = shop.state.clone();
    shop.take(suspend()).unwrap();
    assert_eq!(shop.state, once, "the same word again has no effect");
    assert_eq!(closed(&shop, "acme"), Some(Closed::Suspended));
    shop.apply("1.1.0");
    shop.complete("1.1.0");
    assert_eq!(shop.on("1.1.0").len(), 6);
    assert_eq!(closed(&shop, "acme"), Some(Closed::Suspended));
    shop.take(EventKind::TenantAsked {
        tenant: tenant("acme"),
        ask: TenantAsk::Resume,
    })
    .unwrap();
    assert_eq!(closed(&shop, "acme"), None);
    let refused = shop.take(EventKind::TenantAsked {
        tenant: tenant("nobody"),
        ask: TenantAsk::Suspend,
    });
    assert!(matches!(refused, Err(Refused::NoSuchTenant { .. })));
}

/// A cell whose last tenant has left runs nothing after a while.
fn with_an_empty_cell() -> Shop {
    let mut shop = installed();
    for name in ["dune", "echo", "flux"] {
        shop.take(EventKind::TenantRemoved { tenant: tenant(name) }).unwrap();
    }
    shop.pass(Duration::from_hours(3));
    assert!(shop.slots("us").is_empty());
    let (eu, _) = shop.tenants.split_once("  - {id: dune").unwrap();
    shop.tenants = eu.to_owned();
    shop
}

#[test]
fn a_tenant_of_an_empty_cell_starts_on_the_newest_completed_release() {
    let mut shop = with_an_empty_cell();
    shop.take(add("nova", "us")).unwrap();
    assert_eq!(
        shop.state.seats[&tenant("nova")].version,
        None,
        "nothing is ready there"
    );
    shop.settle();
    assert!(shop.on("1.0.0").contains(&"nova"), "{}", shop.waiting());
    assert_eq!(shop.slots("us"), ["api 1.0.0 Run", "ledger 1.0.0 Run"]);
    let started = shop
        .journal
        .iter()
        .rfind(|entry| entry.tenants.contains(&tenant("nova")));
    assert_eq!(started.unwrap().now_on, Some(version("1.0.0")));
}

#[test]
fn a_tenant_of_an_empty_cell_is_moved_by_the_release_in_flight_too() {
    let mut shop = with_an_empty_cell();
    shop.apply("1.1.0");
    shop.settle();
    shop.take(add("nova", "us")).unwrap();
    shop.settle();
    assert!(shop.on("1.0.0").contains(&"nova"), "{}", shop.waiting());
    shop.complete("1.1.0");
    assert_eq!(shop.on("1.1.0"), ["acme", "bolt", "cato", "nova"]);
}

fn listed(rows: &[(&str, &str, bool)], remove_at_most: usize) -> EventKind {
    let tenants: BTreeMap<TenantName, Listed> = rows
        .iter()
        .map(|(name, to, suspended)| {
            let listed = Listed {
                cell: cell(to),
                suspended: *suspended,
            };
            (tenant(name), listed)
        })
        .collect();
    EventKind::TenantsSynced(Roster {
        tenants,
        remove_at_most,
        declared: BTreeSet::new(),
    })
}

#[test]
fn a_list_of_all_tenants_is_made_true_and_the_same_again_changes_nothing() {
    let mut shop = installed();
    let list = [
        ("acme", "us", false),
        ("bolt", "eu", true),
        ("cato", "eu", false),
        ("dune", "us", false),
        ("echo", "us", false),
        ("nova", "eu", false),
    ];
    shop.take(listed(&list, 1)).unwrap();
    shop.settle();
    assert!(!shop.state.seats.contains_key(&tenant("flux")));
    assert_eq!(shop.state.seats[&tenant("acme")].cell, cell("us"));
    assert_eq!(closed(&shop, "bolt"), Some(Closed::Suspended));
    assert!(shop.on("1.0.0").contains(&"nova"));
    let (state, rows) = (shop.state.clone(), shop.journal.len());
    shop.take(listed(&list, 0)).unwrap();
    assert_eq!((&shop.state, shop.journal.len()), (&state, rows));
}

#[test]
fn a_list_that_lacks_too_many_or_has_a_mistake_changes_nothing() {
    let mut shop = installed();
    let before = shop.state.clone();
    let refused = shop.take(listed(&[("acme", "us", false)], 1)).unwrap_err();
    assert!(refused.to_string().contains("`--remove-at-most 5`"), "{refused}");
    assert_eq!(shop.state, before);
    let rows = shop.journal.len();
    let refused = shop.take(listed(&[("acme", "mars", false)], 5)).unwrap_err();
    assert!(matches!(refused, Refused::UnknownCell { .. }), "{refused}");
    assert_eq!(
        (&shop.state, shop.journal.len()),
        (&before, rows),
        "as a whole, or not at all"
    );
}
