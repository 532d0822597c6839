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

fn a_feature() -> Scene {
    scene("deploy-then-release", "2026-11-24T09:00[Europe/London]").release("feature.yaml", "2026-11-24 09:00")
}

#[test]
fn c1_a_feature_waits_for_product_and_for_nobody_else() {
    let mut scene = a_feature();
    scene.play.people.approve_after = None;
    let told = scene.tell();
    told.line("release 2.1.0 waits for approval feature: 1 of role product");
    told.never(" move");
    told.ends("2.1.0", "waiting");
    // A build does not.
    a_day().tell().never("approval");
}

#[test]
fn c5_people_inside_are_told_of_a_feature_a_day_before_customers() {
    let told = a_feature().tell();
    for wave in ["canary", "everybody"] {
        let inside = told.line(&format!("preview of wave {wave} sent to 1 contact"));
        let customers = told.line(&format!("confirmation of wave {wave} sent to 1 contact"));
        assert!(customers.at - inside.at >= Duration::from_days(1), "{wave}");
        let moved = told.line(&format!("from 1.0.0 to 2.1.0, wave {wave}"));
        assert!(inside.at < moved.at && moved.at < customers.at, "{wave}");
    }
    told.ends("2.1.0", "completed");
    told.golden("diary-feature.txt");
}

#[test]
fn c5_a_feature_that_nobody_inside_was_told_of_moves_nobody() {
    let mut scene = a_feature();
    scene.play.people.send_after = None;
    let told = scene.tell();
    told.never(" from 1.0.0 to 2.1.0");
    told.ends("2.1.0", "waiting");
}
