//! Releases that are handed in by a build, and what becomes of them by itself.

use serde_json::Value;

use crate::shop::Shop;
use crate::workspace::Ended;

/// A token of a machine or a person, as its owner keeps it.
fn token(shop: &Shop, name: &str, roles: &[&str]) -> String {
    let mut arguments = vec!["token", "create", name, "--reason", "a test"];
    for role in roles {
        arguments.extend(["--role", role]);
    }
    shop.run(&arguments).succeeded().stdout.trim().to_owned()
}

/// Adds lines to the playbook.
fn playbook_says(shop: &Shop, lines: &str) {
    let playbook = std::fs::read_to_string(shop.workspace.path("playbooks/two-waves.yaml")).unwrap();
    shop.workspace
        .write("playbooks/two-waves.yaml", &format!("{playbook}{lines}\n"));
}

fn create(shop: &Shop, file: &str) -> Ended {
    shop.run(&["releases", "create", file, "--json"])
}

/// What waits, by version.
fn created(shop: &Shop, version: &str) -> Option<Value> {
    let list = shop.run(&["releases", "--json"]).succeeded().json();
    let created = list["created"].as_array().cloned().unwrap_or_default();
    created.into_iter().find(|release| release["version"] == version)
}

fn rows(shop: &Shop, version: &str, kind: &str) -> Vec<Value> {
    let history = shop
        .run(&["history", "--release", version, "--json"])
        .succeeded()
        .json();
    let rows = history["rows"].as_array().unwrap();
    rows.iter().filter(|row| row["kind"] == kind).cloned().collect()
}

fn is_completed(shop: &Shop, version: &str) -> bool {
    let status = shop.status();
    let releases = status["releases"].as_array().unwrap();
    releases
        .iter()
        .any(|release| release["version"] == version && release["phase"] == "completed")
}

#[test]
fn a_request_repeated_reordered_and_sent_twice_at_once_makes_one_release() {
    let shop = Shop::installed("300ms");
    let ended: Vec<Value> = std::thread::scope(|scope| {
        let creates = [0, 1, 2].map(|_| scope.spawn(|| create(&shop, "1.1.0.yaml").succeeded().json()));
        creates.map(|create| create.join().unwrap()).into()
    });
    let with_effect = ended.iter().filter(|answer| answer["has_effect"] == true);
    assert_eq!(with_effect.count(), 1, "{ended:#?}");
    // Written in another way, from another folder, it is the same.
    let listed = "{artifact: ../loyalty-1.1.0}";
    shop.workspace.write(
        "build/release.yaml",
        &format!("# by build 7\ncomponents: {{ledger: {listed}, api: {listed}}}\nversion: 1.1.0\ncommits: []\n"),
    );
    let again = create(&shop, "build/release.yaml").succeeded().json();
    assert_eq!(again["has_effect"], false, "{again:#?}");
    assert_eq!(rows(&shop, "1.1.0", "release_created").len(), 1);
    let waits = created(&shop, "1.1.0").unwrap();
    assert_eq!(
        (&waits["state"], &waits["created_by"]),
        (&"created".into(), &"admin".into())
    );
    shop.run(&["releases"]).succeeded().shows("1.1.0    created");
    shop.run(&["status"])
        .succeeded()
        .shows("Release 1.1.0  · created  handed in");
    assert_eq!(
        shop.served_by("acme").as_deref(),
        Some("1.0.0"),
        "nobody asked to apply it"
    );
}

#[test]
fn other_content_under_a_version_is_refused_with_the_difference() {
    let shop = Shop::installed("300ms");
    create(&shop, "1.1.0.yaml").succeeded();
    let release = std::fs::read_to_string(shop.workspace.path("1.1.0.yaml")).unwrap();
    shop.workspace
        .write("1.1.0.yaml", &format!("{release}summary: twice as fast\n"));
    shop.run(&["releases", "create", "1.1.0.yaml"])
        .ended_with(4)
        .says("release 1.1.0 was handed in with other content")
        .says("`summary` was not there, and is `twice as fast` now")
        .says("help: one version is one release");
    shop.run(&["plan", "1.1.0.yaml"])
        .ended_with(4)
        .says("release 1.1.0 was handed in with other content");
    shop.workspace.write("1.1.0.yaml", &release);
    let artifact = std::fs::read_to_string(shop.workspace.path("loyalty-1.1.0")).unwrap();
    shop.workspace.write("loyalty-1.1.0", &format!("{artifact}\n"));
    shop.run(&["releases", "create", "1.1.0.yaml"])
        .ended_with(4)
        .says("`components.api.sha256` was `sha256:");
    // What was applied from its file is a release too.
    let applied = create(&shop, "1.0.0.yaml").succeeded().json();
    assert_eq!(
        (&applied["has_effect"], &applied["release"]["state"]),
        (&false.into(), &"applied".into())
    );
    let release = std::fs::read_to_string(shop.workspace.path("1.0.0.yaml")).unwrap();
    shop.workspace
        .write("1.0.0.yaml", &format!("{release}tickets: [SHOP-1]\n"));
    shop.run(&["releases", "create", "1.0.0.yaml"])
        .ended_with(4)
        .says("release 1.0.0 was applied with other content: `tickets` was not there");
}

#[test]
fn what_was_handed_in_is_planned_and_applied_without_its_files() {
    let shop = Shop::installed("300ms");
    create(&shop, "1.1.0.yaml").succeeded();
    for file in ["1.1.0.yaml", "loyalty-1.1.0"] {
        std::fs::remove_file(shop.workspace.path(file)).unwrap();
    }
    let planned = shop.run(&["plan", "--created", "1.1.0", "--json"]).succeeded().json();
    let digest = planned["digest"].as_str().unwrap();
    assert_eq!(created(&shop, "1.1.0").unwrap()["plan"], digest);
    shop.run(&["apply", digest, "--wait", "--timeout", "60s"]).succeeded();
    assert_eq!(shop.served_by("cato").as_deref(), Some("1.1.0"));
    shop.wait_until("it waits no longer", |shop| created(shop, "1.1.0").is_none());
    shop.run(&["releases", "withdraw", "1.1.0", "--reason", "too late"])
        .ended_with(4)
        .says("release 1.1.0 is applied already");
    shop.run(&["plan", "--created", "7.0.0"])
        .ended_with(1)
        .says("no release 7.0.0 was handed in");
}

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
fn who_may_only_look_hands_nothing_in() {
    let shop = Shop::installed("300ms");
    let vera = token(&shop, "vera", &["viewer"]);
    shop.workspace
        .with_token(&vera, &["releases", "create", "1.1.0.yaml"])
        .ended_with(4)
        .says("vera may not hand releases in: it needs one of the roles");
    let build = token(&shop, "ci", &["author"]);
    shop.workspace
        .with_token(&build, &["releases", "create", "1.1.0.yaml"])
        .succeeded();
    shop.workspace
        .with_token(&build, &["releases", "withdraw", "1.1.0", "--reason", "mine"])
        .ended_with(4)
        .says("ci may not take releases back");
}

#[test]
fn every_mistake_of_what_is_handed_in_is_told_at_once() {
    let shop = Shop::installed("300ms");
    let digest = "0".repeat(64);
    shop.workspace.write(
        "release.yaml",
        "version: 2.0.0\ncomponents:\n  api:\n    artifact: loyalty-1.1.0\n    cells: {moon: {COLOR: red}}\n  ledger: \
         {artifact: loyalty-9}\n  web: {artifact: loyalty-1.1.0}\nchanges: [says-nothing]\n",
    );
    shop.run(&["releases", "create"])
        .ended_with(4)
        .says("there is no cell `moon`")
        .says("  --> release.yaml:5:")
        .says("there is no component `web`")
        .says("  --> release.yaml:7:")
        .says("cannot read the artifact of component `ledger`")
        .says("  --> release.yaml:6:1")
        .says("says-nothing")
        .says("help: build it, or correct `artifact`");
    shop.workspace.write(
        "release.yaml",
        &format!("version: 2.0.0\ncomponents:\n  api: {{artifact: loyalty-1.1.0, sha256: \"{digest}\"}}\n"),
    );
    shop.run(&["releases", "create"])
        .ended_with(4)
        .says("the artifact of component `api` is sha256:")
        .says(&format!("the release says sha256:{digest}"))
        .says("  --> release.yaml:3:1");
    shop.workspace.write("release.yaml", "version: [2]\ncomponents: {}\n");
    shop.run(&["releases", "create"])
        .ended_with(4)
        .says("  --> release.yaml:1:");
    assert_eq!(shop.run(&["releases", "--json"]).json().get("created"), None);
}

#[test]
fn what_runs_of_each_component_and_what_is_overdue_is_listed() {
    let shop = Shop::open_with("300ms", Vec::new(), |workspace| {
        let playbook = std::fs::read_to_string(workspace.path("playbooks/two-waves.yaml")).unwrap();
        let playbook = format!("{playbook}rolling_patches: {{every: 4 weeks}}\n");
        workspace.write("playbooks/two-waves.yaml", &playbook);
    });
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    shop.run(&["components", "--exit-code"])
        .succeeded()
        .shows("COMPONENT  CELL  VERSION")
        .says("an upgraded one is due every 4 weeks; 0 components overdue");
    let list = shop.run(&["components", "--json"]).succeeded().json();
    let components = list["components"].as_array().unwrap();
    let row = |component: &str, cell: &str| {
        let mut rows = components.iter();
        rows.find(|row| row["component"] == component && row["cell"] == cell)
            .unwrap()
    };
    assert_eq!(components.len(), 4, "{list:#?}");
    assert_eq!(row("api", "eu")["tenants"], 2);
    assert_eq!(row("ledger", "us")["versions"], serde_json::json!(["1.0.0"]));
    let api = row("api", "us");
    assert!(api["artifact"].as_str().unwrap().starts_with("sha256:"), "{api}");
    // Days of the calendar: the due one begins with its midnight.
    let days = (api["due_ms"].as_i64().unwrap() - api["since_ms"].as_i64().unwrap()) / (24 * 60 * 60 * 1000);
    assert!((26..=29).contains(&days), "{api}");
    assert_eq!(api["overdue"], false);
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
fn a_component_is_replaced_by_itself_and_its_configuration_stays() {
    let shop = Shop::installed("300ms");
    playbook_says(&shop, "auto: apply");
    let api = "{artifact: loyalty-1.1.0, configuration: {COLOR: red}, cells: {us: {COLOR: \"#00f\"}}}";
    shop.workspace
        .write("1.1.0.yaml", &format!("version: 1.1.0\ncomponents: {{api: {api}}}\n"));
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    let artifact = std::fs::read_to_string(shop.workspace.path("loyalty-1.1.0")).unwrap();
    shop.workspace.write("upgraded", &format!("{artifact}\n"));
    shop.run(&[
        "components",
        "patch",
        "api=upgraded",
        "web=upgraded",
        "--release",
        "1.1.1",
    ])
    .ended_with(1)
    .says("no component `web` was released");
    let patch = [
        "components",
        "patch",
        "api=upgraded",
        "--release",
        "1.1.1",
        "--summary",
        "a new TLS library",
    ];
    shop.run(&patch).succeeded().says("release 1.1.1 is handed in");
    shop.run(&patch).succeeded().says("was handed in before");
    shop.wait_until("everybody has moved", |shop| is_completed(shop, "1.1.1"));
    let diff = shop.run(&["diff", "1.1.0", "1.1.1", "--json"]).succeeded().json();
    let components = diff["components"].as_array().unwrap();
    assert_eq!(components.len(), 1, "{diff:#?}");
    assert_eq!(components[0]["component"], "api", "{diff:#?}");
    assert!(
        !diff.to_string().contains("COLOR"),
        "the configuration stays: {diff:#?}"
    );
}
