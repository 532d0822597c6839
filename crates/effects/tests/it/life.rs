//! From the wish to a ready instance, and to its end.

use std::fs;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tidegate_domain::observed::SlotState;
use tidegate_domain::release::ReadinessCheck;
use tidegate_domain::time::Duration as Span;
use tidegate_effects::drivers::Driver as _;
use tidegate_effects::drivers::process::logs;

use crate::world::{World, alive, cell, lines, program, slot};

#[tokio::test]
async fn a_slot_starts_answers_and_stops() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    spec.configuration.insert("RATE".to_owned(), "3".to_owned());
    spec.definition
        .command
        .extend(["--listen={port}".to_owned(), "{cell}/{version}".to_owned()]);
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;

    let SlotState::Ready { ready } = world.driver().observe(&cell()).slots[&id].clone() else {
        panic!("was ready a moment ago");
    };
    assert_eq!(ready.len(), 1);
    assert_eq!(ready[0].id, "0");
    let address = ready[0].address;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let answer = client
        .get(format!("http://{address}/about").parse().unwrap())
        .await
        .unwrap();
    let about: Value = serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    let variables = about["variables"].as_object().unwrap();
    assert_eq!(variables["PORT"], address.port().to_string());
    assert_eq!(variables["RATE"], "3");
    assert_eq!(variables["TIDEGATE_COMPONENT"], "api");
    assert_eq!(variables["TIDEGATE_CELL"], "north");
    assert_eq!(variables["TIDEGATE_VERSION"], "1.0.0");
    assert_eq!(variables["TIDEGATE_INSTANCE"], format!("{id}/0"));
    assert!(
        !variables.contains_key("CARGO_MANIFEST_DIR"),
        "the environment of the server is not passed on"
    );
    let configuration = fs::read(variables["TIDEGATE_CONFIG"].as_str().unwrap()).unwrap();
    let configuration: Value = serde_json::from_slice(&configuration).unwrap();
    assert_eq!(
        configuration,
        serde_json::json!({ "configuration": { "RATE": "3" }, "tenants": {} })
    );
    let arguments = about["arguments"].as_array().unwrap();
    assert_eq!(arguments[3], format!("--listen={}", address.port()));
    assert_eq!(arguments[4], "north/1.0.0");
    let artifact = fs::read_to_string(arguments[2].as_str().unwrap()).unwrap();
    assert_eq!(artifact, "api 1.0.0", "the command is given the driver's copy");

    assert_eq!(logs(&world.root(), &cell(), &id, 0, 10).unwrap(), ["hello from 1.0.0"]);
    let processes = world.processes(&id, 0);
    world.wish(&[]);
    world.until_gone(&id).await;
    assert!(!alive(processes.child) && !alive(processes.shim));
    let exit: Value = serde_json::from_slice(&fs::read(world.directory(&id, 0).join("exit.json")).unwrap()).unwrap();
    assert_eq!(
        exit["outcome"],
        serde_json::json!({ "code": 0 }),
        "it was asked, and ended by itself"
    );
    assert_eq!(exit["stopped"], true);
    assert_eq!(
        logs(&world.root(), &cell(), &id, 0, 10).unwrap(),
        ["hello from 1.0.0"],
        "logs are kept"
    );
}

#[tokio::test]
async fn who_does_not_heed_a_polite_stop_is_stopped_firmly() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    spec.definition
        .environment
        .insert("IGNORE_TERM".to_owned(), "1".to_owned());
    spec.definition.stop_grace = Span::from_millis(50);
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let processes = world.processes(&id, 0);
    world.wish(&[]);
    world.until_gone(&id).await;
    assert!(!alive(processes.child));
    let exit = fs::read_to_string(world.directory(&id, 0).join("exit.json")).unwrap();
    assert!(exit.contains("\"signal\": 9"), "{exit}");
}

#[tokio::test]
async fn the_same_wish_again_starts_nothing() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    let journal = world.file("journal");
    spec.definition
        .environment
        .insert("JOURNAL".to_owned(), journal.to_string_lossy().into_owned());
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished.clone())]);
    world.wish(&[(id.clone(), wished.clone())]);
    world.until_ready(&id).await;
    let before = world.processes(&id, 0);
    let generation = world.wish(&[(id.clone(), wished)]);
    world.until_in_force(generation).await;
    assert_eq!(world.processes(&id, 0), before);
    assert_eq!(lines(&journal), [format!("start {id}/0")]);
}

#[tokio::test]
async fn an_older_generation_is_refused() {
    let mut world = World::new();
    world.wish(&[]);
    world.wish(&[]);
    let refused = world.driver().reconcile(&cell(), 1, &Default::default()).unwrap_err();
    assert_eq!((refused.offered, refused.current), (1, 2));
}

#[tokio::test]
async fn readiness_can_be_a_command_or_the_start_alone() {
    let mut world = World::new();
    let flag = world.file("flag");
    let mut by_command = world.spec("api", "1.0.0");
    by_command
        .definition
        .environment
        .insert("READY_FILE".to_owned(), flag.to_string_lossy().into_owned());
    let command = vec![program().to_string_lossy().into_owned(), "ready".to_owned()];
    by_command.definition.ready.check = ReadinessCheck::Command(command);
    let mut started = world.spec("batch", "1.0.0");
    started.definition.ready.check = ReadinessCheck::Started;
    let (by_command, started) = (slot(&by_command), slot(&started));
    world.wish(&[by_command.clone(), started.clone()]);
    world.until_ready(&started.0).await;
    world.until_waiting(&by_command.0, "ended with").await;
    fs::write(flag, "").unwrap();
    world.until_ready(&by_command.0).await;
}
