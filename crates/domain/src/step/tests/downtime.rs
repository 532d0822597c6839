use super::{back, hold};
use crate::desired::desired;
use crate::event::{EventKind, Scope, Verdict};
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::TenantName;
use crate::journal::EntryKind;
use crate::time::{Duration, Timestamp};

const DOWNTIME: &str = "downtime: {longest: 10m, overrun: 5m, undo: 2m, announce: 3m}\n";

/// A shop whose releases may plan downtime, every tenant on 1.0.0.
fn quiet_shop() -> Shop {
    let mut shop = installed();
    shop.playbook.push_str(DOWNTIME);
    shop
}

/// Its first wave is out of service, since gateways do not follow.
pub fn closing() -> Shop {
    let mut shop = quiet_shop();
    shop.apply_with("1.1.0", "downtime: 10m\n");
    // Slots come up; then nobody hears of the closed routes.
    shop.observe();
    shop.gateways_follow = false;
    for _ in 0..5 {
        shop.observe();
    }
    assert_eq!(closed(&shop).len(), 2, "{:?}", shop.state.runs.last());
    shop
}

/// Who gets the maintenance page, and until when.
fn closed(shop: &Shop) -> Vec<(TenantName, Timestamp)> {
    let document = desired(&shop.state);
    let routes = document.cells.into_values().flat_map(|cell| cell.routes);
    routes
        .filter_map(|(tenant, route)| Some((tenant, route.maintenance?)))
        .collect()
}

fn told(shop: &Shop, kind: EntryKind) -> Vec<String> {
    let rows = shop.journal.iter().filter(|entry| entry.kind == kind);
    rows.map(|entry| entry.reason.clone()).collect()
}

fn minutes(n: u32) -> Duration {
    Duration::from_secs(n * 60)
}

#[test]
fn tenants_are_out_of_service_from_before_they_move_until_everybody_serves_the_new_version() {
    let mut shop = quiet_shop();
    shop.apply_with("1.1.0", "downtime: 10m\n");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    assert!(closed(&shop).is_empty());
    let kinds: Vec<EntryKind> = shop.journal.iter().map(|entry| entry.kind).collect();
    let place = |kind| kinds.iter().rposition(|found| *found == kind).unwrap();
    assert!(place(EntryKind::DowntimeStarted) < place(EntryKind::Moved));
    assert!(place(EntryKind::Moved) < place(EntryKind::DowntimeEnded));
}

#[test]
fn a_release_without_downtime_closes_nobody() {
    let mut shop = quiet_shop();
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 2);
    assert!(told(&shop, EntryKind::DowntimeStarted).is_empty());
}

#[test]
fn a_first_version_needs_no_downtime() {
    let mut shop = crate::fixture::shop();
    shop.playbook.push_str(DOWNTIME);
    shop.apply_with("1.0.0", "downtime: 10m\n");
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
    assert!(told(&shop, EntryKind::DowntimeStarted).is_empty());
}

#[test]
fn nobody_is_moved_before_every_gateway_gives_the_page() {
    let mut shop = closing();
    assert!(shop.on("1.1.0").is_empty());
    assert!(shop.waiting().contains("out of service until"), "{}", shop.waiting());
    shop.gateways_follow = true;
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
}

#[test]
fn an_extension_is_announced_before_the_promised_end_and_changes_the_page() {
    let mut shop = closing();
    let promised = closed(&shop)[0].1;
    shop.now = shop.now + minutes(6);
    shop.observe();
    assert!(told(&shop, EntryKind::DowntimeExtended).is_empty());
    shop.now = shop.now + minutes(1);
    shop.observe();
    assert!(shop.now < promised);
    assert_eq!(told(&shop, EntryKind::DowntimeExtended).len(), 1);
    assert_eq!(closed(&shop)[0].1, promised + minutes(5));
}

#[test]
fn what_is_not_done_is_undone_at_the_last_instant_at_which_undoing_fits() {
    let mut shop = closing();
    let started = shop.now;
    shop.now = started + minutes(12) + Duration::from_secs(59);
    shop.observe();
    assert_eq!(closed(&shop).len(), 2);
    shop.now = started + minutes(13);
    shop.observe();
    assert!(closed(&shop).is_empty());
    assert_eq!(shop.on("1.0.0").len(), 6);
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    let back = told(&shop, EntryKind::WaveRolledBack);
    assert!(
        back[0].contains("the last instant at which undoing it fits"),
        "{back:?}"
    );
}

#[test]
fn a_hold_does_not_keep_tenants_out_of_service() {
    let mut shop = closing();
    let started = shop.now;
    shop.take(hold("1.1.0")).unwrap();
    shop.now = started + minutes(13);
    shop.observe();
    assert!(closed(&shop).is_empty());
    assert_eq!(shop.on("1.0.0").len(), 6);
}

#[test]
fn moved_tenants_whose_gateways_do_not_follow_are_taken_back_in_time() {
    let mut shop = closing();
    let started = shop.now;
    shop.gateways_follow = true;
    shop.observe();
    shop.gateways_follow = false;
    shop.observe();
    assert_eq!(shop.on("1.1.0").len(), 2, "{}", shop.waiting());
    shop.now = started + minutes(13);
    shop.observe();
    assert_eq!(shop.on("1.0.0").len(), 6);
}

#[test]
fn taking_back_ends_the_downtime_at_once() {
    let mut shop = closing();
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    assert!(closed(&shop).is_empty());
    assert_eq!(told(&shop, EntryKind::DowntimeEnded).len(), 1);
}

#[test]
fn a_freeze_in_between_serves_them_as_before() {
    let mut shop = closing();
    let kind = EventKind::Freeze {
        of: crate::service::Selection::Everybody,
        from: None,
        until: None,
    };
    shop.take(kind).unwrap();
    assert!(closed(&shop).is_empty());
    shop.gateways_follow = true;
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
}

#[test]
fn what_is_in_flight_ends_before_the_switch_but_not_for_ever() {
    let mut shop = closing();
    let busy = |shop: &mut Shop, n: u64| {
        for slot in shop.state.cells.values_mut().flat_map(|cell| cell.slots.values_mut()) {
            slot.in_flight = n;
        }
    };
    busy(&mut shop, 7);
    shop.state.routing.confirmed = shop.state.routing.generation;
    let later = |shop: &mut Shop, seconds| {
        shop.now = shop.now + Duration::from_secs(seconds);
        let state = shop.state.clone();
        crate::step::step(&state, &[], shop.now)
    };
    let step = later(&mut shop, 1);
    assert!(
        step.waiting
            .iter()
            .any(|waiting| waiting.to_string().contains("in flight, until")),
        "{step:?}"
    );
    let step = later(&mut shop, 29);
    let moved = step.journal.iter().find(|entry| entry.kind == EntryKind::Moved);
    assert_eq!(moved.map(|entry| entry.tenants.len()), Some(2), "the drain is over");
}

#[test]
fn who_opts_out_in_between_is_served_as_before() {
    let mut shop = closing();
    shop.take(EventKind::OptOut { tenant: tenant("acme") }).unwrap();
    let closed: Vec<_> = closed(&shop).into_iter().map(|(tenant, _)| tenant).collect();
    assert_eq!(closed, [tenant("dune")]);
}

#[test]
fn what_cannot_be_undone_goes_on() {
    let mut shop = quiet_shop();
    shop.apply_with("1.1.0", "downtime: 10m\nreversible: {until: switch}\n");
    shop.observe();
    shop.gateways_follow = false;
    for _ in 0..5 {
        shop.observe();
    }
    assert_eq!(closed(&shop).len(), 2);
    shop.now = shop.now + minutes(20);
    shop.observe();
    shop.gateways_follow = true;
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    assert_eq!(shop.state.run(&version("1.1.0")).unwrap().hold, None);
}
