//! Releases that are handed in by a build, and what becomes of them by itself.

mod by_itself;
mod components;

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
fn what_was_handed_in_is_in_a_backup_and_waits_until_the_restored_state_is_confirmed() {
    let mut shop = Shop::installed("300ms");
    create(&shop, "1.1.0.yaml").succeeded();
    shop.run(&["backup", "monday"]).succeeded();
    playbook_says(&shop, "auto: apply");
    let endpoint = shop.endpoint();
    shop.kill_server();
    for name in ["tidegate.db", "tidegate.db-wal", "tidegate.db-shm"] {
        let _ = std::fs::remove_file(shop.workspace.path(".tidegate").join(name));
    }
    shop.run(&["restore", "monday"]).succeeded();
    shop.serve_at(&endpoint);
    shop.wait_until("all is compared", |shop| {
        shop.status()["restored"].get("missing").is_none()
    });
    assert_eq!(created(&shop, "1.1.0").unwrap()["created_by"], "admin");
    for refused in [
        &["releases", "create", "1.1.0.yaml"][..],
        &["releases", "withdraw", "1.1.0", "--reason", "why"],
    ] {
        shop.run(refused).ended_with(4).says("was restored from a backup");
    }
    assert_eq!(
        shop.status()["releases"].as_array().unwrap().len(),
        1,
        "nothing is done before"
    );
    shop.run(&["restore", "--confirm", "--reason", "the disk was lost"])
        .succeeded();
    shop.wait_until("everybody has moved", |shop| is_completed(shop, "1.1.0"));
}
