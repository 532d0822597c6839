//! Backups of a server that runs, and states made of them.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use serde_json::Value;

use crate::shop::{Shop, get_from};

const TENANTS: [&str; 3] = ["acme", "bolt", "cato"];

/// What SQLite keeps beside the store goes with it.
fn lose_the_store(shop: &Shop) {
    for name in ["tidegate.db", "tidegate.db-wal", "tidegate.db-shm"] {
        let path = shop.workspace.path(".tidegate").join(name);
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
}

fn backup(shop: &Shop, name: &str) -> Value {
    shop.run(&["backup", name, "--json"]).succeeded().json()
}

fn restored(shop: &Shop) -> Value {
    shop.status()["restored"].clone()
}

fn wait_until_compared(shop: &Shop) {
    shop.wait_until("all is compared", |shop| restored(shop).get("missing").is_none());
}

/// Requests of every tenant without a pause, each of which some version must answer.
struct Traffic {
    over: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: JoinHandle<Vec<String>>,
}

impl Traffic {
    fn begin(gateway: SocketAddr) -> Self {
        let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (is_over, count) = (Arc::clone(&over), Arc::clone(&sent));
        let thread = std::thread::spawn(move || {
            let mut lost = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                for tenant in TENANTS {
                    let answer = get_from(gateway, "/points/ada", tenant);
                    let answer = answer.unwrap_or_else(|error| error.to_string());
                    if !answer.starts_with("HTTP/1.1 200") {
                        lost.push(format!("{tenant}: {answer}"));
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
            lost
        });
        Self { over, sent, thread }
    }

    fn end(self) {
        self.over.store(true, Ordering::SeqCst);
        let lost = self.thread.join().unwrap();
        let sent = self.sent.load(Ordering::SeqCst);
        assert!(sent > 50, "{sent}");
        assert!(lost.is_empty(), "{} of {sent} lost: {:?}", lost.len(), lost.first());
    }
}

/// A backup of mid-wave, then everybody moves on, and the state is lost and restored. Answers what the gateway holds.
fn lost_and_restored(shop: &mut Shop, endpoint: &str) -> (Value, u64) {
    let made = backup(shop, "monday");
    shop.run(&["promote", "1.1.0", "--reason", "seen enough"]).succeeded();
    shop.wait_until("everybody has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
    shop.wait_until("the release has ended and the gateway says so", |shop| {
        let status = shop.status();
        status["releases"][1]["phase"] == "completed" && status["confirmed"] == status["generation"]
    });
    let held = shop.status()["generation"].as_u64().unwrap();
    shop.kill_server();
    lose_the_store(shop);
    let said = shop.run(&["restore", "monday"]).succeeded();
    said.shows("restored loyalty to ").says("next: tidegate serve");
    shop.serve_at(endpoint);
    wait_until_compared(shop);
    (made, held)
}

#[test]
fn a_state_of_mid_wave_is_restored_compared_confirmed_and_the_release_ends_with_no_request_lost() {
    let mut shop = Shop::baking();
    let endpoint = shop.endpoint();
    let traffic = Traffic::begin(shop.gateway);
    let (made, held) = lost_and_restored(&mut shop, &endpoint);
    assert_eq!(made["digest"].as_str().unwrap().len(), 64);
    assert!(made["journal_rows"].as_i64().unwrap() > 5, "{made}");
    let status = restored(&shop);
    assert_eq!(status["generation"], made["generation"]);
    assert_eq!(status["reported"], held, "{status:#}");
    let differ = status["tenants"].as_array().unwrap().iter();
    let moved: Vec<&str> = differ.map(|one| one["tenant"].as_str().unwrap()).collect();
    assert_eq!(moved, ["bolt", "cato"]);
    shop.run(&["status"])
        .succeeded()
        .shows("nothing is done before it is confirmed")
        .shows("bolt: gateway gateway serves eu/1.1.0, restored is eu/1.0.0")
        .shows("tidegate restore --confirm");
    shop.run(&["promote", "1.1.0", "--reason", "go on"])
        .ended_with(4)
        .says("restored from a backup")
        .says("tidegate restore --confirm");
    assert_eq!(shop.served_by("cato").as_deref(), Some("1.1.0"), "nothing was moved");

    // A server that is killed before somebody confirms still waits.
    shop.kill_server();
    shop.serve_at(&endpoint);
    wait_until_compared(&shop);
    shop.run(&["restore", "--confirm", "--reason", "compared"])
        .succeeded()
        .shows("confirmed: the routing goes on from generation");
    shop.wait_until("the gateway serves what was restored", |shop| {
        restored(shop).is_null() && shop.served_by("cato").as_deref() == Some("1.0.0")
    });
    assert!(shop.status()["generation"].as_u64().unwrap() > held);
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.1.0"));
    shop.run(&["promote", "1.1.0", "--reason", "seen enough"]).succeeded();
    shop.wait_until("the release has ended", |shop| {
        shop.status()["releases"][1]["phase"] == "completed"
    });
    traffic.end();
    for tenant in TENANTS {
        assert_eq!(shop.served_by(tenant).as_deref(), Some("1.1.0"), "{tenant}");
    }
    let history = shop.run(&["history", "--json"]).succeeded().stdout;
    for kind in ["restored", "restore_confirmed", "restore_ended"] {
        assert!(history.contains(&format!("\"{kind}\"")), "{kind}: {history}");
    }
}

#[test]
fn a_server_killed_while_it_writes_a_backup_leaves_a_whole_one_or_none() {
    let mut shop = Shop::baking();
    let endpoint = shop.endpoint();
    for round in 0..6_u64 {
        let name = format!("backup-{round}");
        let mut asking = shop.workspace.command();
        let asking = asking
            .args(["backup", &name])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut asking = asking.spawn().unwrap();
        // While the copy is made, or once it has its name: what the server does afterwards it has not done.
        let sign = if round % 2 == 0 {
            format!("{name}.partial")
        } else {
            name.clone()
        };
        shop.wait_until("the backup is so far", |shop| {
            shop.workspace.path(&sign).exists() || shop.workspace.path(&name).exists()
        });
        shop.kill_server();
        asking.wait().unwrap();
        shop.serve_at(&endpoint);
        if shop.workspace.path(&name).exists() {
            let elsewhere = format!("state-{round}");
            shop.run(&["restore", &name, "--state", &elsewhere]).succeeded();
        } else {
            backup(&shop, &name);
        }
    }
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.1.0"));
}

#[test]
fn a_restore_killed_anywhere_leaves_no_store_or_a_marked_one() {
    let mut shop = Shop::baking();
    backup(&shop, "monday");
    shop.kill_server();
    lose_the_store(&shop);
    let store = shop.workspace.path(".tidegate/tidegate.db");
    let mut kills = 0;
    while !store.exists() {
        let mut restoring = shop.workspace.command();
        let restoring = restoring
            .args(["restore", "monday"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut restoring = restoring.spawn().unwrap();
        sleep(Duration::from_millis(kills * 3));
        restoring.kill().unwrap();
        restoring.wait().unwrap();
        kills += 1;
        assert!(kills < 1_000, "it never gets through");
    }
    assert!(kills > 1, "no kill came before its end");
    shop.run(&["restore", "monday"])
        .ended_with(4)
        .says("there is a store already")
        .says("help: move the store that is there away");
    shop.serve();
    assert!(restored(&shop).is_object());
    let history = shop.run(&["history", "--json"]).succeeded().json();
    assert_eq!(history["rows"].as_array().unwrap().last().unwrap()["kind"], "restored");
}

#[test]
fn what_cannot_be_backed_up_or_restored_is_refused_with_the_way_out() {
    let shop = Shop::open("300ms");
    shop.run(&["apply", "1.0.0.yaml"]).succeeded();
    backup(&shop, "monday");
    shop.run(&["backup", "monday"])
        .ended_with(4)
        .says("there is a file of that name")
        .says("help: name another file");
    shop.run(&["backup", ".tidegate/monday"])
        .ended_with(4)
        .says("lies in the state directory");
    shop.run(&["backup", "none/monday"])
        .ended_with(4)
        .says("help: name a folder that is there");
    let olga = shop.run(&["token", "create", "olga", "--role", "operator"]).succeeded();
    shop.workspace
        .with_token(olga.stdout.trim(), &["backup", "tuesday"])
        .ended_with(4)
        .says("olga may not back up the state");
    assert!(!shop.workspace.path("tuesday").exists());
    shop.run(&["restore", "monday"])
        .ended_with(4)
        .says("is using it")
        .says("help: end that server first");
    shop.workspace.write("letter", "Dear reader");
    shop.run(&["restore", "letter", "--state", "elsewhere"])
        .ended_with(4)
        .says("the file is damaged or no database");
    assert!(!shop.workspace.path("elsewhere").exists());
    shop.run(&["restore", "--confirm", "--reason", "why not"])
        .ended_with(4)
        .says("there is nothing to confirm");
    shop.run(&["restore"]).ended_with(2);
}

fn first_row(shop: &Shop) -> i64 {
    let rows = shop.run(&["history", "--json"]).succeeded().json();
    rows["rows"][0]["seq"].as_i64().unwrap()
}

#[test]
fn old_rows_of_the_journal_are_exported_and_dropped_and_a_kill_in_between_loses_none() {
    let mut shop = Shop::installed("300ms");
    let later = "2100-01-01T00:00:00Z";
    let compact = [
        "journal",
        "compact",
        "--before",
        later,
        "--reason",
        "a year is enough",
        "--to",
    ];
    let mut asking = shop.workspace.command();
    let asking = asking
        .args(compact)
        .arg("killed.ndjson")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut asking = asking.spawn().unwrap();
    shop.wait_until("they are exported", |shop| {
        shop.workspace.path("killed.ndjson").exists()
    });
    shop.kill_server();
    asking.wait().unwrap();
    shop.serve();
    shop.run(&["journal", "verify"])
        .succeeded()
        .shows("the journal is whole");
    let text = std::fs::read_to_string(shop.workspace.path("killed.ndjson")).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let first = first_row(&shop);
    assert!(
        first == 1 || first == last["seq"].as_i64().unwrap() + 1,
        "{first}, exported up to {last}"
    );

    shop.run(&[&compact[..], &["killed.ndjson"]].concat())
        .ended_with(4)
        .says("there is a file of that name");
    shop.run(&[&compact[..], &["old.ndjson"]].concat())
        .succeeded()
        .shows("and dropped them from the journal up to row");
    assert!(first_row(&shop) > 1);
    shop.run(&["journal", "verify"])
        .succeeded()
        .shows("the journal is whole");
    shop.run(&["history"]).succeeded().shows("a year is enough");
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    assert_eq!(shop.served_by("cato").as_deref(), Some("1.1.0"));
    backup(&shop, "monday");
    shop.run(&["restore", "monday", "--state", "elsewhere"]).succeeded();
}

fn rows(shop: &Shop) -> Vec<Value> {
    let journal = shop.run(&["history", "--json"]).succeeded().json();
    journal["rows"].as_array().unwrap().clone()
}

#[test]
fn rows_of_a_release_in_flight_stay_and_a_backup_counts_what_it_holds() {
    let shop = Shop::baking();
    let later = "2100-01-01T00:00:00Z";
    let compact = [
        "journal",
        "compact",
        "--before",
        later,
        "--to",
        "old.ndjson",
        "--reason",
    ];
    shop.run(&[&compact[..], &["a year is enough"]].concat()).succeeded();
    let before = rows(&shop);
    assert_eq!(before[0]["kind"], "applied", "{}", before[0]);
    assert_eq!(before[0]["release"], "1.1.0");
    let old = std::fs::read_to_string(shop.workspace.path("old.ndjson")).unwrap();
    assert!(
        old.contains("\"release\":\"1.0.0\"") && !old.contains("\"release\":\"1.1.0\""),
        "{old}"
    );
    let first = before[0]["seq"].as_u64().unwrap();
    shop.run(&["journal", "verify"])
        .succeeded()
        .shows(&format!("from row {first} on; older ones were exported"));
    shop.run(&["status"])
        .succeeded()
        .shows(&format!("the journal begins with row {first}, of "));

    let made = backup(&shop, "monday")["journal_rows"].as_u64().unwrap();
    // What bakes writes meanwhile; the row of the backup itself comes after it.
    let (before, after) = (before.len() as u64, rows(&shop).len() as u64);
    assert!(
        before <= made && made < after && after < before + first,
        "{before} {made} {after} {first}"
    );
}

#[test]
fn a_folder_for_old_rows_that_is_not_there_is_told_before_there_are_any() {
    let mut shop = Shop::installed("300ms");
    shop.kill_server();
    let declared = "retention: {journal: 400d, export_to: archive}\ncells:";
    shop.workspace.replace("tidegate.yaml", "cells:", declared);
    shop.serve();
    shop.wait_until("the first look is over", |shop| {
        shop.status()["journal"]["trouble"].is_string()
    });
    shop.run(&["status"])
        .succeeded()
        .shows("! what is old cannot be dropped: cannot export old rows of the journal to `")
        .shows("archive`: No such file or directory");
    std::fs::create_dir(shop.workspace.path("archive")).unwrap();
    shop.kill_server();
    shop.serve();
    shop.workspace
        .replace("tidegate.yaml", "journal: 400d", "journal: 400m");
    shop.run(&["plan", "1.1.0.yaml"])
        .ended_with(1)
        .says("what is over is kept for 1d at the least")
        .says("help: write a longer time, such as `30d`");
    assert_eq!(shop.status()["journal"]["trouble"], Value::Null);
}
