//! Commands on data: run once to their end, whichever server asks, and whoever dies meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tidegate_domain::effect::{EffectId, JobTask, StepTask};
use tidegate_domain::event::{Judgement, Verdict};
use tidegate_domain::id::{JobName, JobOf};
use tidegate_domain::time::{Duration as Span, Timestamp};
use tidegate_effects::drivers::process::once_logs;
use tidegate_effects::drivers::{Driver as _, Once};
use tokio::time::timeout;

use super::world::{World, alive, cell, eventually, kill, lines};

fn id(attempt: u32) -> EffectId {
    let (version, step) = ("2.0.0".parse().expect("a version"), "fill".parse().expect("a name"));
    EffectId::step(&version, &cell(), &step, attempt)
}

/// A line of shell is what is at hand everywhere; the driver itself reads none.
fn task(world: &World, script: &str) -> StepTask {
    let mut spec = world.spec("api", "2.0.0");
    spec.configuration = BTreeMap::from([("DATABASE_URL".to_owned(), "file:north.db".into())]);
    StepTask {
        version: "2.0.0".parse().expect("a version"),
        step: "fill".parse().expect("a name"),
        database: "main".parse().expect("a name"),
        spec,
        command: ["/bin/sh", "-c", script, "{artifact}"].map(str::to_owned).to_vec(),
        timeout: Span::from_secs(30),
    }
}

/// One that says that it has begun, and goes on when it is told to.
fn held_up(world: &World) -> StepTask {
    let (begun, go_on) = (world.file("begun"), world.file("go-on"));
    let script = format!(
        "echo x >> {}; until test -e {}; do sleep 0.05; done; echo after",
        begun.display(),
        go_on.display()
    );
    task(world, &script)
}

async fn run(world: &mut World, attempt: u32, task: &StepTask) -> Judgement {
    let (id, driver) = (id(attempt), world.driver());
    let ended = timeout(Duration::from_secs(30), driver.run_once(&id, Once::Step(task))).await;
    ended.expect("it ends")
}

/// Asks, and goes away when the command has begun, as a server does that ends.
async fn begin(world: &mut World, attempt: u32, task: &StepTask, begun: &str) {
    let file = world.file(begun);
    let (id, driver) = (id(attempt), world.driver());
    tokio::select! {
        judgement = driver.run_once(&id, Once::Step(task)) => panic!("it was to go on: {judgement:?}"),
        () = eventually("its beginning", || file.exists()) => {}
    }
    world.drop_driver();
}

#[tokio::test]
async fn a_command_is_run_once_however_often_it_is_asked_for() {
    let mut world = World::new();
    let log = world.file("log");
    let script = format!(
        "echo \"$TIDEGATE_STEP $TIDEGATE_DATABASE $DATABASE_URL $(cat $0)\" >> {}; echo done",
        log.display()
    );
    let task = task(&world, &script);
    let first = run(&mut world, 1, &task).await;
    assert_eq!(first.verdict, Verdict::Pass, "{}", first.reason);
    assert_eq!(run(&mut world, 1, &task).await, first);
    world.drop_driver();
    assert_eq!(run(&mut world, 1, &task).await, first, "another server knows it too");
    assert_eq!(lines(&log), ["fill main file:north.db api 2.0.0"]);
    run(&mut world, 2, &task).await;
    assert_eq!(lines(&log).len(), 2, "another attempt is another run");
}

#[tokio::test]
async fn a_server_that_comes_back_waits_for_what_it_has_begun() {
    let mut world = World::new();
    let (begun, go_on) = (world.file("begun"), world.file("go-on"));
    let task = held_up(&world);
    begin(&mut world, 1, &task, "begun").await;
    fs::write(&go_on, "").unwrap();
    let ended = run(&mut world, 1, &task).await;
    assert_eq!(ended.verdict, Verdict::Pass, "{}", ended.reason);
    assert_eq!(lines(&begun), ["x"], "it was not begun again");
    assert_eq!(once_logs(&world.root(), &id(1), 5).unwrap(), ["after"]);
}

#[tokio::test]
async fn a_command_whose_end_nobody_knows_is_begun_again() {
    let mut world = World::new();
    let (begun, go_on) = (world.file("begun"), world.file("go-on"));
    let task = held_up(&world);
    begin(&mut world, 1, &task, "begun").await;
    let record = world
        .root()
        .join("steps")
        .join(id(1).as_str().replace('/', "."))
        .join("process.json");
    eventually("its record", || record.exists()).await;
    let record: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    let pid = |who: &str| i32::try_from(record[who]["pid"].as_i64().unwrap()).unwrap();
    kill(pid("shim"), Signal::KILL);
    let child = pid("child");
    eventually("the end of what its shim has left", || !alive(child)).await;
    fs::write(&go_on, "").unwrap();
    let ended = run(&mut world, 1, &task).await;
    assert_eq!(ended.verdict, Verdict::Pass, "{}", ended.reason);
    assert_eq!(lines(&begun), ["x", "x"]);
}

#[tokio::test]
async fn a_command_that_fails_or_takes_too_long_says_so_and_its_log_says_why() {
    let mut world = World::new();
    let failing = task(&world, "echo table is locked >&2; exit 3");
    let failed = run(&mut world, 1, &failing).await;
    assert_eq!(failed.verdict, Verdict::Fail);
    assert!(
        failed.reason.starts_with("it ended with code 3 after"),
        "{}",
        failed.reason
    );
    assert!(!failed.reason.contains("locked"), "what it prints is in its log alone");
    assert_eq!(once_logs(&world.root(), &id(1), 5).unwrap(), ["table is locked"]);

    let mut endless = task(&world, "echo working; while :; do sleep 0.05; done");
    endless.timeout = Span::from_millis(500);
    let stopped = run(&mut world, 2, &endless).await;
    assert_eq!(stopped.verdict, Verdict::Fail);
    assert!(
        stopped.reason.starts_with("it had not ended within"),
        "{}",
        stopped.reason
    );
    assert_eq!(once_logs(&world.root(), &id(2), 5).unwrap(), ["working"]);

    let mut missing = task(&world, "");
    missing.command = vec!["/nowhere/at/all".to_owned()];
    let absent = run(&mut world, 3, &missing).await;
    assert_eq!(absent.verdict, Verdict::Fail, "{}", absent.reason);
    let said = once_logs(&world.root(), &id(3), 5).unwrap().join(" ");
    assert!(said.contains("cannot run `/nowhere/at/all`"), "{said}");
}

#[tokio::test]
async fn an_artifact_that_is_not_what_its_digest_says_is_not_run() {
    let mut world = World::new();
    let log = world.file("log");
    let changed = task(&world, &format!("echo x >> {}", log.display()));
    fs::write(&changed.spec.artifact.path, "something else").unwrap();
    let error = run(&mut world, 1, &changed).await;
    assert_eq!(error.verdict, Verdict::Error, "{}", error.reason);
    assert!(!log.exists());
}

#[tokio::test]
async fn a_run_of_a_job_knows_whom_it_is_for_and_has_the_settings_of_its_tenant() {
    let mut world = World::new();
    let log = world.file("log");
    let script = format!(
        "echo \"{{tenant}} $TIDEGATE_TENANT $TIDEGATE_DUE $MODE $LIMIT ${{TIDEGATE_STEP-none}}\" >> {}; echo printed",
        log.display()
    );
    let tenant = "acme".parse().expect("a name");
    let settings = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect()
    };
    let mut spec = world.spec("figures", "2.0.0");
    spec.definition.command = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
    spec.configuration = settings(&[("MODE", "slow"), ("LIMIT", "10")]);
    spec.tenant_configuration = BTreeMap::from([(tenant, settings(&[("MODE", "fast"), ("not=a=variable", "x")]))]);
    let mut task = JobTask {
        version: "2.0.0".parse().expect("a version"),
        tenant: spec.tenant_configuration.keys().next().cloned(),
        spec,
        timeout: Span::from_secs(30),
        due: Some(Timestamp(0)),
    };
    let of = JobOf::Tenant("acme".parse().expect("a name"));
    let component = "figures".parse().expect("a name");
    let name = JobName { component, of };
    let id = |run: u32| EffectId::job(&task.version, &cell(), &name, run);
    let (first, second) = (id(1), id(2));
    let ended = world.driver().run_once(&first, Once::Job(&task)).await;
    assert_eq!(ended.verdict, Verdict::Pass, "{}", ended.reason);
    assert_eq!(once_logs(&world.root(), &first, 5).unwrap(), ["printed"]);
    task.tenant = None;
    task.due = None;
    world.driver().run_once(&second, Once::Job(&task)).await;
    assert_eq!(
        lines(&log),
        ["acme acme 1970-01-01T00:00:00Z fast 10 none", "{tenant}   slow 10 none"]
    );
}
