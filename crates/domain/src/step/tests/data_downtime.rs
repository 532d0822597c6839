//! Work on data in downtime.

use super::{back, hold};
use crate::desired::{Owns, desired};
use crate::effect::EffectId;
use crate::event::{EventKind, Judgement, Scope, Verdict};
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::{CellName, TenantName};
use crate::journal::EntryKind;
use crate::plan::Rollback;
use crate::service::{Selection, StepPhase};
use crate::time::Duration;

const PLAYBOOK: &str = "
name: two-waves
waves:
  - {name: first, select: {cell: eu}, max_parallel: {tenants: 1}, bake: {least: 10m, longest: 1h, requests: 100}}
  - {name: rest, select: {rest: true}, bake: {least: 10m, longest: 1h, requests: 100}}
rollback_window: 2h
downtime: {longest: 10m, overrun: 5m, undo: 2m, announce: 3m}
";
const CONVERT: &str = "name: convert, kind: during_downtime, component: api, command: [x, convert], timeout: 2m";

fn undone() -> String {
    format!("downtime: 10m\nsteps: [{{{CONVERT}, undo: [x, back]}}]\n")
}

fn for_good() -> String {
    format!("downtime: 10m\nsteps: [{{{CONVERT}}}]\n")
}

/// A shop whose waves take whole cells.
fn shop() -> Shop {
    let mut shop = installed();
    PLAYBOOK.clone_into(&mut shop.playbook);
    shop
}

/// Its first wave is out of service, and its data are worked on.
fn at_work(more: &str) -> Shop {
    let mut shop = shop();
    shop.apply_with("1.1.0", more);
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::Running), "{}", shop.waiting());
    shop
}

/// Its first wave is served by the new version.
fn converted(more: &str) -> Shop {
    let mut shop = at_work(more);
    end(&mut shop, Verdict::Pass);
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "bolt", "cato"], "{}", shop.waiting());
    assert!(closed(&shop).is_empty());
    shop
}

fn phase(shop: &Shop) -> Option<StepPhase> {
    let run = shop.state.run(&version("1.1.0"))?;
    let step = run.steps.iter().find(|step| step.cell.as_str() == "eu")?;
    Some(step.phase)
}

fn running(shop: &Shop) -> EffectId {
    let mut runs = shop.state.runs.iter();
    let running = runs.find_map(|run| {
        let step = run.steps.iter().find(|step| step.is_at_work())?;
        Some(step.effect(&run.version))
    });
    running.unwrap_or_else(|| panic!("{}", shop.waiting()))
}

/// Ends what is at work.
fn end(shop: &mut Shop, verdict: Verdict) {
    let effect = running(shop);
    let judgement = Judgement::new(verdict, "a test says so");
    shop.take(EventKind::Performed { effect, judgement }).unwrap();
}

fn closed(shop: &Shop) -> Vec<TenantName> {
    let routes = desired(&shop.state).cells.into_values().flat_map(|cell| cell.routes);
    routes
        .filter_map(|(tenant, route)| route.maintenance.map(|_| tenant))
        .collect()
}

fn eu() -> Vec<TenantName> {
    ["acme", "bolt", "cato"].map(tenant).to_vec()
}

/// Tenants of the cell that some worker works for.
fn worked_for(shop: &Shop) -> Vec<TenantName> {
    let eu = CellName::new("eu").unwrap();
    let slots = desired(&shop.state).cells.remove(&eu).unwrap().slots;
    let owned = slots.into_values().filter_map(|slot| match slot.owns {
        Owns::Tenants(tenants) => Some(tenants.into_keys()),
        Owns::Nothing | Owns::Cell(_) => None,
    });
    owned.flatten().collect()
}

fn refusal(refused: Result<(), crate::step::Refused>) -> String {
    refused.unwrap_err().to_string()
}

#[test]
fn all_of_a_cell_are_out_of_service_together_before_its_data_are_worked_on() {
    let mut shop = shop();
    shop.apply_with("1.1.0", &undone());
    shop.observe();
    shop.gateways_follow = false;
    for _ in 0..5 {
        shop.observe();
    }
    assert_eq!(closed(&shop), eu(), "though they move one by one otherwise");
    assert_eq!(phase(&shop), Some(StepPhase::Waiting), "gateways may still serve them");
    assert!(worked_for(&shop).is_empty());
    shop.gateways_follow = true;
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::Running));
    assert_eq!(closed(&shop), eu());
    assert!(shop.on("1.1.0").is_empty());
    end(&mut shop, Verdict::Pass);
    assert!(closed(&shop).is_empty(), "the table that moves them serves them");
    assert_eq!(shop.on("1.1.0"), ["acme", "bolt", "cato"]);
    assert_eq!(worked_for(&shop), eu());
}

#[test]
fn a_run_of_a_job_ends_before_the_work_begins_and_none_begins_meanwhile() {
    let mut shop = crate::fixture::shop();
    let job = "  - {name: tally, kind: job, command: ['{artifact}'], schedule: {every: 1h}}\n";
    shop.service.push_str(job);
    PLAYBOOK.clone_into(&mut shop.playbook);
    shop.apply("1.0.0");
    shop.settle();
    shop.pass(Duration::from_hours(1));
    let runs = |shop: &Shop| -> Vec<EffectId> {
        let jobs = shop.state.jobs.iter();
        jobs.filter_map(|(name, job)| Some(job.run.as_ref()?.effect(name)))
            .collect()
    };
    assert_eq!(runs(&shop).len(), 6);
    shop.apply_with("1.1.0", &undone());
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::Waiting));
    assert!(
        shop.waiting().contains("job tally of tenant acme goes on with 1.0.0"),
        "{}",
        shop.waiting()
    );
    for effect in runs(&shop) {
        let judgement = Judgement::new(Verdict::Pass, "a test says so");
        shop.take(EventKind::Performed { effect, judgement }).unwrap();
    }
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::Running), "{}", shop.waiting());
    assert!(runs(&shop).is_empty());
}

#[test]
fn what_is_in_flight_ends_before_the_work_begins() {
    let mut shop = shop();
    shop.apply_with("1.1.0", &undone());
    shop.observe();
    shop.gateways_follow = false;
    for _ in 0..5 {
        shop.observe();
    }
    for slot in shop.state.cells.values_mut().flat_map(|cell| cell.slots.values_mut()) {
        slot.in_flight = 3;
    }
    shop.state.routing.confirmed = shop.state.routing.generation;
    let step = crate::step::step(&shop.state, &[], shop.now);
    assert!(
        step.waiting
            .iter()
            .any(|it| it.to_string().contains("in flight, until"))
    );
    assert!(step.effects.is_empty());
}

#[test]
fn a_step_that_fails_is_undone_before_the_old_version_serves_again() {
    let mut shop = at_work(&undone());
    end(&mut shop, Verdict::Fail);
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::Undoing));
    assert_eq!(closed(&shop), eu(), "half-done data");
    let resumed = shop.take(EventKind::Resume {
        version: version("1.1.0"),
    });
    assert!(refusal(resumed).contains("still takes back what it did"));
    end(&mut shop, Verdict::Pass);
    shop.settle();
    assert!(closed(&shop).is_empty());
    assert_eq!(shop.on("1.0.0").len(), 6);
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    assert_eq!(worked_for(&shop), eu());
}

#[test]
fn an_undo_that_fails_is_tried_again_and_nobody_is_served_until_it_works() {
    let mut shop = at_work(&undone());
    end(&mut shop, Verdict::Fail);
    shop.settle();
    end(&mut shop, Verdict::Fail);
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::UndoFailed));
    assert_eq!(closed(&shop), eu());
    shop.pass(Duration::from_secs(60));
    end(&mut shop, Verdict::Pass);
    shop.settle();
    assert!(closed(&shop).is_empty());
}

#[test]
fn a_hold_whose_time_is_over_is_not_what_a_release_waits_for_that_goes_back() {
    let mut shop = at_work(&undone());
    end(&mut shop, Verdict::Fail);
    let until = Some(shop.now + Duration::from_secs(10));
    shop.take(EventKind::Hold {
        version: version("1.1.0"),
        until,
    })
    .unwrap();
    assert!(shop.waiting().contains("the hold by"), "{}", shop.waiting());
    shop.pass(Duration::from_secs(20));
    assert_eq!(phase(&shop), Some(StepPhase::Undoing));
    assert!(!shop.waiting().contains("the hold by"), "{}", shop.waiting());
    assert!(!shop.waiting().is_empty());
}

#[test]
fn without_an_undo_a_failure_keeps_everybody_out_of_service_until_a_person_lets_it_try_again() {
    let mut shop = at_work(&for_good());
    end(&mut shop, Verdict::Fail);
    shop.settle();
    assert!(
        shop.waiting()
            .contains("stay out of service: release 1.1.0 cannot be taken back in cell `eu`"),
        "{}",
        shop.waiting()
    );
    for asked in [
        back("1.1.0", Scope::Everything),
        EventKind::Abort {
            version: version("1.1.0"),
        },
    ] {
        assert!(refusal(shop.take(asked)).contains("`tidegate resume 1.1.0` tries again"));
    }
    shop.pass(Duration::from_hours(5));
    assert_eq!(closed(&shop), eu());
    assert_eq!(phase(&shop), Some(StepPhase::Failed));
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    assert_eq!(closed(&shop), eu());
    end(&mut shop, Verdict::Pass);
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "bolt", "cato"]);
    assert!(closed(&shop).is_empty());
}

#[test]
fn a_rollback_in_the_downtime_waits_for_the_step_undoes_it_and_serves_the_old_version() {
    let mut shop = at_work(&undone());
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::Running), "it cannot be called back");
    assert_eq!(closed(&shop), eu());
    end(&mut shop, Verdict::Pass);
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::Undoing));
    end(&mut shop, Verdict::Pass);
    shop.settle();
    assert!(closed(&shop).is_empty());
    assert_eq!(shop.on("1.0.0").len(), 6);
}

#[test]
fn a_rollback_later_takes_the_cell_out_of_service_again_until_its_data_are_undone() {
    for aborted in [false, true] {
        let mut shop = converted(&undone());
        let version = version("1.1.0");
        shop.take(if aborted {
            EventKind::Abort { version }
        } else {
            back("1.1.0", Scope::Everything)
        })
        .unwrap();
        shop.settle();
        assert_eq!(closed(&shop), eu());
        assert_eq!(shop.on("1.1.0").len(), 3, "nobody is on data of another version");
        assert_eq!(phase(&shop), Some(StepPhase::Undoing));
        end(&mut shop, Verdict::Pass);
        shop.settle();
        assert!(closed(&shop).is_empty());
        assert_eq!(shop.on("1.0.0").len(), 6);
        let started = shop
            .journal
            .iter()
            .filter(|entry| entry.kind == EntryKind::DowntimeStarted);
        assert_eq!(started.count(), 2);
    }
}

#[test]
fn one_tenant_goes_back_with_its_cell_or_not_at_all() {
    let mut shop = converted(&undone());
    let refused = shop.take(back("1.1.0", Scope::Tenant(tenant("acme"))));
    assert!(refusal(refused).contains("`tidegate rollback 1.1.0 --wave first` takes them back"));
}

#[test]
fn what_was_written_since_is_lost_only_once_somebody_was_served() {
    let loses = undone().replace("timeout", "rollback: loses-new-writes, timeout");
    let mut shop = at_work(&loses);
    end(&mut shop, Verdict::Fail);
    shop.settle();
    assert_eq!(phase(&shop), Some(StepPhase::Undoing), "nobody has written");
    let mut shop = converted(&loses);
    shop.judge("1.1.0", "first", Verdict::Fail, 500);
    assert!(
        shop.waiting().contains("not rolled back by itself"),
        "{}",
        shop.waiting()
    );
    assert_eq!(shop.on("1.1.0").len(), 3);
}

#[test]
fn a_bad_verdict_brings_the_whole_cell_back_by_itself() {
    let mut shop = converted(&undone());
    shop.judge("1.1.0", "first", Verdict::Fail, 500);
    shop.settle();
    end(&mut shop, Verdict::Pass);
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6);
    assert!(closed(&shop).is_empty());
}

#[test]
fn nothing_that_comes_in_between_serves_half_done_data() {
    for hostile in [
        EventKind::Freeze {
            of: Selection::Everybody,
            from: None,
            until: None,
        },
        EventKind::OptOut { tenant: tenant("acme") },
        hold("1.1.0"),
        EventKind::TenantAdded {
            tenant: tenant("newt"),
            cell: CellName::new("eu").unwrap(),
        },
    ] {
        let added = matches!(hostile, EventKind::TenantAdded { .. });
        let held = matches!(hostile, EventKind::Hold { .. });
        let mut shop = at_work(&undone());
        shop.take(hostile).unwrap();
        shop.settle();
        assert_eq!(closed(&shop).len(), 3 + usize::from(added));
        end(&mut shop, Verdict::Pass);
        shop.settle();
        if held {
            assert_eq!(closed(&shop), eu(), "a hold keeps them, until the downtime is over");
            shop.pass(Duration::from_secs(900));
            assert_eq!(phase(&shop), Some(StepPhase::Undoing));
            end(&mut shop, Verdict::Pass);
            shop.settle();
            assert_eq!(shop.on("1.0.0").len(), 6);
        } else {
            assert_eq!(shop.on("1.1.0").len(), 3 + usize::from(added), "{}", shop.waiting());
        }
        assert!(closed(&shop).is_empty());
    }
}

#[test]
fn who_is_new_in_a_converted_cell_starts_on_its_data_and_goes_back_with_it() {
    let mut shop = converted(&undone());
    let cell = CellName::new("eu").unwrap();
    shop.take(EventKind::TenantAdded {
        tenant: tenant("newt"),
        cell,
    })
    .unwrap();
    assert!(shop.on("1.1.0").contains(&"newt"));
    assert!(closed(&shop).is_empty());
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(closed(&shop).len(), 4);
    end(&mut shop, Verdict::Pass);
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 7);
}

#[test]
fn a_cell_with_a_tenant_that_stays_holds_the_release_and_says_who_it_is() {
    let mut shop = shop();
    shop.apply_with("1.1.0", &undone());
    shop.take(EventKind::OptOut { tenant: tenant("bolt") }).unwrap();
    shop.settle();
    assert!(closed(&shop).is_empty());
    assert_eq!(phase(&shop), Some(StepPhase::Waiting));
    assert!(
        shop.waiting().contains("tenant bolt stays where it is"),
        "{}",
        shop.waiting()
    );
}

#[test]
fn a_release_before_goes_back_only_after_the_work_of_the_later_one() {
    for own_work in [String::new(), undone()] {
        let mut shop = shop();
        shop.apply_with("1.0.1", &own_work);
        for wave in ["first", "rest"] {
            shop.settle();
            if !own_work.is_empty() {
                end(&mut shop, Verdict::Pass);
                shop.settle();
            }
            shop.judge("1.0.1", wave, Verdict::Pass, 500);
            shop.pass(Duration::from_secs(600));
        }
        assert_eq!(shop.phase("1.0.1"), "completed");
        shop.apply_with("1.1.0", &undone());
        shop.settle();
        assert_eq!(phase(&shop), Some(StepPhase::Running), "{}", shop.waiting());
        let refused = shop.take(back("1.0.1", Scope::Everything));
        assert!(refusal(refused).contains("`tidegate rollback 1.1.0` takes that back first"));
    }
}

#[test]
fn a_plan_says_how_far_a_rollback_goes_and_refuses_what_is_apart() {
    let rollback = |more: &str| {
        let (_, report) = crate::plan::plan(&shop().input("1.1.0", more));
        report.waves[0].rollback.clone()
    };
    let step = crate::id::StepName::new("convert").unwrap();
    assert_eq!(rollback(&undone()), Rollback::CleanByUndoing(step.clone()));
    assert_eq!(rollback(&for_good()), Rollback::ImpossibleAfterDowntime(step.clone()));
    let loses = undone().replace("timeout", "rollback: loses-new-writes, timeout");
    assert_eq!(rollback(&loses), Rollback::LosesNewWrites(step));

    let mut shop = shop();
    shop.playbook = shop.playbook.replace("{cell: eu}", "{tenants: [acme]}");
    let (plan, report) = crate::plan::plan(&shop.input("1.1.0", &undone()));
    assert!(plan.is_none());
    let text = &report.problems[0].message;
    assert!(
        text.contains("tenant `acme` is in wave first and tenant `bolt` in wave rest"),
        "{text}"
    );
}
