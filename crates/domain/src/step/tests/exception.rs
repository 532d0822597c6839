//! Waivers, freezes and choices that people make at run time.

use super::admission::{freeze, friday, night, notice, within};
use crate::event::{EventKind, Verdict};
use crate::fixture::{tenant, version};
use crate::id::WaveName;
use crate::journal::EntryKind;
use crate::plan::Due;
use crate::service::{Selection, Waived};
use crate::step::Refused;
use crate::time::{Duration, Timestamp};

fn waive(of: Waived, tenants: Selection, until: Timestamp) -> EventKind {
    EventKind::Waive {
        version: version("1.1.0"),
        of,
        tenants,
        until,
    }
}

fn only(name: &str) -> Selection {
    Selection::Tenants([tenant(name)].into())
}

#[test]
fn a_waiver_lets_one_tenant_go_and_no_other_and_ends() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| {
        within(plan, &[night("finish-tenant")]);
        plan.schedule.notices = vec![notice(plan, "acme", Due::Applied)];
    });
    shop.settle();
    let until = shop.now + Duration::from_hours(1);
    shop.take(waive(Waived::Window, only("acme"), until)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 0, "its notice is another thing");
    shop.take(waive(Waived::Notice, only("acme"), until)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme"]);
    let waived = shop.journal.iter().filter(|entry| entry.kind == EntryKind::Waived);
    assert!(
        waived
            .into_iter()
            .all(|entry| entry.actor.as_str() == "ada" && entry.tenants == [tenant("acme")])
    );
    assert!(matches!(
        shop.take(waive(Waived::Window, only("acme"), shop.now)),
        Err(Refused::OverAlready { .. })
    ));
    let nobody = shop.take(waive(Waived::Window, only("nobody"), until));
    assert!(matches!(nobody, Err(Refused::NoSuchTenant { .. })));
}

/// OctopusDeploy/Issues#8793: what overrides a freeze failed as soon as it was for several environments.
#[test]
fn one_waiver_lets_tenants_of_several_cells_go_at_once() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| within(plan, &[night("finish-tenant")]));
    shop.settle();
    let cells = ["acme", "dune"].map(|name| shop.state.seats[&tenant(name)].cell.clone());
    assert_ne!(cells[0], cells[1]);
    let both = Selection::Tenants([tenant("acme"), tenant("dune")].into());
    let until = shop.now + Duration::from_hours(1);
    shop.take(waive(Waived::Window, both, until)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
}

/// kargo#1328: a button that stops the line.
#[test]
fn a_freeze_keeps_whom_it_names_and_is_lifted_or_ends() {
    let mut shop = friday();
    let until = shop.now + Duration::from_hours(24);
    shop.take(freeze(Selection::Everybody, Some(until))).unwrap();
    shop.apply("1.1.0");
    shop.settle();
    assert!(
        shop.waiting().contains("to end at 2027-01-16T10:00:00Z"),
        "{}",
        shop.waiting()
    );
    shop.now = until;
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 2);
    assert!(shop.state.freezes.is_empty());
    shop.take(freeze(only("bolt"), None)).unwrap();
    let number = *shop.state.freezes.keys().next().unwrap();
    shop.complete("1.1.0");
    assert_eq!(shop.on("1.0.0"), ["bolt"]);
    assert_eq!(shop.phase("1.1.0"), "moving", "the last wave waits for it");
    shop.take(EventKind::Unfreeze { number }).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 6);
    assert!(matches!(
        shop.take(EventKind::Unfreeze { number }),
        Err(Refused::NoSuchFreeze { .. })
    ));
}

#[test]
fn a_tenant_frozen_in_an_early_wave_moves_with_the_last_and_holds_nobody_up() {
    let mut shop = friday();
    shop.take(freeze(only("acme"), None)).unwrap();
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["dune"]);
    shop.complete("1.1.0");
    assert_eq!(shop.on("1.0.0"), ["acme"]);
    let rest = WaveName::new("rest").unwrap();
    let run = shop.state.run(&version("1.1.0")).unwrap();
    assert!(
        run.waves
            .iter()
            .find(|wave| wave.name == rest)
            .unwrap()
            .members
            .contains_key(&tenant("acme"))
    );
}

/// OctopusDeploy/Issues#9621: a freeze in the future blocked at once.
#[test]
fn a_freeze_that_begins_later_blocks_nothing_before() {
    let mut shop = friday();
    let from = Some(shop.now + Duration::from_hours(24));
    let of = Selection::Everybody;
    shop.take(EventKind::Freeze { of, from, until: None }).unwrap();
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 2);
}

#[test]
fn a_window_waived_before_a_freeze_does_not_lift_it() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| within(plan, &[night("finish-tenant")]));
    let until = shop.now + Duration::from_hours(4);
    shop.take(freeze(Selection::Everybody, None)).unwrap();
    shop.pass(Duration::from_secs(60));
    shop.take(waive(Waived::Window, only("acme"), until)).unwrap();
    shop.pass(Duration::from_secs(60));
    assert_eq!(shop.on("1.1.0"), ["acme"], "who waives knows of the freeze");
    shop.take(waive(Waived::Window, only("dune"), until)).unwrap();
    let mut later = friday();
    later.apply_changed("1.1.0", |plan| within(plan, &[night("finish-tenant")]));
    later.take(waive(Waived::Window, Selection::Everybody, until)).unwrap();
    later.now = later.now + Duration::from_millis(1);
    later.take(freeze(Selection::Everybody, None)).unwrap();
    later.settle();
    assert_eq!(later.on("1.1.0").len(), 0);
}

#[test]
fn who_opts_out_leaves_the_waves_it_waits_in_and_no_other() {
    let mut shop = super::baking();
    let before = shop.state.run(&version("1.1.0")).unwrap().plan.clone();
    for name in ["acme", "bolt"] {
        shop.take(EventKind::OptOut { tenant: tenant(name) }).unwrap();
    }
    shop.complete("1.1.0");
    assert_eq!(shop.on("1.0.0"), ["bolt"], "acme had moved already");
    assert_eq!(
        (shop.phase("1.1.0"), &shop.state.run(&version("1.1.0")).unwrap().plan),
        ("completed", &before)
    );
    shop.take(EventKind::OptIn { tenant: tenant("cato") }).unwrap();
    assert!(shop.state.choices[&tenant("cato")].opt_in);
    assert!(matches!(
        shop.take(EventKind::OptIn {
            tenant: tenant("nobody")
        }),
        Err(Refused::NoSuchTenant { .. })
    ));
}

#[test]
fn a_freeze_put_on_after_a_waiver_keeps_them_though_one_before_lasts_longer() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| within(plan, &[night("finish-tenant")]));
    let (soon, late) = (shop.now + Duration::from_hours(4), shop.now + Duration::from_hours(48));
    shop.take(freeze(Selection::Everybody, Some(late))).unwrap();
    shop.now = shop.now + Duration::from_millis(1);
    shop.take(waive(Waived::Window, Selection::Everybody, soon)).unwrap();
    shop.now = shop.now + Duration::from_millis(1);
    shop.take(freeze(Selection::Everybody, Some(soon))).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 0);
}

#[test]
fn who_opts_out_once_it_is_taken_back_is_not_moved_again() {
    let mut shop = super::baking();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop.pass(Duration::from_hours(1));
    shop.judge("1.1.0", "rest", Verdict::Fail, 500);
    shop.settle();
    for name in ["bolt", "cato"] {
        shop.take(EventKind::OptOut { tenant: tenant(name) }).unwrap();
    }
    shop.take(EventKind::OptIn { tenant: tenant("cato") }).unwrap();
    let release = version("1.1.0");
    shop.take(EventKind::Resume { version: release }).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.0.0"), ["bolt"], "cato has thought better of it");
    let left = shop
        .journal
        .iter()
        .rfind(|entry| entry.kind == EntryKind::LeftBehind)
        .unwrap();
    assert_eq!(
        (left.tenants[0].as_str(), left.reason.as_str()),
        ("bolt", "it has opted out")
    );
}
