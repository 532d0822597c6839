use tidegate_domain::event::EventKind;
use tidegate_domain::observed::SlotState;
use tidegate_domain::service::RunPhase;
use tidegate_store::{JournalFilter, Store};

use super::*;
use crate::fixture::{World, event, follow, planned, shows, version};

impl World {
    async fn apply(&self, release: &str, tenants: usize) {
        let plan = planned(&self.control.view().state, release, tenants, "{longest: 0s, least: 0s}");
        let apply = event(EventKind::Apply {
            plan: Box::new(plan),
            author: None,
        });
        self.control.submit(&apply, release).await.unwrap();
    }

    async fn completes(&self, release: &str) {
        let release = version(release);
        shows(&self.control, |view| {
            let run = view.state.run(&release);
            run.is_some_and(|run| matches!(run.phase, RunPhase::Completed { .. }))
        })
        .await;
    }

    /// Ends the world as a crash would, and waits until nothing of it writes any more.
    async fn crash(mut self) {
        self.loops.shutdown().await;
    }

    async fn rows(&self) -> Vec<tidegate_store::JournalRow> {
        let store = self.control.store();
        store.journal("shop", JournalFilter::All, 0, 10_000).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_moved_to_every_tenant_and_the_old_slots_are_stopped() {
    let mut world = World::start(&Store::memory()).await;
    world.follow();
    world.apply("1.0.0", 10).await;
    world.completes("1.0.0").await;
    world.apply("2.0.0", 10).await;
    world.completes("2.0.0").await;
    let stopped = |view: &View| view.state.cells.values().all(|cell| cell.slots.len() == 3);
    shows(&world.control, stopped).await;
    let seats = &world.control.view().state.seats;
    assert!(seats.values().all(|seat| seat.version == Some(version("2.0.0"))));
    let three = |(_, desired): &(u64, CellDesired)| desired.slots.len() == 3;
    world.driver.wishes_for(|wishes| wishes.values().all(three)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_tenants_take_few_turns() {
    let mut world = World::start(&Store::memory()).await;
    world.follow();
    world.apply("1.0.0", 10_000).await;
    world.completes("1.0.0").await;
    let generations: BTreeSet<u64> = world.rows().await.iter().map(|row| row.generation).collect();
    let last = generations.last().copied().unwrap();
    assert!(last <= 50, "{last} turns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_before_the_slots_are_ready_and_it_moves_as_soon_as_they_are() {
    let mut world = World::start(&Store::memory()).await;
    world.follow();
    world.driver.be_slow_with(Some(version("1.0.0")));
    world.apply("1.0.0", 2).await;
    let is_starting = |view: &View| {
        let mut slots = view.state.cells.values().flat_map(|cell| cell.slots.values());
        slots.any(|slot| slot.state.in_words() == "starting: slow")
    };
    shows(&world.control, is_starting).await;
    assert!(
        world
            .control
            .view()
            .state
            .seats
            .values()
            .all(|seat| seat.version.is_none())
    );
    world.driver.be_slow_with(None);
    world.completes("1.0.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_with_something_in_flight_is_not_stopped() {
    let mut world = World::start(&Store::memory()).await;
    world.follow();
    world.apply("1.0.0", 2).await;
    world.completes("1.0.0").await;
    let old: Vec<SlotId> = world.control.view().state.cells[&crate::fixture::cell("eu")]
        .slots
        .iter()
        .filter(|(_, slot)| slot.component.as_str() == "api")
        .map(|(id, _)| id.clone())
        .collect();
    // A second gateway is busy with the old slot.
    let busy = |generation| follow("b", "1", generation, &[(&old[0], 1)]);
    world
        .gateways
        .hear(&busy(Some(u64::MAX)), Instant::now())
        .await
        .unwrap();
    world.apply("2.0.0", 2).await;
    world.completes("2.0.0").await;
    let others_stopped = |view: &View| view.state.cells.values().map(|cell| cell.slots.len()).sum::<usize>() == 7;
    shows(&world.control, others_stopped).await;
    assert!(
        world
            .control
            .view()
            .waiting
            .iter()
            .any(|w| w.to_string().contains("1 in flight"))
    );
    world
        .gateways
        .hear(&follow("b", "1", Some(u64::MAX), &[]), Instant::now())
        .await
        .unwrap();
    let all_stopped = |view: &View| view.state.cells.values().all(|cell| cell.slots.len() == 3);
    shows(&world.control, all_stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_takes_nothing_out_of_the_routing_and_tells_nothing_twice() {
    let store = Store::memory();
    let mut world = World::start(&store).await;
    world.follow();
    world.apply("1.0.0", 4).await;
    world.completes("1.0.0").await;
    let is_settled = |view: &View| {
        view.state
            .cells
            .values()
            .all(|cell| cell.slots.len() == 3 && cell.owners.is_empty())
    };
    shows(&world.control, is_settled).await;
    let before = world.control.view();
    world.crash().await;
    let mut world = World::start(&store).await;
    let settled = world.control.view();
    assert_eq!(settled.state.seats, before.state.seats);
    let rows = world.rows().await.len();
    world.follow();
    let is_published = |table: &Option<Published>| table.is_some();
    world.tables.wait_for(is_published).await.unwrap();
    world.driver.wishes_for(|wishes| wishes.len() == 2).await;
    world
        .control
        .submit(
            &event(EventKind::TenantRemoved {
                tenant: crate::fixture::tenant("t0"),
            }),
            "k",
        )
        .await
        .unwrap();
    let instances = |view: &View| -> Vec<(SlotId, SlotState)> {
        let slots = view.state.cells.values().flat_map(|cell| &cell.slots);
        slots.map(|(id, slot)| (id.clone(), slot.state.clone())).collect()
    };
    assert_eq!(instances(&world.control.view()), instances(&settled));
    assert_eq!(world.rows().await.len(), rows + 1);
}
