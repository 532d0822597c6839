//! What goes wrong in ordinary life, and what a person is told of it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rustix::io::{FdFlags, fcntl_setfd};

use crate::shop::Shop;
use crate::workspace::Workspace;

#[test]
fn a_tenant_without_a_cell_is_shown_with_its_line() {
    let shop = Shop::installed("300ms");
    shop.workspace
        .replace("tenants.yaml", "{id: bolt, cell: eu}", "{id: bolt}");
    let refused = shop.run(&["plan", "1.1.0.yaml"]).ended_with(1);
    refused.says("tenants.yaml:4").says("`cell`");
}

#[test]
fn a_gate_that_cannot_be_used_is_shown_with_its_place_when_it_is_planned() {
    let shop = Shop::installed("300ms");
    let playbook = "playbooks/two-waves.yaml";
    let with = |shop: &Shop, gate: &str| {
        let first = "{name: first, select: {opt_in: true}";
        shop.workspace
            .replace(playbook, first, &format!("{first}, gates: [{gate}]"));
        let refused = shop.run(&["plan", "1.1.0.yaml"]).ended_with(1);
        shop.workspace.replace(playbook, &format!(", gates: [{gate}]"), "");
        refused.says("playbooks/two-waves.yaml:4")
    };
    with(&shop, "{uses: comand, with: {command: [true]}}")
        .says("there is no gate `comand`")
        .says("`command`?");
    with(&shop, "{uses: command, with: {command: []}}").says("`command` names no program");
    with(&shop, "{uses: command, with: {comand: [x]}}").says("unknown field `comand`");
    with(&shop, "{uses: http, with: {component: api, path: healthz}}")
        .says("the path `healthz` does not begin with `/`");
    let hotfix = "hotfix: {bake: {least: 0s, longest: 0s, requests: 0}, gates: [{uses: http}]}\n";
    let written = std::fs::read_to_string(shop.workspace.path(playbook)).unwrap();
    shop.workspace.write(playbook, &format!("{written}{hotfix}"));
    let refused = shop.run(&["plan", "1.1.0.yaml"]).ended_with(1);
    refused.says("say `component` and `path`, or `url`");
}

#[test]
fn a_wave_is_switched_when_its_new_instances_answer_as_expected() {
    let shop = Shop::installed("300ms");
    let gate = |expected: &str| {
        format!(
            "{{uses: http, with: {{component: api, path: /points/ada, headers: {{x-tidegate-tenant: acme}}, expect: [{{at: /points, equals: {expected}}}]}}}}"
        )
    };
    let (playbook, first) = ("playbooks/two-waves.yaml", "{name: first, select: {opt_in: true}");
    let gated = format!("{first}, gates: [{}]", gate("-1"));
    shop.workspace.replace(playbook, first, &gated);
    let held = shop
        .run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .ended_with(4);
    held.says("/points is 0, expected is -1");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    shop.workspace.replace(playbook, &gate("-1"), &gate("0"));
    shop.run(&["abort", "1.1.0", "--reason", "the gate was wrong"])
        .succeeded();
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.1.0"));
}

#[test]
fn a_process_that_never_gets_ready_is_held_with_its_reason_once() {
    let shop = Shop::installed("300ms");
    shop.workspace.replace(
        "tidegate.yaml",
        "ready: {path: /healthz}",
        "ready: {path: /healthz, within: 1s}",
    );
    shop.workspace.write("loyalty-1.1.0", "#!/bin/sh\nexec sleep 1000\n");
    let artifact = shop.workspace.path("loyalty-1.1.0");
    std::fs::set_permissions(artifact, std::fs::Permissions::from_mode(0o755)).unwrap();
    let held = shop
        .run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .ended_with(4);
    held.says("is held by tidegate/prepare: slot ")
        .says("not ready within 1s");
    let status = shop.run(&["status"]).succeeded().stdout;
    let told = status.lines().filter(|line| line.contains("held by tidegate/prepare"));
    assert_eq!(told.count(), 1, "{status}");
    assert!(status.contains("ready, 1 instance\n"), "{status}");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
}

#[test]
fn a_release_in_flight_is_not_planned_again_and_comes_back_while_one_waits() {
    let shop = Shop::baking();
    let again = shop.run(&["apply", "1.1.0.yaml"]).ended_with(4);
    again.says("release 1.1.0 is moving already").says("tidegate status");
    let back = [
        "rollback",
        "1.1.0",
        "--all",
        "--reason",
        "why not",
        "--wait",
        "--timeout",
        "60s",
    ];
    shop.run(&back).succeeded().says("they are back");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
}

#[test]
fn a_watcher_outlives_a_restart_of_the_server() {
    let mut shop = Shop::installed("1h");
    let mut watch = shop.workspace.command();
    let mut watch = watch
        .args(["status", "--watch"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("Release 1.0.0  ✓ completed")));
    shop.kill_server();
    assert!(lines.any(|line| line.contains("this was so before:")));
    shop.serve();
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    assert!(lines.any(|line| line.starts_with("Release 1.1.0  ▸ moving")));
    watch.kill().unwrap();
    watch.wait().unwrap();
}

/// An instance that held a pipe or a lock of whoever has started the server would keep it long after both are gone.
#[test]
fn what_is_open_where_the_server_is_started_does_not_reach_gateway_and_instances() {
    let workspace = Workspace::empty();
    let path = workspace.path("somebody-elses");
    let inherited = File::create(&path).unwrap();
    fcntl_setfd(&inherited, FdFlags::empty()).unwrap();
    let shop = Shop::installed("300ms");
    fcntl_setfd(&inherited, FdFlags::CLOEXEC).unwrap();
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    let folder = shop.workspace.path("").canonicalize().unwrap();
    let (mut seen, mut holders) = (0, Vec::new());
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let directory = process.path();
        let works_here =
            std::fs::read_link(directory.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder.join(".tidegate")));
        if !works_here {
            continue;
        }
        seen += 1;
        let open = std::fs::read_dir(directory.join("fd")).into_iter().flatten().flatten();
        if open
            .map(|one| std::fs::read_link(one.path()))
            .any(|to| to.is_ok_and(|to| to == path))
        {
            holders.push(directory);
        }
    }
    // The gateway, and a shim and its instance for each of two components in two cells.
    assert!(seen >= 9, "{seen}");
    assert!(holders.is_empty(), "{holders:?}");
}
