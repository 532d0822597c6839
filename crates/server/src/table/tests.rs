use tidegate_domain::desired::desired;
use tidegate_domain::service::{Phase as SlotPhase, Service};
use tidegate_domain::time::Timestamp;

use super::*;
use crate::fixture::{cell, tenant, version};

fn frame() -> Frame {
    Frame {
        epoch: "memory".to_owned(),
        service: crate::fixture::service(),
        client_from: ClientSource::Cookie("session".to_owned()),
        tenant_from: vec![TenantSource::Header("x-tenant".to_owned())],
        answers: Answers::default(),
        preview_key: PreviewKey::from_hexadecimal("00ff"),
    }
}

/// Tenants on 1.0.0, and the slots of 2.0.0 prepared.
fn state(tenants: usize) -> Service {
    use tidegate_domain::event::EventKind;
    use tidegate_domain::step::step;
    let mut state = Service::new(crate::fixture::service());
    for release in ["1.0.0", "2.0.0"] {
        let plan = crate::fixture::planned(&state, release, tenants, "{longest: 0s, least: 0s}");
        let apply = crate::fixture::event(EventKind::Apply {
            plan: Box::new(plan),
            author: None,
        });
        state = step(&state, &[apply], Timestamp(1_000_000)).state;
        if release == "1.0.0" {
            for seat in state.seats.values_mut() {
                seat.version = Some(version("1.0.0"));
            }
            state.runs.clear();
        }
    }
    state
}

#[test]
fn tenants_are_routed_to_their_version_in_their_cell() {
    let document = desired(&state(4));
    let table = frame().table(&document);
    table.validate().unwrap();
    let routes: BTreeMap<&str, &Route> = table
        .routes
        .iter()
        .map(|(name, route)| (name.as_str(), route))
        .collect();
    assert_eq!(routes.len(), 4);
    assert_eq!(routes["t0"].version.as_str(), "eu/1.0.0");
    assert_eq!(routes["t1"].version.as_str(), "us/1.0.0");
    assert!(
        table.versions.contains_key("eu/2.0.0"),
        "prepared: a preview may name it"
    );
    assert_eq!(table.generation, document.generation);
    let paths: Vec<&str> = table.components.iter().map(|rule| rule.path.as_str()).collect();
    assert_eq!(paths, ["/", "/admin"], "workers are not behind the gateway");
    assert!(table.slots.values().all(|slot| slot.component.as_str() != "ledger"));
}

#[test]
fn the_version_before_answers_for_its_assets() {
    let mut state = state(2);
    let seat = state.seats.get_mut(&tenant("t0")).unwrap();
    (seat.before, seat.version) = (Some(version("1.0.0")), Some(version("2.0.0")));
    let table = frame().table(&desired(&state));
    table.validate().unwrap();
    let (_, route) = table.routes.iter().find(|(name, _)| name.as_str() == "t0").unwrap();
    assert_eq!(route.assets_from.as_ref().map(VersionKey::as_str), Some("eu/1.0.0"));
}

#[test]
fn a_slot_that_is_left_has_deadlines() {
    let mut state = state(2);
    let slots = &mut state.cells.get_mut(&cell("eu")).unwrap().slots;
    let (id, slot) = slots
        .iter_mut()
        .find(|(_, slot)| slot.component.as_str() == "admin")
        .unwrap();
    slot.phase = SlotPhase::Drain {
        since: Timestamp(5_000),
        generation: 9,
    };
    let id = id.to_string();
    let table = frame().table(&desired(&state));
    assert_eq!(
        table.slots[id.as_str()].phase,
        Phase::Draining {
            requests_until_ms: Some(6_000),
            streams_until_ms: Some(7_000),
        }
    );
}

#[test]
fn a_component_that_only_some_versions_have_is_routed_for_those() {
    let mut state = state(2);
    let release = state.pinned.get_mut(&version("1.0.0")).unwrap();
    release.components.remove("admin");
    state.seats.get_mut(&tenant("t0")).unwrap().version = Some(version("2.0.0"));
    let table = frame().table(&desired(&state));
    table.validate().unwrap();
    assert_eq!(table.components.len(), 2);
    assert_eq!(table.versions["eu/1.0.0"].slots.len(), 1);
    assert_eq!(table.versions["eu/2.0.0"].slots.len(), 2);
}

#[test]
fn who_is_closed_is_told_why_and_an_older_gateway_gives_the_maintenance_page() {
    let mut state = state(2);
    state.seats.get_mut(&tenant("t0")).unwrap().suspended = true;
    let table = frame().table(&desired(&state));
    table.validate().unwrap();
    let (_, route) = table.routes.iter().find(|(name, _)| name.as_str() == "t0").unwrap();
    assert_eq!(route.closed, Some(tidegate_gateway::table::Closed::Suspended));
    assert!(matches!(route.mode, Mode::Maintenance { .. }));
    let (_, other) = table.routes.iter().find(|(name, _)| name.as_str() == "t1").unwrap();
    assert_eq!((other.closed, &other.mode), (None, &Mode::Serve));
}

#[test]
fn ten_thousand_tenants_stay_small() {
    let table = frame().table(&desired(&state(10_000)));
    table.validate().unwrap();
    let bytes = serde_json::to_vec(&table).unwrap().len();
    assert!(bytes < 1_200_000, "{bytes}");
}

#[test]
fn a_split_sends_a_share_of_the_clients_to_the_other_version() {
    use tidegate_domain::desired::Split;
    let mut desired = desired(&state(2));
    let cell = desired.cells.values_mut().next().unwrap();
    let route = cell.routes.values_mut().next().unwrap();
    route.split = Some(Split {
        version: version("2.0.0"),
        share: 5,
    });
    let table = frame().table(&desired);
    table.validate().unwrap();
    let splits: Vec<_> = table
        .routes
        .iter()
        .filter_map(|(_, route)| route.split.as_ref())
        .collect();
    let [split] = splits.as_slice() else {
        panic!("{splits:?}")
    };
    assert_eq!((split.version.as_str(), split.basis_points), ("eu/2.0.0", 500));
    assert_eq!(table.client_from, ClientSource::Cookie("session".to_owned()));
}
