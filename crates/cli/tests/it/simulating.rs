//! `simulate`: the starter's release in virtual time.

use crate::workspace::Workspace;

const NOW: &str = "2026-11-24T08:00:00Z";

#[test]
fn a_good_release_is_told_to_its_end_and_is_told_the_same_again() {
    let workspace = Workspace::starter();
    let simulate = || workspace.run(&["simulate", "--now", NOW, "--zone", "Europe/Berlin", "--from", "0.9.0"]);
    let first = simulate()
        .succeeded()
        .shows("Tue 24 Nov 2026, Europe/Berlin and UTC")
        .shows("09:00:02     08:00:02Z  acme moves from 0.9.0 to 1.0.0, wave opted-in")
        .shows("Release 1.0.0 is completed, 3 tenants are on it");
    assert_eq!(first.stdout, simulate().stdout);
}

#[test]
fn a_wave_that_fails_goes_back_and_the_release_is_held() {
    let workspace = Workspace::starter();
    let told = workspace.run(&["simulate", "--now", NOW, "--fail", "wave2@3m"]);
    told.ended_with(3)
        .shows("08:05:03     08:05:03Z  globex, initech are back on earlier")
        .shows("Release 1.0.0 is held, 1 tenant is on it");
    let told = workspace.run(&["simulate", "--now", NOW, "--fail", "opted-in@prepare"]);
    told.ended_with(3).shows("release 1.0.0 is held: slot web-");
    let told = workspace.run(&["simulate", "--now", NOW, "--fail", "everybody@switch"]);
    told.ended_with(3)
        .shows("wave everybody still waits for all gateways to confirm");
    workspace.replace("playbooks/two-waves.yaml", "on_failure: wave", "on_failure: tenant");
    let told = workspace.run(&["simulate", "--now", NOW, "--fail", "everybody/globex@3m"]);
    told.shows("globex is back on earlier")
        .shows("Release 1.0.0 is held, 2 tenants are on it");
}

#[test]
fn what_people_do_is_part_of_it() {
    let workspace = Workspace::starter();
    workspace
        .run(&["simulate", "--now", NOW, "--hold", "wave1@30s+1h"])
        .succeeded()
        .shows("08:00:32     08:00:32Z  release 1.0.0 is held by release manager")
        .shows("09:00:32     09:00:32Z  release 1.0.0 goes on");
    workspace
        .run(&["simulate", "--now", NOW, "--no-data", "wave2", "--promote", "wave2@10m"])
        .succeeded()
        .shows("wave everybody need not be watched longer by release manager");
    workspace
        .run(&["simulate", "--now", NOW, "--rollback", "wave2/globex@1m"])
        .succeeded()
        .shows("globex is back on earlier by release manager");
    workspace
        .run(&["simulate", "--now", NOW, "--abort", "wave1@30s"])
        .ended_with(3)
        .shows("Release 1.0.0 is aborted, 0 tenants are on it");
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let workspace = Workspace::starter();
    workspace
        .run(&["simulate", "--fail", "rest@2h"])
        .ended_with(1)
        .says("there is no wave `rest` in release 1.0.0: its waves are `opted-in`, `everybody`")
        .says("tidegate plan release.yaml --offline");
    workspace
        .run(&["simulate", "--fail", "wave1@soon"])
        .ended_with(2)
        .says("write a duration such as `2h` or `1h30m`, or `prepare`, `verify`, `canary`, `switch` or `bake`");
    workspace
        .run(&["simulate", "--fail", "wave2@prepare"])
        .ended_with(1)
        .says("what it needs in cell `local` runs since wave `opted-in`");
    workspace
        .run(&["simulate", "--fail", "wave1@verify"])
        .ended_with(1)
        .says("wave `opted-in` has no gates that could fail");
    workspace
        .run(&["simulate", "--fail", "wave1/globex@1m"])
        .ended_with(1)
        .says("moves tenant `globex`");
    workspace
        .run(&["simulate", "--zone", "Europe/Atlantis"])
        .ended_with(2)
        .says("`Europe/Atlantis` is no time zone");
}

#[test]
fn what_never_comes_ends_with_the_days() {
    let workspace = Workspace::starter();
    workspace.replace("playbooks/two-waves.yaml", "gap: 1m", "gap: 5d");
    workspace
        .run(&["simulate", "--now", NOW, "--days", "2"])
        .ended_with(5)
        .shows("Release 1.0.0 is waiting, 1 tenant is on it: the simulated days are over: wave everybody waits");
}

#[test]
fn as_json_it_is_one_document() {
    let workspace = Workspace::starter();
    std::fs::remove_file(workspace.path("app/web.py")).unwrap();
    let told = workspace
        .run(&["simulate", "--now", NOW, "--zone", "Asia/Kathmandu", "--json"])
        .succeeded()
        .says("simulated without the content of app/web.py");
    let document = told.json();
    assert_eq!(document["begins"], "2026-11-24T13:45:00+05:45[Asia/Kathmandu]");
    let events = document["events"].as_array().unwrap();
    let moved: Vec<_> = events.iter().filter(|event| event["kind"] == "moved").collect();
    assert_eq!(moved[0]["tenants"], serde_json::json!(["acme"]));
    assert_eq!(moved[0]["wave"], "opted-in");
    assert_eq!(document["outcomes"][0]["outcome"], "completed");
    assert_eq!(document["outcomes"][0]["tenants_on_it"], 3);
}
