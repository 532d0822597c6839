//! Secrets: found at the start of each life, handed over, and written down nowhere.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::json;
use tidegate_domain::effect::{EffectId, StepTask};
use tidegate_domain::event::Verdict;
use tidegate_domain::release::{ReadinessCheck, SecretReference, SlotSpec};
use tidegate_domain::time::Duration as Span;
use tidegate_effects::drivers::{Driver as _, Once};

use crate::world::{World, cell, kill, slot};

const CANARY: &str = "canary-4b1f09c2";

fn reference(path: &Path) -> SecretReference {
    serde_json::from_value(json!({ "file": path })).expect("a reference")
}

/// With a secret `KEY` that is found in the file beside it.
fn spec(world: &World) -> (SlotSpec, PathBuf) {
    let (mut spec, path) = (world.spec("api", "1.0.0"), world.file("key"));
    spec.secrets.insert("KEY".to_owned(), reference(&path));
    (spec, path)
}

/// The variables of a process that begin with `prefix`.
fn variables(pid: i32, prefix: &str) -> Vec<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).expect("the process runs");
    let variables = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    variables
        .filter(|variable| variable.starts_with(prefix))
        .map(String::from)
        .collect()
}

/// The files below a folder in which the canary stands.
fn found_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(found_in(&path));
        } else if fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(CANARY)) {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn an_instance_gets_a_secret_in_each_of_its_lives_and_no_file_has_it() {
    let mut world = World::new();
    let (spec, path) = spec(&world);
    fs::write(&path, format!("{CANARY}-1\n")).unwrap();
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let first = world.processes(&id, 0);
    assert_eq!(variables(first.child, "KEY"), [format!("KEY={CANARY}-1")]);
    assert_eq!(
        variables(first.child, "TIDEGATE_SECRET"),
        [""; 0],
        "it has a secret by its name alone"
    );

    // Whoever drives it now has not started it, and starts its next life all the same.
    world.drop_driver();
    fs::write(&path, format!("{CANARY}-2\n")).unwrap();
    let (_, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    assert_eq!(world.processes(&id, 0), first, "it runs on with what it has");
    kill(first.child, Signal::KILL);
    world.until_waiting(&id, "ended by signal 9").await;
    world.until_ready(&id).await;
    let second = world.processes(&id, 0);
    assert_eq!(variables(second.child, "KEY"), [format!("KEY={CANARY}-2")]);
    assert_eq!(found_in(&world.root()), [""; 0].map(PathBuf::from));
    assert_eq!(
        found_in(path.parent().unwrap()),
        [path],
        "the search finds what is there"
    );
}

#[tokio::test]
async fn a_readiness_command_has_the_secrets_that_its_instance_has() {
    let mut world = World::new();
    let (mut spec, path) = spec(&world);
    fs::write(&path, format!("{CANARY}-1")).unwrap();
    let test = format!("test \"$KEY\" = {CANARY}-1");
    spec.definition.ready.check = ReadinessCheck::Command(["/bin/sh", "-c", &test].map(str::to_owned).to_vec());
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished.clone())]);
    world.until_ready(&id).await;
    // What is found there now is for instances that are started now.
    world.drop_driver();
    fs::write(&path, "another").unwrap();
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
}

#[tokio::test]
async fn a_secret_that_is_not_there_fails_the_slot_until_it_is() {
    let mut world = World::new();
    let (spec, path) = spec(&world);
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    let reason = world.until_failed(&id).await;
    let expected = format!(
        "instance 0: cannot get the secret `KEY` from file `{}`: No such file or directory (os error 2)",
        path.display()
    );
    assert!(reason.starts_with(&expected), "{reason}");
    fs::write(&path, format!("{CANARY}\0")).unwrap();
    let reason = world.until_failed_with(&id, "zero byte").await;
    assert!(!reason.contains(CANARY), "{reason}");
    fs::write(&path, CANARY).unwrap();
    world.until_ready(&id).await;
}

#[tokio::test]
async fn a_command_on_data_gets_the_secrets_of_its_component() {
    let mut world = World::new();
    let (spec, path) = spec(&world);
    let task = StepTask {
        version: "2.0.0".parse().expect("a version"),
        step: "fill".parse().expect("a name"),
        database: "main".parse().expect("a name"),
        spec,
        command: ["/bin/sh", "-c", &format!("test \"$KEY\" = {CANARY}")]
            .map(str::to_owned)
            .to_vec(),
        timeout: Span::from_secs(30),
    };
    let id = |attempt| EffectId::step(&task.version, &cell(), &task.step, attempt);
    let judgement = world.driver().run_once(&id(1), Once::Step(&task)).await;
    assert_eq!(judgement.verdict, Verdict::Error, "{judgement:?}");
    assert!(
        judgement.reason.starts_with("cannot get the secret `KEY` from file"),
        "{judgement:?}"
    );
    fs::write(&path, CANARY).unwrap();
    let judgement = world.driver().run_once(&id(2), Once::Step(&task)).await;
    assert_eq!(judgement.verdict, Verdict::Pass, "{judgement:?}");
}
