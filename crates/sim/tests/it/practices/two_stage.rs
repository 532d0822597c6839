//! `two-stage`: the standard server first, the controlled one two weeks later.

use tidegate_domain::event::EventKind;
use tidegate_domain::service::ReportOutcome;
use tidegate_domain::time::Duration;
use tidegate_sim::{Deed, What, When};

use super::scene::{Scene, scene};

fn planned(file: &str) -> Scene {
    scene("two-stage", "2026-10-28T10:00[Europe/London]").release(file, "2026-10-28 10:00")
}

#[test]
fn e1_the_second_server_follows_two_weeks_after_the_first() {
    let told = planned("release-small.yaml").tell();
    let first = told.zoned(told.line("academy, bootcamp move from"));
    let second = told.zoned(told.line("bootcamp-exams, college move from"));
    assert_eq!(first.date(), jiff::civil::date(2026, 11, 18));
    assert_eq!(second.date(), jiff::civil::date(2026, 12, 2));
    let approved = told.line("release 2.0.0 is approved by controlled 1");
    assert!(told.line("wave standard is confirmed").at < approved.at);
    told.ends("2.0.0", "completed");
    told.golden("diary-small.txt");
}

#[test]
fn e2_preview_reminder_and_confirmations_of_a_release_that_asks_for_something() {
    let told = planned("release.yaml").tell();
    let moved = told.line("academy, bootcamp move from");
    let preview = told.line("preview of wave standard sent to 2 contacts").at;
    let reminder = told.line("reminder of wave standard sent to 2 contacts").at;
    let [two_weeks, four_weeks] = [14, 28].map(Duration::from_days);
    assert!((two_weeks..=four_weeks).contains(&(moved.at - preview)));
    let [one_day, two_days] = [1, 2].map(Duration::from_days);
    assert!((one_day..=two_days).contains(&(moved.at - reminder)));
    told.line("confirmation of wave standard sent to 2 contacts");
    told.line("confirmation of wave controlled sent to 2 contacts");
    told.never("note of wave");
    told.golden("diary.txt");
}

#[test]
fn e2_a_release_without_impact_sends_one_short_note() {
    let told = planned("release-small.yaml").tell();
    told.line("note of wave standard sent to 2 contacts");
    told.never("preview");
    told.never("reminder");
    told.never("confirmation");
}

#[test]
fn e3_who_is_on_the_second_server_is_told_before_it_moves() {
    let told = planned("release.yaml").tell();
    let moved = told.line("bootcamp-exams, college move from").at;
    let told = told.line("reminder of wave controlled sent to 2 contacts");
    assert!(told.at < moved);
    assert!(told.tenants.iter().any(|tenant| tenant.as_str() == "college"));
}

#[test]
fn e3_who_is_on_both_servers_tries_the_first_and_reports() {
    let told = planned("release.yaml").tell();
    told.planned("customer bootcamp tries wave standard before bootcamp-exams of wave controlled");
    let tried = told.line("academy, bootcamp move from").at;
    let reported = told.line("works").at;
    assert!(tried < reported);
    assert!(reported < told.line("bootcamp-exams, college move from").at);
    told.ends("2.0.0", "completed");
}

#[test]
fn e3_who_has_not_reported_stays_and_who_has_nothing_to_report_moves() {
    let mut scene = planned("release.yaml");
    scene.play.people.report_after = None;
    let told = scene.tell();
    told.line("college moves from 1.0.0 to 2.0.0");
    told.line("bootcamp-exams not before bootcamp reports that it works");
    told.never("bootcamp-exams moves");
    told.ends("2.0.0", "waiting");
}

#[test]
fn e5_trouble_that_a_customer_reports_holds_the_second_server() {
    let mut scene = planned("release.yaml");
    scene.play.people.report_after = None;
    let at = scene.instant("2026-11-20 09:00");
    let told = scene
        .with(Deed {
            release: Some("2.0.0".parse().unwrap()),
            wave: String::new(),
            when: When::Instant(at),
            what: What::Ask {
                who: "bootcamp".to_owned(),
                reason: "grades are missing".to_owned(),
                kind: Box::new(EventKind::Report {
                    version: "2.0.0".parse().unwrap(),
                    customer: "bootcamp".parse().unwrap(),
                    outcome: ReportOutcome::Trouble,
                }),
            },
        })
        .tell();
    told.line("release 2.0.0 is held by bootcamp: customer bootcamp: trouble: grades are missing");
    told.never("college move");
    told.ends("2.0.0", "held");
}

#[test]
fn e5_trouble_on_the_first_server_holds_the_second() {
    let told = planned("release-small.yaml")
        .with(Deed::hold("standard@3d").unwrap())
        .tell();
    told.line("release 2.0.0 is held by release manager");
    told.never("college move");
    told.ends("2.0.0", "held");
}

#[test]
fn e5_the_first_server_is_rolled_back_at_once() {
    let told = planned("release-small.yaml")
        .with(Deed::rollback("standard@3d").unwrap())
        .tell();
    let back = told.line("academy, bootcamp are back on 1.0.0 by release manager");
    let moved = told.line("academy, bootcamp move from").at;
    assert_eq!(back.at - moved, Duration::from_days(3));
    told.never("college move");
    told.golden("diary-back.txt");
}
