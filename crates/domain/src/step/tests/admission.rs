//! What tenants wait for before they are moved forward, and what never waits.

use std::collections::BTreeSet;

use serde_json::json;

use super::{back, hold};
use crate::calendar::{Calendars, Class, read_instant};
use crate::effect::{EffectBody, EffectId};
use crate::event::{EventKind, Scope, Verdict};
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::CustomerName;
use crate::journal::EntryKind;
use crate::plan::{Due, NoticeKey, Plan, PlannedNotice, Start};
use crate::policy::NoticeKind;
use crate::service::{Place, Selection};
use crate::step::Refused;
use crate::time::{Duration, Timestamp};

pub fn at(text: &str) -> Timestamp {
    read_instant(text).unwrap()
}

/// Friday 15 January 2027, 10:00 UTC, with everybody on 1.0.0 and nothing else to wake for.
pub fn friday() -> Shop {
    let mut shop = installed();
    shop.pass(Duration::from_hours(2));
    assert_eq!(shop.now, at("2027-01-15T10:00:00Z"));
    shop
}

pub fn night(when_open_ends: &str) -> serde_json::Value {
    json!({
        "name": "night", "kind": "allow", "on": "mon-fri", "from": "22:00", "until": "23:00", "time_zone": "tenant",
        "when_open_ends": when_open_ends,
    })
}

/// Everybody moves in these windows: acme and bolt in Berlin, the others in New York.
pub fn within(plan: &mut Plan, windows: &[serde_json::Value]) {
    let calendars: Calendars = serde_json::from_value(json!({ "windows": windows })).unwrap();
    let class = |zone: &str| Class {
        zone: zone.parse().unwrap(),
        calendar: None,
        windows: (0..).zip(windows).map(|(place, _)| place).collect(),
    };
    plan.schedule.calendars = calendars;
    plan.schedule.classes = vec![class("America/New_York"), class("Europe/Berlin")];
    plan.schedule.tenants = [(tenant("acme"), 1), (tenant("bolt"), 1)].into();
}

fn key(plan: &Plan, name: &str) -> NoticeKey {
    let customer = CustomerName::new(name).unwrap();
    NoticeKey::new(
        &plan.release.version,
        &plan.waves[0].name,
        NoticeKind::Notice,
        Ok(&customer),
        None,
    )
}

pub fn notice(plan: &Plan, name: &str, due: Due) -> PlannedNotice {
    PlannedNotice {
        key: key(plan, name),
        kind: NoticeKind::Notice,
        wave: plan.waves[0].name.clone(),
        customer: Some(CustomerName::new(name).unwrap()),
        contact: None,
        audience: None,
        tenants: BTreeSet::from([tenant(name)]).into(),
        due,
        deadline: None,
        period: Some("12 hours".parse().unwrap()),
        required: true,
        nothing_needed: false,
        validate_before: None,
        because: "the release has planned downtime".into(),
    }
}

pub fn freeze(of: Selection, until: Option<Timestamp>) -> EventKind {
    EventKind::Freeze { of, from: None, until }
}

fn wake(shop: &Shop) -> Option<Timestamp> {
    shop.last.as_ref().unwrap().wake
}

/// openkruise/rollouts#74, devtron#3389: windows, for each tenant its own.
#[test]
fn a_tenant_is_moved_only_while_its_own_window_is_open() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| within(plan, &[night("finish-tenant")]));
    shop.settle();
    let waiting = shop.waiting();
    assert!(waiting.contains("window night of tenant acme: opens"), "{waiting}");
    assert!(waiting.contains("Europe/Berlin"), "{waiting}");
    assert_eq!(wake(&shop), Some(at("2027-01-15T22:00:00+01:00")));
    shop.now = at("2027-01-15T22:00:00+01:00");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme"]);
    assert!(
        shop.waiting().contains("window night of tenant dune"),
        "{}",
        shop.waiting()
    );
    assert_eq!(wake(&shop), Some(at("2027-01-15T22:00:00-05:00")));
    shop.now = at("2027-01-15T22:00:00-05:00");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    assert!(shop.waiting().contains("the bake of wave first"), "{}", shop.waiting());
}

/// GitLab #214328: whoever missed the window had to start anew by hand.
#[test]
fn a_missed_window_waits_for_the_next() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| within(plan, &[night("finish-tenant")]));
    shop.take(hold("1.1.0")).unwrap();
    shop.now = at("2027-01-16T04:00:00Z");
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 0);
    assert_eq!(
        wake(&shop),
        Some(at("2027-01-18T22:00:00+01:00")),
        "there is none at the weekend"
    );
}

/// gitops-promoter#1734: what becomes of a promotion that runs when its window closes. OctopusDeploy/Issues#2856: the last of
/// many tenants are not lost, they wait.
#[test]
fn when_a_window_closes_the_rest_of_the_wave_waits_or_is_finished_as_the_window_says() {
    for (ends, moved) in [("finish-tenant", 1), ("finish-wave", 2)] {
        let mut shop = friday();
        shop.apply_changed("1.1.0", |plan| {
            within(plan, &[night(ends)]);
            plan.schedule.tenants = [(tenant("acme"), 1), (tenant("dune"), 1)].into();
            plan.waves[0].policy.max_parallel.tenants = Some(1);
        });
        shop.now = at("2027-01-15T22:00:00+01:00");
        shop.gateways_follow = false;
        shop.settle();
        assert_eq!(shop.on("1.1.0").len(), 1, "{ends}");
        shop.now = at("2027-01-15T23:00:00+01:00");
        shop.gateways_follow = true;
        shop.settle();
        assert_eq!(shop.on("1.1.0").len(), moved, "{ends}: {}", shop.waiting());
    }
}

#[test]
fn a_freeze_of_the_calendar_beats_every_window() {
    let peak = json!({
        "name": "peak", "kind": "freeze", "from": "2027-01-15T00:00", "until": "2027-02-01T00:00",
        "time_zone": "Europe/London", "reason": "sales",
    });
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| within(plan, &[night("finish-wave"), peak]));
    shop.now = at("2027-01-15T22:30:00+01:00");
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 0);
    assert!(shop.waiting().contains("sales"), "{}", shop.waiting());
    assert_eq!(
        wake(&shop).unwrap(),
        at("2027-02-01T22:00:00+01:00").min(wake(&shop).unwrap())
    );
}

#[test]
fn the_planned_start_is_waited_for() {
    let mut shop = friday();
    let start = at("2027-01-18T06:00:00Z");
    shop.apply_changed("1.1.0", |plan| {
        within(plan, &[]);
        let start = Start {
            at: Some(start),
            window: None,
        };
        plan.waves[0].starts = [(0, start.clone()), (1, start)].into();
    });
    shop.settle();
    assert!(shop.waiting().contains("the planned start of"), "{}", shop.waiting());
    shop.now = start;
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 2);
}

#[test]
fn who_was_frozen_in_its_wave_keeps_its_planned_start_in_the_last_one() {
    let mut shop = friday();
    let of = Selection::Tenants([tenant("acme")].into());
    shop.take(freeze(of, None)).unwrap();
    let number = *shop.state.freezes.keys().next().unwrap();
    let start = at("2027-01-15T20:00:00Z");
    shop.apply_changed("1.1.0", |plan| {
        within(plan, &[]);
        let start = Start {
            at: Some(start),
            window: None,
        };
        plan.waves[0].starts = [(1, start)].into();
    });
    shop.complete("1.1.0");
    shop.take(EventKind::Unfreeze { number }).unwrap();
    shop.settle();
    assert!(!shop.on("1.1.0").contains(&"acme"), "it is {}", shop.now);
    assert!(shop.waiting().contains("the planned start of"), "{}", shop.waiting());
    shop.now = start;
    shop.settle();
    assert!(shop.on("1.1.0").contains(&"acme"), "{}", shop.waiting());
}

/// The notices that the last step asked for.
fn asked_for(shop: &Shop) -> Vec<EffectId> {
    let effects = &shop.last.as_ref().unwrap().effects;
    let notices = effects
        .iter()
        .filter(|effect| matches!(effect.body, EffectBody::Notice { .. }));
    notices.map(|effect| effect.id.clone()).collect()
}

#[test]
fn a_notice_is_asked_for_once_proven_once_and_has_to_run_its_length() {
    let mut shop = friday();
    let mut due = None;
    shop.apply_changed("1.1.0", |plan| {
        let notices = vec![
            notice(plan, "acme", Due::Applied),
            notice(plan, "dune", Due::At(at("2027-01-15T12:00:00Z"))),
        ];
        due = Some(notices[1].key.clone());
        plan.schedule.notices = notices;
    });
    let acme = NoticeKey::read("1.1.0/first/notice/acme/-");
    let dune = due.unwrap();
    assert_eq!(asked_for(&shop), [EffectId::notice(&acme, 0)]);
    shop.settle();
    assert_eq!(asked_for(&shop), [], "asked for once");
    assert!(
        shop.waiting().contains("and nobody says that it was"),
        "{}",
        shop.waiting()
    );
    let asked = shop
        .journal
        .iter()
        .filter(|entry| entry.kind == EntryKind::NoticeDue)
        .count();
    assert_eq!(asked, 1);
    let proven = |key: &NoticeKey, at: Timestamp| EventKind::NoticesProven {
        version: version("1.1.0"),
        keys: BTreeSet::from([key.clone()]),
        at: Some(at),
    };
    let refused = shop.take(proven(&acme, at("2027-01-15T11:00:00Z"))).unwrap_err();
    assert!(matches!(refused, Refused::NotYet { .. }), "{refused}");
    let refused = shop.take(proven(&NoticeKey::read("nobody"), shop.now)).unwrap_err();
    assert!(matches!(refused, Refused::NoSuchNotice { .. }), "{refused}");
    shop.take(proven(&acme, shop.now)).unwrap();
    assert_eq!(shop.last.as_ref().unwrap().settled[0].id, EffectId::notice(&acme, 0));
    shop.settle();
    assert!(
        shop.waiting()
            .contains("to have run its length at 2027-01-15T22:00:00Z"),
        "{}",
        shop.waiting()
    );
    assert_eq!(
        wake(&shop),
        Some(at("2027-01-15T12:00:00Z")),
        "the other one is due then"
    );
    shop.now = at("2027-01-15T12:00:00Z");
    shop.settle();
    shop.now = at("2027-01-15T22:00:00Z");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme"], "dune was not told");
    shop.take(proven(&dune, shop.now)).unwrap();
    shop.take(proven(&dune, at("2027-01-15T21:00:00Z"))).unwrap();
    shop.now = at("2027-01-16T09:59:59Z");
    shop.settle();
    assert_eq!(
        shop.on("1.1.0"),
        ["acme"],
        "the first word counts, and a late notice moves the start"
    );
    shop.now = at("2027-01-16T10:00:00Z");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
}

/// The ways in which the second wave can be kept waiting.
fn kept_waiting() -> Vec<(&'static str, Shop)> {
    let mut shops = Vec::new();
    for what in ["window", "start", "notice", "freeze"] {
        let mut shop = friday();
        shop.apply_changed("1.1.0", |plan| match what {
            "window" => {
                within(plan, &[night("finish-tenant")]);
                plan.schedule.tenants = [(tenant("acme"), 2), (tenant("dune"), 2)].into();
                let always = Class {
                    windows: Vec::new(),
                    ..plan.schedule.classes[0].clone()
                };
                plan.schedule.classes.push(always);
            }
            "start" => {
                within(plan, &[]);
                let start = Start {
                    at: Some(at("2027-03-01T06:00:00Z")),
                    window: None,
                };
                plan.waves[1].starts = [(0, start.clone()), (1, start)].into();
            }
            "notice" => {
                let names = ["bolt", "cato", "echo", "flux"];
                plan.schedule.notices = names.iter().map(|name| notice(plan, name, Due::Applied)).collect();
            }
            _ => {}
        });
        shop.settle();
        if what == "freeze" {
            shop.take(freeze(Selection::Everybody, None)).unwrap();
        }
        shop.judge("1.1.0", "first", Verdict::Pass, 500);
        shop.pass(Duration::from_secs(600));
        shop.pass(Duration::from_hours(1));
        assert_eq!(shop.on("1.1.0"), ["acme", "dune"], "{what}: {}", shop.waiting());
        assert!(shop.waiting().contains(what), "{what}: {}", shop.waiting());
        shops.push((what, shop));
    }
    shops
}

#[test]
fn the_way_back_waits_for_nothing_in_every_waiting_state() {
    for (what, mut shop) in kept_waiting() {
        shop.take(back("1.1.0", Scope::Tenant(tenant("acme")))).unwrap();
        shop.settle();
        assert_eq!(shop.on("1.1.0"), ["dune"], "{what}: one tenant");
    }
    for (what, mut shop) in kept_waiting() {
        shop.take(back("1.1.0", Scope::Everything)).unwrap();
        shop.settle();
        assert_eq!(
            (shop.on("1.0.0").len(), shop.phase("1.1.0")),
            (6, "rolled back"),
            "{what}: everybody"
        );
    }
    for (what, mut shop) in kept_waiting() {
        shop.judge("1.1.0", "first", Verdict::Fail, 900);
        shop.settle();
        assert_eq!(shop.on("1.0.0").len(), 6, "{what}: by itself");
    }
    for (what, mut shop) in kept_waiting() {
        shop.take(hold("1.1.0")).unwrap();
        shop.take(EventKind::Abort {
            version: version("1.1.0"),
        })
        .unwrap();
        shop.settle();
        assert_eq!(shop.phase("1.1.0"), "aborted", "{what}");
        let places = shop
            .state
            .run(&version("1.1.0"))
            .unwrap()
            .members()
            .filter(|(_, m)| m.place == Place::Waiting);
        assert_eq!(places.count(), 4, "{what}: nobody else has moved");
    }
}

#[test]
fn what_an_aborted_release_had_to_tell_is_withdrawn() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| {
        plan.schedule.notices = vec![notice(plan, "acme", Due::Applied)];
    });
    shop.settle();
    shop.take(EventKind::Abort {
        version: version("1.1.0"),
    })
    .unwrap();
    assert_eq!(shop.last.as_ref().unwrap().settled.len(), 1);
}

#[test]
fn a_release_that_people_have_not_agreed_to_tells_nobody_anything() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| {
        plan.schedule.notices = vec![notice(plan, "acme", Due::Applied)];
        plan.schedule.approvals = vec![super::approval::needed("board", "approver", 1)];
    });
    shop.settle();
    assert!(shop.state.run(&version("1.1.0")).unwrap().notices.is_empty());
}

#[test]
fn a_bake_lasts_through_the_peak_of_each_tenant_that_has_one() {
    let mut shop = friday();
    shop.apply_changed("1.1.0", |plan| {
        within(plan, &[]);
        plan.waves[0].policy.bake.through = Some(crate::policy::Through::Peak);
        // Monday from 12:00 to 14:00 in Berlin.
        plan.schedule.peaks = [(tenant("acme"), [12, 13].into())].into();
    });
    shop.settle();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_hours(5));
    assert!(shop.waiting().contains("the peak of tenant acme"), "{}", shop.waiting());
    assert_eq!(
        wake(&shop),
        Some(at("2027-01-18T14:00:00+01:00")),
        "the longest bake is over, the peak is not"
    );
    shop.now = at("2027-01-18T14:00:00+01:00");
    shop.settle();
    assert!(
        shop.waiting().contains("the earliest start of wave rest"),
        "{}",
        shop.waiting()
    );
}

#[test]
fn a_notice_of_an_earlier_wave_is_due_for_whoever_waits_in_a_later_one() {
    let mut shop = friday();
    let due = shop.now + Duration::from_hours(3);
    shop.apply_changed("1.1.0", |plan| {
        plan.schedule.notices = vec![notice(plan, "acme", Due::At(due))];
    });
    shop.settle();
    let cell = shop.state.seats[&tenant("acme")].cell.clone();
    let acme = || tenant("acme");
    shop.take(EventKind::OptOut { tenant: acme() }).unwrap();
    shop.settle();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop.take(EventKind::TenantRemoved { tenant: acme() }).unwrap();
    shop.take(EventKind::TenantAdded { tenant: acme(), cell }).unwrap();
    let asked = |shop: &Shop| shop.journal.iter().any(|entry| entry.kind == EntryKind::NoticeDue);
    shop.now = due;
    assert!(!asked(&shop));
    shop.settle();
    shop.observe();
    assert!(asked(&shop), "{}", shop.waiting());
}
