use std::collections::BTreeMap;

use tidegate_domain::desired::{CellDesired, Owns, SlotDesired, SlotPhase};
use tidegate_domain::id::{ComponentName, SlotId};
use tidegate_domain::observed::SlotState;
use tidegate_domain::release::SlotSpec;

use super::super::cell::Wish;
use super::super::launch::tests::spec;
use super::super::record::SlotRecord;
use super::{start_waits_for, stop_waits};

fn component(name: &str, version: &str, after: &[&str]) -> SlotSpec {
    let mut spec = spec();
    spec.component = name.parse().unwrap();
    spec.version = version.parse().unwrap();
    spec.configuration.insert("VERSION".to_owned(), version.to_owned());
    spec.definition.after = names(after);
    spec
}

fn names<T: FromIterator<ComponentName>>(names: &[&str]) -> T {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn wish(specs: &[SlotSpec]) -> Wish {
    let mut desired = CellDesired::default();
    for spec in specs {
        let slot = SlotDesired {
            spec: spec.clone(),
            phase: SlotPhase::Run,
            instances: Vec::new(),
            owns: Owns::Nothing,
        };
        desired.slots.insert(spec.id(), slot);
        let version = desired.versions.entry(spec.version.clone()).or_default();
        version.insert(spec.component.clone(), spec.id());
    }
    Wish::new(1, &desired, false)
}

#[test]
fn a_slot_waits_for_the_components_of_its_own_version() {
    let old_ledger = component("ledger", "1.0.0", &[]);
    let new_ledger = component("ledger", "2.0.0", &[]);
    let new_api = component("api", "2.0.0", &["ledger"]);
    let wish = wish(&[old_ledger.clone(), new_ledger.clone(), new_api.clone()]);
    let ready = SlotState::Ready { ready: Vec::new() };
    let mut states: BTreeMap<SlotId, SlotState> = BTreeMap::new();

    assert_eq!(start_waits_for(&new_ledger.id(), &wish, &states), None);
    states.insert(old_ledger.id(), ready.clone());
    let waits = start_waits_for(&new_api.id(), &wish, &states);
    assert_eq!(waits, Some(format!("waits for `{}` to be ready", new_ledger.id())));
    states.insert(new_ledger.id(), ready);
    assert_eq!(start_waits_for(&new_api.id(), &wish, &states), None);
}

#[test]
fn a_slot_stops_when_what_was_started_after_it_is_gone() {
    let record = |name: &str, after: &[&str]| SlotRecord {
        component: name.parse().unwrap(),
        after: names(after),
    };
    let (ledger, api) = (
        component("ledger", "1.0.0", &[]).id(),
        component("api", "1.0.0", &[]).id(),
    );
    let mut stopping: BTreeMap<_, _> = [
        (ledger.clone(), record("ledger", &[])),
        (api.clone(), record("api", &["ledger"])),
    ]
    .into();
    assert!(stop_waits(&ledger, &stopping));
    assert!(!stop_waits(&api, &stopping));
    stopping.remove(&api);
    assert!(!stop_waits(&ledger, &stopping));
}
