//! How many run, and what before what.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tidegate_domain::desired::SlotPhase;
use tidegate_domain::id::Digest;
use tidegate_domain::release::SlotSpec;
use tidegate_domain::time::Timestamp;
use tidegate_effects::drivers::Driver as _;

use crate::world::{World, alive, eventually, lines, slot};

fn with(mut spec: SlotSpec, variable: &str, path: &Path) -> SlotSpec {
    let value = path.to_string_lossy().into_owned();
    spec.definition.environment.insert(variable.to_owned(), value);
    spec
}

/// Position of a line in the journal.
fn place(journal: &[String], line: &str) -> usize {
    let found = journal.iter().position(|other| other == line);
    found.unwrap_or_else(|| panic!("no `{line}` in {journal:?}"))
}

#[tokio::test]
async fn components_start_in_order_and_stop_in_reverse() {
    let mut world = World::new();
    let (flag, journal) = (world.file("flag"), world.file("journal"));
    let ledger = with(
        with(world.spec("ledger", "1.0.0"), "READY_FILE", &flag),
        "JOURNAL",
        &journal,
    );
    let mut api = with(
        with(world.spec("api", "1.0.0"), "END_SLOWLY", &flag),
        "JOURNAL",
        &journal,
    );
    api.definition.after.insert(ledger.component.clone());
    let (ledger, api) = (slot(&ledger), slot(&api));
    world.wish(&[ledger.clone(), api.clone()]);
    world.until_waiting(&ledger.0, "answers 503").await;
    world
        .until_waiting(&api.0, &format!("waits for `{}` to be ready", ledger.0))
        .await;
    assert_eq!(lines(&journal), [format!("start {}/0", ledger.0)]);
    fs::write(&flag, "").unwrap();
    world.until_ready(&api.0).await;

    // A driver that finds them keeps to the order as well.
    world.drop_driver();
    world.wish(&[]);
    world.until_gone(&ledger.0).await;
    let journal = lines(&journal);
    let (first, second) = (format!("end {}/0", api.0), format!("end {}/0", ledger.0));
    assert!(place(&journal, &first) < place(&journal, &second), "{journal:?}");
}

#[tokio::test]
async fn a_component_after_one_that_failed_says_so() {
    let mut world = World::new();
    let mut ledger = world.spec("ledger", "1.0.0");
    ledger
        .definition
        .environment
        .insert("EXIT_CODE".to_owned(), "1".to_owned());
    let mut api = world.spec("api", "1.0.0");
    api.definition.after.insert(ledger.component.clone());
    let (ledger, api) = (slot(&ledger), slot(&api));
    world.wish(&[ledger.clone(), api.clone()]);
    world
        .until_waiting(&api.0, &format!("waits for `{}`, which has failed", ledger.0))
        .await;
}

#[tokio::test]
async fn instances_take_turns_in_starting_and_their_number_can_change() {
    let mut world = World::new();
    world.options.starting_max = 1;
    let (flag, journal) = (world.file("flag"), world.file("journal"));
    let mut spec = with(
        with(world.spec("api", "1.0.0"), "READY_FILE", &flag),
        "JOURNAL",
        &journal,
    );
    spec.definition.instances = 3;
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished.clone())]);
    world
        .until_waiting(&id, "instance 0: not ready yet: `GET /ready` answers 503")
        .await;
    assert_eq!(lines(&journal).len(), 1, "the others wait");
    fs::write(&flag, "").unwrap();
    world.until_ready(&id).await;
    let before: Vec<_> = (0..3).map(|index| world.processes(&id, index)).collect();
    assert_eq!(lines(&journal).len(), 3);

    let mut fewer = wished.clone();
    fewer.spec.definition.instances = 1;
    assert_eq!(fewer.spec.id(), id, "the number makes no other slot");
    world.wish(&[(id.clone(), fewer)]);
    eventually("the end of two", || !alive(before[1].child) && !alive(before[2].child)).await;
    world.until_ready(&id).await;
    assert_eq!(world.processes(&id, 0), before[0]);

    world.wish(&[(id.clone(), wished)]);
    world
        .until("three again", |report| {
            (report.slots.get(&id)?.instances().len() == 3).then_some(())
        })
        .await;
    assert_eq!(world.processes(&id, 0), before[0]);
}

#[tokio::test]
async fn a_slot_that_drains_keeps_running() {
    let mut world = World::new();
    let (id, mut wished) = slot(&world.spec("api", "1.0.0"));
    world.wish(&[(id.clone(), wished.clone())]);
    world.until_ready(&id).await;
    let before = world.processes(&id, 0);
    wished.phase = SlotPhase::Drain {
        requests_until: Timestamp(0),
        streams_until: Timestamp(0),
    };
    let generation = world.wish(&[(id.clone(), wished)]);
    world.until_in_force(generation).await;
    world.until_ready(&id).await;
    assert_eq!(world.processes(&id, 0), before);
}

#[tokio::test]
async fn artifacts_that_nobody_needs_are_deleted() {
    let mut world = World::new();
    let specs = ["1.0.0", "2.0.0", "3.0.0"].map(|version| world.spec("api", version));
    for spec in &specs {
        world.driver().obtain(&spec.artifact).await.unwrap();
    }
    let (id, wished) = slot(&specs[0]);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let kept: BTreeSet<Digest> = [specs[1].artifact.digest.clone()].into();
    world.driver().keep_artifacts(&kept);
    let there = |spec: &SlotSpec| {
        let name = spec
            .artifact
            .digest
            .as_str()
            .strip_prefix("sha256:")
            .unwrap()
            .to_owned();
        world.root().join("artifacts").join(name).exists()
    };
    assert_eq!(specs.each_ref().map(there), [true, true, false]);
}

#[tokio::test]
async fn directories_of_stopped_slots_are_bounded() {
    let mut world = World::new();
    world.options.stopped_slots_kept = 1;
    let ids = ["1.0.0", "2.0.0"].map(|version| slot(&world.spec("api", version)));
    for (id, wished) in &ids {
        world.wish(&[(id.clone(), wished.clone())]);
        world.until_ready(id).await;
        world.wish(&[]);
        world.until_gone(id).await;
    }
    let there = ids.each_ref().map(|(id, _)| world.directory(id, 0).exists());
    assert_eq!(there, [false, true]);
}

#[tokio::test]
async fn of_several_instances_that_do_not_answer_one_is_replaced_at_a_time() {
    let mut world = World::new();
    let (flag, journal) = (world.file("flag"), world.file("journal"));
    fs::write(&flag, "").unwrap();
    let mut spec = with(
        with(world.spec("api", "1.0.0"), "READY_FILE", &flag),
        "JOURNAL",
        &journal,
    );
    spec.definition.instances = 2;
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let before = [world.processes(&id, 0), world.processes(&id, 1)];
    fs::remove_file(&flag).unwrap();
    let ends = || lines(&journal).iter().filter(|line| line.starts_with("end")).count();
    eventually("one is replaced", || lines(&journal).len() == 4).await;
    fs::write(&flag, "").unwrap();
    world.until_ready(&id).await;
    assert_eq!(ends(), 1);
    let after = [world.processes(&id, 0), world.processes(&id, 1)];
    assert_eq!(
        before
            .iter()
            .zip(&after)
            .filter(|(before, after)| before == after)
            .count(),
        1
    );
}
