//! Work on data in downtime, by real commands, while clients go on asking.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant, SystemTime};

use crate::shop::{Shop, get_from};

const PLAYBOOK: &str = "
name: two-waves
waves:
  - {name: first, select: {cell: eu}, bake: {least: 100ms, longest: 300ms, requests: 1}}
  - {name: rest, select: {rest: true}, bake: {least: 100ms, longest: 200ms, requests: 1}}
downtime: {longest: 1m, overrun: 1m, undo: 20s, announce: 20s}
on_inconclusive: pass
rollback_window: 1h
";

/// It says when it begins and ends, waits where a file tells it to, and fails where another one does.
const STEP: &str = r#"
downtime: 1m
steps:
  - name: convert
    kind: during_downtime
    component: api
    command: [/bin/sh, -c, 'echo "begin {cell}" >> "$LOYALTY_DATA/steps"; while test -e "$LOYALTY_DATA/wait"; do sleep 0.02; done; test ! -e "$LOYALTY_DATA/fail" && echo "end {cell}" >> "$LOYALTY_DATA/steps"']
    timeout: 20s
"#;
const UNDO: &str = r#"    undo: [/bin/sh, -c, 'echo "undo {cell}" >> "$LOYALTY_DATA/steps"']
"#;

fn shop(step: &str) -> Shop {
    let shop = Shop::installed("300ms");
    shop.workspace.write("playbooks/two-waves.yaml", PLAYBOOK);
    let release = fs::read_to_string(shop.workspace.path("1.1.0.yaml")).unwrap();
    shop.workspace.write("1.1.0.yaml", &format!("{release}{step}"));
    shop
}

fn done(shop: &Shop) -> Vec<String> {
    let text = fs::read_to_string(shop.workspace.path("data/steps")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// An answer, and between which moments it was given.
#[derive(Debug, Clone)]
struct Answer {
    asked: SystemTime,
    /// The version that answered, or what else was said.
    by: Result<String, String>,
}

/// Asks all the time, until it is told to stop.
struct Client {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<Vec<Answer>>,
}

impl Client {
    fn of(gateway: SocketAddr, tenant: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let asking = spawn(move || {
            let mut answers = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let asked = SystemTime::now();
                let by = match get_from(gateway, "/points/ada", tenant) {
                    Ok(answer) => read(&answer),
                    Err(error) => Err(format!("no answer: {error}")),
                };
                answers.push(Answer { asked, by });
                sleep(Duration::from_millis(2));
            }
            answers
        });
        Self { stop, asking }
    }

    fn answers(self) -> Vec<Answer> {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.join().unwrap()
    }
}

fn read(answer: &str) -> Result<String, String> {
    let header = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name));
    let version = header("x-loyalty-version: ");
    match (answer.starts_with("HTTP/1.1 200"), version) {
        (true, Some(version)) => Ok(version.to_owned()),
        _ if answer.starts_with("HTTP/1.1 503") && header("retry-after: ").is_some() => Err("page".to_owned()),
        _ => Err(answer.to_owned()),
    }
}

/// What was answered, each run of the same once.
fn course(answers: &[Answer]) -> Vec<&str> {
    let mut course: Vec<&str> = answers
        .iter()
        .map(|answer| answer.by.as_ref().map_or_else(String::as_str, String::as_str))
        .collect();
    course.dedup();
    course
}

#[test]
fn clients_meet_the_old_version_the_page_and_the_new_version_and_the_step_runs_under_the_page() {
    let shop = shop(&format!("{STEP}{UNDO}"));
    shop.run(&["plan", "1.1.0.yaml", "--exit-code"])
        .ended_with(3)
        .shows("data       during_downtime convert of database api")
        .shows("rollback   clean, at any time; tenants are out of service while step convert is undone");
    shop.workspace.write("data/wait", "");
    let clients = ["acme", "bolt"].map(|tenant| Client::of(shop.gateway, tenant));
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("the work has begun", |shop| !done(shop).is_empty());
    let begun = SystemTime::now();
    let asked = Instant::now() + Duration::from_millis(200);
    while Instant::now() < asked {
        assert_eq!(shop.served_by("acme"), None, "nobody is served");
        assert_eq!(shop.served_by("cato").as_deref(), Some("1.0.0"), "another cell is");
    }
    let ended = SystemTime::now();
    fs::remove_file(shop.workspace.path("data/wait")).unwrap();
    shop.wait_until("everybody has moved", |shop| {
        ["acme", "bolt", "cato"]
            .iter()
            .all(|tenant| shop.served_by(tenant).as_deref() == Some("1.1.0"))
    });
    for client in clients {
        let answers = client.answers();
        assert_eq!(course(&answers), ["1.0.0", "page", "1.1.0"]);
        let under: Vec<_> = answers
            .iter()
            .filter(|it| begun <= it.asked && it.asked <= ended)
            .collect();
        assert!(under.len() > 3, "{} requests in the work", under.len());
        assert!(under.iter().all(|it| it.by.is_err()));
    }
    assert_eq!(done(&shop), ["begin eu", "end eu", "begin us", "end us"]);
}

#[test]
fn work_that_fails_is_undone_under_the_page_and_the_old_version_serves_again() {
    let shop = shop(&format!("{STEP}{UNDO}"));
    shop.workspace.write("data/fail", "");
    let client = Client::of(shop.gateway, "acme");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("it is rolled back", |shop| {
        shop.status()["releases"][1]["phase"] == "rolled back"
    });
    shop.wait_until("it is served again", |shop| {
        shop.served_by("acme").as_deref() == Some("1.0.0")
    });
    shop.run(&["history", "--release", "1.1.0"])
        .succeeded()
        .shows("step convert in cell eu has failed in its downtime: it ended with code 1");
    assert_eq!(done(&shop), ["begin eu", "undo eu"]);
    assert_eq!(course(&client.answers()), ["1.0.0", "page", "1.0.0"]);
}

#[test]
fn a_server_killed_in_the_work_neither_repeats_it_nor_serves_anybody_on_half_of_it() {
    let mut shop = shop(STEP);
    shop.run(&["plan", "1.1.0.yaml", "--exit-code"])
        .ended_with(3)
        .shows("rollback   impossible after convert, which has no undo; clean until it begins in the downtime");
    shop.workspace.write("data/wait", "");
    let client = Client::of(shop.gateway, "bolt");
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("the work has begun", |shop| !done(shop).is_empty());
    let address = shop.endpoint();
    shop.kill_server();
    assert_eq!(shop.served_by("acme"), None);
    shop.serve_at(&address);
    shop.run(&["rollback", "1.1.0", "--all", "--reason", "it is wrong"])
        .ended_with(4)
        .says("step `convert` has begun in its downtime and has no `undo`");
    fs::remove_file(shop.workspace.path("data/wait")).unwrap();
    shop.wait_until("everybody has moved", |shop| {
        shop.served_by("cato").as_deref() == Some("1.1.0")
    });
    assert_eq!(course(&client.answers()), ["1.0.0", "page", "1.1.0"]);
    assert_eq!(done(&shop), ["begin eu", "end eu", "begin us", "end us"]);
}

#[test]
fn a_rollback_later_takes_the_cell_out_of_service_until_its_data_are_undone() {
    let shop = shop(&format!("{STEP}{UNDO}"));
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    let client = Client::of(shop.gateway, "acme");
    shop.wait_until("it is asked", |shop| shop.served_by("acme").as_deref() == Some("1.1.0"));
    shop.run(&["rollback", "1.1.0", "--all", "--reason", "it is wrong"])
        .succeeded();
    shop.wait_until("everybody is back", |shop| {
        ["acme", "bolt", "cato"]
            .iter()
            .all(|tenant| shop.served_by(tenant).as_deref() == Some("1.0.0"))
    });
    assert_eq!(course(&client.answers()), ["1.1.0", "page", "1.0.0"]);
    let mut lines = done(&shop).split_off(4);
    lines.sort();
    assert_eq!(lines, ["undo eu", "undo us"]);
}

#[test]
fn what_cannot_be_done_in_its_downtime_is_refused_with_its_line() {
    let shop = shop(&STEP.replace("downtime: 1m\n", ""));
    shop.run(&["plan", "1.1.0.yaml"])
        .ended_with(1)
        .says("the step is run in downtime, and the release plans none")
        .says("help: write `downtime: 10m` in the release");
    let release = fs::read_to_string(shop.workspace.path("1.1.0.yaml")).unwrap();
    let short = release
        .replace("steps:", "downtime: 1m\nsteps:")
        .replace("timeout: 20s", "timeout: 100s");
    shop.workspace.write("1.1.0.yaml", &short);
    shop.run(&["plan", "1.1.0.yaml"])
        .ended_with(1)
        .says("what is done in downtime takes up to 1m 40s in cell `eu`");
    shop.workspace
        .write("1.1.0.yaml", &short.replace("timeout: 100s", "timeout: 20s"));
    let apart = PLAYBOOK.replace("{cell: eu}", "{opt_in: true}");
    shop.workspace.write("playbooks/two-waves.yaml", &apart);
    shop.run(&["plan", "1.1.0.yaml"])
        .ended_with(4)
        .says("tenant `acme` is in wave first and tenant `bolt` in wave rest")
        .says("--> playbooks/two-waves.yaml:5");
}
