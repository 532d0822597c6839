//! Work on data around a release.

use super::*;
use crate::effect::{EffectBody, EffectId, StepTask};
use crate::event::Judgement;
use crate::service::StepPhase;

const STEPS: &str = "
steps:
  - {name: add, kind: expand, component: api, command: ['{artifact}', add], undo: ['{artifact}', remove]}
  - {name: fill, kind: migrate, component: api, command: ['{artifact}', fill]}
  - {name: drop, kind: contract, component: api, command: ['{artifact}', drop]}
";

const WIDEN: &str = "steps: [{name: widen, kind: expand, component: api, command: [x, widen]}]";

/// The steps that the last turn has begun, with their effects.
fn begun(shop: &Shop) -> Vec<(EffectId, StepTask)> {
    let effects = shop.last.iter().flat_map(|step| &step.effects);
    let tasks = effects.filter_map(|effect| match &effect.body {
        EffectBody::Step(task) => Some((effect.id.clone(), (**task).clone())),
        EffectBody::Gate { .. } | EffectBody::Announce(_) | EffectBody::Notice { .. } | EffectBody::Job(_) => None,
    });
    tasks.collect()
}

fn names(shop: &Shop) -> Vec<String> {
    let named = begun(shop).into_iter();
    named
        .map(|(_, task)| format!("{} {} {}", task.spec.cell, task.step, task.command[1]))
        .collect()
}

fn end(shop: &mut Shop, effect: &EffectId, verdict: Verdict) {
    let judgement = Judgement::new(verdict, "a test says so");
    let effect = effect.clone();
    shop.take(EventKind::Performed { effect, judgement }).unwrap();
}

/// Ends all that is at work, and all that this begins, well.
fn end_all(shop: &mut Shop) {
    while let Some(id) = at_work(shop) {
        end(shop, &id, Verdict::Pass);
    }
}

fn at_work(shop: &Shop) -> Option<EffectId> {
    shop.state.runs.iter().find_map(|run| {
        let step = run.steps.iter().find(|step| step.is_at_work())?;
        Some(step.effect(&run.version))
    })
}

fn phases(shop: &Shop, release: &str) -> Vec<String> {
    let run = shop.state.run(&version(release)).unwrap();
    let steps = run.steps.iter();
    steps
        .map(|step| format!("{} {} {}", step.cell, step.step.name, step.phase.in_words()))
        .collect()
}

/// 1.1.0 has moved everybody; its steps are as far as they come by themselves.
fn completed() -> Shop {
    let mut shop = installed();
    shop.apply_with("1.1.0", STEPS);
    end_all(&mut shop);
    shop.complete("1.1.0");
    shop
}

#[test]
fn nothing_of_a_release_starts_before_its_expand_is_done() {
    let mut shop = installed();
    shop.apply_with("1.1.0", STEPS);
    assert_eq!(
        names(&shop),
        ["eu add add", "us add add"],
        "the wave has tenants in both cells"
    );
    let has_slots = |shop: &Shop| shop.slots("eu").iter().any(|slot| slot.contains("1.1.0"));
    shop.settle();
    assert!(!has_slots(&shop));
    assert!(
        shop.waiting().contains("step add in cell eu: it is running"),
        "{}",
        shop.waiting()
    );
    let (eu, task) = begun_id(&shop);
    assert_eq!((task.as_str(), shop.phase("1.1.0")), ("add", "moving"));
    end(&mut shop, &eu, Verdict::Pass);
    assert!(!has_slots(&shop), "the other cell is not ready for it");
    end_all(&mut shop);
    assert!(has_slots(&shop));
}

fn begun_id(shop: &Shop) -> (EffectId, String) {
    let run = shop.state.run(&version("1.1.0")).unwrap();
    let step = run.steps.iter().find(|step| step.is_at_work()).unwrap();
    (step.effect(&run.version), step.step.name.to_string())
}

#[test]
fn an_expand_that_fails_holds_the_release_until_a_person_lets_it_try_again() {
    let mut shop = installed();
    shop.apply_with("1.1.0", STEPS);
    let (first, _) = begun_id(&shop);
    end(&mut shop, &first, Verdict::Fail);
    assert!(
        shop.waiting()
            .contains("step add in cell eu has failed: a test says so"),
        "{}",
        shop.waiting()
    );
    let (other, _) = begun_id(&shop);
    end(&mut shop, &other, Verdict::Pass);
    assert_eq!(at_work(&shop), None);
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    let (second, _) = begun_id(&shop);
    assert_ne!(first, second, "another attempt has another id");
    end(&mut shop, &first, Verdict::Pass);
    assert_eq!(
        begun_id(&shop).0,
        second,
        "the word of an attempt that is over says nothing of this one"
    );
}

#[test]
fn a_migration_follows_the_release_and_is_tried_again() {
    let mut shop = installed();
    shop.apply_with("1.1.0", STEPS);
    end_all(&mut shop);
    shop.settle();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    assert_eq!(at_work(&shop), None, "half of each cell is still on the version before");
    shop.pass(Duration::from_hours(1));
    shop.judge("1.1.0", "rest", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    assert_eq!(shop.phase("1.1.0"), "completed", "nobody waits for it");
    let id = at_work(&shop).unwrap();
    end(&mut shop, &id, Verdict::Fail);
    assert!(phases(&shop, "1.1.0").contains(&"eu fill failed".to_owned()));
    assert!(
        shop.waiting().contains("step fill in cell eu: tried again at"),
        "{}",
        shop.waiting()
    );
    shop.pass(Duration::from_secs(59));
    assert!(phases(&shop, "1.1.0").contains(&"eu fill failed".to_owned()));
    shop.pass(Duration::from_secs(1));
    assert!(phases(&shop, "1.1.0").contains(&"eu fill running".to_owned()));
}

#[test]
fn what_earlier_versions_need_stays_until_nobody_can_return_to_one() {
    let mut shop = completed();
    end_all(&mut shop);
    assert!(
        shop.waiting()
            .contains("step drop in cell eu: tenants can be taken back until"),
        "{}",
        shop.waiting()
    );
    shop.take(EventKind::RollBack {
        version: version("1.1.0"),
        scope: Scope::Tenant(tenant("bolt")),
    })
    .unwrap();
    shop.settle();
    shop.pass(Duration::from_hours(2));
    assert!(
        shop.waiting()
            .contains("step drop in cell eu: tenant bolt still runs 1.0.0"),
        "{}",
        shop.waiting()
    );
    let (_, us) = begun_id(&shop);
    assert_eq!(us, "drop", "in the other cell nobody does");
    end_all(&mut shop);
    let back = |shop: &mut Shop, name: &str| {
        shop.take(EventKind::RollBack {
            version: version("1.1.0"),
            scope: Scope::Tenant(tenant(name)),
        })
    };
    let refused = back(&mut shop, "flux").unwrap_err();
    assert!(refused.to_string().contains("step `drop`"), "{refused}");
    assert_eq!(
        phases(&shop, "1.1.0")
            .iter()
            .filter(|phase| phase.contains("drop"))
            .collect::<Vec<_>>(),
        ["eu drop waiting", "us drop done"]
    );
}

#[test]
fn the_work_of_a_release_that_came_back_is_taken_back_and_done_anew_when_it_is_applied_again() {
    let mut shop = installed();
    let steps = format!(
        "{STEPS}  - {{name: index, kind: expand, component: ledger, command: ['{{artifact}}', index], undo: ['{{artifact}}', unindex]}}\n"
    );
    shop.apply_with("1.1.0", &steps);
    end_all(&mut shop);
    shop.settle();
    shop.take(EventKind::RollBack {
        version: version("1.1.0"),
        scope: Scope::Everything,
    })
    .unwrap();
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    end_all(&mut shop);
    let rows = shop.journal.iter().filter(|row| row.kind == EntryKind::StepStarted);
    let words: Vec<&str> = rows.map(|row| row.reason.as_str()).collect();
    let eu: Vec<&&str> = words.iter().filter(|words| words.contains("cell eu takes")).collect();
    assert_eq!(
        eu,
        [
            &"step index in cell eu takes its work back",
            &"step add in cell eu takes its work back"
        ],
        "the last first"
    );
    shop.apply_with("1.1.0", &steps);
    assert_eq!(names(&shop), ["eu add add", "us add add"]);
}

#[test]
fn of_two_steps_on_one_database_one_waits() {
    let mut shop = completed();
    let fill = at_work(&shop).unwrap();
    assert!(phases(&shop, "1.1.0").contains(&"eu fill running".to_owned()));
    shop.apply_with("1.2.0", WIDEN);
    assert!(
        shop.waiting()
            .contains("step widen in cell eu: database api is worked on by step fill of release 1.1.0"),
        "{}",
        shop.waiting()
    );
    end(&mut shop, &fill, Verdict::Pass);
    assert!(phases(&shop, "1.2.0").contains(&"eu widen running".to_owned()));
}

#[test]
fn nothing_comes_back_by_itself_where_writes_would_be_lost() {
    let mut shop = installed();
    let steps = "steps: [{name: move, kind: expand, component: api, command: [x, move], rollback: loses-new-writes}]";
    shop.apply_with("1.1.0", steps);
    end_all(&mut shop);
    shop.settle();
    shop.judge("1.1.0", "first", Verdict::Fail, 500);
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    assert!(
        shop.waiting().contains("not rolled back by itself: since step `move`"),
        "{}",
        shop.waiting()
    );
    let back = EventKind::RollBack {
        version: version("1.1.0"),
        scope: Scope::Everything,
    };
    shop.take(back).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0"), [""; 0], "a person may");
}

#[test]
fn a_release_has_its_data_ahead_of_it_until_it_is_done() {
    let mut shop = completed();
    let ahead = |shop: &Shop| shop.state.run(&version("1.1.0")).unwrap().has_data_ahead();
    assert!(ahead(&shop));
    end_all(&mut shop);
    shop.pass(Duration::from_hours(2));
    end_all(&mut shop);
    assert!(!ahead(&shop));
    let run = shop.state.run(&version("1.1.0")).unwrap();
    assert!(run.steps.iter().all(|step| step.phase == StepPhase::Done));
}

#[test]
fn a_contract_without_its_expand_is_refused() {
    let shop = installed();
    let steps = "steps: [{name: drop, kind: contract, component: api, command: [x, drop]}]";
    let (plan, report) = crate::plan::plan(&shop.input("1.1.0", steps));
    assert!(plan.is_none());
    let [problem] = report.problems.as_slice() else {
        panic!("{:?}", report.problems)
    };
    assert!(problem.message.contains("there is no `expand` of it"), "{problem:?}");
}

#[test]
fn nobody_comes_to_a_version_that_lacks_what_was_contracted() {
    let mut shop = completed();
    end_all(&mut shop);
    shop.pass(Duration::from_hours(2));
    end_all(&mut shop);
    assert_eq!(
        shop.state.contracted_past(&"eu".parse().unwrap(), &version("1.0.9")),
        Some(&version("1.1.0"))
    );
    let (plan, report) = crate::plan::plan(&shop.input("1.0.9", ""));
    assert!(plan.is_none());
    let said: Vec<&str> = report.problems.iter().map(|problem| &*problem.message).collect();
    assert!(
        said.iter()
            .any(|said| said.contains("release 1.0.9 cannot run in cell `eu` any more: release 1.1.0")),
        "{said:?}"
    );
    shop.apply("1.2.0");
}

#[test]
fn work_that_a_later_release_has_built_on_is_kept() {
    let mut shop = completed();
    end_all(&mut shop);
    shop.apply_with("1.2.0", WIDEN);
    end_all(&mut shop);
    assert!(phases(&shop, "1.2.0").contains(&"eu widen done".to_owned()));
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "rolled back");
    assert!(
        phases(&shop, "1.1.0").contains(&"eu add kept".to_owned()),
        "{:?}",
        phases(&shop, "1.1.0")
    );
    let why = |row: &&crate::journal::Entry| row.kind == EntryKind::StepKept && row.reason.contains("cell eu");
    let row = shop.journal.iter().find(why).unwrap();
    assert!(
        row.reason.contains("release 1.2.0 has worked on database api since"),
        "{}",
        row.reason
    );
}

#[test]
fn nothing_new_is_done_to_data_that_is_still_to_be_taken_back() {
    let mut shop = installed();
    shop.apply_with("1.1.0", STEPS);
    end_all(&mut shop);
    shop.settle();
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    let undo = at_work(&shop).unwrap();
    end(&mut shop, &undo, Verdict::Fail);
    shop.apply_with("1.2.0", WIDEN);
    let said = "database api still has the work of step add of release 1.1.0, which has come back";
    assert!(shop.waiting().contains(said), "{}", shop.waiting());
    shop.pass(Duration::from_hours(1));
    end_all(&mut shop);
    assert!(phases(&shop, "1.1.0").contains(&"eu add undone".to_owned()));
    assert!(phases(&shop, "1.2.0").contains(&"eu widen done".to_owned()));
}

#[test]
fn a_tenant_in_a_cell_of_its_own_waits_for_its_data() {
    let mut shop = installed();
    shop.apply_with("1.1.0", STEPS);
    end_all(&mut shop);
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    let cell: CellName = "ap".parse().unwrap();
    shop.take(EventKind::TenantAdded {
        tenant: tenant("nova"),
        cell: cell.clone(),
    })
    .unwrap();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop.pass(Duration::from_hours(1));
    assert_eq!(
        phases(&shop, "1.1.0")
            .iter()
            .filter(|phase| *phase == "ap add running")
            .count(),
        1
    );
    let runs = |shop: &Shop| shop.slots("ap").iter().any(|slot| slot.contains("1.1.0"));
    assert!(!runs(&shop), "{:?}", shop.slots("ap"));
    end_all(&mut shop);
    assert!(runs(&shop));
}
