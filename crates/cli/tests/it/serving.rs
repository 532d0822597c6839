//! A server that ends or is killed, and one that begins again.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::shop::Shop;

#[test]
fn a_server_told_to_end_ends_and_the_service_runs_on() {
    let mut shop = Shop::installed("300ms");
    let server = shop.server();
    kill_process(Pid::from_child(server), Signal::TERM).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(server.wait().unwrap().success());
    assert_eq!(
        shop.served_by("acme").as_deref(),
        Some("1.0.0"),
        "gateway and instances do without"
    );
    shop.serve();
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    assert_eq!(shop.served_by("bolt").as_deref(), Some("1.1.0"));
}

#[test]
fn a_server_killed_in_the_middle_goes_on_where_it_was() {
    let mut shop = Shop::baking();
    shop.kill_server();
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.1.0"));
    shop.serve();
    shop.run(&["promote", "1.1.0", "--reason", "seen enough"]).succeeded();
    shop.wait_until("everybody has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
    let journal = shop.run(&["history", "--json"]).succeeded().json();
    let rows = journal["rows"].as_array().unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row["seq"].as_i64().unwrap()).collect();
    assert_eq!(
        numbers,
        (1..=i64::try_from(rows.len()).unwrap()).collect::<Vec<_>>(),
        "no row is lost or doubled"
    );
}

#[test]
fn all_of_it_stops_at_once_and_is_started_again() {
    let mut shop = Shop::installed("300ms");
    let said = shop.run(&["stop"]).succeeded().stdout;
    for part in ["the server", "the gateway", " in eu", " in us"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(shop.server().wait().unwrap().success());
    assert_eq!(shop.served_by("acme"), None, "the gateway has ended");
    assert_eq!(shop.run(&["stop"]).succeeded().stderr, "nothing was running\n");
    shop.serve();
    shop.wait_until("it is served again", |shop| {
        shop.served_by("acme").as_deref() == Some("1.0.0")
    });
}

#[test]
fn a_killed_server_leaves_nothing_that_stop_does_not_find() {
    let mut shop = Shop::installed("300ms");
    shop.kill_server();
    let said = shop.run(&["stop"]).succeeded().stdout;
    assert!(!said.contains("the server") && said.contains("the gateway"), "{said}");
    assert!(said.contains(" in eu") && said.contains(" in us"), "{said}");
}
