use jiff::civil::date;

use super::*;

fn days(rule: &str, starting: Option<&str>, from: Date, to: Date) -> Vec<String> {
    let starting = starting.map(|text| text.parse().unwrap());
    let recurrence = Recurrence::new(&rule.parse().unwrap(), starting).unwrap();
    recurrence.dates(from, to).map(|day| day.to_string()).collect()
}

fn check(rule: &str, starting: Option<&str>, expected: &[&str]) {
    assert_eq!(
        days(rule, starting, date(2026, 11, 1), date(2027, 2, 28)),
        expected,
        "{rule}"
    );
}

#[test]
fn rules_name_the_days_that_the_rfc_says() {
    check(
        "FREQ=MONTHLY;BYDAY=-1FR",
        None,
        &["2026-11-27", "2026-12-25", "2027-01-29", "2027-02-26"],
    );
    check("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", None, &["2026-11-26"]);
    check("FREQ=YEARLY;BYDAY=1MO,-1MO", None, &["2026-12-28", "2027-01-04"]);
    check(
        "FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20261231",
        None,
        &["2026-11-30", "2026-12-31"],
    );
    check(
        "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=-1;BYMONTH=12,1",
        None,
        &["2026-12-27", "2027-01-31"],
    );
    check(
        "FREQ=DAILY;BYDAY=MO;BYMONTHDAY=1,2,3,4,5,6,7;BYMONTH=12",
        None,
        &["2026-12-07"],
    );
    // A number and none: every Friday, and the second Monday.
    check(
        "FREQ=MONTHLY;BYDAY=2MO,-1FR;BYMONTH=11",
        None,
        &["2026-11-09", "2026-11-27"],
    );
}

#[test]
fn rules_that_count_do_so_from_their_first_day() {
    check("FREQ=MONTHLY;INTERVAL=2", Some("2026-01-31"), &["2027-01-31"]);
    check(
        "FREQ=MONTHLY;INTERVAL=2",
        Some("2025-11-15"),
        &["2026-11-15", "2027-01-15"],
    );
    check(
        "FREQ=DAILY;INTERVAL=45",
        Some("2026-11-01"),
        &["2026-11-01", "2026-12-16", "2027-01-30"],
    );
    check(
        "FREQ=WEEKLY;COUNT=3",
        Some("2026-11-10"),
        &["2026-11-10", "2026-11-17", "2026-11-24"],
    );
    check("FREQ=WEEKLY;COUNT=3", Some("2025-11-10"), &[]);
    // The example of RFC 5545, section 3.3.10, for what WKST changes.
    let august = |rule| days(rule, Some("1997-08-05"), date(1997, 8, 1), date(1997, 9, 30));
    assert_eq!(
        august("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO"),
        ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"]
    );
    assert_eq!(
        august("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU"),
        ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"]
    );
}

#[test]
fn what_is_no_rule_for_whole_days_is_refused_by_its_name() {
    for (text, complaint) in [
        ("", "is not a recurrence rule"),
        ("0 22 * * *", "is not a recurrence rule"),
        ("BYDAY=MO;FREQ=WEEKLY", "is not a recurrence rule"),
        ("FREQ=HOURLY", "`HOURLY` is not possible for `FREQ`"),
        ("FREQ=DAILY;BYHOUR=3", "`BYHOUR` is no part"),
        ("FREQ=YEARLY;BYWEEKNO=3", "`BYWEEKNO` is no part"),
        ("FREQ=DAILY;FREQ=DAILY", "`FREQ` stands twice"),
        ("FREQ=WEEKLY;BYDAY=2MO", "does not go together with `FREQ=WEEKLY`"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "does not go together with `FREQ=WEEKLY`"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231", "does not go together"),
        ("FREQ=DAILY;UNTIL=20261231T000000Z", "a date without a time"),
        ("FREQ=MONTHLY;BYDAY=XX", "`XX` is not possible for `BYDAY`"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "`0` is not possible"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "`32` is not possible"),
        ("FREQ=MONTHLY;BYSETPOS=1", "chooses among days"),
        ("FREQ=DAILY;INTERVAL=0", "`0` is not possible for `INTERVAL`"),
        ("FREQ=DAILY;BYDAY=", "`` is not possible for `BYDAY`"),
    ] {
        let error = text.parse::<RuleText>().unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}
