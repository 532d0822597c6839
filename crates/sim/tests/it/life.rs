//! What comes between releases in the life of a service, in virtual time: the next release, and a fix.

use tidegate_domain::policy::WhileInFlight;
use tidegate_domain::time::Duration;

use super::practices::scene::{Scene, scene};

/// Five builds, each before the one before has reached everybody.
fn five_builds() -> Scene {
    let mut scene = scene("deploy-then-release", "2026-11-24T09:00[Europe/London]");
    for playbook in scene.play.project.playbooks.values_mut() {
        playbook.while_in_flight = WhileInFlight::Supersede;
        for wave in &mut playbook.waves {
            wave.bake.least = Duration::from_secs(1_800);
        }
    }
    scene
        .release("build-1.yaml", "2026-11-24 09:00")
        .release("build-2.yaml", "2026-11-24 09:20")
        .release("build-3.yaml", "2026-11-24 10:10")
        .release("build-4.yaml", "2026-11-24 11:00")
        .release("build-5.yaml", "2026-11-24 11:50")
}

#[test]
fn five_builds_a_day_do_not_wait_for_each_other_and_are_watched_all_the_same() {
    let told = five_builds().tell();
    told.ends("2.0.5", "completed");
    assert_eq!(told.diary.outcomes.last().unwrap().tenants_on_it, 5);
    let completed = told.line("release 2.0.5 is completed");
    assert_eq!(told.zoned(completed).date(), jiff::civil::date(2026, 11, 24));
    // Nobody is moved on before it was watched for half an hour.
    for tenant in ["arches", "beams", "cranes", "domes", "eaves"] {
        let moves = told.all(" from ").into_iter();
        let moves = moves.filter(|event| event.tenants.iter().any(|name| name.as_str() == tenant));
        let times: Vec<_> = moves.map(|event| event.at).collect();
        assert!(!times.is_empty(), "{tenant}");
        for pair in times.windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_secs(1_800), "{tenant}");
        }
    }
}

#[test]
fn a_fix_reaches_both_servers_while_the_second_still_waits_for_its_release() {
    let told = scene("two-stage", "2026-10-28T10:00[Europe/London]")
        .release("release-small.yaml", "2026-10-28 10:00")
        .release("release-fix.yaml", "2026-11-20 10:00")
        .release("release-fixed.yaml", "2026-11-20 10:05")
        .tell();
    let first = told.line("academy, bootcamp move from 1.0.0 to 2.0.0");
    let fixed = told.line("bootcamp-exams, college move from 1.0.0 to 1.0.1");
    assert!(first.at < fixed.at);
    assert_eq!(told.zoned(fixed).date(), jiff::civil::date(2026, 11, 20));
    told.line("academy, bootcamp move from 2.0.0 to 2.0.1");
    let second = told.line("bootcamp-exams, college move from 1.0.1 to 2.0.1");
    assert!(second.at > fixed.at);
    told.ends("1.0.1", "completed");
    told.ends("2.0.1", "completed");
}
