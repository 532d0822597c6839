use crate::files::{Source, locate};
use crate::fixture::{PLAYBOOK, Shop, installed};
use crate::plan::{Problem, check, plan};
use crate::time::Duration;

/// The first wave has a canary.
fn shop() -> Shop {
    let mut shop = installed();
    shop.playbook = PLAYBOOK.replacen(
        "select: {opt_in: true},",
        "select: {opt_in: true}, canary: {least: 20m},",
        1,
    );
    shop
}

/// What blocks a release, with its place.
fn problems(shop: &Shop, more: &str) -> Vec<Problem> {
    let input = shop.input("1.1.0", more);
    let (_, mut report) = plan(&input);
    let source = Source {
        path: "playbooks/two-waves.yaml".to_owned(),
        text: shop.playbook.clone(),
    };
    locate(&mut report.problems, &[source], &input.project.service.playbook);
    report.problems
}

#[test]
fn it_is_frozen_into_the_plan_and_its_least_time_comes_before_what_follows() {
    let (before, after) = (installed(), shop());
    let (plan, report) = after.plan("1.1.0");
    let plan = plan.unwrap();
    assert!(check(&plan, &after.input("1.1.0", "")).is_empty());
    let canary = plan.waves[0].policy.canary.unwrap();
    assert_eq!((canary.share, canary.least), (5, Duration::from_secs(1200)));
    assert_eq!(plan.waves[1].policy.canary, None);
    let (without, earlier) = before.plan("1.1.0");
    assert_ne!(without.unwrap().digest(), plan.digest());
    let later = report.waves[1].not_before - earlier.waves[1].not_before;
    assert_eq!(later, Duration::from_secs(1200));
}

#[test]
fn a_first_version_has_none() {
    let mut first = crate::fixture::shop();
    first.playbook = shop().playbook;
    let (plan, _) = first.plan("1.0.0");
    assert!(plan.unwrap().waves.iter().all(|wave| wave.policy.canary.is_none()));
}

#[test]
fn where_no_two_versions_may_serve_at_once_there_is_none() {
    let told = |more: &str| {
        let mut shop = shop();
        shop.playbook
            .push_str("downtime: {longest: 10m, overrun: 5m, undo: 2m, announce: 3m}\n");
        let problems = problems(&shop, more);
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}")
        };
        let place = problem.place.clone().unwrap();
        format!("{}:{}: {}", place.file, place.line, problem.message)
    };
    assert_eq!(
        told("downtime: 10m\n"),
        "playbooks/two-waves.yaml:4: wave first has a canary, and the release declares a downtime of 10m: its tenants are out of service \
         while they are switched, so that no two versions serve them"
    );
}

#[test]
fn where_nothing_is_behind_http_there_is_none() {
    let mut shop = shop();
    shop.service = shop.service.replace(
        "{name: api, command: ['{artifact}', '{port}'], instances: 2}",
        "{name: api, kind: worker, ownership: tenant, command: ['{artifact}']}",
    );
    let problems = problems(&shop, "");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0]
            .message
            .contains("no component of the release is behind http"),
        "{problems:?}"
    );
}
