//! Runs of jobs while tenants move, come, go and are kept out.

use super::*;
use crate::event::{Judgement, TenantAsk};
use crate::fixture::shop;
use crate::id::{JobName, JobOf};
use crate::service::Job;

/// A shop whose tenants all run 1.0.0, with a job.
fn with_job(terms: &str) -> Shop {
    let mut shop = shop();
    let job = format!("  - {{name: tally, kind: job, command: ['{{artifact}}'], {terms}}}\n");
    shop.service.push_str(&job);
    shop.apply("1.0.0");
    shop.settle();
    shop
}

fn hourly() -> Shop {
    with_job("schedule: {every: 1h}")
}

fn of(tenant_name: &str) -> JobName {
    JobName {
        component: "tally".parse().unwrap(),
        of: JobOf::Tenant(tenant(tenant_name)),
    }
}

fn of_cell(cell: &str) -> JobName {
    JobName {
        component: "tally".parse().unwrap(),
        of: JobOf::Cell(cell.parse().unwrap()),
    }
}

fn job<'a>(shop: &'a Shop, name: &JobName) -> &'a Job {
    &shop.state.jobs[name]
}

/// On which version it runs, and how many hours after the beginning it was due.
fn running(shop: &Shop, name: &JobName) -> Option<(String, Option<i64>)> {
    let run = shop.state.jobs.get(name)?.run.as_ref()?;
    let hours = run.due.map(|due| (due.0 - 1_800_000_000_000) / 3_600_000);
    Some((run.version.to_string(), hours))
}

fn on(version: &str, hours: i64) -> Option<(String, Option<i64>)> {
    Some((version.to_owned(), Some(hours)))
}

fn end(shop: &mut Shop, name: &JobName, verdict: Verdict) {
    let effect = job(shop, name).run.as_ref().unwrap().effect(name);
    let judgement = Judgement::new(verdict, "a test says so");
    shop.take(EventKind::Performed { effect, judgement }).unwrap();
}

/// Ends the work on data that goes on.
fn end_steps(shop: &mut Shop) {
    let at_work = |shop: &Shop| {
        let run = shop.state.run(&version("1.1.0"))?;
        let step = run.steps.iter().find(|step| step.is_at_work())?;
        Some(step.effect(&run.version))
    };
    while let Some(effect) = at_work(shop) {
        let judgement = Judgement::new(Verdict::Pass, "a test says so");
        shop.take(EventKind::Performed { effect, judgement }).unwrap();
    }
}

fn ask(name: &JobName) -> EventKind {
    EventKind::JobAsked { job: name.clone() }
}

fn asked(name: &str, ask: TenantAsk) -> EventKind {
    let tenant = tenant(name);
    EventKind::TenantAsked { tenant, ask }
}

fn told(shop: &Shop, kind: EntryKind) -> Vec<&str> {
    let rows = shop.journal.iter().filter(|entry| entry.kind == kind);
    rows.map(|entry| entry.reason.as_str()).collect()
}

#[test]
fn every_due_instant_has_one_run_in_order_and_never_two_at_once() {
    let mut shop = hourly();
    let acme = of("acme");
    assert_eq!(running(&shop, &acme), None);
    assert_eq!(
        shop.last.as_ref().unwrap().wake,
        Some(shop.now + Duration::from_hours(1))
    );
    shop.pass(Duration::from_hours(1));
    assert_eq!(running(&shop, &acme), on("1.0.0", 1));
    assert_eq!(shop.state.jobs.values().filter(|job| job.run.is_some()).count(), 6);
    shop.pass(Duration::from_hours(2));
    assert_eq!(running(&shop, &acme), on("1.0.0", 1), "it goes on");
    let waits = "job tally of tenant acme: its run on 1.0.0 since";
    assert!(shop.waiting().contains(waits), "{}", shop.waiting());
    assert_eq!(job(&shop, &acme).scheduled_by(shop.now), 2);
    end(&mut shop, &acme, Verdict::Fail);
    assert_eq!(running(&shop, &acme), on("1.0.0", 2), "a failed run is not tried again");
    assert_eq!(job(&shop, &acme).failed[&version("1.0.0")], 1);
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), on("1.0.0", 3));
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), None);
    assert!(!shop.waiting().contains(waits), "{}", shop.waiting());
}

#[test]
fn one_run_makes_up_for_all_that_were_missed_where_the_job_says_so() {
    let mut shop = with_job("schedule: {every: 1h}, missed: once");
    let acme = of("acme");
    shop.pass(Duration::from_hours(1));
    shop.pass(Duration::from_hours(3));
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), on("1.0.0", 2));
    let begun = told(&shop, EntryKind::JobStarted);
    assert!(
        begun.last().unwrap().contains("the first of 3 that it makes up for"),
        "{begun:?}"
    );
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), None);
    assert_eq!(job(&shop, &acme).next, Some(shop.now + Duration::from_hours(1)));
}

#[test]
fn a_run_ends_on_its_version_and_the_next_begins_on_the_tenants() {
    let mut shop = hourly();
    let (acme, bolt) = (of("acme"), of("bolt"));
    shop.pass(Duration::from_hours(1));
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"], "a switch does not wait for a run");
    assert_eq!(running(&shop, &acme), on("1.0.0", 1));
    shop.pass(Duration::from_hours(1));
    end(&mut shop, &acme, Verdict::Pass);
    end(&mut shop, &bolt, Verdict::Pass);
    assert_eq!(running(&shop, &acme), on("1.1.0", 2));
    assert_eq!(running(&shop, &bolt), on("1.0.0", 2), "its wave has not moved");
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.0.0").len(), 6, "neither does the way back");
    assert_eq!(running(&shop, &acme), on("1.1.0", 2));
    shop.pass(Duration::from_hours(1));
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), on("1.0.0", 3));
}

#[test]
fn a_version_stays_as_long_as_a_run_goes_on_with_it() {
    let mut shop = with_job("timeout: 5m");
    shop.take(ask(&of("acme"))).unwrap();
    for release in ["1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0"] {
        shop.apply(release);
        shop.complete(release);
        shop.pass(Duration::from_hours(3));
    }
    assert!(!shop.state.pinned.contains_key(&version("1.1.0")), "nobody needs it");
    assert!(shop.state.pinned.contains_key(&version("1.0.0")));
    end(&mut shop, &of("acme"), Verdict::Pass);
    assert!(!shop.state.pinned.contains_key(&version("1.0.0")));
}

#[test]
fn what_earlier_versions_need_is_not_taken_away_under_a_run() {
    let mut shop = with_job("timeout: 5m");
    shop.take(ask(&of("acme"))).unwrap();
    let steps = "steps: [{name: add, kind: expand, component: api, command: [x, add]}, \
                 {name: drop, kind: contract, component: api, command: [x, drop]}]";
    shop.apply_with("1.1.0", steps);
    end_steps(&mut shop);
    shop.complete("1.1.0");
    shop.pass(Duration::from_hours(3));
    let waits = "step drop in cell eu: job tally of tenant acme goes on with 1.0.0";
    assert!(shop.waiting().contains(waits), "{}", shop.waiting());
    let begun = |shop: &Shop| told(shop, EntryKind::StepStarted).contains(&"step drop in cell eu begins");
    assert!(!begun(&shop));
    end(&mut shop, &of("acme"), Verdict::Pass);
    assert!(begun(&shop), "{}", shop.waiting());
}

#[test]
fn work_on_data_is_not_taken_back_under_a_run() {
    let mut shop = hourly();
    let add = "steps: [{name: add, kind: expand, component: api, command: [x, add], undo: [x, remove]}]";
    shop.apply_with("1.1.0", add);
    end_steps(&mut shop);
    shop.settle();
    shop.take(ask(&of("acme"))).unwrap();
    assert_eq!(running(&shop, &of("acme")), Some(("1.1.0".to_owned(), None)));
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    shop.pass(Duration::from_hours(3));
    let waits = "step add in cell eu: job tally of tenant acme goes on with 1.1.0";
    assert!(shop.waiting().contains(waits), "{}", shop.waiting());
    end(&mut shop, &of("acme"), Verdict::Pass);
    assert!(!shop.waiting().contains(waits), "{}", shop.waiting());
}

#[test]
fn a_tenant_that_is_kept_out_has_its_runs_when_it_is_back() {
    let mut shop = hourly();
    let acme = of("acme");
    shop.take(asked("acme", TenantAsk::Suspend)).unwrap();
    shop.pass(Duration::from_hours(2));
    assert_eq!(running(&shop, &acme), None);
    let waits = "job tally of tenant acme: tenant acme to be resumed";
    assert!(shop.waiting().contains(waits), "{}", shop.waiting());
    shop.take(asked("acme", TenantAsk::Resume)).unwrap();
    assert_eq!(running(&shop, &acme), on("1.0.0", 1));
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), on("1.0.0", 2));
    shop.pass(Duration::from_hours(300));
    assert_eq!(job(&shop, &acme).scheduled_by(shop.now), 100);
    assert_eq!(job(&shop, &acme).next.unwrap().0, shop.now.0 - 99 * 3_600_000);
    let dropped = "200 runs of job tally of tenant acme from 2027-01-15T11:00:00Z on are dropped: more than 100 wait";
    assert_eq!(told(&shop, EntryKind::JobDropped)[0], dropped);
}

fn to_us() -> TenantAsk {
    let (cell, keep_closed, declared) = (CellName::new("us").unwrap(), false, false);
    TenantAsk::Move {
        cell,
        keep_closed,
        declared,
    }
}

#[test]
fn a_tenant_changes_its_cell_between_two_runs() {
    let mut shop = hourly();
    let acme = of("acme");
    shop.pass(Duration::from_hours(1));
    shop.take(asked("acme", to_us())).unwrap();
    shop.settle();
    let waits = "on its way to cell us: the run of job tally of tenant acme to end";
    assert!(shop.waiting().contains(waits), "{}", shop.waiting());
    assert_eq!(shop.state.seats[&tenant("acme")].closed(), None);
    shop.pass(Duration::from_hours(1));
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), None, "the next one is put off");
    shop.settle();
    assert_eq!(shop.state.seats[&tenant("acme")].cell.as_str(), "us");
    assert_eq!(running(&shop, &acme), on("1.0.0", 2));
    assert_eq!(job(&shop, &acme).run.as_ref().unwrap().cell.as_str(), "us");
}

#[test]
fn a_tenant_that_is_added_again_without_a_version_leaves_its_cell_when_the_run_has_ended() {
    let mut shop = hourly();
    let acme = of("acme");
    shop.pass(Duration::from_hours(1));
    for gone in ["acme", "bolt", "cato"] {
        shop.take(EventKind::TenantRemoved { tenant: tenant(gone) }).unwrap();
    }
    shop.settle();
    let (cell, again) = (CellName::new("eu").unwrap(), tenant("acme"));
    shop.take(EventKind::TenantAdded { tenant: again, cell }).unwrap();
    assert_eq!(shop.state.seats[&tenant("acme")].version, None);
    shop.take(asked("acme", to_us())).unwrap();
    let waits = "on its way to cell us: the run of job tally of tenant acme to end";
    assert!(shop.waiting().contains(waits), "{}", shop.waiting());
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(shop.state.seats[&tenant("acme")].cell.as_str(), "us");
}

#[test]
fn what_waits_for_a_tenant_that_is_gone_is_dropped_and_its_run_ends() {
    let mut shop = hourly();
    let acme = of("acme");
    shop.pass(Duration::from_hours(1));
    shop.pass(Duration::from_hours(2));
    shop.take(EventKind::TenantRemoved { tenant: tenant("acme") }).unwrap();
    let dropped = told(&shop, EntryKind::JobDropped);
    assert_eq!(
        dropped,
        ["2 runs of job tally of tenant acme are dropped: nobody is on a version that has the job"]
    );
    let cell = CellName::new("eu").unwrap();
    let again = tenant("acme");
    shop.take(EventKind::TenantAdded { tenant: again, cell }).unwrap();
    shop.take(ask(&acme)).unwrap();
    assert_eq!(running(&shop, &acme), on("1.0.0", 1), "never two at once");
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), Some(("1.0.0".to_owned(), None)));
    end(&mut shop, &acme, Verdict::Pass);
    shop.take(EventKind::TenantRemoved { tenant: tenant("acme") }).unwrap();
    assert!(!shop.state.jobs.contains_key(&acme));
}

#[test]
fn a_job_for_a_cell_follows_the_last_tenant_of_the_cell() {
    let mut shop = with_job("per: cell, schedule: {every: 1h}");
    let eu = of_cell("eu");
    assert_eq!(shop.state.jobs.len(), 2);
    let run_now = |shop: &mut Shop| {
        shop.take(ask(&eu)).unwrap();
        let on = running(shop, &eu).map(|(version, _)| version);
        end(shop, &eu, Verdict::Pass);
        on.unwrap()
    };
    shop.apply("1.1.0");
    shop.settle();
    assert_eq!((shop.on("1.1.0").len(), run_now(&mut shop).as_str()), (2, "1.0.0"));
    shop.complete("1.1.0");
    assert_eq!(
        running(&shop, &eu),
        on("1.0.0", 1),
        "it was due before the last tenant moved"
    );
    end(&mut shop, &eu, Verdict::Pass);
    assert_eq!(run_now(&mut shop), "1.1.0");
    shop.take(back("1.1.0", Scope::Everything)).unwrap();
    shop.settle();
    assert_eq!(run_now(&mut shop), "1.0.0");
}

#[test]
fn another_schedule_counts_from_the_switch_and_skips_nothing_of_the_one_before() {
    let mut shop = hourly();
    let acme = of("acme");
    shop.pass(Duration::from_hours(1));
    shop.pass(Duration::from_hours(2));
    shop.service = shop.service.replace("every: 1h", "every: 2h");
    shop.apply("1.1.0");
    shop.settle();
    for (hours, why) in [(2, "what was due before the switch"), (3, "all of it")] {
        end(&mut shop, &acme, Verdict::Pass);
        assert_eq!(running(&shop, &acme), on("1.1.0", hours), "{why}");
    }
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(running(&shop, &acme), None);
    shop.pass(Duration::from_hours(1));
    assert_eq!(running(&shop, &acme), on("1.1.0", 4));
    end(&mut shop, &acme, Verdict::Pass);
    shop.pass(Duration::from_hours(1));
    assert_eq!(running(&shop, &acme), None);
    shop.pass(Duration::from_hours(1));
    assert_eq!(running(&shop, &acme), on("1.1.0", 6));
}

#[test]
fn people_run_a_job_besides_its_schedule() {
    let mut shop = with_job("timeout: 5m");
    let acme = of("acme");
    shop.pass(Duration::from_hours(48));
    assert_eq!(running(&shop, &acme), None, "only on demand");
    for _ in 0..11 {
        shop.take(ask(&acme)).unwrap();
    }
    let refused = shop.take(ask(&acme)).unwrap_err();
    assert_eq!(refused, Refused::TooManyRuns { job: acme.clone() });
    let nobody = shop.take(ask(&of("nobody"))).unwrap_err();
    assert!(nobody.to_string().contains("`tidegate jobs` lists them"), "{nobody}");
    let cell = shop.take(ask(&of_cell("eu"))).unwrap_err();
    assert_eq!(cell, Refused::NoSuchJob { job: of_cell("eu") });
    let begun = shop
        .journal
        .iter()
        .find(|entry| entry.kind == EntryKind::JobStarted)
        .unwrap();
    assert_eq!(
        (begun.actor.as_str(), begun.release.as_ref()),
        ("ada", Some(&version("1.0.0")))
    );
    end(&mut shop, &acme, Verdict::Pass);
    assert_eq!(job(&shop, &acme).asked.len(), 9);
}

#[test]
fn a_turn_does_all_that_follows_and_a_job_needs_no_slot() {
    let mut shop = hourly();
    shop.pass(Duration::from_hours(2));
    let again = crate::step::step(&shop.state, &[], shop.now);
    assert_eq!(
        (again.state, again.effects, again.journal),
        (shop.state.clone(), Vec::new(), Vec::new())
    );
    assert_eq!(shop.slots("eu"), ["api 1.0.0 Run", "ledger 1.0.0 Run"]);
    let text = serde_json::to_string(&shop.state).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::service::Service>(&text).unwrap(),
        shop.state
    );
}
