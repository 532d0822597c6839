use crate::event::EventKind;
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::TenantName;
use crate::step::Refused;
use crate::time::{Duration, Timestamp};

/// One wave for all; two tenants may reserve the same hour of the next two days.
const PLAYBOOK: &str = "
name: two-waves
waves: [{name: all, select: {rest: true}, bake: {least: 0s, longest: 0s}}]
reservations: {capacity: 2, stretch: 1h, within: 2 days}
rollback_window: 2h
";

fn reserving() -> Shop {
    let mut shop = installed();
    shop.playbook = PLAYBOOK.to_owned();
    // Nobody moves before the slots are ready.
    shop.apply("1.1.0");
    shop
}

fn reserve(shop: &mut Shop, name: &str, at: Option<Timestamp>) -> Result<(), Refused> {
    shop.take(EventKind::Reserve {
        version: version("1.1.0"),
        tenant: tenant(name),
        at,
    })
}

fn hours(shop: &Shop, n: u16) -> Timestamp {
    shop.now + Duration::from_hours(n)
}

#[test]
fn a_tenant_moves_at_the_time_that_it_has_reserved_and_the_others_do_not_wait() {
    let mut shop = reserving();
    let at = hours(&shop, 5);
    reserve(&mut shop, "bolt", Some(at)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 5);
    assert!(shop.waiting().contains("they have reserved it"), "{}", shop.waiting());
    shop.pass(Duration::from_hours(4));
    assert_eq!(shop.on("1.0.0"), ["bolt"]);
    shop.pass(Duration::from_hours(1));
    assert_eq!(shop.on("1.1.0").len(), 6);
    assert_eq!(shop.phase("1.1.0"), "completed");
}

#[test]
fn a_stretch_takes_no_more_than_its_capacity_and_the_next_free_one_is_named() {
    let mut shop = reserving();
    let at = hours(&shop, 5);
    reserve(&mut shop, "acme", Some(at)).unwrap();
    reserve(&mut shop, "bolt", Some(at)).unwrap();
    let refused = reserve(&mut shop, "cato", Some(at));
    let Err(Refused::NotReservable { next: Some(next), .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(next > at && next <= hours(&shop, 6), "{next}");
    reserve(&mut shop, "cato", Some(next)).unwrap();
    // Who changes its mind takes no room twice, and leaves the room it had.
    reserve(&mut shop, "acme", Some(at)).unwrap();
    reserve(&mut shop, "acme", None).unwrap();
    reserve(&mut shop, "dune", Some(at)).unwrap();
}

#[test]
fn what_is_too_late_too_early_or_over_is_refused() {
    let mut shop = reserving();
    let (late, early) = (hours(&shop, 49), Timestamp(shop.now.0 - 1));
    for at in [late, early] {
        let refused = reserve(&mut shop, "acme", Some(at));
        assert!(matches!(refused, Err(Refused::NotReservable { .. })), "{refused:?}");
    }
    shop.settle();
    let at = hours(&shop, 1);
    let refused = reserve(&mut shop, "acme", Some(at));
    assert!(
        matches!(refused, Err(Refused::NothingToReserve { .. } | Refused::Ended { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_playbook_that_says_nothing_of_it_lets_nobody_reserve() {
    let mut shop = installed();
    shop.apply("1.1.0");
    let at = hours(&shop, 1);
    let refused = reserve(&mut shop, "acme", Some(at));
    assert!(matches!(refused, Err(Refused::NoReservations { .. })), "{refused:?}");
}

#[test]
fn the_way_back_asks_for_no_reservation() {
    let mut shop = reserving();
    let at = hours(&shop, 5);
    reserve(&mut shop, "bolt", Some(at)).unwrap();
    shop.settle();
    let kind = EventKind::RollBack {
        version: version("1.1.0"),
        scope: crate::event::Scope::Everything,
    };
    shop.take(kind).unwrap();
    let back: Vec<TenantName> = shop.on("1.0.0").into_iter().map(tenant).collect();
    assert_eq!(back.len(), 6);
}

#[test]
fn a_tenant_that_is_gone_leaves_the_time_that_it_had_reserved_to_others() {
    let mut shop = reserving();
    let at = hours(&shop, 5);
    reserve(&mut shop, "acme", Some(at)).unwrap();
    reserve(&mut shop, "bolt", Some(at)).unwrap();
    shop.take(EventKind::TenantRemoved { tenant: tenant("bolt") }).unwrap();
    reserve(&mut shop, "cato", Some(at)).unwrap();
}
