//! What goes wrong, and the words for it.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;
use tidegate_domain::id::SlotId;
use tidegate_domain::release::{ComponentKind, Ownership, SlotSpec};
use tidegate_domain::time::Duration as Span;
use tokio::io::AsyncWriteExt as _;

use crate::world::{World, alive, eventually, kill, lines, program, slot};

/// Wishes for one slot and waits for the reason of its failure.
async fn failure(world: &mut World, spec: &SlotSpec) -> (SlotId, String) {
    let (id, wished) = slot(spec);
    world.wish(&[(id.clone(), wished)]);
    let reason = world.until_failed(&id).await;
    (id, reason)
}

#[tokio::test]
async fn a_crash_loop_fails_with_the_last_exit_and_the_last_lines() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    spec.definition
        .environment
        .insert("EXIT_CODE".to_owned(), "3".to_owned());
    let (id, reason) = failure(&mut world, &spec).await;
    assert!(reason.starts_with("instance 0: ended with code 3 after "), "{reason}");
    assert!(
        reason.contains("hello from 1.0.0 | cannot reach the database"),
        "{reason}"
    );
    assert!(reason.ends_with("; it has failed 3 times in a row"), "{reason}");

    // It is tried again all the same, and a stop finds its way in between.
    let reason = world.until_failed_with(&id, "failed 4 times").await;
    assert!(reason.contains("ended with code 3"), "{reason}");
    world.wish(&[]);
    world.until_gone(&id).await;
}

#[tokio::test]
async fn a_changed_artifact_is_refused_and_a_restored_one_runs() {
    let mut world = World::new();
    let spec = world.spec("api", "1.0.0");
    fs::write(&spec.artifact.path, "something else").unwrap();
    let (id, reason) = failure(&mut world, &spec).await;
    assert!(reason.contains("artifact changed after the plan"), "{reason}");
    assert!(reason.contains(spec.artifact.digest.as_str()), "{reason}");
    assert!(reason.contains("restore the file that was planned"), "{reason}");
    fs::write(&spec.artifact.path, "api 1.0.0").unwrap();
    world.until_ready(&id).await;
}

#[tokio::test]
async fn a_missing_artifact_is_told_with_its_path() {
    let mut world = World::new();
    let spec = world.spec("api", "1.0.0");
    fs::remove_file(&spec.artifact.path).unwrap();
    let (_, reason) = failure(&mut world, &spec).await;
    assert!(
        reason.contains(&format!("the artifact is not at `{}`", spec.artifact.path)),
        "{reason}"
    );
}

#[tokio::test]
async fn a_kept_copy_that_was_changed_is_not_run_but_made_anew() {
    let mut world = World::new();
    let spec = world.spec("api", "1.0.0");
    let hexadecimal = spec.artifact.digest.as_str().strip_prefix("sha256:").unwrap();
    let copy = world.root().join("artifacts").join(hexadecimal);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::write(&copy, "damaged").unwrap();
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_waiting(&id, "was changed to").await;
    world.until_ready(&id).await;
    assert_eq!(fs::read_to_string(copy).unwrap(), "api 1.0.0");
}

#[tokio::test]
async fn what_is_never_ready_fails_and_does_not_run_on() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    let never = world.file("never").to_string_lossy().into_owned();
    spec.definition.environment.insert("READY_FILE".to_owned(), never);
    spec.definition.ready.within = Span::from_millis(300);
    world.options.back_off = std::time::Duration::from_secs(60)..=std::time::Duration::from_secs(60);
    let (id, reason) = failure(&mut world, &spec).await;
    assert!(
        reason.contains("not ready within 300ms: `GET /ready` answers 503"),
        "{reason}"
    );
    let processes = world.processes(&id, 0);
    eventually("the end of the instance", || !alive(processes.child)).await;
}

#[tokio::test]
async fn a_program_that_cannot_be_run_is_named() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    spec.definition.command = vec!["no-such-program".to_owned()];
    let (_, reason) = failure(&mut world, &spec).await;
    assert!(reason.contains("cannot run `no-such-program`"), "{reason}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_given_up_for_another() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    let listen = world.file("listen");
    spec.definition
        .environment
        .insert("LISTEN_FILE".to_owned(), listen.to_string_lossy().into_owned());
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    // It has been given a port and does not listen yet: somebody else is quicker.
    world.until_waiting(&id, "not ready yet").await;
    let port = world.port(&id, 0);
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    fs::write(listen, "").unwrap();
    let reason = world.until_waiting(&id, "was taken by another process").await;
    assert!(reason.contains(&format!("port {port}")), "{reason}");
    world.until_ready(&id).await;
    assert_ne!(world.port(&id, 0), port);
}

#[tokio::test]
async fn the_answer_of_another_process_does_not_make_an_instance_ready() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    spec.definition.stop_grace = Span::ZERO;
    let listen = world.file("listen");
    spec.definition
        .environment
        .insert("LISTEN_FILE".to_owned(), listen.to_string_lossy().into_owned());
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_waiting(&id, "not ready yet").await;
    let stranger = tokio::net::TcpListener::bind(("127.0.0.1", world.port(&id, 0)))
        .await
        .unwrap();
    let answers = tokio::spawn(async move {
        loop {
            let (mut stream, _) = stranger.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    world.until_waiting(&id, "was taken by another process").await;
    fs::write(listen, "").unwrap();
    world.until_ready(&id).await;
    answers.abort();
}

#[tokio::test]
async fn with_no_port_left_it_says_so() {
    let mut world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    world.options.ports = port..=port;
    let spec = world.spec("api", "1.0.0");
    let (id, reason) = failure(&mut world, &spec).await;
    assert!(reason.contains("no port is free"), "{reason}");
    drop(taken);
    world.until_ready(&id).await;
}

#[tokio::test]
async fn an_instance_that_stops_answering_is_not_ready_and_then_replaced() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    let (flag, journal) = (world.file("flag"), world.file("journal"));
    fs::write(&flag, "").unwrap();
    spec.definition
        .environment
        .insert("READY_FILE".to_owned(), flag.to_string_lossy().into_owned());
    spec.definition
        .environment
        .insert("JOURNAL".to_owned(), journal.to_string_lossy().into_owned());
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    fs::remove_file(&flag).unwrap();
    let reason = world.until_waiting(&id, "does not answer any more").await;
    assert!(reason.contains("503"), "{reason}");
    world.until_waiting(&id, "replaced").await;
    fs::write(&flag, "").unwrap();
    world.until_ready(&id).await;
    assert_eq!(lines(&journal)[1..], [format!("end {id}/0"), format!("start {id}/0")]);
}

#[tokio::test]
async fn a_worker_of_several_instances_is_refused() {
    let mut world = World::new();
    let mut spec = world.spec("ledger", "1.0.0");
    spec.definition.kind = ComponentKind::Worker {
        ownership: Ownership::Tenant,
    };
    spec.definition.instances = 2;
    let (_, reason) = failure(&mut world, &spec).await;
    assert!(reason.contains("a worker runs as one instance"), "{reason}");
}

#[tokio::test]
async fn a_record_that_cannot_be_written_is_named_and_nothing_is_started() {
    let mut world = World::new();
    let spec = world.spec("api", "1.0.0");
    // As on a full disk, the file cannot be put in its place.
    let in_the_way = world.directory(&spec.id(), 0).join("instance.json");
    fs::create_dir_all(&in_the_way).unwrap();
    let (id, reason) = failure(&mut world, &spec).await;
    assert!(reason.contains("cannot write `"), "{reason}");
    assert!(reason.contains("instance.json`: Is a directory"), "{reason}");
    assert!(!world.directory(&id, 0).join("process.json").exists());
    let left = fs::read_dir(world.directory(&id, 0)).unwrap().flatten();
    let left = left.filter(|entry| entry.file_name().to_string_lossy().ends_with(".partial"));
    assert!(left.count() <= 1, "attempts that failed leave nothing behind");
    fs::remove_dir(in_the_way).unwrap();
    world.until_ready(&id).await;
}

#[tokio::test]
async fn memory_that_is_not_there_is_waited_for() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    spec.definition.memory_bytes = Some(1 << 60);
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_waiting(&id, "waits for memory").await;
    assert!(!world.directory(&id, 0).join("process.json").exists());
}

#[tokio::test]
async fn a_lease_that_is_lost_ends_every_instance() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    spec.definition.instances = 2;
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let both = [world.processes(&id, 0), world.processes(&id, 1)];
    world.drop_driver();
    world.drop_lease();
    eventually("the end of all", || {
        both.iter().all(|one| !alive(one.child) && !alive(one.shim))
    })
    .await;
}

#[tokio::test]
async fn a_driver_is_alone_on_its_root() {
    let mut world = World::new();
    world.driver();
    let options = world.options.clone();
    let second = tidegate_effects::drivers::process::ProcessDriver::new(&world.root(), program(), options);
    assert!(second.unwrap_err().to_string().contains("another process drives"));
}

#[tokio::test]
async fn a_suspended_shim_does_not_keep_a_slot_from_stopping() {
    let mut world = World::new();
    let mut spec = world.spec("api", "1.0.0");
    spec.definition.stop_grace = Span::ZERO;
    let (id, wished) = slot(&spec);
    world.wish(&[(id.clone(), wished)]);
    world.until_ready(&id).await;
    let processes = world.processes(&id, 0);
    kill(processes.shim, Signal::STOP);
    world.wish(&[]);
    world.until_gone(&id).await;
    assert!(!alive(processes.child) && !alive(processes.shim));
}
