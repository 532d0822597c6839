use serde_json::json;

use super::admission::{at, freeze, friday, night, within};
use crate::event::{Event, EventKind};
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::{Actor, TenantName};
use crate::plan::Start;
use crate::policy::ReservationRule;
use crate::service::{FreeTime, Reservation, Selection, Service};
use crate::step::{Refused, step};
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

/// A release of the shop whose tenants reserve by this rule, applied on Friday 15 January 2027, 10:00 UTC.
fn choosing(rule: &serde_json::Value, windows: &[serde_json::Value], start: Option<Timestamp>) -> Shop {
    let mut shop = friday();
    PLAYBOOK.clone_into(&mut shop.playbook);
    let rule: ReservationRule = serde_json::from_value(rule.clone()).unwrap();
    shop.apply_changed("1.1.0", |plan| {
        within(plan, windows);
        plan.policy.reservations = Some(rule);
        let start = Start {
            at: start,
            window: None,
        };
        plan.waves[0].starts = [(0, start.clone()), (1, start)].into();
    });
    shop
}

fn free(shop: &Shop, name: &str) -> Vec<FreeTime> {
    let (release, name) = (version("1.1.0"), tenant(name));
    let reservable = shop.state.reservable(&release, &name, shop.now).unwrap();
    reservable.times(shop.now).collect()
}

#[test]
fn the_free_times_are_the_first_of_each_stretch_in_which_a_window_is_open_with_the_places_that_are_left() {
    let rule = json!({"capacity": 2, "stretch": "30m", "within": "3 days"});
    let mut shop = choosing(&rule, &[night("finish-wave")], None);
    // Bolt is in Berlin; on Saturday and Sunday its window stays closed.
    let first = at("2027-01-15T22:00:00+01:00");
    let expected = |times: &[(Timestamp, u32)]| -> Vec<FreeTime> {
        times
            .iter()
            .map(|(at, places)| FreeTime {
                at: *at,
                places: *places,
            })
            .collect()
    };
    let half = first + Duration::from_secs(1_800);
    assert_eq!(free(&shop, "bolt"), expected(&[(first, 2), (half, 2)]));
    reserve(&mut shop, "acme", Some(first + Duration::from_secs(60))).unwrap();
    reserve(&mut shop, "bolt", Some(first)).unwrap();
    // What it has itself takes no place from it.
    assert_eq!(free(&shop, "bolt"), expected(&[(first, 1), (half, 2)]));
    // Another zone, another night.
    assert_eq!(free(&shop, "cato")[0].at, at("2027-01-15T22:00:00-05:00"));
    // The stretch that is on is not offered: its first time is over by now.
    shop.now = first + Duration::from_secs(1);
    assert_eq!(free(&shop, "bolt"), expected(&[(half, 2)]));
    shop.take(freeze(Selection::Everybody, None)).unwrap();
    assert_eq!(free(&shop, "bolt"), []);
}

/// Numbers that look drawn and are the same in each run.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[usize::try_from(self.below(texts.len() as u64)).unwrap()]
    }

    fn window(&mut self, name: &str, kind: &str) -> serde_json::Value {
        let mut time = || format!("{:02}:{:02}", self.below(24), 15 * self.below(4));
        let (from, until) = (time(), time());
        json!({
            "name": name, "kind": kind, "on": self.of(&["mon-fri", "sat, sun", "mon-sun"]), "from": from, "until": until,
            "time_zone": "tenant",
        })
    }
}

const QUARTER: Duration = Duration::from_secs(900);

/// A shop with windows, freezes and reservations of others, all on quarters of an hour.
fn drawn_shop(drawn: &mut Drawn) -> Shop {
    let rule = json!({
        "capacity": 1 + drawn.below(3),
        "stretch": drawn.of(&["15m", "30m", "1h", "3h", "24h"]),
        "within": drawn.of(&["1 day", "30 hours", "2 days", "1 working day"]),
    });
    let kinds: &[&str] =
        [&[][..], &["allow"], &["allow", "allow"], &["allow", "freeze"]][usize::try_from(drawn.below(4)).unwrap()];
    let windows: Vec<_> = (0..)
        .zip(kinds)
        .map(|(n, kind)| drawn.window(&format!("w{n}"), kind))
        .collect();
    let later =
        |shop: Timestamp, quarters: u64| Timestamp(shop.0 + QUARTER.as_millis() * i64::try_from(quarters).unwrap());
    let friday = at("2027-01-15T10:00:00Z");
    let start = (drawn.below(2) == 0).then(|| later(friday, drawn.below(60)));
    let mut shop = choosing(&rule, &windows, start);
    if drawn.below(3) == 0 {
        let from = Some(later(friday, drawn.below(100)));
        let until = (drawn.below(4) > 0).then(|| later(friday, 100 + drawn.below(60)));
        let of = Selection::Everybody;
        shop.take(EventKind::Freeze { of, from, until }).unwrap();
    }
    for other in ["acme", "bolt", "cato", "dune", "echo", "flux"] {
        let wanted = later(friday, drawn.below(200));
        if let Err(Refused::NotReservable { next: Some(next), .. }) = reserve(&mut shop, other, Some(wanted)) {
            reserve(&mut shop, other, Some(next)).unwrap();
        }
    }
    shop
}

fn is_taken(state: &Service, now: Timestamp, name: &TenantName, at: Timestamp) -> bool {
    let event = Event {
        actor: Actor::principal("ada"),
        reason: Some("a test asks for it".to_owned()),
        kind: EventKind::Reserve {
            version: version("1.1.0"),
            tenant: name.clone(),
            at: Some(at),
        },
    };
    step(state, &[event], now).refused[0].is_none()
}

/// The state with so many more reservations at a time.
fn filled(state: &Service, at: Timestamp, places: u32) -> Service {
    let mut state = state.clone();
    let run = state.runs.last_mut().unwrap();
    for place in 0..places {
        let reservation = Reservation {
            at,
            by: Actor::principal("ada"),
            made: at,
        };
        run.reservations.insert(tenant(&format!("other-{place}")), reservation);
    }
    state
}

#[test]
fn each_time_that_is_listed_is_taken_with_so_many_places_and_none_is_missing() {
    let mut drawn = Drawn(7);
    let (mut listed, mut empty) = (0, 0);
    for round in 0..40 {
        let shop = drawn_shop(&mut drawn);
        let name = tenant(drawn.of(&["bolt", "cato"]));
        let (release, now) = (version("1.1.0"), shop.now);
        let reservable = shop.state.reservable(&release, &name, now).unwrap();
        let times: Vec<FreeTime> = reservable.times(now).collect();
        listed += times.len();
        empty += usize::from(times.is_empty());
        for free in &times {
            let takes = |places| is_taken(&filled(&shop.state, free.at, places), now, &name, free.at);
            assert!(free.places > 0 && takes(free.places - 1), "round {round}: {free:?}");
            assert!(!takes(free.places), "round {round}: {free:?}");
        }
        // Everything that opens and closes does so on a quarter: the first one of a stretch that is taken is its first time.
        let rule = reservable.rule;
        let mut expected: Vec<Timestamp> = Vec::new();
        let mut quarter = now + QUARTER;
        while quarter <= reservable.latest {
            let (number, known) = (rule.number(quarter), expected.last().map(|at| rule.number(*at)));
            let is_on = number == rule.number(now) && reservable.earliest == now;
            if !is_on && known != Some(number) && reservable.takes(quarter) {
                expected.push(quarter);
            }
            quarter = quarter + QUARTER;
        }
        let times: Vec<Timestamp> = times.iter().map(|free| free.at).collect();
        assert_eq!(times, expected, "round {round}");
        let any = Timestamp(now.0 + QUARTER.as_millis() * i64::try_from(drawn.below(200)).unwrap());
        assert_eq!(
            reservable.takes(any),
            is_taken(&shop.state, now, &name, any),
            "round {round}: {any}"
        );
    }
    assert!(listed > 200 && empty > 3, "{listed} times, {empty} empty lists");
}

#[test]
fn what_was_reserved_of_a_release_counts_for_what_patches_it() {
    let mut shop = reserving();
    let (soon, late) = (hours(&shop, 5), hours(&shop, 30));
    reserve(&mut shop, "bolt", Some(soon)).unwrap();
    reserve(&mut shop, "cato", Some(late)).unwrap();
    shop.settle();
    shop.take(EventKind::Hold {
        version: version("1.1.0"),
        until: None,
    })
    .unwrap();
    shop.pass(Duration::from_hours(6));
    shop.apply_with("1.1.1", "kind: patch\npatches: 1.1.0\n");
    let run = shop.state.run(&version("1.1.1")).unwrap();
    assert_eq!(run.reservations.keys().cloned().collect::<Vec<_>>(), [tenant("cato")]);
    assert!(shop.state.run(&version("1.1.0")).unwrap().reservations.is_empty());
    let rows = shop
        .journal
        .iter()
        .filter(|row| row.kind == crate::journal::EntryKind::Reserved);
    let last: Vec<&str> = rows.rev().take(2).map(|row| row.reason.as_str()).collect();
    assert!(
        last[0].contains("as reserved of the release that this one patches"),
        "{last:?}"
    );
    assert!(
        last[1].contains("is no time of this release"),
        "its time has passed: {last:?}"
    );
    shop.settle();
    assert_eq!(shop.on("1.0.0"), ["cato"]);
}

/// Both places of a time are taken; after this a third tenant can have one.
fn leaves_a_place(event: EventKind) {
    let mut shop = reserving();
    let at = hours(&shop, 5);
    reserve(&mut shop, "acme", Some(at)).unwrap();
    reserve(&mut shop, "bolt", Some(at)).unwrap();
    shop.take(event).unwrap();
    reserve(&mut shop, "cato", Some(at)).unwrap();
}

#[test]
fn who_opts_out_leaves_its_time_to_others() {
    leaves_a_place(EventKind::OptOut { tenant: tenant("acme") });
}

#[test]
fn a_tenant_that_is_gone_leaves_the_time_that_it_had_reserved_to_others() {
    leaves_a_place(EventKind::TenantRemoved { tenant: tenant("bolt") });
}
