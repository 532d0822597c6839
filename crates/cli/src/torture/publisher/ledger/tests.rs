use std::collections::{BTreeMap, BTreeSet};

use tidegate_gateway::protocol::Confirmed;
use tidegate_gateway::table::{Route, TenantName};

use super::*;
use crate::torture::world;

fn ledger(folder: &tempfile::TempDir) -> Ledger {
    let path = folder.path().join("ledger.json");
    let tenants = world::tenants();
    let slots = world::CELLS.map(|cell| {
        let id: SlotId = format!("{cell}.0").into();
        (id, world::slot(cell, world::VERSIONS[0], Vec::new()))
    });
    let written = Written {
        number: 0,
        table: world::table(slots.into(), &tenants, &[]),
        gateways: BTreeSet::new(),
    };
    written.write(&path).unwrap();
    Ledger::open(&path).unwrap()
}

fn call(incarnation: &str, generation: u64) -> Follow {
    Follow {
        gateway: "gateway".to_owned(),
        incarnation: incarnation.to_owned(),
        listening: Vec::new(),
        confirmed: Some(Confirmed {
            epoch: "torture".to_owned(),
            generation,
        }),
        persist_micros: 0,
        in_flight: BTreeMap::new(),
        refused: None,
        lingering: false,
        leaving: false,
        wait_ms: 0,
        routes: None,
    }
}

fn move_one(ledger: &mut Ledger, number: u64) {
    let route = BTreeMap::from([(world::key("eu", "1.1.0"), vec![TenantName::from("eu-3")])]);
    ledger.publish(number, Edit::Route(route)).unwrap();
}

#[test]
fn a_table_is_confirmed_when_every_process_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder);
    for incarnation in ["1-10", "1-11"] {
        ledger.hear(&call(incarnation, 1)).unwrap();
    }
    move_one(&mut ledger, 1);
    assert!(ledger.news_for(&call("1-10", 1)).is_some());
    ledger.hear(&call("1-10", 2)).unwrap();
    assert_eq!(ledger.status().confirmed, 1);
    ledger.hear(&call("1-11", 2)).unwrap();
    assert_eq!(ledger.status().confirmed, 2);
    assert!(ledger.news_for(&call("1-11", 2)).is_none());
}

#[test]
fn a_process_that_is_gone_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder);
    for incarnation in ["1-10", "1-11", "1-12"] {
        ledger.hear(&call(incarnation, 1)).unwrap();
    }
    move_one(&mut ledger, 1);
    ledger.hear(&call("1-12", 2)).unwrap();
    let leaving = Follow {
        leaving: true,
        ..call("1-10", 1)
    };
    ledger.hear(&leaving).unwrap();
    assert_eq!(ledger.status().confirmed, 1);
    ledger.ended(11).unwrap();
    assert_eq!(ledger.status().confirmed, 2);
}

#[test]
fn what_was_published_and_who_is_registered_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = ledger(&folder);
    before.hear(&call("1-10", 1)).unwrap();
    move_one(&mut before, 7);
    drop(before);

    let mut after = Ledger::open(&folder.path().join("ledger.json")).unwrap();
    let status = after.status();
    assert_eq!((status.number, status.generation, status.confirmed), (7, 2, 0));
    let routes: BTreeMap<_, _> = after.written.table.routes.iter().collect();
    assert_eq!(routes[&TenantName::from("eu-3")], &Route::to("eu/1.1.0"));
    // A new process alone confirms nothing while the one from before may still use an old table.
    after.hear(&call("1-11", 2)).unwrap();
    assert_eq!(after.status().confirmed, 0);
    after.hear(&call("1-10", 2)).unwrap();
    assert_eq!(after.status().confirmed, 2);
}
