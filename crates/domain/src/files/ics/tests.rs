use jiff::civil::date;
use proptest::prelude::*;

use crate::calendar::Holidays;
use crate::files::diagnostic::Report;
use crate::files::tests::{brief, source};

fn read(text: &str) -> (Holidays, Vec<String>) {
    let file = source("de.ics", text);
    let mut report = Report::new(&file);
    let holidays = super::read(&mut report);
    (holidays, brief(&report.diagnostics()))
}

/// A calendar with these lines inside.
fn calendar(lines: &[&str]) -> String {
    let lines = lines.join("\n");
    format!("BEGIN:VCALENDAR\nVERSION:2.0\n{lines}\nEND:VCALENDAR\n")
}

fn event(lines: &[&str]) -> String {
    calendar(&[&["BEGIN:VEVENT"], lines, &["END:VEVENT"]].concat())
}

fn good(text: &str) -> Holidays {
    let (holidays, found) = read(text);
    assert_eq!(found, Vec::<String>::new());
    holidays
}

/// What is said of one event with these lines, which begin on the fourth line of the file.
#[track_caller]
fn check(lines: &[&str], expected: &str) {
    assert_eq!(read(&event(lines)).1, [expected]);
}

#[test]
fn the_files_that_come_with_tidegate_are_read() {
    let files = [
        include_str!("../../../../../holidays/au.ics"),
        include_str!("../../../../../holidays/de.ics"),
        include_str!("../../../../../holidays/fr.ics"),
        include_str!("../../../../../holidays/gb-eng.ics"),
        include_str!("../../../../../holidays/in.ics"),
        include_str!("../../../../../holidays/jp.ics"),
        include_str!("../../../../../holidays/nl.ics"),
        include_str!("../../../../../holidays/pl.ics"),
        include_str!("../../../../../holidays/us.ics"),
    ];
    for file in files {
        let holidays = good(file);
        assert_eq!(holidays.years, (2026..=2030).collect());
        assert!(holidays.days.len() >= 5 * 7, "{}", holidays.days.len());
        assert!(file.contains("X-TIDEGATE-SOURCE:Python package holidays 0.109"));
    }
    let germany = good(files[1]);
    assert_eq!(germany.days[&date(2027, 1, 1)], "New Year's Day");
    assert!(!germany.days.contains_key(&date(2026, 12, 24)));
}

#[test]
fn an_event_lasts_until_the_day_before_its_end() {
    let holidays = good(&event(&[
        "DTSTART;VALUE=DATE:20261230",
        "DTEND;VALUE=DATE:20270102",
        "SUMMARY:Closed",
    ]));
    let days: Vec<_> = holidays.days.keys().copied().collect();
    assert_eq!(days, [date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1)]);
    assert_eq!(
        holidays.years,
        [2026].into(),
        "one day of a year is not all its holidays"
    );
}

#[test]
fn folded_lines_escapes_and_line_ends_are_taken_as_they_are_meant() {
    let text = event(&[
        "dtstart;value=date:2026",
        " 1225",
        "SUMMARY;LANGUAGE=\"en:x\":Christmas\\, first",
        "  day\\; off",
    ]);
    let holidays = good(&text);
    assert_eq!(holidays.days[&date(2026, 12, 25)], "Christmas, first day; off");
    assert_eq!(good(&format!("\u{feff}{}", text.replace('\n', "\r\n"))), holidays);
}

#[test]
fn days_return_every_year() {
    let rule = |rule| good(&event(&["DTSTART;VALUE=DATE:20260501", rule, "SUMMARY:Labour Day"]));
    let holidays = rule("RRULE:FREQ=YEARLY");
    assert!(holidays.days.contains_key(&date(2099, 5, 1)));
    assert_eq!(
        (holidays.years.first(), holidays.years.last()),
        (Some(&2026), Some(&2100))
    );
    let holidays = rule("RRULE:FREQ=YEARLY;UNTIL=20280501");
    assert_eq!(holidays.days.len(), 3);
    assert_eq!(holidays.years, (2026..=2028).collect());
    let holidays = good(&calendar(&[
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY\nEND:VEVENT",
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260406\nSUMMARY:Easter Monday\nEND:VEVENT",
    ]));
    assert_eq!(
        holidays.years,
        [2026].into(),
        "the days that move are known for one year only"
    );
    assert_eq!(holidays.days[&date(2026, 5, 1)], "holiday");
}

#[test]
fn a_file_can_say_for_which_years_it_speaks() {
    let holidays = good(&calendar(&["X-TIDEGATE-YEARS:2026-2028"]));
    assert_eq!(holidays.years, (2026..=2028).collect());
    let (_, found) = read(&calendar(&["X-TIDEGATE-YEARS:2028-2026"]));
    assert_eq!(
        found,
        ["de.ics:3:18: `2028-2026` are no years [write the first and the last: `X-TIDEGATE-YEARS:2026-2030`]"]
    );
}

#[test]
fn what_is_no_holiday_is_passed_over() {
    let holidays = good(&calendar(&[
        "BEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:19701025T030000\nEND:STANDARD\nEND:VTIMEZONE",
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nSTATUS:CANCELLED\nEND:VEVENT",
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261226\nBEGIN:VALARM\nSUMMARY:No\nEND:VALARM\nSUMMARY:Yes\nEND:VEVENT",
    ]));
    assert_eq!(holidays.days, [(date(2026, 12, 26), "Yes".to_owned())].into());
}

#[test]
fn two_holidays_on_a_day_are_both_named_once() {
    let on = |name: &str| format!("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20300414\nSUMMARY:{name}\nEND:VEVENT");
    let holidays = good(&calendar(&[&on("One"), &on("Two"), &on("One")]));
    assert_eq!(holidays.days[&date(2030, 4, 14)], "One; Two");
}

#[test]
fn every_mistake_has_its_line_and_its_remedy() {
    check(
        &["DTSTART:20261225T000000Z"],
        "de.ics:4:9: a holiday has no time of day [write the day alone: `DTSTART;VALUE=DATE:20261225`]",
    );
    check(
        &["DTSTART;VALUE=DATE:20261325"],
        "de.ics:4:20: `20261325` is not a day [write year, month and day: `DTSTART;VALUE=DATE:20261225`]",
    );
    check(
        &["DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261225"],
        "de.ics:5:18: this event ends before it has begun [`DTEND` is the first day after the event: the day after `DTSTART`, or later]",
    );
    check(
        &["DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20270101"],
        "de.ics:5:18: this event is too long for a holiday [`DTEND` is the first day after the event; 60 days are the most]",
    );
    check(
        &["SUMMARY:Christmas"],
        "de.ics:3:1: this event has no day [add `DTSTART;VALUE=DATE:` and the day, such as `DTSTART;VALUE=DATE:20261225`]",
    );
    check(
        &["DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=MONTHLY"],
        "de.ics:5:7: this holiday does not return yearly [write `FREQ=YEARLY`, or an event for each day]",
    );
    check(
        &["DTSTART;VALUE=DATE:20261225", "EXDATE;VALUE=DATE:20271225"],
        "de.ics:5:1: `EXDATE` is not read in a file of holidays [write an event for each holiday, with `DTSTART;VALUE=DATE:` and `DTEND;VALUE=DATE:`]",
    );
    check(
        &["DTSTART;VALUE=DATE:20261225", "Christmas Day"],
        "de.ics:5:1: `Christmas Day` is no line of a calendar file [a line is a name, a colon and a value, such as `SUMMARY:Christmas Day`; one that goes on with the line before begins with a space]",
    );
    let (_, found) = read("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n");
    assert_eq!(
        found[0],
        "de.ics:3:1: `VCALENDAR` ends here, but it is not what was begun last [write `END:VEVENT` first]"
    );
    let (_, found) = read("calendars: {}\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("stands outside of the calendar"), "{found:?}");
    let (_, found) = read("BEGIN:VCALENDAR\nVERSION:2.0\n");
    assert_eq!(
        found,
        ["de.ics:1:1: `VCALENDAR` is begun and never ended [end it with `END:VCALENDAR`]"]
    );
    let (_, found) = read("");
    assert!(
        found[0].starts_with("de.ics: there is no calendar in this file"),
        "{found:?}"
    );
    let (_, found) = read(&calendar(&[]));
    assert!(
        found[0].starts_with("de.ics: there is no holiday in this file"),
        "{found:?}"
    );
}

proptest! {
    #[test]
    fn no_text_is_too_odd_to_be_judged(parts in prop::collection::vec(prop::sample::select(vec![
        "BEGIN:VCALENDAR\n", "BEGIN:VEVENT\n", "END:VEVENT\n", "END:VCALENDAR\n", "DTSTART:", "DTEND;VALUE=DATE:", "20261225",
        "99999999", "RRULE:FREQ=YEARLY;COUNT=3", "X-TIDEGATE-YEARS:", "2026-2030", "\n", "\r\n ", ";", "\"", ":", "é", "\\",
    ]), 0..40)) {
        let text = parts.concat();
        for message in read(&text).1 {
            prop_assert!(message.starts_with("de.ics"), "{message}");
        }
    }
}
