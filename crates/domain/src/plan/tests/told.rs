//! Notices and starts: what a notice that is late or was sent moves, and where to.

use proptest::prelude::*;

use super::super::*;
use super::when::{FORTNIGHTLY, SERVICE, TENANTS, input, input_of, instant, planned, starts};
use crate::event::{Event, EventKind};
use crate::id::Actor;
use crate::service::Service;
use crate::step::step;
use crate::time::{Duration, Timestamp};

/// Whoever has to act is told five working days before the wave `rest`, which moves on the third day.
const DAYS: &str = "
name: days
cadence: {every: 1 week, on: tuesday}
waves:
  - {name: first, day: 1, select: {cell: standard}}
  - {name: rest, day: 3, select: {rest: true}}
notices: [{kind: notice, waves: [rest], at_least: 5 working days}]
";

/// Everybody is told five working days before.
const PLAIN: &str = "
name: plain
waves: [{name: all, select: {rest: true}}]
notices: [{kind: notice, at_least: 5 working days}]
";

fn take(state: &Service, kind: EventKind, now: Timestamp) -> Service {
    let event = Event {
        actor: Actor::principal("ada"),
        reason: Some("a test asks for it".to_owned()),
        kind,
    };
    let step = step(state, &[event], now);
    assert_eq!(step.refused, [None]);
    step.state
}

/// The input of planning a release again that was applied and aborted; these of its notices were proven when it was applied.
fn aborted(mut input: PlanInput, is_proven: impl Fn(&PlannedNotice) -> bool) -> PlanInput {
    let (plan, _) = planned(&input);
    let version = plan.release.version.clone();
    let proven = plan.schedule.notices.iter().filter(|notice| is_proven(notice));
    let keys = proven.map(|notice| notice.key.clone()).collect();
    let apply = EventKind::Apply {
        plan: Box::new(plan.clone()),
        author: None,
    };
    let sent = EventKind::NoticesProven {
        version: version.clone(),
        keys,
        at: None,
    };
    for event in [apply, sent, EventKind::Abort { version }] {
        input.state = take(&input.state, event, input.now);
    }
    input
}

fn later(input: &PlanInput, days: u16) -> PlanInput {
    let now = input.now + Duration::from_hours(24 * days);
    PlanInput { now, ..input.clone() }
}

#[test]
fn a_release_that_a_notice_keeps_from_its_day_takes_the_next_release_day_with_everybody() {
    // Five working days before Monday the 7th is this Monday: New York can still be told in time, Berlin can not.
    let input = input(
        "fortnightly-single-version",
        FORTNIGHTLY,
        TENANTS,
        "downtime: 10m",
        "2026-11-30T10:00:00Z",
    );
    let (plan, report) = planned(&input);
    let starts = starts(&plan, &report, input.now);
    assert_eq!(starts["acme"], "2026-12-21T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(starts["globex"], "2026-12-21T02:00:00-05:00[America/New_York]");
    let missed: Vec<(String, &Missed)> = report
        .missed
        .iter()
        .map(|it| (it.date.to_string(), &it.because))
        .collect();
    assert_eq!(missed, [("2026-12-07".to_owned(), &Missed::Notice)]);
}

#[test]
fn a_notice_to_a_later_wave_moves_the_release_day_and_keeps_the_days_between() {
    let input = input("days", DAYS, TENANTS, "", "2026-11-20T10:00:00Z");
    let (plan, report) = planned(&input);
    let starts = starts(&plan, &report, input.now);
    assert_eq!(starts["acme"], "2026-12-01T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(starts["acme-2"], "2026-12-03T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(report.missed.len(), 1, "{:?}", report.missed);
    assert_eq!(report.missed[0].because, Missed::Notice);
}

#[test]
fn a_cadence_none_of_whose_days_is_open_blocks_instead_of_being_forgotten() {
    let never = DAYS.replace("on: tuesday", "on: sunday");
    let (plan, report) = plan(&input("days", &never, TENANTS, "", "2026-11-20T10:00:00Z"));
    assert!(plan.is_none());
    let problem = &report.problems[0];
    assert_eq!(problem.kind, ProblemKind::NoReleaseDay);
    assert!(problem.message.ends_with("no window is open on it"), "{problem:?}");
}

#[test]
fn a_start_is_the_first_that_the_notice_allows_though_not_every_later_one_is() {
    let start = |on: &str, from: &str| {
        let until = format!("{:02}:00", from[..2].parse::<u8>().unwrap() + 2);
        let window = format!("on: {on}, from: '{from}', until: '{until}'");
        let service = SERVICE.replace("on: mon-fri, from: '02:00', until: '06:00'", &window);
        // Monday, 09:00 in Berlin.
        let input = input_of(&service, ("plain", PLAIN), TENANTS, "", "2026-11-23T08:00:00Z");
        let (plan, report) = planned(&input);
        starts(&plan, &report, input.now)["acme"].clone()
    };
    assert_eq!(start("sat", "10:00"), "2026-11-28T10:00:00+01:00[Europe/Berlin]");
    assert_eq!(start("sat", "08:00"), "2026-11-28T09:00:00+01:00[Europe/Berlin]");
    // Five working days before that Sunday, 02:00 is Monday, 02:00, which is over.
    assert_eq!(start("sun", "02:00"), "2026-12-06T02:00:00+01:00[Europe/Berlin]");
    assert_eq!(start("mon", "08:00"), "2026-11-30T09:00:00+01:00[Europe/Berlin]");
}

#[test]
fn a_notice_that_was_sent_moves_no_start_when_the_release_is_planned_again() {
    let first = input("plain", PLAIN, TENANTS, "", "2026-11-23T08:00:00Z");
    let (plan, report) = planned(&first);
    let before = starts(&plan, &report, first.now);
    assert_eq!(before["acme"], "2026-12-01T02:00:00+01:00[Europe/Berlin]");
    let again = later(&aborted(first.clone(), |_| true), 7);
    let (plan, report) = planned(&again);
    assert_eq!(starts(&plan, &report, again.now), before);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    // What was not sent is owed as ever.
    let unsent = later(&aborted(first, |_| false), 7);
    let (plan, report) = planned(&unsent);
    assert_eq!(
        starts(&plan, &report, unsent.now)["acme"],
        "2026-12-08T02:00:00+01:00[Europe/Berlin]"
    );
}

#[test]
fn a_class_waits_for_the_last_of_its_tenants_to_be_told() {
    let first = input("plain", PLAIN, TENANTS, "", "2026-11-23T08:00:00Z");
    let acme = |notice: &PlannedNotice| notice.customer.as_ref().is_some_and(|it| it.as_str() == "acme-corp");
    let again = later(&aborted(first, acme), 7);
    let (plan, report) = planned(&again);
    let starts = starts(&plan, &report, again.now);
    assert_eq!(
        starts["acme"], "2026-12-01T02:00:00+01:00[Europe/Berlin]",
        "it is alone in its class"
    );
    assert_eq!(starts["globex"], "2026-12-07T03:00:00-05:00[America/New_York]");
}

#[test]
fn a_notice_that_cannot_be_sent_between_its_two_bounds_is_told_at_its_place() {
    // Five working days are more than six days as soon as a weekend lies between.
    let playbook = PLAIN.replace("at_least: 5 working days", "at_least: 5 working days, at_most: 6 days");
    let (plan, report) = plan(&input("plain", &playbook, TENANTS, "", "2026-11-23T08:00:00Z"));
    assert!(plan.is_none());
    let impossible = report
        .problems
        .iter()
        .find(|it| it.kind == ProblemKind::NoticeImpossible);
    let impossible = impossible.unwrap_or_else(|| panic!("{:?}", report.problems));
    assert_eq!(impossible.about, Some(About::Notice(0)));
    assert!(impossible.remedy.contains("`at_most`"), "{impossible:?}");
}

#[test]
fn what_is_not_due_before_an_instant_is_due_in_working_hours_unless_it_would_be_late() {
    let service = SERVICE.replace("eu: {time_zone", "eu: {working_hours: '09:00-17:00', time_zone");
    let due = |more: &str| {
        let rule = format!("notices: [{{kind: reminder, {more}}}]");
        let playbook = PLAIN.replace("notices: [{kind: notice, at_least: 5 working days}]", &rule);
        let input = input_of(&service, ("plain", &playbook), TENANTS, "", "2026-11-19T12:00:00Z");
        let (plan, _) = planned(&input);
        let notices = plan.schedule.notices.iter();
        let of_berlin = |notice: &&PlannedNotice| notice.customer.as_ref().is_some_and(|it| it.as_str() == "acme-corp");
        notices.filter(of_berlin).map(|notice| notice.due).next().unwrap()
    };
    let at = |text: &str| Due::At(instant(text));
    // The start is Friday, 02:00; a day before it is Thursday, 02:00.
    assert_eq!(due("at_most: 1 day"), at("2026-11-19T09:00:00+01:00"));
    assert_eq!(
        due("at_most: 1 day, at_least: 20 hours"),
        at("2026-11-19T02:00:00+01:00")
    );
}

#[test]
fn a_wave_that_follows_in_an_open_window_starts_no_earlier_than_its_notice_allows() {
    let playbook = PLAIN.replace(
        "[{name: all, select: {rest: true}}]",
        "[{name: first, select: {opt_in: true}}, {name: rest, select: {rest: true}}]",
    );
    // 04:30 in Berlin, while its window is open: in five working days it opens at 02:00, too early by that.
    let input = input("plain", &playbook, TENANTS, "", "2026-11-19T03:30:00Z");
    let (plan, report) = planned(&input);
    let starts = starts(&plan, &report, input.now);
    assert_eq!(starts["acme"], "2026-11-26T05:00:00+01:00[Europe/Berlin]");
    assert_eq!(starts["acme-2"], "2026-11-26T05:10:00+01:00[Europe/Berlin]");
    assert_eq!(report.valid_until, Some(instant("2026-11-19T04:00:00Z")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A start is the first full hour at which a window is open and that the notice allows, found by looking at each.
    #[test]
    fn a_start_is_the_first_hour_that_windows_and_notices_allow(
        on in prop::sample::select(vec!["sat", "sun", "mon", "fri, sat", "mon-fri", "mon-sun"]),
        from in 0_u8..24,
        hours in 1_u8..24,
        minutes in 0_u32..60 * 24 * 21,
        period in prop::sample::select(vec!["1 working day", "3 working days", "5 working days", "4 days", "30 hours"]),
    ) {
        let window = format!("on: '{on}', from: '{from:02}:00', until: '{:02}:00'", (from + hours) % 24);
        let service = SERVICE.replace("on: mon-fri, from: '02:00', until: '06:00'", &window);
        let playbook = PLAIN.replace("5 working days", period);
        let mut input = input_of(&service, ("plain", &playbook), TENANTS, "", "2026-11-01T00:00:00Z");
        input.now = input.now + Duration::from_secs(minutes * 60);
        let (plan, report) = planned(&input);
        for (class, told) in &report.waves[0].classes {
            let class = &plan.schedule.classes[usize::from(*class)];
            let calendars = &plan.schedule.calendars;
            let allows = |at: &Timestamp| {
                let deadline = calendars.notice_deadline(class, *at, &period.parse().unwrap()).unwrap();
                deadline >= input.now && calendars.is_open(class, *at).open
            };
            let first = (input.now.0 + 3_599_999) / 3_600_000;
            let first = (first..first + 24 * 60).map(|hour| Timestamp(hour * 3_600_000)).find(allows);
            prop_assert_eq!(Some(told.expected), first);
        }
    }
}
