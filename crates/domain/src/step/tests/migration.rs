use std::collections::BTreeSet;

use crate::event::{EventKind, MigrationsSet, Verdict};
use crate::fixture::{Shop, installed, tenant, version};
use crate::journal::EntryKind;
use crate::plan::{PlanReport, ProblemKind};
use crate::service::{MigrationState, Place, Selection, Waived};
use crate::step::Refused;
use crate::time::Duration;

const POINTS: &str = "---
kind: removed
audience: [developer]
impact: breaking
action: Read `expires_at`.
deadline: 2027-03-01
owner: Integrations team
---

# `expires` is gone

## Developers

Read `expires_at` instead.
";

/// A shop where 1.0.0 runs, with a breaking change to release and this rule.
fn breaking(rule: &str) -> Shop {
    let mut shop = installed();
    let waves = "waves:\n";
    shop.playbook = shop.playbook.replace(waves, &format!("on_unmigrated: {rule}\n{waves}"));
    shop.playbook = shop.playbook.replace("gap: 1h, ", "");
    shop.changes.insert("expires".to_owned(), POINTS.to_owned());
    shop
}

fn set(state: MigrationState, tenants: &[&str]) -> EventKind {
    EventKind::MigrationsSet(MigrationsSet {
        change: "expires".parse().unwrap(),
        tenants: tenants.iter().map(|name| tenant(name)).collect(),
        state,
        owner: None,
        deadline: None,
    })
}

/// Released with the change; these have migrated before.
fn released(rule: &str, migrated: &[&str]) -> Shop {
    let mut shop = breaking(rule);
    shop.take(set(MigrationState::Migrated, migrated)).unwrap();
    shop.apply_with("1.1.0", "changes: [expires]");
    shop.settle();
    shop
}

fn hold() -> EventKind {
    EventKind::Hold {
        version: version("1.1.0"),
        until: None,
    }
}

fn finish(shop: &mut Shop, release: &str, waves: &[&str]) {
    for wave in waves {
        shop.judge(release, wave, Verdict::Pass, 500);
        shop.pass(Duration::from_secs(600));
    }
}

fn left(shop: &Shop) -> Vec<(&str, &str)> {
    let run = shop.state.run(&version("1.1.0")).unwrap();
    let left = run.members().filter_map(|(tenant, member)| match &member.place {
        Place::Left { reason } => Some((tenant.as_str(), reason.as_str())),
        Place::Waiting
        | Place::Moved { .. }
        | Place::Returning { .. }
        | Place::Returned { .. }
        | Place::Superseded { .. } => None,
    });
    left.collect()
}

#[test]
fn who_has_not_migrated_is_left_behind_with_owner_and_deadline_and_the_release_ends() {
    let mut shop = released("leave-behind", &["acme", "bolt", "cato", "dune", "echo"]);
    finish(&mut shop, "1.1.0", &["first", "rest"]);
    assert_eq!(shop.phase("1.1.0"), "completed");
    assert_eq!(shop.on("1.0.0"), ["flux"]);
    let reason = "change expires would break it: nobody has said that it is ready; Integrations team sees to it, until 2027-03-01";
    assert_eq!(left(&shop), [("flux", reason)]);
    let row = shop
        .journal
        .iter()
        .find(|entry| entry.kind == EntryKind::LeftBehind)
        .unwrap();
    assert_eq!(
        (row.reason.as_str(), row.tenants.as_slice()),
        (reason, [tenant("flux")].as_slice())
    );
}

#[test]
fn who_migrates_while_the_release_is_on_its_way_moves_by_itself() {
    let mut shop = released("leave-behind", &["acme", "bolt", "cato", "echo", "flux"]);
    assert_eq!(shop.on("1.1.0"), ["acme"], "dune is of the first wave and stays");
    finish(&mut shop, "1.1.0", &["first"]);
    assert_eq!(shop.on("1.0.0"), ["dune"]);
    shop.take(set(MigrationState::Acknowledged, &["dune"])).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.0.0"), ["dune"], "a word is no migration");
    shop.take(set(MigrationState::Migrated, &["dune"])).unwrap();
    shop.settle();
    assert!(
        shop.on("1.0.0").is_empty(),
        "its wave is over: it moves with the last one"
    );
    finish(&mut shop, "1.1.0", &["rest"]);
    assert_eq!(shop.phase("1.1.0"), "completed");
    assert!(shop.state.run(&version("1.1.0")).unwrap().unmigrated.is_empty());
}

#[test]
fn who_opts_out_is_not_taken_up_and_who_is_gone_is_forgotten() {
    let mut shop = released("leave-behind", &["acme", "bolt", "cato", "echo"]);
    shop.take(EventKind::OptOut { tenant: tenant("dune") }).unwrap();
    finish(&mut shop, "1.1.0", &["first"]);
    shop.take(EventKind::TenantRemoved { tenant: tenant("flux") }).unwrap();
    shop.take(set(MigrationState::Migrated, &["dune"])).unwrap();
    finish(&mut shop, "1.1.0", &["rest"]);
    assert_eq!((shop.phase("1.1.0"), shop.on("1.0.0")), ("completed", vec!["dune"]));
    let gone = shop.take(set(MigrationState::Migrated, &["flux"]));
    assert!(matches!(gone, Err(Refused::NoSuchTenant { .. })), "{gone:?}");
}

#[test]
fn a_wave_that_is_blocked_says_by_whom_and_waits_however_long() {
    let mut shop = released("block-wave", &["acme", "bolt", "cato", "dune", "flux"]);
    finish(&mut shop, "1.1.0", &["first"]);
    shop.pass(Duration::from_hours(1_000));
    assert_eq!(shop.on("1.0.0"), ["echo"]);
    let wait =
        "tenant echo to migrate for change expires, Integrations team sees to it, the old way works until 2027-03-01";
    assert!(shop.waiting().contains(wait), "{}", shop.waiting());
    shop.take(set(MigrationState::NotAffected, &["echo"])).unwrap();
    shop.settle();
    assert!(shop.on("1.0.0").is_empty());
}

#[test]
fn the_later_word_counts_until_the_tenant_has_moved() {
    let mut shop = released("block-wave", &["acme", "bolt", "cato", "dune", "echo", "flux"]);
    shop.take(set(MigrationState::Contacted, &["flux", "acme"])).unwrap();
    finish(&mut shop, "1.1.0", &["first"]);
    assert_eq!(shop.on("1.0.0"), ["flux"], "acme has moved already");
}

#[test]
fn a_waiver_moves_them_for_as_long_as_it_counts() {
    let mut shop = released("leave-behind", &["acme", "dune"]);
    let waive = |until| EventKind::Waive {
        version: version("1.1.0"),
        of: Waived::Migration,
        tenants: Selection::Tenants([tenant("echo")].into()),
        until,
    };
    shop.take(waive(shop.now + Duration::from_secs(599))).unwrap();
    shop.take(hold()).unwrap();
    finish(&mut shop, "1.1.0", &["first"]);
    shop.take(waive(shop.now + Duration::from_secs(1))).unwrap();
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    finish(&mut shop, "1.1.0", &["first"]);
    assert_eq!(
        shop.on("1.0.0"),
        ["bolt", "cato", "echo", "flux"],
        "both waivers are over"
    );
    assert_eq!(shop.phase("1.1.0"), "completed");
    let mut shop = released("leave-behind", &["acme", "dune"]);
    shop.take(waive(shop.now + Duration::from_hours(1))).unwrap();
    finish(&mut shop, "1.1.0", &["first"]);
    assert_eq!(shop.on("1.0.0"), ["bolt", "cato", "flux"]);
}

#[test]
fn only_those_that_the_change_is_new_to_are_asked() {
    let mut shop = released("leave-behind", &["acme", "bolt", "cato", "dune", "echo"]);
    finish(&mut shop, "1.1.0", &["first", "rest"]);
    // The next release says nothing of it, and flux would get it all the same.
    shop.apply("1.2.0");
    shop.settle();
    finish(&mut shop, "1.2.0", &["first", "rest"]);
    assert_eq!((shop.phase("1.2.0"), shop.on("1.0.0")), ("completed", vec!["flux"]));
    shop.take(set(MigrationState::Migrated, &["flux"])).unwrap();
    shop.apply("1.3.0");
    shop.settle();
    finish(&mut shop, "1.3.0", &["first", "rest"]);
    assert_eq!(shop.on("1.3.0").len(), 6);
}

#[test]
fn what_a_laggard_still_needs_is_remembered_however_many_releases_later() {
    let mut shop = released("leave-behind", &["acme", "bolt", "cato", "dune", "echo"]);
    finish(&mut shop, "1.1.0", &["first", "rest"]);
    for minor in 2..12 {
        let release = format!("1.{minor}.0");
        shop.apply(&release);
        shop.settle();
        finish(&mut shop, &release, &["first", "rest"]);
        shop.pass(Duration::from_hours(3));
    }
    assert_eq!(shop.on("1.0.0"), ["flux"]);
    assert!(
        shop.state.runs.len() < 10,
        "the others are forgotten: {}",
        shop.state.runs.len()
    );
    shop.take(set(MigrationState::Migrated, &["flux"])).unwrap();
    for minor in 12..20 {
        let release = format!("1.{minor}.0");
        shop.apply(&release);
        shop.settle();
        finish(&mut shop, &release, &["first", "rest"]);
        shop.pass(Duration::from_hours(3));
    }
    assert!(
        shop.state.run(&version("1.1.0")).is_none(),
        "nobody is without it any more"
    );
    assert!(shop.state.migrations.is_empty());
}

#[test]
fn what_came_back_is_forgotten_though_it_would_have_asked_something() {
    let mut shop = released("block-wave", &[]);
    shop.take(EventKind::Abort {
        version: version("1.1.0"),
    })
    .unwrap();
    for minor in 2..12 {
        let release = format!("1.{minor}.0");
        shop.apply(&release);
        shop.take(EventKind::OptOut { tenant: tenant("flux") }).unwrap();
        shop.settle();
        finish(&mut shop, &release, &["first", "rest"]);
        shop.pass(Duration::from_hours(3));
    }
    assert_eq!(shop.on("1.0.0"), ["flux"]);
    assert!(shop.state.run(&version("1.1.0")).is_none());
}

#[test]
fn a_plan_names_who_has_not_migrated_and_a_playbook_that_does_not_ask_moves_everybody() {
    let mut shop = breaking("block-wave");
    shop.take(set(MigrationState::Migrated, &["acme"])).unwrap();
    let (plan, report) = crate::plan::plan(&shop.input("1.1.0", "changes: [expires]"));
    let plan = plan.unwrap();
    assert_eq!(plan.schedule.migrations[0].from, BTreeSet::from([version("1.0.0")]));
    let message = unmigrated(&report);
    assert_eq!(
        message,
        "5 of 6 tenants have not migrated for the breaking change `expires`, and would hold up its wave until then: `bolt`, `cato`, `dune`, `echo`, `flux`; Integrations team sees to it, and the old way works until 2027-03-01"
    );
    shop.playbook = shop.playbook.replace("on_unmigrated: block-wave\n", "");
    let (plan, report) = crate::plan::plan(&shop.input("1.1.0", "changes: [expires]"));
    assert!(plan.unwrap().schedule.migrations.is_empty());
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}

fn unmigrated(report: &PlanReport) -> &str {
    let mut problems = report.problems.iter();
    let problem = problems.find(|problem| problem.kind == ProblemKind::Unmigrated);
    problem.map_or("", |problem| &problem.message)
}
