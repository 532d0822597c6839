//! Jobs, by real commands: they end on the version they began with, none is skipped, and never two run at once.

use std::collections::BTreeMap;
use std::fs;

use crate::shop::Shop;

/// Writes when it begins and ends, and goes on for as long as a file of its tenant is there.
const JOB: &str = r#"
  - name: report
    kind: job
    command:
      - /bin/sh
      - -c
      - 'echo "for {tenant}"; echo "start $TIDEGATE_VERSION $TIDEGATE_TENANT $TIDEGATE_DUE" >> "$LOYALTY_DATA/runs";
         while test -e "$LOYALTY_DATA/wait-{tenant}"; do sleep 0.02; done;
         echo "end $TIDEGATE_VERSION $TIDEGATE_TENANT $TIDEGATE_DUE" >> "$LOYALTY_DATA/runs";
         test ! -e "$LOYALTY_DATA/fail"'
    environment: {LOYALTY_DATA: FOLDER}
"#;

/// With 1.0.0 for everybody, and a job that says this of its runs.
fn shop(terms: &str) -> Shop {
    let shop = Shop::open_with("300ms", Vec::new(), |workspace| {
        let data = workspace.path("data");
        let service = fs::read_to_string(workspace.path("tidegate.yaml")).unwrap();
        let job = JOB.replace("FOLDER", data.to_str().unwrap());
        workspace.write("tidegate.yaml", &format!("{}{job}{terms}", service.trim_end()));
    });
    for version in ["1.0.0", "1.1.0"] {
        let name = format!("{version}.yaml");
        let release = fs::read_to_string(shop.workspace.path(&name)).unwrap();
        let listed = format!("report: {{artifact: loyalty-{version}}}, api:");
        shop.workspace.write(&name, &release.replacen("api:", &listed, 1));
    }
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    shop
}

fn lines(shop: &Shop) -> Vec<String> {
    let text = fs::read_to_string(shop.workspace.path("data/runs")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn has_begun(shop: &Shop, version: &str, tenant: &str) -> bool {
    let begin = format!("start {version} {tenant} ");
    lines(shop).iter().any(|line| line.starts_with(&begin))
}

/// The runs of each tenant: version, and the second that it was due in. Panics where two of them overlap.
fn runs(lines: &[String]) -> BTreeMap<String, Vec<(String, i64)>> {
    let mut runs: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    for line in lines {
        let (what, run) = line.split_once(' ').unwrap();
        let mut words = run.split(' ');
        let (version, tenant, due) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        if what == "start" {
            assert_eq!(open.insert(tenant, run), None, "two at once: {lines:#?}");
            let due: jiff::Timestamp = due.parse().unwrap();
            let own = runs.entry(tenant.to_owned()).or_default();
            own.push((version.to_owned(), due.as_second()));
        } else {
            assert_eq!(open.remove(tenant), Some(run), "it ends as it began: {lines:#?}");
        }
    }
    runs
}

#[test]
fn a_run_ends_on_the_version_it_began_with_and_the_next_starts_on_the_tenants_version() {
    let shop = shop("    schedule: {every: 1s}\n");
    let wait = shop.workspace.path("data/wait-acme");
    fs::write(&wait, "").unwrap();
    shop.wait_until("a run of acme goes on", |shop| {
        let jobs = shop.run(&["jobs", "--tenant", "acme"]).succeeded().stdout;
        jobs.contains("runs on 1.0.0 since") && jobs.contains("waiting")
    });
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    assert_eq!(
        shop.served_by("acme").as_deref(),
        Some("1.1.0"),
        "its switch has not waited"
    );
    assert!(!has_begun(&shop, "1.1.0", "acme"), "its run on 1.0.0 goes on");
    shop.run(&["status"])
        .succeeded()
        .shows("job report of tenant acme: its run on 1.0.0 since");
    shop.wait_until("the others run on", |shop| has_begun(shop, "1.1.0", "cato"));
    fs::remove_file(&wait).unwrap();
    shop.wait_until("acme has caught up on its own version", |shop| {
        let waiting = shop.run(&["jobs", "--json"]).succeeded().json();
        let jobs = waiting["jobs"].as_array().unwrap();
        has_begun(shop, "1.1.0", "acme") && jobs.iter().all(|job| job["waiting"] == 0)
    });
    for (tenant, runs) in runs(&lines(&shop)) {
        let due: Vec<i64> = runs.iter().map(|(_, due)| *due).collect();
        let every: Vec<i64> = (due[0]..due[0] + i64::try_from(due.len()).unwrap()).collect();
        assert_eq!(due, every, "every second of {tenant} has one run, in order");
        let first_on_new = runs.iter().position(|(version, _)| version == "1.1.0").unwrap();
        assert!(first_on_new > 0, "{tenant} had runs on both versions");
        assert!(
            runs[first_on_new..].iter().all(|(version, _)| version == "1.1.0"),
            "{tenant}: {runs:?}"
        );
    }
}

#[test]
fn a_server_killed_in_the_middle_of_a_run_neither_repeats_nor_misses_it() {
    let mut shop = shop("");
    let wait = shop.workspace.path("data/wait-bolt");
    fs::write(&wait, "").unwrap();
    let ask = [
        "jobs",
        "run",
        "report",
        "--tenant",
        "bolt",
        "--reason",
        "the figures were wrong",
    ];
    shop.run(&ask).succeeded();
    shop.wait_until("it is begun", |shop| has_begun(shop, "1.0.0", "bolt"));
    shop.kill_server();
    shop.serve();
    let printed = shop.run(&["jobs", "logs", "report", "--tenant", "bolt"]).succeeded();
    assert_eq!(printed.stdout, "for bolt\n");
    shop.kill_server();
    fs::remove_file(&wait).unwrap();
    shop.serve();
    shop.wait_until("it has ended", |shop| {
        let jobs = shop.run(&["jobs", "--tenant", "bolt"]).succeeded().stdout;
        jobs.contains("it ended with code 0") && jobs.contains("on demand")
    });
    assert_eq!(lines(&shop), ["start 1.0.0 bolt ", "end 1.0.0 bolt "]);
    let history = shop.run(&["history", "--tenant", "bolt"]).succeeded();
    history.shows("job report of tenant bolt begins: the figures were wrong");
}

#[test]
fn a_run_that_fails_is_shown_and_holds_nothing_up() {
    let shop = shop("");
    shop.workspace.write("data/fail", "");
    let ask = ["jobs", "run", "report", "--tenant", "cato", "--reason", "a try"];
    shop.run(&ask).succeeded();
    shop.wait_until("it has failed", |shop| {
        shop.run(&["status"])
            .succeeded()
            .stdout
            .contains("job report: 1 run failed")
    });
    fs::remove_file(shop.workspace.path("data/fail")).unwrap();
    shop.run(&ask).succeeded();
    shop.wait_until("the next one is done", |shop| {
        let jobs = shop.run(&["jobs", "--component", "report"]).succeeded().stdout;
        jobs.contains("on 1.0.0: it ended with code 0")
    });
    shop.run(&["status"]).succeeded().shows("job report: 1 run failed");
}

#[test]
fn what_cannot_be_run_is_refused_with_the_way_out() {
    let shop = shop("");
    shop.run(&["jobs", "run", "report", "--tenant", "nobody", "--reason", "a try"])
        .ended_with(1)
        .says("there is no job report of tenant nobody");
    shop.run(&["jobs", "run", "api", "--tenant", "acme", "--reason", "a try"])
        .ended_with(4)
        .says("there is no job api of tenant acme")
        .says("tidegate jobs");
    shop.run(&["jobs", "run", "report", "--cell", "eu", "--reason", "a try"])
        .ended_with(4)
        .says("there is no job report of cell eu");
    shop.run(&["jobs", "run", "report", "--reason", "a try"]).ended_with(2);
    shop.run(&["jobs", "run", "report", "--tenant", "acme"]).ended_with(2);
    shop.run(&["jobs", "logs", "report", "--tenant", "acme"])
        .ended_with(1)
        .says("no run of job report of tenant acme was begun");
    assert!(lines(&shop).is_empty());
}
