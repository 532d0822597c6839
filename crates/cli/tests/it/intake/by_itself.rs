//! What becomes of a release by itself, as far as the playbook says so.

use super::{create, created, is_completed, playbook_says, rows, token};
use crate::shop::Shop;

#[test]
fn a_release_moves_without_a_person_and_its_build_may_not_approve_it() {
    let shop = Shop::installed("300ms");
    playbook_says(&shop, "approvals: [{name: board, roles: [approver]}]\nauto: apply");
    let build = token(&shop, "ci", &["author", "approver"]);
    let bob = token(&shop, "bob@example.com", &["approver"]);
    shop.workspace
        .with_token(&build, &["releases", "create", "1.1.0.yaml"])
        .succeeded()
        .says("release 1.1.0 is handed in");
    shop.wait_until("it is applied", |shop| {
        shop.status()["releases"].as_array().unwrap().len() == 2
    });
    let release = shop.status()["releases"][1].clone();
    assert_eq!(
        (&release["author"], &release["planned_by"]),
        (&"tidegate/auto".into(), &"ci".into()),
        "{release:#?}"
    );
    let applied = rows(&shop, "1.1.0", "applied");
    let reason = applied[0]["reason"].as_str().unwrap();
    assert_eq!(reason, "ci handed it in, and playbook two-waves says `auto: apply`");
    let plan = release["plan"].as_str().unwrap();
    let word = ["approve", "1.1.0", "--plan", plan, "--reason", "read it"];
    shop.workspace
        .with_token(&build, &word)
        .ended_with(4)
        .says("ci made or applied the plan of release 1.1.0");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    shop.workspace.with_token(&bob, &word).succeeded();
    shop.wait_until("everybody has moved", |shop| is_completed(shop, "1.1.0"));
    let again = create(&shop, "1.1.0.yaml").succeeded().json();
    assert_eq!(again["release"]["state"], "applied", "{again:#?}");
}

#[test]
fn a_playbook_that_only_plans_leaves_the_rest_to_people() {
    let shop = Shop::installed("300ms");
    playbook_says(&shop, "auto: plan");
    create(&shop, "1.1.0.yaml").succeeded();
    shop.wait_until("it is planned", |shop| {
        created(shop, "1.1.0").is_some_and(|release| release["state"] == "planned")
    });
    let planned = rows(&shop, "1.1.0", "release_planned");
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0]["actor"], "tidegate/auto");
    assert_eq!(
        shop.status()["releases"].as_array().unwrap().len(),
        1,
        "nobody applies it"
    );
    let digest = created(&shop, "1.1.0").unwrap()["plan"].as_str().unwrap().to_owned();
    shop.run(&["apply", &digest, "--wait", "--timeout", "60s"]).succeeded();
}

#[test]
fn a_kill_between_handing_in_planning_and_applying_forgets_nothing_and_does_nothing_twice() {
    let mut shop = Shop::installed("300ms");
    create(&shop, "1.1.0.yaml").succeeded();
    shop.kill_server();
    std::fs::remove_file(shop.workspace.path("loyalty-1.1.0")).unwrap();
    playbook_says(&shop, "auto: plan");
    shop.serve();
    shop.wait_until("it is planned", |shop| {
        created(shop, "1.1.0").is_some_and(|release| release["state"] == "planned")
    });
    shop.kill_server();
    shop.workspace
        .replace("playbooks/two-waves.yaml", "auto: plan", "auto: apply");
    shop.serve();
    shop.wait_until("it is applied", |shop| {
        shop.status()["releases"].as_array().unwrap().len() == 2
    });
    shop.kill_server();
    shop.serve();
    shop.wait_until("everybody has moved", |shop| is_completed(shop, "1.1.0"));
    for kind in ["release_created", "release_planned", "applied"] {
        assert_eq!(rows(&shop, "1.1.0", kind).len(), 1, "{kind}");
    }
    // One that was taken back is not applied again by itself.
    shop.run(&["rollback", "1.1.0", "--all", "--reason", "it is slow"])
        .succeeded();
    shop.wait_until("acme is back", |shop| {
        shop.served_by("acme").as_deref() == Some("1.0.0")
    });
    shop.kill_server();
    shop.serve();
    create(&shop, "1.0.0.yaml").succeeded();
    assert_eq!(rows(&shop, "1.1.0", "applied").len(), 1);
}

/// 1.1.0 that cannot be the first release, and 1.0.0 that can.
fn out_of_order(shop: &Shop) {
    shop.workspace.write(
        "1.1.0.yaml",
        "version: 1.1.0\ncomponents: {api: {artifact: loyalty-1.1.0}}\n",
    );
    create(shop, "1.1.0.yaml").succeeded();
    shop.wait_until("it is blocked", |shop| {
        created(shop, "1.1.0").is_some_and(|release| release["state"] == "blocked")
    });
    shop.run(&["status"])
        .succeeded()
        .shows("is blocked: component `ledger` has never been released");
    create(shop, "1.0.0.yaml").succeeded();
}

#[test]
fn releases_leave_in_the_order_they_were_handed_in_and_one_in_the_way_is_withdrawn() {
    let shop = Shop::open("300ms");
    playbook_says(&shop, "auto: apply");
    out_of_order(&shop);
    shop.wait_until("it waits for the one before it", |shop| {
        shop.run(&["releases"])
            .stdout
            .contains("1.0.0 is blocked: release 1.1.0 was handed in before it and is not applied")
    });
    shop.run(&["releases", "withdraw", "1.1.0", "--reason", "the wrong order"])
        .succeeded();
    shop.wait_until("1.0.0 is applied", |shop| is_completed(shop, "1.0.0"));
    let again = create(&shop, "1.1.0.yaml").succeeded().json();
    assert_eq!(again["release"]["state"], "withdrawn", "{again:#?}");
    shop.run(&["plan", "--created", "1.1.0"])
        .ended_with(4)
        .says("release 1.1.0 was withdrawn by admin: the wrong order");
    assert_eq!(rows(&shop, "1.1.0", "release_withdrawn").len(), 1);
}

#[test]
fn a_release_in_the_way_gives_way_where_the_playbook_says_so() {
    let shop = Shop::open("300ms");
    playbook_says(&shop, "auto: apply\nauto_supersedes: true");
    out_of_order(&shop);
    shop.wait_until("1.0.0 is applied", |shop| is_completed(shop, "1.0.0"));
    assert!(created(&shop, "1.1.0").is_none());
    let superseded = rows(&shop, "1.1.0", "release_superseded");
    assert_eq!(
        superseded[0]["reason"],
        "release 1.0.0 was handed in later and takes its place"
    );
}

#[test]
fn a_release_that_boards_a_train_is_applied_at_once_and_leaves_on_its_day() {
    let shop = Shop::installed("300ms");
    let day = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
        .saturating_add(jiff::Span::new().days(3));
    let day = format!("{:?}", day.weekday()).to_lowercase();
    playbook_says(&shop, &format!("cadence: {{every: 1 week, on: {day}}}\nauto: apply"));
    create(&shop, "1.1.0.yaml").succeeded();
    shop.wait_until("it waits for its day", |shop| {
        let waiting = shop.status()["releases"][1]["waiting"].clone();
        waiting
            .as_array()
            .is_some_and(|waiting| waiting.iter().any(|one| one["for"] == "start"))
    });
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
}

#[test]
fn an_emergency_waits_for_nobody_in_line_and_what_was_mended_is_tried_again() {
    let shop = Shop::installed("300ms");
    playbook_says(&shop, "auto: apply");
    shop.workspace.replace(
        "tidegate.yaml",
        "  - name: api\n",
        "  - name: api\n    requires: [MODE]\n",
    );
    create(&shop, "1.1.0.yaml").succeeded();
    shop.wait_until("it is blocked", |shop| {
        created(shop, "1.1.0").is_some_and(|release| release["state"] == "blocked")
    });
    let api = "{artifact: loyalty-1.1.0, configuration: {MODE: fast}}";
    shop.workspace.write(
        "1.2.0.yaml",
        &format!("version: 1.2.0\nkind: emergency\nreason: points are lost\ncomponents: {{api: {api}}}\n"),
    );
    create(&shop, "1.2.0.yaml").succeeded();
    shop.wait_until("the emergency is applied", |shop| {
        shop.status()["releases"][1]["version"] == "1.2.0"
    });
    assert_eq!(created(&shop, "1.1.0").unwrap()["state"], "blocked");
    assert_eq!(rows(&shop, "1.1.0", "release_blocked").len(), 1);
    shop.workspace.replace("tidegate.yaml", "    requires: [MODE]\n", "");
    create(&shop, "1.1.0.yaml").succeeded();
    shop.wait_until("it is applied", |shop| {
        shop.status()["releases"][2]["version"] == "1.1.0"
    });
}

#[test]
fn a_server_that_is_killed_at_any_instant_applies_each_release_once() {
    let mut shop = Shop::installed("300ms");
    playbook_says(&shop, "auto: apply");
    for (number, milliseconds) in [0, 15, 60, 200].into_iter().enumerate() {
        let version = format!("1.1.{number}");
        let file = format!("{version}.yaml");
        let components = "{api: {artifact: loyalty-1.1.0}, ledger: {artifact: loyalty-1.1.0}}";
        shop.workspace
            .write(&file, &format!("version: {version}\ncomponents: {components}\n"));
        create(&shop, &file).succeeded();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        shop.kill_server();
        shop.serve();
        // The build does not know whether its first request was heard.
        create(&shop, &file).succeeded();
        shop.wait_until("it is applied", |shop| {
            let releases = shop.status()["releases"].as_array().unwrap().clone();
            releases.iter().any(|release| release["version"] == *version)
        });
        for kind in ["release_created", "applied"] {
            assert_eq!(rows(&shop, &version, kind).len(), 1, "{version}: {kind}");
        }
    }
    shop.wait_until("the last one is there", |shop| is_completed(shop, "1.1.3"));
}
