use jiff::civil::date;

use super::*;
use crate::time::Timestamp;

/// The calendars and windows of YAML that is written as JSON.
fn calendars(written: serde_json::Value) -> Calendars {
    serde_json::from_value(written).unwrap()
}

fn class(calendars: &Calendars, zone: &str) -> Class {
    Class {
        zone: zone.parse().unwrap(),
        calendar: calendars.calendars.keys().next().cloned(),
        windows: (0..).zip(&calendars.windows).map(|(place, _)| place).collect(),
    }
}

fn at(text: &str) -> Timestamp {
    read_instant(text).unwrap()
}

#[test]
fn five_working_days_before_the_first_monday_of_a_year_go_over_the_holidays() {
    let mut calendars = calendars(serde_json::json!({
        "calendars": {"eu": {"time_zone": "Europe/Berlin", "holidays": "holidays/de.ics"}},
    }));
    let days = [date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)];
    let holidays = Holidays {
        years: [2026, 2027].into(),
        days: days.map(|day| (day, "holiday".to_owned())).into(),
    };
    calendars.holidays.insert("holidays/de.ics".to_owned(), holidays);
    let class = class(&calendars, "Europe/Berlin");
    let period = "5 working days".parse().unwrap();
    let start = at("2027-01-04T02:00:00+01:00[Europe/Berlin]");
    let deadline = calendars.notice_deadline(&class, start, &period).unwrap();
    assert_eq!(
        Local::new(deadline, &class.zone).rfc9557(),
        "2026-12-24T02:00:00+01:00[Europe/Berlin]"
    );
    let first = calendars.earliest_start(&class, deadline, &period);
    assert_eq!(
        first,
        Ok(at("2027-01-01T02:00:00+01:00[Europe/Berlin]")),
        "the holiday itself has that deadline too"
    );
}
