//! States that earlier versions have stored, opened by this one.
//!
//! `fixtures/format-1.json` is a release that is being baked, as it was stored when the file was made; it is not made anew
//! when fields are added, for that is what it is there to find. A new format gets a file of its own:
//! `UPDATE_FIXTURES=1 cargo test -p tidegate-server` writes one that is missing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_domain::event::EventKind;
use tidegate_domain::release::Stage;
use tidegate_domain::service::{FORMAT, RunPhase, WaveState};
use tidegate_store::{Commit, OutboxEntry, Store};

use crate::clock;
use crate::control::{Control, View};
use crate::fixture::{World, event, planned, service, shows, version};

/// What a store holds of a service.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    state: Value,
    /// Effects by id and lane that are due.
    due: Vec<(String, String, Value)>,
}

fn path(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/format-{format}.json"))
}

/// The loops around a store, with a gateway that confirms every table at once.
async fn served(store: &Store) -> World {
    let mut world = World::start(store).await;
    world.follow();
    world
}

fn is_completed(view: &View, release: &str) -> bool {
    let run = view.state.run(&version(release));
    run.is_some_and(|run| matches!(run.phase, RunPhase::Completed { .. }))
}

fn is_baked(view: &View, release: &str) -> bool {
    let mut waves = view.state.run(&version(release)).into_iter().flat_map(|run| &run.waves);
    waves.any(|wave| matches!(wave.state, WaveState::Active { stage: Stage::Bake, .. }))
}

async fn apply(control: &Control, release: &str, bake: &str) {
    let plan = planned(&control.view().state, release, 2, bake);
    let apply = event(EventKind::Apply {
        plan: Box::new(plan),
        author: None,
    });
    control.submit(&apply, release).await.unwrap();
}

/// As this version stores it.
async fn stored() -> Stored {
    let store = Store::memory();
    let world = served(&store).await;
    let control = &world.control;
    apply(control, "1.0.0", "{longest: 0s, least: 0s}").await;
    shows(control, |view| is_completed(view, "1.0.0")).await;
    apply(control, "1.1.0", "{longest: 2h, least: 1h}").await;
    shows(control, |view| is_baked(view, "1.1.0")).await;
    let loaded = store.load("shop").await.unwrap().unwrap();
    let pending = store.pending("shop").await.unwrap();
    Stored {
        state: serde_json::from_str(&loaded.state).unwrap(),
        due: pending
            .into_iter()
            .map(|row| (row.id, row.lane, serde_json::from_str(&row.body).unwrap()))
            .collect(),
    }
}

#[tokio::test]
async fn a_release_that_an_earlier_version_has_stored_in_mid_wave_goes_on_to_its_end() {
    if std::env::var_os("UPDATE_FIXTURES").is_some() && !path(FORMAT).exists() {
        let text = serde_json::to_string_pretty(&stored().await).unwrap();
        std::fs::create_dir_all(path(FORMAT).parent().unwrap()).unwrap();
        std::fs::write(path(FORMAT), text + "\n").unwrap();
    }
    for format in 1..=FORMAT {
        let text = std::fs::read_to_string(path(format)).expect("every format has a fixture");
        let mut kept: Stored = serde_json::from_str(&text).unwrap();
        // The file grows old, and the longest time of its bake would be over.
        let since = kept.state.pointer_mut("/runs/1/waves/0/state/active/since");
        *since.expect("the second release is being baked") = Value::from(clock::now().0);
        let store = Store::memory();
        let effects = kept.due.iter().map(|(id, lane, body)| OutboxEntry {
            id: id.clone(),
            lane: lane.clone(),
            body: body.to_string(),
            due_ms: 0,
        });
        let commit = Commit {
            service: "shop".to_owned(),
            state: Some(kept.state.to_string()),
            outbox: effects.collect(),
            ..Commit::default()
        };
        store.apply(&commit).await.unwrap();
        let world = served(&store).await;
        let control = &world.control;
        assert!(is_baked(&control.view(), "1.1.0"), "format {format}");
        let promote = event(EventKind::Promote {
            version: version("1.1.0"),
        });
        control.submit(&promote, "k").await.unwrap();
        shows(control, |view| is_completed(view, "1.1.0")).await;
    }
}

#[tokio::test]
async fn a_state_of_a_later_format_is_refused_and_left_as_it_is() {
    let text = std::fs::read_to_string(path(FORMAT)).unwrap();
    let mut kept: Stored = serde_json::from_str(&text).unwrap();
    kept.state["format"] = Value::from(FORMAT + 1);
    let store = Store::memory();
    let commit = Commit {
        service: "shop".to_owned(),
        state: Some(kept.state.to_string()),
        ..Commit::default()
    };
    store.apply(&commit).await.unwrap();
    let before = store.load("shop").await.unwrap();
    let refused = Control::start(store.clone(), service()).await.unwrap_err().to_string();
    assert!(refused.contains("use the newer program"), "{refused}");
    assert_eq!(store.load("shop").await.unwrap(), before);
}
