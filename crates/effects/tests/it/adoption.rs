//! What a driver made anew finds, and what it does about it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, getsid, kill_process};

use tidegate_domain::observed::SlotState;
use tidegate_effects::drivers::Driver as _;

use crate::world::{World, alive, cell, cell_of, eventually, kill, lines, pid, program, slot};

#[tokio::test]
async fn a_new_driver_goes_on_with_what_runs() {
    let mut world = World::new();
    let (id, wished) = slot(&world.spec("api", "1.0.0"));
    world.wish(&[(id.clone(), wished.clone())]);
    world.until_ready(&id).await;
    let before = world.processes(&id, 0);
    world.drop_driver();
    assert!(alive(before.child) && alive(before.shim));
    assert_eq!(
        getsid(Pid::from_raw(before.child)).unwrap(),
        pid(before.shim),
        "no terminal's signals reach it"
    );

    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    assert_eq!(world.processes(&id, 0), before, "the same process");
    world.wish(&[]);
    world.until_gone(&id).await;
    assert!(!alive(before.child));
}

#[tokio::test]
async fn a_new_driver_stops_what_is_not_wanted_any_more() {
    let mut world = World::new();
    let (old, wished) = slot(&world.spec("api", "1.0.0"));
    world.wish(&[(old.clone(), wished)]);
    world.until_ready(&old).await;
    let processes = world.processes(&old, 0);
    world.drop_driver();

    let (new, wished) = slot(&world.spec("api", "2.0.0"));
    world.wish(&[(new.clone(), wished)]);
    world.until_ready(&new).await;
    world.until_gone(&old).await;
    assert!(!alive(processes.child));
}

#[tokio::test]
async fn what_runs_is_found_before_anything_is_wished_for_and_left_alone_as_long_as_it_is_told_so() {
    let mut world = World::new();
    let (old, wished) = slot(&world.spec("api", "1.0.0"));
    world.wish(&[(old.clone(), wished)]);
    world.until_ready(&old).await;
    let processes = world.processes(&old, 0);
    world.drop_driver();

    let running = world.driver().running();
    assert_eq!(running, BTreeMap::from([(cell(), BTreeMap::from([(old.clone(), 1)]))]));
    world.driver().leave_unnamed(true);
    let (new, wished) = slot(&world.spec("api", "2.0.0"));
    world.wish(&[(new.clone(), wished.clone())]);
    world.until_ready(&new).await;
    assert!(alive(processes.child), "nobody has asked for its end");
    assert_eq!(world.driver().running()[&cell()].len(), 2);
    world.driver().leave_unnamed(false);
    world.wish(&[(new, wished)]);
    world.until_gone(&old).await;
    assert!(!alive(processes.child));
}

#[tokio::test]
async fn what_is_found_stopping_in_order_is_kept_when_it_is_wanted_again() {
    let mut world = World::new();
    let ledger = world.spec("ledger", "1.0.0");
    let mut api = world.spec("api", "1.0.0");
    api.definition.after.insert(ledger.component.clone());
    // It takes its time to end, and the other one waits for that.
    api.definition
        .environment
        .insert("IGNORE_TERM".to_owned(), "1".to_owned());
    let (ledger, api) = (slot(&ledger), slot(&api));
    world.wish(&[ledger.clone(), api.clone()]);
    world.until_ready(&api.0).await;
    let before = world.processes(&ledger.0, 0);
    world.drop_driver();
    world.wish(&[]);
    world
        .until("an order to stop", |report| {
            (report.slots.get(&ledger.0)? == &SlotState::Stopping).then_some(())
        })
        .await;
    world.wish(std::slice::from_ref(&ledger));
    world.until_ready(&ledger.0).await;
    assert_eq!(world.processes(&ledger.0, 0), before);
}

#[tokio::test]
async fn an_instance_that_dies_is_started_again() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    let journal = world.file("journal");
    spec.definition
        .environment
        .insert("JOURNAL".to_owned(), journal.to_string_lossy().into_owned());
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let before = world.processes(&id, 0);
    kill(before.child, Signal::KILL);
    world.until_waiting(&id, "ended by signal 9").await;
    world.until_ready(&id).await;
    assert_ne!(world.processes(&id, 0).child, before.child);
    assert_eq!(lines(&journal).len(), 2);
}

#[tokio::test]
async fn without_its_shim_an_instance_is_replaced() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    // It does not end when it is asked to, so that it has to be found and ended.
    spec.definition
        .environment
        .insert("IGNORE_TERM".to_owned(), "1".to_owned());
    spec.definition
        .environment
        .insert("LEAVE_BEHIND".to_owned(), "1".to_owned());
    spec.definition.stop_grace = tidegate_domain::time::Duration::from_millis(100);
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let before = world.processes(&id, 0);
    kill(before.shim, Signal::KILL);
    world.until_waiting(&id, "its shim was killed").await;
    world.until_ready(&id).await;
    let after = world.processes(&id, 0);
    assert_ne!(after.child, before.child);
    assert!(!alive(before.child), "never two");
    world.wish(&[]);
    world.until_gone(&id).await;
    assert!(!alive(after.child));
}

#[tokio::test]
async fn without_shim_and_driver_an_instance_ends_when_asked() {
    let mut world = World::new();
    let (id, wished) = slot(&world.spec("api", "1.0.0"));
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let processes = world.processes(&id, 0);
    world.drop_driver();
    kill(processes.shim, Signal::KILL);
    eventually("the end of the instance", || !alive(processes.child)).await;
}

/// The processes whose command line names `folder`.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_string_lossy().into_owned();
    let entries = fs::read_dir("/proc").expect("it is there").flatten();
    let commands = entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    commands.filter(|command| command.contains(&folder)).collect()
}

#[tokio::test]
async fn a_driver_killed_at_any_instant_leaves_one_instance_or_none() {
    let mut world = World::new();
    let (alone, journal) = (world.file("alone"), world.file("journal"));
    let mut spec = world.spec("api", "1.0.0");
    for (variable, path) in [("ALONE", &alone), ("JOURNAL", &journal)] {
        let path = path.to_string_lossy().into_owned();
        spec.definition.environment.insert(variable.to_owned(), path);
    }
    let (id, wished) = slot(&spec);
    let wish = world.file("wish.json");
    fs::write(
        &wish,
        serde_json::to_vec(&cell_of(&[(id.clone(), wished.clone())])).unwrap(),
    )
    .unwrap();
    for round in 0..20 {
        let mut driver = Command::new(program())
            .args([Path::new("drive"), &world.root(), &wish, &world.file("lease")])
            .spawn()
            .unwrap();
        // The instant of the kill: from before the first file is written to after the instance is ready.
        tokio::time::sleep(Duration::from_millis(round * 4)).await;
        driver.kill().unwrap();
        driver.wait().unwrap();
        // Every other round something is started anew.
        if round % 2 == 0
            && let Some(child) = world.running_child(&id, 0)
        {
            // It may have ended by itself.
            let _ = kill_process(pid(child), Signal::KILL);
        }
    }
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    assert!(
        !lines(&journal).iter().any(|line| line.contains("two")),
        "{:?}",
        lines(&journal)
    );
    world.wish(&[]);
    world.until_gone(&id).await;
    eventually("no process left", || processes_of(world.file("").as_path()).is_empty()).await;
}
