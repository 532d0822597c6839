//! `weekly-rolling`: about weekly, at the quietest time, watched until each tenant has had its peak.

use tidegate_domain::time::Duration;
use tidegate_sim::Deed;

use super::scene::{Scene, scene};

fn planned(file: &str) -> Scene {
    let scene = scene("weekly-rolling", "2026-11-19T10:00[Europe/Berlin]").gates("first", &["quality", "load"]);
    scene.release(file, "2026-11-19 10:00")
}

#[test]
fn a1_a_release_takes_the_quietest_time() {
    let told = planned("release.yaml").tell();
    told.planned("the quietest time");
    told.ends("2.0.0", "completed");
    told.golden("diary.txt");
}

#[test]
fn a2_an_urgent_change_goes_at_once() {
    let told = planned("urgent.yaml").tell();
    let applied = told.line("release 1.0.1 is applied").at;
    let first = told.all(" from 1.0.0 to 1.0.1")[0].at;
    assert!(first - applied < Duration::from_secs(60));
}

#[test]
fn a4_who_has_to_act_is_told_weeks_ahead_and_not_moved_before() {
    let told = planned("breaking.yaml").tell();
    let sent = told.all("notice of wave");
    assert!(!sent.is_empty());
    for moved in told.all(" from 1.0.0 to 2.1.0") {
        assert!(moved.at - sent[0].at >= Duration::from_days(28), "{}", moved.text);
    }
}

#[test]
fn a7_a_gate_that_fails_moves_nobody() {
    let told = planned("release.yaml")
        .with(Deed::failure("first@verify").unwrap())
        .tell();
    told.line("gate of wave first: quality: fail");
    told.never(" from 1.0.0 to 2.0.0");
    told.ends("2.0.0", "held");
}

#[test]
fn a8_the_bake_lasts_through_the_peak_of_each_tenant() {
    let told = planned("release.yaml").tell();
    told.line("wave first bakes through the peak of");
    told.line("wave everybody bakes through the peak of");
}

#[test]
fn a8_health_is_judged_until_after_the_peak() {
    let told = planned("release.yaml").with(Deed::failure("first@26h").unwrap()).tell();
    let failed = told.line("health of wave first: fail").at;
    let back = told.all(" back on 1.0.0");
    assert!(back.iter().all(|line| line.at - failed <= Duration::from_secs(5)));
    assert!(!back.is_empty());
}
