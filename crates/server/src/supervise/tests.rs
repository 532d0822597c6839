use std::os::unix::fs::PermissionsExt as _;

use tidegate_store::Store;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::fixture::service;

/// A program in the place of the gateway: it says that it runs, and does nothing.
fn program(directory: &Path) -> PathBuf {
    let path = directory.join("program");
    fs::write(&path, "#!/bin/sh\necho $$ >> pids\nexec sleep 600\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn supervise(directory: &Path, server: &str) -> JoinHandle<()> {
    let process = GatewayProcess {
        id: "gateway".to_owned(),
        executable: program(directory),
        state_dir: directory.to_owned(),
        directory: directory.join("gateway"),
        server: server.to_owned(),
        token_file: directory.join("token"),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        internal: None,
        admin: "127.0.0.1:0".parse().unwrap(),
        lease: None,
    };
    let gateways = Gateways::load(Store::memory(), service()).await.unwrap();
    tokio::spawn(Supervisor::new(process, gateways).run())
}

/// The process ids that have run, once there are `count` of them.
async fn pids(directory: &Path, count: usize) -> Vec<i32> {
    let read = || -> Vec<i32> {
        let text = fs::read_to_string(directory.join("gateway/pids")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    let wait = async {
        while read().len() < count {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), wait).await.expect("it is started");
    read()
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

#[tokio::test]
async fn one_that_dies_is_started_again() {
    let directory = tempfile::tempdir().unwrap();
    let supervisor = supervise(directory.path(), "http://127.0.0.1:1").await;
    let first = pids(directory.path(), 1).await[0];
    kill(first);
    let both = pids(directory.path(), 2).await;
    assert_ne!(both[0], both[1]);
    supervisor.abort();
    kill(both[1]);
}

#[tokio::test]
async fn it_outlives_its_server_and_is_adopted_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let first = supervise(directory.path(), "http://127.0.0.1:1").await;
    let pid = pids(directory.path(), 1).await[0];
    first.abort();
    let _ = first.await;
    let second = supervise(directory.path(), "http://127.0.0.1:1").await;
    // The second would have started another one before it looks for the third time.
    sleep(LOOK_EVERY * 3).await;
    assert_eq!(pids(directory.path(), 1).await, [pid]);
    // Adopted, it is watched as if it were the second's own.
    kill(pid);
    let both = pids(directory.path(), 2).await;
    second.abort();
    kill(both[1]);
}

#[test]
fn settings_that_differ_are_named() {
    let arguments = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let before = arguments("gateway --id a --listen 127.0.0.1:80 --admin 127.0.0.1:0");
    assert_eq!(changed(&before, &before), [""; 0]);
    let now = arguments("gateway --id a --listen 127.0.0.1:81 --admin 127.0.0.1:0 --tls-listen 127.0.0.1:443");
    assert_eq!(changed(&before, &now), ["listen", "tls-listen"]);
}

#[tokio::test]
async fn one_that_follows_another_address_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let first = supervise(directory.path(), "http://127.0.0.1:1").await;
    pids(directory.path(), 1).await;
    first.abort();
    let _ = first.await;
    let second = supervise(directory.path(), "http://127.0.0.1:2").await;
    let both = pids(directory.path(), 2).await;
    second.abort();
    kill(both[1]);
}
