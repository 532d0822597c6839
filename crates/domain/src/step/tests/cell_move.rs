use super::back;
use crate::desired::{Owns, desired};
use crate::effect::EffectId;
use crate::event::{EventKind, Judgement, Scope, TenantAsk, Verdict};
use crate::fixture::{Shop, installed, shop, tenant, version};
use crate::id::{CellName, WaveName};
use crate::journal::EntryKind;
use crate::observed::GatewayReport;
use crate::service::{Closed, MoveStage};
use crate::step::Refused;
use crate::time::Duration;

fn cell(name: &str) -> CellName {
    CellName::new(name).unwrap()
}

fn to(name: &str, to: &str) -> EventKind {
    EventKind::TenantAsked {
        tenant: tenant(name),
        ask: TenantAsk::Move {
            cell: cell(to),
            keep_closed: false,
            declared: false,
        },
    }
}

fn kept_closed(name: &str, to: &str) -> EventKind {
    EventKind::TenantAsked {
        tenant: tenant(name),
        ask: TenantAsk::Move {
            cell: cell(to),
            keep_closed: true,
            declared: false,
        },
    }
}

/// Where it is, on what, and whether something is under way.
fn place(shop: &Shop, name: &str) -> (String, String, bool) {
    let seat = &shop.state.seats[&tenant(name)];
    let version = seat.version.as_ref().map_or("none".to_owned(), ToString::to_string);
    (seat.cell.to_string(), version, seat.moving.is_some())
}

fn is_at(shop: &Shop, name: &str, cell: &str, version: &str) {
    assert_eq!(
        place(shop, name),
        (cell.to_owned(), version.to_owned(), false),
        "{}",
        shop.waiting()
    );
}

/// Every document that is published on the way has the tenant in one cell, and a worker of one cell at work for it; while it is
/// closed none is.
fn settle_watching(shop: &mut Shop, name: &str) {
    for _ in 0..50 {
        let document = desired(&shop.state);
        let routes = document
            .cells
            .values()
            .filter_map(|cell| cell.routes.get(&tenant(name)));
        let routes: Vec<_> = routes.collect();
        assert_eq!(routes.len(), 1, "served in one cell");
        let slots = document.cells.values().flat_map(|cell| cell.slots.values());
        let owned = slots.filter(|slot| matches!(&slot.owns, Owns::Tenants(all) if all.contains_key(&tenant(name))));
        let closed = routes[0].closed == Some(Closed::Moving);
        assert_eq!(owned.count(), usize::from(!closed));
        let before = shop.state.clone();
        shop.observe();
        if shop.state == before {
            return;
        }
    }
    panic!("it does not settle: {}", shop.waiting());
}

fn kinds(shop: &Shop, name: &str) -> Vec<EntryKind> {
    let rows = shop
        .journal
        .iter()
        .filter(|entry| entry.tenants.contains(&tenant(name)));
    rows.map(|entry| entry.kind)
        .filter(|kind| kind.as_str().starts_with("tenant_"))
        .collect()
}

#[test]
fn a_tenant_moves_to_another_cell_and_is_closed_only_for_the_switch() {
    let mut shop = installed();
    let epoch = shop.state.seats[&tenant("acme")].epoch;
    shop.take(to("acme", "us")).unwrap();
    settle_watching(&mut shop, "acme");
    is_at(&shop, "acme", "us", "1.0.0");
    assert!(
        shop.state.seats[&tenant("acme")].epoch > epoch,
        "its old workers are fenced"
    );
    let told = [
        EntryKind::TenantAdded,
        EntryKind::TenantMoveBegun,
        EntryKind::TenantClosed,
        EntryKind::TenantMoved,
    ];
    assert_eq!(kinds(&shop, "acme"), told);
    let moved = shop
        .journal
        .iter()
        .rfind(|entry| entry.kind == EntryKind::TenantMoved)
        .unwrap();
    assert_eq!(moved.actor.as_str(), "ada");
    assert_eq!(moved.reason, "from cell eu to cell us: a test asks for it");
}

#[test]
fn asking_twice_changes_nothing_and_its_own_cell_is_no_move() {
    let mut shop = installed();
    let before = shop.state.clone();
    shop.take(to("acme", "eu")).unwrap();
    assert_eq!(shop.state, before);
    shop.take(to("acme", "us")).unwrap();
    let asked = shop.state.clone();
    shop.take(to("acme", "us")).unwrap();
    assert_eq!(shop.state, asked);
    shop.settle();
    let moved = shop.state.clone();
    shop.take(to("acme", "us")).unwrap();
    assert_eq!(shop.state, moved);
}

#[test]
fn its_own_cell_takes_back_a_move_that_has_not_left() {
    let mut shop = installed();
    shop.gateways_follow = false;
    shop.take(to("acme", "us")).unwrap();
    shop.settle();
    assert!(
        shop.waiting().contains("every gateway to close it"),
        "{}",
        shop.waiting()
    );
    shop.take(to("acme", "eu")).unwrap();
    shop.gateways_follow = true;
    shop.settle();
    is_at(&shop, "acme", "eu", "1.0.0");
    assert_eq!(kinds(&shop, "acme").last(), Some(&EntryKind::TenantMoveEnded));
}

#[test]
fn a_move_that_makes_no_sense_is_refused_with_what_works() {
    let mut shop = installed();
    shop.gateways_follow = false;
    shop.take(to("bolt", "us")).unwrap();
    shop.settle();
    let cases = [
        (to("nobody", "us"), "there is no tenant `nobody`"),
        (to("acme", "mars"), "tidegate.yaml has none of that name"),
        (
            to("bolt", "mars"),
            "`tidegate tenants move bolt --cell eu` takes that back first",
        ),
        (
            EventKind::TenantAsked {
                tenant: tenant("acme"),
                ask: TenantAsk::Open,
            },
            "is not kept closed",
        ),
    ];
    for (kind, expect) in cases {
        let before = shop.state.clone();
        let refused = shop.take(kind).expect_err(expect);
        assert!(refused.to_string().contains(expect), "{refused}");
        assert_eq!(shop.state, before, "a refused command leaves no trace");
    }
}

#[test]
fn a_cell_that_the_service_file_has_needs_nothing_that_ran_there() {
    let mut shop = installed();
    let declared = EventKind::TenantAsked {
        tenant: tenant("acme"),
        ask: TenantAsk::Move {
            cell: cell("ap"),
            keep_closed: false,
            declared: true,
        },
    };
    shop.take(declared).unwrap();
    settle_watching(&mut shop, "acme");
    is_at(&shop, "acme", "ap", "1.0.0");
    assert_eq!(shop.slots("ap"), ["api 1.0.0 Run", "ledger 1.0.0 Run"]);
}

/// The release is in this stage of its first wave, which `acme` is in.
fn in_stage(stage: &str) -> Shop {
    let mut shop = installed();
    match stage {
        "switch" => {
            shop.apply("1.1.0");
            shop.gateways_follow = false;
            shop.settle();
        }
        "bake" | "confirmed" | "held" => {
            shop.apply("1.1.0");
            shop.settle();
            if stage == "confirmed" {
                shop.judge("1.1.0", "first", Verdict::Pass, 500);
                shop.pass(Duration::from_secs(600));
            } else if stage == "held" {
                shop.take(super::hold("1.1.0")).unwrap();
            }
        }
        other => panic!("{other}"),
    }
    shop
}

#[test]
fn whatever_stage_a_release_is_in_a_tenant_moves_and_the_release_goes_on_with_it() {
    for stage in ["switch", "bake", "confirmed", "held"] {
        let mut shop = in_stage(stage);
        assert_eq!(shop.on("1.1.0"), ["acme", "dune"], "{stage}");
        shop.take(to("acme", "us")).unwrap();
        shop.gateways_follow = true;
        settle_watching(&mut shop, "acme");
        is_at(&shop, "acme", "us", "1.1.0");
        shop.take(back("1.1.0", Scope::Everything)).unwrap();
        settle_watching(&mut shop, "acme");
        is_at(&shop, "acme", "us", "1.0.0");
        assert_eq!(shop.phase("1.1.0"), "rolled back", "{stage}");
    }
}

#[test]
fn who_waits_for_its_wave_moves_on_its_version_and_gets_the_release_in_its_new_cell() {
    for stage in ["switch", "bake", "confirmed"] {
        let mut shop = in_stage(stage);
        shop.take(to("bolt", "us")).unwrap();
        shop.gateways_follow = true;
        settle_watching(&mut shop, "bolt");
        is_at(&shop, "bolt", "us", "1.0.0");
        shop.complete_from(stage);
        is_at(&shop, "bolt", "us", "1.1.0");
        assert_eq!(shop.phase("1.1.0"), "completed", "{stage}");
    }
}

impl Shop {
    fn complete_from(&mut self, stage: &str) {
        if stage != "confirmed" {
            self.judge("1.1.0", "first", Verdict::Pass, 500);
            self.pass(Duration::from_secs(600));
        }
        self.pass(Duration::from_hours(1));
        self.judge("1.1.0", "rest", Verdict::Pass, 500);
        self.pass(Duration::from_secs(600));
    }
}

#[test]
fn a_move_waits_for_a_release_that_prepares_and_goes_on_without_one_that_is_held() {
    let mut shop = installed();
    let (plan, _) = shop.plan("1.1.0");
    let slot = plan.unwrap().release.slot_ids(&cell("us"))["api"].clone();
    shop.gateways_follow = false;
    shop.apply("1.1.0");
    shop.take(to("acme", "us")).unwrap();
    assert!(
        shop.waiting().contains("on its way to cell us: release 1.1.0"),
        "{}",
        shop.waiting()
    );
    shop.gateways_follow = true;
    shop.broken.push(slot.to_string());
    settle_watching(&mut shop, "acme");
    assert!(shop.state.run(&version("1.1.0")).unwrap().hold.is_some());
    is_at(&shop, "acme", "us", "1.0.0");
}

/// Neither its slots nor its gates are done: nobody has moved yet.
#[test]
fn a_tenant_moves_while_a_release_prepares_and_verifies_and_the_release_moves_it_in_its_new_cell() {
    for verifying in [false, true] {
        let mut shop = installed();
        let gated = "requests: 100}, gates: [{uses: tidegate/http, with: {path: /}}]}\n  - {name: rest";
        shop.playbook = shop.playbook.replace("requests: 100}}\n  - {name: rest", gated);
        shop.apply("1.1.0");
        if verifying {
            shop.observe();
            assert!(shop.waiting().contains("gate"), "{}", shop.waiting());
        }
        shop.take(to("acme", "us")).unwrap();
        settle_watching(&mut shop, "acme");
        is_at(&shop, "acme", "us", "1.0.0");
        let effects = gates(&shop);
        assert!(!effects.is_empty());
        for effect in effects {
            let judgement = Judgement::new(Verdict::Pass, "all is well");
            shop.take(EventKind::Performed { effect, judgement }).unwrap();
        }
        settle_watching(&mut shop, "acme");
        is_at(&shop, "acme", "us", "1.1.0");
    }
}

/// What the first wave's gates wait for.
fn gates(shop: &Shop) -> Vec<EffectId> {
    let wave = &shop.state.runs[1].waves[0];
    let count = wave.gates.len();
    (0..count)
        .map(|gate| EffectId::gate(&version("1.1.0"), &wave.name, gate, wave.attempt))
        .collect()
}

#[test]
fn a_rollback_while_it_is_closed_serves_it_where_it_was_and_takes_it_over_on_the_right_version() {
    let mut shop = in_stage("bake");
    shop.take(to("acme", "us")).unwrap();
    shop.gateways_follow = false;
    shop.observe();
    let closed = |shop: &Shop| {
        let moving = shop.state.seats[&tenant("acme")].moving.clone();
        matches!(moving.unwrap().stage, MoveStage::Closed { .. })
    };
    assert!(closed(&shop), "{}", shop.waiting());
    let wave = Scope::Wave(WaveName::new("first").unwrap());
    shop.take(back("1.1.0", wave)).unwrap();
    assert_eq!(place(&shop, "acme").1, "1.0.0", "the way back waits for nothing");
    shop.gateways_follow = true;
    settle_watching(&mut shop, "acme");
    is_at(&shop, "acme", "us", "1.0.0");
}

#[test]
fn a_tenant_that_is_removed_while_it_moves_is_gone() {
    let mut shop = in_stage("bake");
    shop.take(to("acme", "us")).unwrap();
    shop.take(EventKind::TenantRemoved { tenant: tenant("acme") }).unwrap();
    shop.settle();
    assert!(!shop.state.seats.contains_key(&tenant("acme")));
    shop.complete_from("bake");
    assert_eq!(shop.phase("1.1.0"), "completed");
}

#[test]
fn what_is_in_flight_ends_before_it_changes_its_cell_but_not_for_ever() {
    let mut shop = installed();
    shop.take(to("acme", "us")).unwrap();
    let slow = |shop: &mut Shop| {
        let EventKind::Observed { cells, gateways } = shop.observation() else {
            unreachable!()
        };
        let slots = shop.state.cells[&cell("eu")].slots.keys();
        let gateways = GatewayReport {
            in_flight: slots.map(|id| (id.clone(), 1)).collect(),
            ..gateways
        };
        shop.take(EventKind::Observed { cells, gateways }).unwrap();
    };
    slow(&mut shop);
    slow(&mut shop);
    assert_eq!(place(&shop, "acme").0, "eu");
    assert!(shop.waiting().contains("in flight in cell eu"), "{}", shop.waiting());
    let wake = shop.last.as_ref().unwrap().wake.unwrap();
    shop.now = wake;
    slow(&mut shop);
    is_at(&shop, "acme", "us", "1.0.0");
}

#[test]
fn a_gateway_that_never_closes_it_leaves_it_where_it_was() {
    let mut shop = installed();
    shop.gateways_follow = false;
    shop.take(to("acme", "us")).unwrap();
    shop.settle();
    assert!(place(&shop, "acme").2);
    shop.pass(Duration::from_hours(1));
    is_at(&shop, "acme", "eu", "1.0.0");
    let ended = shop.journal.last().unwrap();
    assert_eq!(ended.kind, EntryKind::TenantMoveEnded);
    assert!(ended.reason.contains("it stays in cell eu"), "{}", ended.reason);
}

#[test]
fn a_gateway_that_is_not_heard_may_still_serve_it_and_it_is_served_where_it_was() {
    let mut shop = installed();
    shop.take(to("acme", "us")).unwrap();
    let EventKind::Observed { cells, gateways } = shop.observation() else {
        unreachable!()
    };
    let gateways = GatewayReport {
        lapsed: vec!["g2".to_owned()],
        ..gateways
    };
    shop.take(EventKind::Observed { cells, gateways }).unwrap();
    assert_eq!(
        desired(&shop.state).cells[&cell("eu")].routes[&tenant("acme")].closed,
        None
    );
    assert!(shop.waiting().contains("not heard: g2"), "{}", shop.waiting());
    settle_watching(&mut shop, "acme");
    is_at(&shop, "acme", "us", "1.0.0");
}

#[test]
fn what_has_lost_its_data_in_the_new_cell_does_not_go_there() {
    let mut shop = installed();
    shop.take(to("bolt", "us")).unwrap();
    shop.state.cells.get_mut(&cell("us")).unwrap().contracted = Some(version("1.1.0"));
    let refused = shop.take(to("acme", "us")).unwrap_err();
    assert!(matches!(refused, Refused::ContractedThere { .. }), "{refused}");
    assert!(refused.to_string().contains("move the tenant to 1.1.0 or later first"));
    shop.settle();
    is_at(&shop, "bolt", "eu", "1.0.0");
    assert_eq!(kinds(&shop, "bolt").last(), Some(&EntryKind::TenantMoveEnded));
}

#[test]
fn who_is_kept_closed_is_opened_by_a_person() {
    let mut shop = installed();
    shop.take(kept_closed("acme", "us")).unwrap();
    settle_watching(&mut shop, "acme");
    assert_eq!(place(&shop, "acme"), ("us".to_owned(), "1.0.0".to_owned(), true));
    assert!(
        shop.waiting().contains("`tidegate tenants open acme`"),
        "{}",
        shop.waiting()
    );
    let refused = shop.take(to("acme", "eu")).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("`tidegate tenants open acme` ends that first"),
        "{refused}"
    );
    shop.tenants = shop.tenants.replace("{id: acme, cell: eu", "{id: acme, cell: us");
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!(place(&shop, "acme").1, "1.1.0", "releases move it all the same");
    shop.take(EventKind::TenantAsked {
        tenant: tenant("acme"),
        ask: TenantAsk::Open,
    })
    .unwrap();
    settle_watching(&mut shop, "acme");
    is_at(&shop, "acme", "us", "1.1.0");
}

#[test]
fn nobody_moves_between_cells_in_its_planned_downtime() {
    let mut shop = super::downtime::closing();
    let refused = shop.take(to("acme", "us")).unwrap_err();
    assert!(matches!(refused, Refused::InDowntime { .. }), "{refused}");
}

#[test]
fn a_tenant_without_a_version_only_changes_its_cell() {
    let mut shop = shop();
    shop.apply("1.0.0");
    shop.take(to("acme", "us")).unwrap();
    is_at(&shop, "acme", "us", "none");
    shop.settle();
    is_at(&shop, "acme", "us", "1.0.0");
}
