//! What the simulator found, each in its shortest form.

use std::collections::BTreeSet;

use super::{back, baking};
use crate::desired::{Owns, desired};
use crate::event::{EventKind, Scope, Verdict};
use crate::fixture::{Shop, apply, installed, tenant, version};
use crate::id::{CellName, TenantName, Version};
use crate::observed::{CellReports, GatewayReport};
use crate::service::Place;
use crate::step::Refused;
use crate::time::Duration;

fn add(name: &str, cell: &str) -> EventKind {
    EventKind::TenantAdded {
        tenant: tenant(name),
        cell: CellName::new(cell).unwrap(),
    }
}

fn remove(name: &str) -> EventKind {
    EventKind::TenantRemoved { tenant: tenant(name) }
}

fn on<'a>(shop: &'a Shop, name: &str) -> Option<&'a str> {
    let seat = &shop.state.seats[&TenantName::new(name).unwrap()];
    seat.version.as_ref().map(Version::as_str)
}

#[test]
fn a_tenant_does_not_start_on_a_release_that_is_still_proving_itself() {
    let mut shop = baking();
    for name in ["bolt", "cato"] {
        shop.take(remove(name)).unwrap();
    }
    shop.take(add("gale", "eu")).unwrap();
    assert_eq!(on(&shop, "gale"), Some("1.0.0"), "all others of its cell are on 1.1.0");
    assert_eq!(on(&shop, "acme"), Some("1.1.0"));
}

#[test]
fn a_tenant_that_starts_on_a_release_goes_back_with_it() {
    let mut shop = installed();
    shop.apply("1.1.0");
    shop.complete("1.1.0");
    shop.take(add("gale", "eu")).unwrap();
    assert_eq!(on(&shop, "gale"), Some("1.1.0"));
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!((on(&shop, "gale"), shop.phase("1.1.0")), (Some("1.0.0"), "rolled back"));
}

#[test]
fn a_tenant_that_comes_while_the_last_wave_moves_moves_with_it() {
    let mut shop = baking();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop.pass(Duration::from_hours(1));
    shop.take(add("gale", "eu")).unwrap();
    shop.settle();
    assert_eq!(on(&shop, "gale"), Some("1.1.0"));
}

#[test]
fn the_epoch_of_a_tenant_outlives_it() {
    let mut shop = baking();
    let epoch = |shop: &Shop| shop.state.seats[&tenant("acme")].epoch;
    let before = epoch(&shop);
    shop.take(remove("acme")).unwrap();
    shop.settle();
    shop.take(add("acme", "eu")).unwrap();
    assert!(epoch(&shop) > before, "a lower one would be fenced off for ever");
    let document = desired(&shop.state);
    let owns = |owns: &Owns| matches!(owns, Owns::Tenants(tenants) if tenants.contains_key(&tenant("acme")));
    let slots = document.cells.values().flat_map(|cell| cell.slots.values());
    assert_eq!(slots.filter(|slot| owns(&slot.owns)).count(), 1);
}

#[test]
fn an_aborted_release_that_tenants_are_on_is_not_applied_again() {
    let mut shop = baking();
    let (plan, _) = installed().plan("1.1.0");
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    let abort = EventKind::Abort {
        version: version("1.1.0"),
    };
    shop.take(abort).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 2, "a confirmed wave stays");
    let again = shop.take(apply(plan.unwrap()));
    assert!(matches!(again, Err(Refused::Ended { .. })), "{again:?}");
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
}

#[test]
fn an_earlier_release_that_takes_a_tenant_back_keeps_it() {
    let mut shop = installed();
    shop.apply("1.1.0");
    shop.complete("1.1.0");
    shop.pass(Duration::from_hours(3));
    shop.apply("1.2.0");
    shop.take(back("1.1.0", Scope::Tenant(tenant("acme")))).unwrap();
    shop.settle();
    assert_eq!(on(&shop, "acme"), Some("1.0.0"));
    let run = shop.state.run(&version("1.2.0")).unwrap();
    let (_, member) = run.members().find(|(name, _)| name.as_str() == "acme").unwrap();
    assert!(matches!(member.place, Place::Left { .. }), "{:?}", member.place);
}

#[test]
fn a_wave_that_lost_all_its_tenants_is_not_confirmed_by_that() {
    let mut shop = baking();
    for name in ["acme", "dune"] {
        shop.take(back("1.1.0", Scope::Tenant(tenant(name)))).unwrap();
    }
    shop.settle();
    let run = shop.state.run(&version("1.1.0")).unwrap();
    let hold = run.hold.as_ref().unwrap();
    assert!(hold.reason.contains("was taken back"), "{}", hold.reason);
}

#[test]
fn a_slot_waits_for_a_gateway_that_came_back_with_an_older_table() {
    let mut shop = installed();
    shop.apply("1.1.0");
    shop.complete("1.1.0");
    shop.now = shop.now + Duration::from_hours(3);
    shop.gateways_follow = false;
    let stale = GatewayReport {
        confirmed: Some(1),
        ..GatewayReport::default()
    };
    for _ in 0..2 {
        let (cells, gateways) = (CellReports::new(), stale.clone());
        shop.take(EventKind::Observed { cells, gateways }).unwrap();
    }
    assert_eq!(
        shop.slots("eu").len(),
        4,
        "that gateway may still lead to the old slots"
    );
    shop.gateways_follow = true;
    shop.settle();
    assert_eq!(shop.slots("eu").len(), 2);
}

#[test]
fn no_effect_id_is_used_twice_however_long_ago_a_version_was_forgotten() {
    let mut shop = installed();
    let mut ids = BTreeSet::new();
    let mut seen = |shop: &Shop| {
        for effect in shop.last.iter().flat_map(|step| &step.effects) {
            assert!(ids.insert(effect.id.clone()), "{}", effect.id);
        }
    };
    for release in ["1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.1.0"] {
        shop.apply(release);
        seen(&shop);
        let version = version(release);
        shop.take(EventKind::Abort { version }).unwrap();
        seen(&shop);
    }
}
