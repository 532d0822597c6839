//! Deployed several times a day, with nothing changing for customers.

use tidegate_domain::time::Duration;
use tidegate_sim::Deed;

use super::scene::{Scene, scene};

fn a_day() -> Scene {
    scene("deploy-then-release", "2026-11-24T09:00[Europe/London]")
        .release("build-1.yaml", "2026-11-24 09:00")
        .release("build-2.yaml", "2026-11-24 11:00")
        .release("build-3.yaml", "2026-11-24 14:00")
}

#[test]
fn c1_several_builds_a_day_reach_everybody_by_themselves() {
    let told = a_day().tell();
    for version in ["2.0.1", "2.0.2", "2.0.3"] {
        told.ends(version, "completed");
        let completed = told.line(&format!("release {version} is completed"));
        assert_eq!(told.zoned(completed).date(), jiff::civil::date(2026, 11, 24));
    }
    assert_eq!(told.diary.outcomes.last().unwrap().tenants_on_it, 5);
    told.golden("diary.txt");
}

#[test]
fn c1_a_build_that_comes_early_waits_for_the_one_before() {
    let scene = scene("deploy-then-release", "2026-11-24T09:00[Europe/London]")
        .release("build-1.yaml", "2026-11-24 09:00")
        .release("build-2.yaml", "2026-11-24 09:05");
    let told = scene.tell();
    told.line("release 2.0.2 waits for release 2.0.1 to end");
    assert!(told.line("release 2.0.2 starts").at >= told.line("release 2.0.1 is completed").at);
    told.ends("2.0.2", "completed");
}

#[test]
fn c2_a_build_that_hurts_is_taken_back_everywhere_within_seconds() {
    let mut failure = Deed::failure("everybody@5m").unwrap();
    failure.release = Some("2.0.2".parse().unwrap());
    let told = a_day().with(failure).tell();
    told.ends("2.0.1", "completed");
    told.ends("2.0.2", "rolled back");
    // The next build starts from where everybody is back.
    told.ends("2.0.3", "completed");
    let failed = told.line("health of wave everybody: fail").at;
    let back = told.all("back on 2.0.1");
    assert_eq!(back.iter().map(|line| line.tenants.len()).sum::<usize>(), 5);
    assert!(back.iter().all(|line| line.at - failed <= Duration::from_secs(5)));
    told.golden("diary-bad-build.txt");
}
