//! Calendars, windows and tenants: mistakes of each, and who suffers from them.

use super::{RELEASE, SERVICE, TENANTS, brief, good_project, good_sources, source};
use crate::calendar::CalendarError;
use crate::files::{
    CalendarFiles, Diagnostic, Project, Severity, Source, holiday_files, read_calendars, read_project, read_release,
};

fn changed(index: usize, from: &str, to: &str) -> (Option<Project>, Vec<Diagnostic>) {
    let mut sources = good_sources();
    assert!(sources[index].text.contains(from), "{from}");
    sources[index].text = sources[index].text.replacen(from, to, 1);
    read_project(&sources)
}

/// Says exactly this of a changed service file; without a project where the mistake is not confined.
#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    let (project, found) = changed(0, from, to);
    assert_eq!(brief(&found), [expected], "{from} -> {to}");
    assert_eq!(project.is_some(), !found[0].is_error());
}

#[test]
fn a_project_has_its_calendars_with_their_holidays() {
    let calendars = good_project().calendars;
    assert_eq!(calendars.windows.len(), 3);
    let day = jiff::civil::date(2027, 1, 4);
    let before = calendars.working_days_before(&"eu".parse().unwrap(), day, 5);
    assert_eq!(before, Ok(jiff::civil::date(2026, 12, 24)));
    assert_eq!(
        calendars.holiday(&"eu".parse().unwrap(), jiff::civil::date(2026, 12, 25)),
        Some("Christmas Day")
    );
}

#[test]
fn mistakes_in_what_is_for_everybody_stop_the_reading() {
    check(
        "time_zone: Europe/Berlin",
        "time_zone: Europe/Berln",
        "tidegate.yaml:33:19: `Europe/Berln` is not a time zone (did you mean `Europe/Berlin`?) [an IANA name such as `Europe/Berlin`, or `UTC`; offsets and abbreviations do not know when clocks change]",
    );
    check(
        "time_zone: Europe/Berlin",
        "time_zone: \"+01:00\"",
        "tidegate.yaml:33:19: `+01:00` is not a time zone [an IANA name such as `Europe/Berlin`, or `UTC`; offsets and abbreviations do not know when clocks change]",
    );
    check(
        "until: \"06:00\", ",
        "",
        "tidegate.yaml:35:6: `until` is missing in this window [add `until:` - when it ends, written as `from` is]",
    );
    check(
        "until: \"06:00\"",
        "until: \"24:00\"",
        "tidegate.yaml:35:67: `24:00` ends a day that does not end there [midnight is `00:00`]",
    );
    check(
        "BYDAY=-1FR",
        "BYHOUR=3",
        "tidegate.yaml:37:41: `BYHOUR` is no part of a rule for whole days [the parts are FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS and WKST]",
    );
    check(
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "tidegate.yaml:37:41: this window never opens (no day until 2010-01-01 is one of `FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30`) [correct it, or remove the window]",
    );
    check(
        "name: payday",
        "name: night",
        "tidegate.yaml:37:12: there are two windows named `night` (first on line 35)",
    );
}

/// argoproj/argo-cd#10071: one wrong window, and no application of the project could sync.
#[test]
fn a_window_that_names_its_tenants_does_not_block_the_others() {
    let never = "until: 2026-11-22T00:00";
    let (project, found) = changed(0, "until: 2026-12-01T00:00", never);
    assert_eq!(
        brief(&found),
        [
            "tidegate.yaml:36:63: this window never opens (it ends at 2026-11-22T00:00, which is not after 2026-11-23T00:00) [correct it, or remove the window]"
        ]
    );
    assert_eq!(found[0].severity, Severity::Confined);
    let project = project.unwrap();
    let [acme, globex] = project.tenants.tenants.as_slice() else {
        panic!("two tenants");
    };
    let refused = project.calendars.class(acme).unwrap_err();
    assert!(matches!(&refused, CalendarError::BrokenWindow { window, .. } if window == "peak"));
    assert!(
        refused
            .to_string()
            .contains("tidegate.yaml:36:63: this window never opens"),
        "{refused}"
    );
    assert!(project.calendars.class(globex).is_ok());
}

#[test]
fn selectors_that_select_nobody_are_told() {
    let selector = "{cell: eu}";
    let said = |to: &str| {
        let (project, found) = changed(0, selector, to);
        assert!(project.is_some() || found.iter().any(Diagnostic::is_error));
        brief(&found)
    };
    assert_eq!(
        said("{tag: retail}"),
        ["tidegate.yaml:36:122: no tenant has a label `retail`"]
    );
    assert_eq!(
        said("{customer: globex}"),
        ["tidegate.yaml:36:127: no tenant belongs to the customer `globex`"]
    );
    assert_eq!(
        said("{labels: {tier: gold}, cell: us}"),
        ["tidegate.yaml:36:117: no tenant is all of this, so the window has no effect"]
    );
    assert_eq!(
        said("{tenants: [acmee]}"),
        ["tidegate.yaml:36:127: there is no tenant `acmee` (did you mean `acme`?)"]
    );
}

#[test]
fn a_calendar_that_is_not_there_is_told_where_it_is_named() {
    let (project, found) = changed(1, "calendar: eu", "calendar: ue");
    assert_eq!(
        brief(&found),
        ["tenants.yaml:4:90: there is no calendar `ue` (did you mean `eu`?)"]
    );
    assert!(project.unwrap().broken["globex"].mistake.contains("`ue`"));
}

/// A mistake is confined to a tenant as long as it is known which one it is, and where it lives.
#[test]
fn a_mistake_in_one_tenant_stops_no_other() {
    let (project, found) = changed(1, "America/New_York", "America/New_Yrok");
    let said = "tenants.yaml:4:62: `America/New_Yrok` is not a time zone (did you mean `America/New_York`?) [an IANA name such as `Europe/Berlin`, or `UTC`; offsets and abbreviations do not know when clocks change]";
    assert_eq!(brief(&found), [said]);
    assert_eq!(found[0].severity, Severity::Confined);
    let project = project.unwrap();
    let left: Vec<&str> = project
        .tenants
        .tenants
        .iter()
        .map(|tenant| tenant.id.as_str())
        .collect();
    assert_eq!(left, ["acme"]);
    let broken = &project.broken["globex"];
    assert_eq!(broken.cell.as_str(), "us");
    assert!(
        broken.mistake.starts_with("tenants.yaml:4:62: `America/New_Yrok`"),
        "{}",
        broken.mistake
    );
    let unclear = [
        ("id: globex", "id: acme"),
        ("id: globex", "id: Globex"),
        ("cell: us", "cell: uss"),
        (", cell: us", ""),
    ];
    for (from, to) in unclear {
        let (project, found) = changed(1, from, to);
        assert!(project.is_none(), "{to}: {found:?}");
    }
}

#[test]
fn a_release_may_name_a_tenant_with_a_mistake() {
    let (project, _) = changed(1, "cell: eu,", "cell: eu, time_zone: EST,");
    let (release, found) = read_release(&source("release.yaml", RELEASE), &project.unwrap());
    assert!(release.is_some(), "{found:?}");
}

#[test]
fn a_holiday_file_that_is_missing_or_wrong_is_told_and_nobody_is_stopped_by_it() {
    let (project, found) = changed(0, "holidays/de.ics", "holidays/dee.ics");
    assert_eq!(
        brief(&found),
        [
            "tidegate.yaml:33:97: there is no file `holidays/dee.ics` [put it there, by its path relative to this file, or correct the path]"
        ]
    );
    let asked = |project: Option<Project>| {
        let day = jiff::civil::date(2027, 1, 4);
        project
            .unwrap()
            .calendars
            .working_days_before(&"eu".parse().unwrap(), day, 5)
            .unwrap_err()
    };
    assert!(matches!(asked(project), CalendarError::HolidaysNotRead { .. }));
    let (project, found) = changed(3, "DTSTART;VALUE=DATE:20260101", "DTSTART;VALUE=DATE:20260132");
    assert_eq!(
        brief(&found),
        ["holidays/de.ics:10:20: `20260132` is not a day [write year, month and day: `DTSTART;VALUE=DATE:20261225`]"]
    );
    assert!(matches!(asked(project), CalendarError::HolidaysNotRead { .. }));
}

#[test]
fn a_calendar_past_its_last_holiday_year_says_so() {
    let day = jiff::civil::date(2031, 1, 3);
    let calendars = good_project().calendars;
    let refused = calendars
        .working_days_before(&"eu".parse().unwrap(), day, 5)
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("`holidays/de.ics` has no holidays of 2031"),
        "{refused}"
    );
    assert_eq!(refused.help(), "add the year 2031 to `holidays/de.ics`");
}

#[test]
fn holiday_files_lie_beside_the_service_file() {
    assert_eq!(holiday_files(&source("tidegate.yaml", SERVICE)), ["holidays/de.ics"]);
    assert_eq!(
        holiday_files(&source("shop/tidegate.yaml", SERVICE)),
        ["shop/holidays/de.ics"]
    );
    let mut sources = good_sources();
    for source in &mut sources {
        source.path.insert_str(0, "/srv/shop/");
    }
    let (project, _) = read_project(&sources);
    assert!(!project.unwrap().calendars.holidays.is_empty());
}

fn little(service: &str, tenants: &str) -> (Option<CalendarFiles>, Vec<Diagnostic>) {
    let sources: [Source; 2] = [source("tidegate.yaml", service), source("tenants.yaml", tenants)];
    read_calendars(&sources)
}

#[test]
fn questions_about_time_need_little_of_the_files() {
    let (files, found) = little(
        "windows: [{name: noon, kind: allow, from: \"12:00\", until: \"13:00\"}]\ncells: nonsense\nnotice: {x: 1}",
        "tenants: [{id: acme, labels: [a]}, {id: bolt, time_zone: Asia/Kathmandu}]",
    );
    assert_eq!(brief(&found), Vec::<String>::new());
    let files = files.unwrap();
    assert_eq!((files.tenants.len(), files.calendars.windows.len()), (2, 1));
    let class = files.calendars.class(&files.tenants["bolt"]).unwrap();
    assert_eq!(class.zone.as_str(), "Asia/Kathmandu");
}

#[test]
fn questions_about_time_are_strict_in_what_they_read() {
    let (files, found) = little("calender: {}", "tenants: [{id: acme, timezone: UTC}, {id: bolt}]");
    assert_eq!(
        brief(&found),
        [
            "tidegate.yaml:1:1: `calender` is passed over here (did you mean `calendars`?)",
            "tenants.yaml:1:22: unknown field `timezone` in this tenant (did you mean `time_zone`?)"
        ]
    );
    let files = files.unwrap();
    assert!(files.tenants.contains_key("bolt") && !files.tenants.contains_key("acme"));
    assert!(files.broken["acme"].contains("unknown field `timezone`"));
    let (files, found) = little("windows: {}", TENANTS);
    assert!(files.is_none());
    assert!(
        brief(&found)[0].starts_with("tidegate.yaml:1:10: this must be a list"),
        "{found:?}"
    );
}
