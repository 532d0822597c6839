//! Working days, holidays and the instants by which a notice must be sent.

use super::*;

/// Berlin, with the German holidays around the end of 2026.
fn german() -> Calendars {
    let mut calendars = calendars(json!({
        "calendars": {"eu": {"time_zone": "Europe/Berlin", "holidays": "holidays/de.ics"}},
    }));
    let days = [date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)];
    let holidays = Holidays {
        years: [2026, 2027].into(),
        days: days.map(|day| (day, "holiday".to_owned())).into(),
    };
    calendars.holidays.insert("holidays/de.ics".to_owned(), holidays);
    calendars
}

fn deadline(calendars: &Calendars, start: &str, period: &str) -> String {
    let class = class(calendars, "Europe/Berlin");
    let at = calendars
        .notice_deadline(&class, at(start), &period.parse().unwrap())
        .unwrap();
    Local::new(at, &class.zone).rfc9557().replace("[Europe/Berlin]", "")
}

/// kargo#1328: holidays count.
#[test]
fn five_working_days_before_the_first_monday_of_the_year_go_over_the_holidays() {
    let calendars = german();
    let start = "2027-01-04T02:00:00+01:00[Europe/Berlin]";
    assert_eq!(
        deadline(&calendars, start, "5 working days"),
        "2026-12-24T02:00:00+01:00"
    );
    let calendar = "eu".parse().unwrap();
    assert_eq!(
        calendars.working_days_before(&calendar, date(2027, 1, 4), 5),
        Ok(date(2026, 12, 24))
    );
    // New Year's Day itself has that deadline too, and is the first that has.
    let class = class(&calendars, "Europe/Berlin");
    let sent = at("2026-12-24T02:00:00+01:00");
    let first = calendars.earliest_start(&class, sent, &Period::WorkingDays(5));
    assert_eq!(first, Ok(at("2027-01-01T02:00:00+01:00")));
}

#[test]
fn hours_are_elapsed_and_days_are_those_of_the_calendar() {
    let none = german();
    let start = "2027-03-28T10:00:00+02:00";
    assert_eq!(deadline(&none, start, "24 hours"), "2027-03-27T09:00:00+01:00");
    assert_eq!(deadline(&none, start, "1 day"), "2027-03-27T10:00:00+01:00");
    assert_eq!(deadline(&none, start, "4 weeks"), "2027-02-28T10:00:00+01:00");
    assert_eq!(deadline(&none, start, "90 minutes"), "2027-03-28T08:30:00+02:00");
}

#[test]
fn a_deadline_that_comes_twice_is_the_first_and_one_that_is_jumped_over_the_instant_after() {
    let none = german();
    assert_eq!(
        deadline(&none, "2026-10-26T02:30:00+01:00", "1 day"),
        "2026-10-25T02:30:00+02:00"
    );
    assert_eq!(
        deadline(&none, "2027-03-29T02:30:00+02:00", "1 day"),
        "2027-03-28T03:00:00+02:00"
    );
}

#[test]
fn a_year_whose_holidays_are_not_known_is_refused_with_the_remedy() {
    let calendars = german();
    let class = class(&calendars, "Europe/Berlin");
    let ask = |start| calendars.notice_deadline(&class, at(start), &Period::WorkingDays(1));
    assert!(ask("2027-12-31T12:00:00Z").is_ok());
    let error = ask("2028-01-05T12:00:00Z").unwrap_err();
    let text =
        "whether 2028-01-04 is a working day of calendar `eu` is not known: `holidays/de.ics` has no holidays of 2028";
    assert_eq!(error.to_string(), text);
    assert_eq!(error.help(), "add the year 2028 to `holidays/de.ics`");
}

#[test]
fn working_days_need_a_calendar_and_other_periods_do_not() {
    let calendars = Calendars::default();
    let class = class(&calendars, "UTC");
    let ask = |period| calendars.notice_deadline(&class, at("2026-11-25T12:00:00Z"), &period);
    assert_eq!(ask(Period::WorkingDays(1)), Err(CalendarError::NoCalendar));
    assert_eq!(ask(Period::Days(1)), Ok(at("2026-11-24T12:00:00Z")));
}

#[test]
fn a_calendar_that_is_not_there_is_named() {
    let calendars = german();
    let error = calendars
        .class(&tenant(json!({"id": "a", "cell": "c", "calendar": "us"})))
        .unwrap_err();
    assert_eq!(error.to_string(), "there is no calendar `us`");
}

#[test]
fn a_week_may_have_other_working_days() {
    let calendars = calendars(json!({"calendars": {"il": {"working_days": "sun-thu"}}}));
    let calendar = "il".parse().unwrap();
    assert_eq!(
        calendars.working_days_before(&calendar, date(2026, 11, 22), 1),
        Ok(date(2026, 11, 19))
    );
    assert_eq!(calendars.is_working_day(&calendar, date(2026, 11, 20)), Ok(false));
}

#[test]
fn people_are_there_in_the_working_hours_of_working_days() {
    let mut calendars = german();
    let attended = |calendars: &Calendars, from: &str| {
        let class = class(calendars, "Europe/Berlin");
        let at = calendars.next_attended(&class, at(from)).unwrap();
        Local::new(at, &class.zone).rfc9557().replace("[Europe/Berlin]", "")
    };
    let night = "2026-12-24T02:00:00+01:00";
    assert_eq!(attended(&calendars, night), night, "no hours are written");
    for calendar in calendars.calendars.values_mut() {
        calendar.working_hours = Some("09:00-17:00".parse().unwrap());
    }
    assert_eq!(attended(&calendars, night), "2026-12-24T09:00:00+01:00");
    let noon = "2026-12-24T12:30:00+01:00";
    assert_eq!(attended(&calendars, noon), noon);
    // Christmas is a Friday, and the weekend follows.
    let evening = "2026-12-24T17:00:00+01:00";
    assert_eq!(attended(&calendars, evening), "2026-12-28T09:00:00+01:00");
}
