//! `fortnightly-single-version`: one version for all, every two weeks, in a quiet window, after its notice has run.

use tidegate_domain::time::Duration;
use tidegate_sim::Deed;

use super::scene::{Scene, scene};

/// A release that is planned, and applied, at this time. The service has a regression test as its gate.
fn planned(file: &str, at: &str) -> Scene {
    let begins = format!("{}[Europe/Warsaw]", at.replace(' ', "T"));
    let scene = scene("fortnightly-single-version", &begins).gates("everybody", &["regression"]);
    scene.release(file, at)
}

#[test]
fn d1_one_version_for_all_on_every_second_monday() {
    let told = planned("release.yaml", "2026-11-12 10:00")
        .release("release-next.yaml", "2026-11-25 10:00")
        .tell();
    assert_eq!(
        told.tenants("move from 1.0.0 to 2.0.0"),
        ["bakery", "cinema", "florist"]
    );
    assert_eq!(told.when("move from 1.0.0 to 2.0.0"), "Mon 23 Nov 02:00");
    assert_eq!(
        told.tenants("move from 2.0.0 to 2.1.0"),
        ["bakery", "cinema", "florist"]
    );
    assert_eq!(told.when("move from 2.0.0 to 2.1.0"), "Mon 7 Dec 02:00");
    told.ends("2.1.0", "completed");
    told.golden("diary.txt");
}

#[test]
fn d1_production_waits_for_two_people_other_than_the_author() {
    let mut scene = planned("release.yaml", "2026-11-12 10:00");
    scene.play.people.approve_after = None;
    let told = scene.tell();
    told.line("release 2.0.0 waits for approval production: 2 of role approver");
    told.never(" move ");
    told.never("sent to");
    told.ends("2.0.0", "waiting");
}

#[test]
fn d2_a_regression_that_fails_moves_nobody() {
    let scene = planned("release.yaml", "2026-11-12 10:00").with(Deed::failure("everybody@verify").unwrap());
    let told = scene.tell();
    told.line("gate of wave everybody: regression: fail");
    told.never(" move ");
    told.ends("2.0.0", "held");
}

#[test]
fn d2_clients_are_told_before_a_change_that_concerns_them_and_all_of_them_after() {
    let told = planned("release.yaml", "2026-11-12 10:00").tell();
    let moved = told.line("move from 1.0.0 to 2.0.0").at;
    let before = told.line("reminder of wave everybody sent to 3 contacts");
    let after = told.line("confirmation of wave everybody sent to 3 contacts");
    assert!(moved - before.at >= Duration::from_days(1));
    assert!(moved < after.at);
    assert_eq!(before.tenants.len(), 3);
    assert_eq!(after.tenants.len(), 3);
}

#[test]
fn d3_nobody_moves_outside_the_quiet_window() {
    // What goes wrong at the first window is put right in the middle of the week.
    let mut scene = planned("release.yaml", "2026-11-12 10:00").with(Deed::failure("everybody@verify").unwrap());
    scene.play.people.resume_after = Some(Duration::from_days(2));
    let told = scene.tell();
    for line in told.all(" move from ") {
        let at = told.zoned(line);
        assert_eq!(at.weekday(), jiff::civil::Weekday::Monday, "{}", line.text);
        assert!((2..5).contains(&at.hour()), "{at}: {}", line.text);
    }
    let told = planned("release-downtime.yaml", "2026-11-12 10:00").tell();
    assert_eq!(told.when(" move "), "Mon 23 Nov 02:00");
}

#[test]
fn d3_downtime_is_a_page_with_an_end_and_minutes_long() {
    let told = planned("release-downtime.yaml", "2026-11-12 10:00").tell();
    told.planned("out of service for 10m, 20m at the most");
    let closed = told.line("are out of service until");
    assert_eq!(closed.tenants.len(), 3);
    let ended = told.line("the downtime of");
    assert!(told.line(" move ").at >= closed.at);
    assert!(
        ended.at - closed.at < Duration::from_secs(600),
        "it was promised to take 10 minutes"
    );
    told.ends("2.0.0", "completed");
}

#[test]
fn d3_downtime_that_cannot_end_in_time_is_extended_before_its_end_and_undone() {
    let scene = planned("release-downtime.yaml", "2026-11-12 10:00");
    let told = scene.with(Deed::failure("everybody@switch").unwrap()).tell();
    let closed = told
        .line("are out of service until 2026-11-23T01:10:02Z, as planned")
        .at;
    let extended = told
        .line("are out of service until 2026-11-23T01:20:02Z at the latest")
        .at;
    assert!(extended - closed < Duration::from_secs(600), "before the promised end");
    let undone = told.line("the downtime of").at;
    assert_eq!(
        undone - closed,
        Duration::from_secs(18 * 60),
        "two minutes before the very end"
    );
    told.ends("2.0.0", "rolled back");
    told.golden("diary-downtime.txt");
}

#[test]
fn d4_downtime_is_told_five_working_days_before() {
    let told = planned("release-downtime.yaml", "2026-11-12 10:00").tell();
    assert_eq!(
        told.when("notice of wave everybody sent to 3 contacts"),
        "Thu 12 Nov 12:01"
    );
    told.line("not before the notice has run, Thu 19 Nov 2026, 12:01 Europe/Warsaw");
    assert_eq!(told.when(" move "), "Mon 23 Nov 02:00");
}

#[test]
fn d4_holidays_are_no_working_days() {
    // From 24 to 26 December and on 1 January nobody works in Poland: five working days before 4 January is 23 December.
    let in_time = planned("release-downtime.yaml", "2026-12-22 10:00").tell();
    in_time.planned("Wed 23 Dec 2026, 02:00 Europe/Warsaw at the latest");
    assert_eq!(in_time.when(" move "), "Mon 4 Jan 02:00");
    let late = planned("release-downtime.yaml", "2026-12-23 09:00").tell();
    assert_eq!(late.when(" move "), "Mon 18 Jan 02:00");
}

#[test]
fn d4_a_notice_that_is_sent_late_moves_the_start() {
    let mut scene = planned("release-downtime.yaml", "2026-11-12 10:00");
    scene.play.people.send_after = Some(Duration::from_days(5));
    let told = scene.tell();
    told.line("not before the notice has run, Tue 24 Nov 2026, 12:00 Europe/Warsaw");
    assert_eq!(told.when(" move "), "Mon 30 Nov 02:00");
}

#[test]
fn d4_a_notice_that_nobody_proves_moves_nobody() {
    let mut scene = planned("release-downtime.yaml", "2026-11-12 10:00");
    scene.play.people.send_after = None;
    let told = scene.tell();
    told.line("not before it is proven that the notice was sent");
    told.never(" move ");
    told.ends("2.0.0", "waiting");
}

#[test]
fn d4_an_emergency_is_told_twelve_hours_before_whatever_the_day() {
    let told = planned("release-emergency.yaml", "2026-11-12 10:00").tell();
    assert_eq!(
        told.when("notice of wave everybody sent to 3 contacts"),
        "Thu 12 Nov 10:01"
    );
    assert_eq!(told.when(" move "), "Thu 12 Nov 22:01");
    told.ends("1.0.1", "completed");
    told.golden("diary-emergency.txt");
}

#[test]
fn d5_one_component_is_replaced_in_the_quiet_window_without_downtime() {
    let told = planned("release-patch.yaml", "2026-11-12 10:00").tell();
    assert_eq!(told.when(" move from 1.0.0 to 1.0.1"), "Mon 16 Nov 02:00");
    told.never("out of service");
    told.never("approval");
    told.ends("1.0.1", "completed");
}
