use std::collections::BTreeSet;

use tidegate_domain::event::EventKind;
use tidegate_domain::id::{ComponentName, Digest, SlotId};
use tidegate_domain::service::{RunPhase, Service};
use tidegate_gateway::protocol::{Confirmed, Follow};
use tidegate_store::{JournalFilter, Memory, OutboxState, Store};
use tokio::time::Instant;

use super::confirm::{ConfirmError, Effects, confirm};
use super::{Mark, comparison, mark, takeover};
use crate::api::RestoredStatus;
use crate::clock;
use crate::control::SubmitError;
use crate::fixture::{World, cell, event, follow, planned, service, shows, version};
use crate::gateways::Published;

impl World {
    async fn hears(&self, call: &Follow) {
        self.gateways.hear(call, Instant::now()).await.unwrap();
    }

    async fn compare(&self) -> RestoredStatus {
        let mark = self.control.mark().unwrap();
        comparison::compare(&mark, &self.control, &self.gateways, &*self.driver)
            .await
            .unwrap()
    }

    async fn confirm(&self, effects: &Effects) -> Result<super::confirm::Confirmed, ConfirmError> {
        let ada = tidegate_domain::id::Actor::principal("ada");
        confirm(
            &self.control,
            &self.gateways,
            &*self.driver,
            effects,
            (&ada, "it was compared"),
        )
        .await
    }

    fn published(&self) -> Option<u64> {
        self.tables.borrow().as_ref().map(Published::generation)
    }
}

/// A store in which 1.0.0 has reached everybody and has announced it to nobody yet, as a backup of it was restored.
async fn restored() -> (Store, Service) {
    let store = Store::memory();
    let mut world = World::start(&store).await;
    let plan = planned(&world.control.view().state, "1.0.0", 4, "{longest: 0s, least: 0s}");
    let apply = event(EventKind::Apply {
        plan: Box::new(plan),
        author: None,
    });
    world.control.submit(&apply, "1.0.0").await.unwrap();
    let (gateways, mut tables) = (world.gateways.clone(), world.tables.clone());
    world.loops.spawn(async move {
        loop {
            let generation = tables.borrow_and_update().as_ref().map(Published::generation);
            let call = follow("a", "1", generation, &[]);
            gateways.hear(&call, Instant::now()).await.unwrap();
            if tables.changed().await.is_err() {
                return;
            }
        }
    });
    let wanted = version("1.0.0");
    shows(&world.control, |view| {
        let run = view.state.run(&wanted);
        run.is_some_and(|run| matches!(run.phase, RunPhase::Completed { .. }))
    })
    .await;
    world.loops.shutdown().await;
    let Store::Memory(memory) = &store else { unreachable!() };
    let copy = Store::Memory(Memory::fork(memory));
    let first = Mark {
        file: "/backups/monday".to_owned(),
        digest: "00".to_owned(),
        restored: clock::now(),
        copied: clock::now(),
        generation: world.control.view().state.routing.generation,
        confirmed: None,
    };
    copy.record(&super::record(service().as_str(), &first)).await.unwrap();
    (copy, world.control.view().state.clone())
}

/// A call of the gateway that served on while the server was away: a table of another store, with a higher generation.
fn served_on(generation: u64, routes: &[(&str, &str)]) -> Follow {
    let routes = routes.iter().map(|(tenant, key)| ((*tenant).into(), (*key).into()));
    Follow {
        confirmed: Some(Confirmed {
            epoch: "lost".to_owned(),
            generation,
        }),
        routes: Some(routes.collect()),
        ..follow("a", "1", None, &[])
    }
}

const AS_RESTORED: [(&str, &str); 4] = [
    ("t0", "eu/1.0.0"),
    ("t1", "us/1.0.0"),
    ("t2", "eu/1.0.0"),
    ("t3", "us/1.0.0"),
];

fn run_all_of(world: &World, state: &Service) {
    let cells = state.cells.iter();
    *world.driver.running.lock().unwrap() = cells
        .map(|(name, cell)| (name.clone(), cell.slots.keys().map(|id| (id.clone(), 1)).collect()))
        .collect();
}

#[tokio::test]
async fn nothing_is_decided_handed_out_or_taken_before_it_is_confirmed() {
    let (store, state) = restored().await;
    let world = World::start(&store).await;
    let head = store.journal_head("shop").await.unwrap();
    world.hears(&served_on(900, &AS_RESTORED)).await;
    let opt_in = event(EventKind::OptIn {
        tenant: crate::fixture::tenant("t0"),
    });
    let refused = world.control.submit(&opt_in, "k").await.unwrap_err();
    assert!(matches!(refused, SubmitError::Restored), "{refused}");
    // Every loop that is ready has been polled when a whole lease of a gateway could have been looked at.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(world.driver.wishes().is_empty());
    assert_eq!(world.published(), None);
    assert_eq!(world.control.view().state, state);
    assert_eq!(store.journal_head("shop").await.unwrap(), head);
    assert!(store.events("shop", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_differs_is_named_and_what_has_not_been_heard_keeps_it_from_being_confirmed() {
    let (store, state) = restored().await;
    let world = World::start(&store).await;
    world.gateways.ask_for_routes(true);
    let compared = world.compare().await;
    assert!(compared.missing[0].contains("gateway `a`"), "{:?}", compared.missing);
    let refused = world.confirm(&Effects::default()).await.unwrap_err();
    assert!(matches!(refused, ConfirmError::Incomplete(_)), "{refused}");

    let mut silent = served_on(900, &[]);
    silent.routes = None;
    world.hears(&silent).await;
    assert!(world.compare().await.missing[0].contains("what it serves"));
    let mut elsewhere = AS_RESTORED;
    elsewhere[0].1 = "eu/1.1.0";
    world.hears(&served_on(900, &elsewhere)).await;
    run_all_of(&world, &state);
    let stranger = SlotId::new(&ComponentName::new("api").unwrap(), &Digest::of(b"1.1.0"));
    let lost = {
        let mut running = world.driver.running.lock().unwrap();
        let eu = running.get_mut(&cell("eu")).unwrap();
        let (lost, _) = eu.pop_first().unwrap();
        eu.insert(stranger.clone(), 2);
        lost
    };
    let compared = world.compare().await;
    assert_eq!((compared.reported, &*compared.missing), (Some(900), &[][..]));
    let [differs] = &compared.tenants[..] else {
        panic!("{compared:?}")
    };
    assert_eq!(differs.tenant, "t0");
    assert_eq!(differs.restored.as_deref(), Some("eu/1.0.0"));
    assert_eq!(differs.served.as_deref(), Some("eu/1.1.0"));
    let slots: BTreeSet<(String, Option<&str>, usize)> = compared
        .slots
        .iter()
        .map(|slot| (slot.id.clone(), slot.restored.as_deref(), slot.instances))
        .collect();
    let expected = [(lost.to_string(), Some("run"), 0), (stranger.to_string(), None, 2)];
    assert_eq!(slots, BTreeSet::from(expected));
    assert!(
        compared
            .pending
            .iter()
            .all(|one| one.by_default == "drop" && one.lane == "announce")
    );
    assert!(!compared.pending.is_empty());
}

#[tokio::test]
async fn a_confirmation_raises_above_what_was_seen_and_drops_what_was_to_be_told() {
    let (store, state) = restored().await;
    let world = World::start(&store).await;
    world.hears(&served_on(90_000_000, &AS_RESTORED)).await;
    run_all_of(&world, &state);
    let pending = world.compare().await.pending;
    let (kept, dropped) = (pending[0].id.clone(), pending[1].id.clone());
    let effects = Effects {
        carry_out: BTreeSet::from([kept.clone()]),
        ..Effects::default()
    };
    let unknown = Effects {
        drop: BTreeSet::from(["no-such".to_owned()]),
        ..Effects::default()
    };
    let refused = world.confirm(&unknown).await.unwrap_err();
    assert!(matches!(refused, ConfirmError::UnknownEffect(_)), "{refused}");
    let confirmed = world.confirm(&effects).await.unwrap();
    assert!(confirmed.generation > 90_000_000);
    assert_eq!(confirmed.carried_out, std::slice::from_ref(&kept));
    let ended = store.effect(&dropped).await.unwrap().unwrap();
    assert_eq!(ended.state, OutboxState::Dead);
    assert_eq!(store.effect(&kept).await.unwrap().unwrap().state, OutboxState::Due);
    let rows = store.journal("shop", JournalFilter::All, 0, 10_000).await.unwrap();
    let of = |kind: &str| rows.iter().filter(|row| row.kind == kind).collect::<Vec<_>>();
    assert_eq!(of("restore_confirmed").len(), 1);
    assert_eq!(of("restore_confirmed")[0].actor, "ada");
    assert_eq!(of("effect_dropped").len(), pending.len() - 1);
    let again = world.confirm(&Effects::default()).await.unwrap_err();
    assert!(matches!(again, ConfirmError::NotRestored), "{again}");
    // It counts now: commands are taken again.
    let opt_in = event(EventKind::OptIn {
        tenant: crate::fixture::tenant("t0"),
    });
    world.control.submit(&opt_in, "k").await.unwrap();
}

#[tokio::test]
async fn gateways_keep_their_table_until_the_slots_run_and_what_is_unknown_runs_until_they_have_the_new_one() {
    let (store, _) = restored().await;
    let world = World::start(&store).await;
    world.driver.be_slow_with(Some(version("1.0.0")));
    world.hears(&served_on(900, &AS_RESTORED)).await;
    let generation = world.confirm(&Effects::default()).await.unwrap().generation;
    world
        .driver
        .wishes_for(|wishes| wishes.values().any(|(wished, _)| *wished >= generation))
        .await;
    shows(&world.control, |view| {
        let slots = view.state.cells.values().flat_map(|cell| cell.slots.values());
        slots.into_iter().all(|slot| slot.state.in_words().contains("slow"))
    })
    .await;
    assert_eq!(world.published(), None, "no route leads to what does not run");
    assert!(*world.driver.leaves_unnamed.lock().unwrap());
    world.driver.be_slow_with(None);
    let mut tables = world.tables.clone();
    tables.wait_for(Option::is_some).await.unwrap();
    assert!(world.published() >= Some(generation));

    // A server that is killed here goes on here.
    drop(world);
    let world = World::start(&store).await;
    assert_eq!(world.control.mark().unwrap().confirmed, Some(generation));
    let mut tables = world.tables.clone();
    tables.wait_for(Option::is_some).await.unwrap();
    assert!(
        *world.driver.leaves_unnamed.lock().unwrap(),
        "a gateway still serves by its table of before"
    );
    let stranger = SlotId::new(&ComponentName::new("api").unwrap(), &Digest::of(b"1.1.0"));
    world
        .hears(&follow("a", "1", world.published(), &[(&stranger, 1)]))
        .await;
    let confirmed = world.control.mark().unwrap();
    takeover::end(&world.control, &world.gateways, &confirmed, &mut None)
        .await
        .unwrap();
    assert!(
        world.control.mark().is_some(),
        "a request is in flight on what is not known"
    );
    world.hears(&follow("a", "1", world.published(), &[])).await;
    let mut changes = world.control.changes();
    let ended = async {
        while world.control.mark().is_some() || *world.driver.leaves_unnamed.lock().unwrap() {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(50), changes.changed()).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), ended)
        .await
        .unwrap();
    assert_eq!(mark(&store, &service()).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_seen_before_the_backup_is_not_taken_for_what_is_seen_now() {
    let (store, state) = restored().await;
    let seen = event(EventKind::Observed {
        cells: std::collections::BTreeMap::new(),
        gateways: tidegate_domain::observed::GatewayReport {
            confirmed: Some(u64::MAX / 4),
            ..Default::default()
        },
    });
    let now = clock::now();
    tidegate_engine::put_event(&store, &service(), "observed/old", &seen, now)
        .await
        .unwrap();
    let world = World::start(&store).await;
    world.hears(&served_on(900, &AS_RESTORED)).await;
    run_all_of(&world, &state);
    world.confirm(&Effects::default()).await.unwrap();
    let opt_in = event(EventKind::OptIn {
        tenant: crate::fixture::tenant("t0"),
    });
    world.control.submit(&opt_in, "k").await.unwrap();
    let routing = world.control.view().state.routing.clone();
    assert!(routing.confirmed <= routing.generation, "{routing:?}");
}
