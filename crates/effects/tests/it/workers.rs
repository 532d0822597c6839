//! Handing work from one worker to another.

use std::path::PathBuf;

use rustix::process::Signal;
use tidegate_domain::desired::{Owns, SlotDesired};
use tidegate_domain::id::SlotId;
use tidegate_domain::release::{ComponentKind, Ownership};

use crate::world::{World, eventually, kill, lines, slot};

fn worker(world: &World, version: &str, owns: Owns) -> (SlotId, SlotDesired) {
    let mut spec = world.spec("ledger", version);
    spec.definition.kind = ComponentKind::Worker {
        ownership: Ownership::Tenant,
    };
    let journal = journal(world).to_string_lossy().into_owned();
    spec.definition.environment.insert("JOURNAL".to_owned(), journal);
    let (id, mut desired) = slot(&spec);
    desired.owns = owns;
    (id, desired)
}

fn journal(world: &World) -> PathBuf {
    world.file("journal")
}

fn tenants(tenants: &[(&str, u64)]) -> Owns {
    let epochs = tenants
        .iter()
        .map(|(tenant, epoch)| (tenant.parse().expect("a name"), *epoch));
    Owns::Tenants(epochs.collect())
}

/// What workers were told to do, leaving out starts and ends.
fn told(world: &World) -> Vec<String> {
    let mut lines = lines(&journal(world));
    lines.retain(|line| line.contains("activate"));
    lines
}

#[tokio::test]
async fn tenants_are_let_go_of_before_they_are_taken() {
    let mut world = World::new();
    let old = worker(&world, "1.0.0", tenants(&[("acme", 1), ("blue", 1)]));
    let generation = world.wish(&[old]);
    world.until_in_force(generation).await;
    assert_eq!(told(&world), ["activate 1.0.0 acme 1", "activate 1.0.0 blue 1"]);

    let old = worker(&world, "1.0.0", tenants(&[("blue", 1)]));
    let new = worker(&world, "2.0.0", tenants(&[("acme", 2)]));
    let generation = world.wish(&[old.clone(), new.clone()]);
    world.until_in_force(generation).await;
    assert_eq!(told(&world)[2..], ["deactivate 1.0.0 acme 1", "activate 2.0.0 acme 2"]);

    // A driver that finds it so says nothing to anybody.
    world.drop_driver();
    let generation = world.wish(&[old, new.clone()]);
    world.until_in_force(generation).await;
    assert_eq!(told(&world).len(), 4);

    // What a worker forgot when it died it is told again.
    kill(world.processes(&new.0, 0).child, Signal::KILL);
    eventually("the owner is told again", || told(&world).len() == 5).await;
    assert_eq!(told(&world)[4], "activate 2.0.0 acme 2");
}

#[tokio::test]
async fn a_cell_is_handed_over_as_a_whole() {
    let mut world = World::new();
    let old = worker(&world, "1.0.0", Owns::Cell(1));
    let generation = world.wish(&[old]);
    world.until_in_force(generation).await;
    let old = worker(&world, "1.0.0", Owns::Nothing);
    let new = worker(&world, "2.0.0", Owns::Cell(2));
    let generation = world.wish(&[old, new]);
    world.until_in_force(generation).await;
    let expected = [
        "activate 1.0.0 cell 1",
        "deactivate 1.0.0 cell 1",
        "activate 2.0.0 cell 2",
    ];
    assert_eq!(told(&world), expected);
}

#[tokio::test]
async fn a_suspended_worker_does_not_hold_up_its_successor() {
    let mut world = World::new();
    let old = worker(&world, "1.0.0", tenants(&[("acme", 1)]));
    let new = worker(&world, "2.0.0", Owns::Nothing);
    world.wish(&[old.clone(), new.clone()]);
    world.until_ready(&old.0).await;
    world.until_ready(&new.0).await;
    eventually("the old one is at work", || told(&world) == ["activate 1.0.0 acme 1"]).await;

    // Not replaced in this test: it is to wake and find out.
    let suspended = world.processes(&old.0, 0).child;
    kill(suspended, Signal::STOP);
    let old = worker(&world, "1.0.0", Owns::Nothing);
    let new = worker(&world, "2.0.0", tenants(&[("acme", 2)]));
    let generation = world.wish(&[old, new]);
    world.until_in_force(generation).await;
    assert_eq!(told(&world), ["activate 1.0.0 acme 1", "activate 2.0.0 acme 2"]);
    kill(suspended, Signal::CONT);
    eventually("the old one lets go", || told(&world).len() == 3).await;
    assert_eq!(told(&world)[2], "deactivate 1.0.0 acme 1");
}

#[tokio::test]
async fn ownership_is_not_in_force_before_the_owner_is_ready() {
    let mut world = World::new();
    let flag = world.file("flag");
    let (id, mut wished) = worker(&world, "1.0.0", tenants(&[("acme", 1)]));
    let ready_file = flag.to_string_lossy().into_owned();
    wished
        .spec
        .definition
        .environment
        .insert("READY_FILE".to_owned(), ready_file);
    let generation = world.wish(&[(id.clone(), wished)]);
    world.until_waiting(&id, "answers 503").await;
    world
        .until("nothing in force", |report| {
            (report.ownership < generation).then_some(())
        })
        .await;
    assert_eq!(told(&world).len(), 0);
    std::fs::write(flag, "").unwrap();
    world.until_in_force(generation).await;
    assert_eq!(told(&world), ["activate 1.0.0 acme 1"]);
}
