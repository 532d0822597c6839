//! `three-day-waves`: our own accounts, who opted in, a patch for them if need be, and everybody else on the third day.

use tidegate_domain::time::Duration;
use tidegate_sim::Deed;

use super::scene::{Scene, scene};

fn planned() -> Scene {
    let scene = scene("three-day-waves", "2026-11-20T10:00[UTC]").gates("internal", &["regression", "replay"]);
    scene.release("release-2.0.0.yaml", "2026-11-20 10:00")
}

#[test]
fn b1_releases_leave_weekly() {
    let told = planned().release("release-2.1.0.yaml", "2026-11-27 10:00").tell();
    assert_eq!(told.when("ourselves moves from 1.0.0 to 2.0.0"), "Tue 24 Nov 00:00");
    assert_eq!(told.when("ourselves moves from 2.0.0 to 2.1.0"), "Tue 1 Dec 00:00");
    told.ends("2.1.0", "completed");
}

#[test]
fn b2_accounts_of_our_own_are_tested_before_anybody_else_moves() {
    let told = planned().tell();
    let passed = told.line("gate of wave internal: regression: pass").at;
    let own = told.line("ourselves moves from 1.0.0").at;
    let watched = told.line("wave internal is confirmed").at;
    let first = told.line("acme-dev, bolt-test move from 1.0.0").at;
    assert!(passed <= own && own < watched && watched <= first);
    let told = planned().with(Deed::failure("internal@2h").unwrap()).tell();
    told.line("ourselves is back on 1.0.0");
    told.never("acme-dev, bolt-test move");
    told.ends("2.0.0", "rolled back");
}

#[test]
fn b3_what_the_gates_refuse_reaches_nobody() {
    let told = planned().tell();
    told.line("gate of wave internal: replay: pass");
    let told = planned().with(Deed::failure("internal@verify").unwrap()).tell();
    told.never(" move ");
    told.ends("2.0.0", "held");
}

#[test]
fn b6_who_opted_in_moves_on_day_one_and_everybody_else_on_day_three() {
    let told = planned().tell();
    let day = |part: &str| told.zoned(told.line(part)).date();
    assert_eq!(told.tenants("bolt-test move from"), ["acme-dev", "bolt-test"]);
    assert_eq!(day("bolt-test move from"), jiff::civil::date(2026, 11, 24));
    assert_eq!(told.tenants("acme, bolt move from"), ["acme", "bolt"]);
    assert_eq!(day("acme, bolt move from"), jiff::civil::date(2026, 11, 26));
    told.ends("2.0.0", "completed");
    told.golden("diary.txt");
}

#[test]
fn b6_trouble_on_day_one_never_reaches_everybody_else() {
    let told = planned().with(Deed::failure("opted-in@3h").unwrap()).tell();
    let failed = told.line("health of wave opted-in: fail").at;
    let back = told.line("acme-dev, bolt-test are back on 1.0.0");
    assert!(back.at - failed <= Duration::from_secs(5));
    told.never("acme, bolt move");
    told.ends("2.0.0", "held");
}

#[test]
fn b6_a_patched_release_goes_to_who_opted_in_first() {
    let mut failure = Deed::failure("opted-in@3h").unwrap();
    failure.release = Some("2.0.0".parse().unwrap());
    let told = planned()
        .with(failure)
        .release("release-2.0.1.yaml", "2026-11-25 09:00")
        .tell();
    told.ends("2.0.0", "rolled back");
    let patched = told.line("acme-dev, bolt-test, ourselves move to 2.0.1");
    assert_eq!(told.zoned(patched).date(), jiff::civil::date(2026, 11, 25));
    let everybody = told.line("acme, bolt move from 1.0.0 to 2.0.1");
    assert!(told.line("wave patched is confirmed").at < everybody.at);
    assert_eq!(
        told.zoned(everybody).date(),
        jiff::civil::date(2026, 11, 26),
        "days are counted from the first day of what is patched"
    );
    told.ends("2.0.1", "completed");
    told.golden("diary-patched.txt");
}

#[test]
fn b6_a_patch_takes_over_from_a_release_that_is_held() {
    let mut hold = Deed::hold("opted-in@3h").unwrap();
    hold.release = Some("2.0.0".parse().unwrap());
    let told = planned()
        .with(hold)
        .release("release-2.0.1.yaml", "2026-11-24 18:00")
        .tell();
    told.ends("2.0.0", "superseded");
    let patched = told.line("acme-dev, bolt-test, ourselves move from 2.0.0 to 2.0.1");
    assert_eq!(
        told.zoned(patched).date(),
        jiff::civil::date(2026, 11, 25),
        "the second day"
    );
    told.ends("2.0.1", "completed");
}

#[test]
fn b6_without_trouble_there_is_no_patched_release() {
    planned().tell().never("wave patched");
}
