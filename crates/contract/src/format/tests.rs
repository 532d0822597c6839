use super::*;

#[test]
fn each_example_is_of_its_own_format_only() {
    for (format, text) in EXAMPLES {
        for (other, _) in EXAMPLES {
            let expect = Some(format == other);
            // What has a colon may be a URI with a scheme nobody knows.
            if *other == "uri" && format != other {
                assert_ne!(fits(other, text), Some(true), "{text} as {other}");
            } else {
                assert_eq!(fits(other, text), expect, "{text} as {other}");
            }
        }
    }
}

#[test]
fn dates_are_of_the_calendar() {
    assert_eq!(fits("date", "2024-02-29"), Some(true));
    assert_eq!(fits("date", "2026-02-29"), Some(false));
    assert_eq!(fits("date-time", "2026-02-28T24:00:00Z"), Some(false));
    assert_eq!(fits("date-time", "short"), Some(false));
}
