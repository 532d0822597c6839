//! What holds for every window, zone and instant.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::time::Duration;

const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
    "America/Havana",
    "Africa/Cairo",
];

fn zones() -> impl Strategy<Value = &'static str> {
    select(&ZONES[..])
}

fn time() -> impl Strategy<Value = String> {
    let quarters = (0..24_u8, select(vec![0_u8, 15, 30, 59]));
    quarters.prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"))
}

fn window() -> impl Strategy<Value = serde_json::Value> {
    let kind = select(vec!["allow", "allow", "freeze"]);
    let days = select(vec!["mon-sun", "mon-fri", "sun", "tue, sat"]);
    (kind, days, time(), time(), zones()).prop_map(
        |(kind, on, from, until, zone)| json!({"name": "w", "kind": kind, "on": on, "from": from, "until": until, "time_zone": zone}),
    )
}

/// From 2026 to 2030, to the second.
fn instant() -> impl Strategy<Value = Timestamp> {
    (1_767_225_600..1_924_991_999_i64).prop_map(|seconds| Timestamp(seconds * 1_000))
}

/// With a holiday or two in each year from 2024 to 2032.
fn working() -> Calendars {
    let mut calendars = calendars(json!({"calendars": {"c": {"holidays": "h.ics"}}}));
    let years = 2024..=2032;
    let days = years
        .clone()
        .flat_map(|year| [date(year, 1, 1), date(year, 3, 29), date(year, 12, 25)]);
    let holidays = Holidays {
        years: years.collect(),
        days: days.map(|day| (day, "holiday".to_owned())).collect(),
    };
    calendars.holidays.insert("h.ics".to_owned(), holidays);
    calendars
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        (1..30_u16).prop_map(Period::Days),
        (1..5_u16).prop_map(Period::Weeks),
        (1..20_u16).prop_map(Period::WorkingDays),
        (1..100_u16).prop_map(|hours| Period::Elapsed(Duration::from_hours(hours))),
    ]
}

/// The clocks are put back by an hour at the most, in the zones of these tests.
const PUT_BACK: i64 = 2 * 3_600_000;

fn just_before(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - 1)
}

const DAY: i64 = 86_400_000;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_opening_is_the_first_and_a_closing_ends_it(
        written in prop::collection::vec(window(), 0..4), zone in zones(), from in instant(),
    ) {
        let calendars = windows(json!(written));
        let class = class(&calendars, zone);
        let is_open = |at| calendars.is_open(&class, at).open;
        let Some(opening) = calendars.next_open(&class, from) else {
            prop_assert!(!is_open(from));
            return Ok(());
        };
        prop_assert!(opening.at >= from);
        prop_assert!(is_open(opening.at));
        prop_assert_eq!(opening.at == from, is_open(from));
        if opening.at > from {
            prop_assert!(!is_open(just_before(opening.at)));
        }
        if let Some(closes) = opening.closes {
            prop_assert!(closes > opening.at);
            prop_assert!(!is_open(closes));
            prop_assert!(is_open(just_before(closes)));
            // Nothing in between, hour by hour, is closed.
            let hours = (opening.at.0..closes.0.min(opening.at.0 + 7 * 86_400_000)).step_by(3_600_000);
            prop_assert!(hours.map(Timestamp).all(is_open));
        }
        prop_assert_eq!(calendars.next_close(&class, opening.at), opening.closes);
    }

    #[test]
    fn stretches_say_what_each_instant_says(
        written in prop::collection::vec(window(), 0..4), zone in zones(), from in instant(),
    ) {
        let calendars = windows(json!(written));
        let class = class(&calendars, zone);
        let until = from + Duration::from_hours(72);
        let stretches = calendars.stretches(&class, from, until);
        prop_assert_eq!(stretches.first().map(|first| first.from), Some(from));
        prop_assert_eq!(stretches.last().map(|last| last.until), Some(until));
        for stretch in &stretches {
            prop_assert_eq!(&calendars.is_open(&class, stretch.from), &stretch.openness);
            prop_assert_eq!(&calendars.is_open(&class, just_before(stretch.until)), &stretch.openness);
        }
        for pair in stretches.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
            prop_assert_ne!(&pair[0].openness, &pair[1].openness);
        }
    }

    /// But for the hour that the clocks show twice: its second time around they show earlier times than at its end before.
    #[test]
    fn a_later_start_has_no_earlier_deadline(zone in zones(), start in instant(), later in PUT_BACK..40 * PUT_BACK, period in period()) {
        let calendars = working();
        let class = class(&calendars, zone);
        let deadline = |start| calendars.notice_deadline(&class, start, &period).unwrap();
        prop_assert!(deadline(start) < start);
        // The days of a weekend have the same working day before them, so that only the same time of each compares.
        let later = if matches!(period, Period::WorkingDays(_)) { later / DAY * DAY } else { later };
        let moved = Timestamp(start.0 + later);
        let clock = zone::Clock::of(&class.zone);
        if !matches!(period, Period::WorkingDays(_)) || clock.local(start).time() == clock.local(moved).time() {
            prop_assert!(deadline(start) <= deadline(moved));
        }
    }

    #[test]
    fn the_earliest_start_is_the_first_whose_deadline_is_not_passed(zone in zones(), sent in instant(), period in period()) {
        let calendars = working();
        let class = class(&calendars, zone);
        let deadline = |start| calendars.notice_deadline(&class, start, &period).unwrap();
        let start = calendars.earliest_start(&class, sent, &period).unwrap();
        prop_assert!(deadline(start) >= sent);
        prop_assert!(deadline(just_before(start)) < sent);
        for hours in 1..60 {
            prop_assert!(deadline(Timestamp(start.0 - hours * 3_600_000)) < sent, "{hours} hours before");
        }
    }
}
