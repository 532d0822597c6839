use super::*;
use crate::calendar::read_instant;

const HOUR_MILLIS: i64 = 3_600_000;

fn at(text: &str) -> Timestamp {
    read_instant(text).unwrap()
}

fn zone(name: &str) -> TimeZoneName {
    name.parse().unwrap()
}

/// Measures from an instant on for so many hours, in quarters, what `rate` says of requests an hour by what the clocks show.
fn measured(week: &mut Week, zone: &TimeZoneName, from: Timestamp, hours: i64, rate: impl Fn(usize) -> u64) {
    for quarter in 0..hours * 4 {
        let hour = LocalHour::at(zone, Timestamp(from.0 + quarter * HOUR_MILLIS / 4));
        week.add(hour, rate(hour.place()) / 4, 900.0);
    }
}

/// From nine to five on weekdays.
fn office(place: usize) -> u64 {
    if place < 120 && (9..17).contains(&(place % 24)) {
        4_000
    } else {
        40
    }
}

#[test]
fn the_week_begins_on_monday_at_midnight_by_the_clocks_of_the_zone() {
    let place = |name, text| LocalHour::at(&zone(name), at(text)).place();
    assert_eq!(place("UTC", "2026-11-23T00:00:00Z"), 0);
    assert_eq!(place("UTC", "2026-11-22T23:59:59Z"), 167);
    assert_eq!(place("Europe/Berlin", "2026-11-22T23:00:00Z"), 0);
    assert_eq!(place("America/New_York", "2026-11-23T05:30:00Z"), 0);
    // Half an hour beside the full ones of UTC.
    assert_eq!(place("Asia/Kolkata", "2026-11-23T03:29:00Z"), 8);
    assert_eq!(place("Asia/Kolkata", "2026-11-23T03:30:00Z"), 9);
    assert_eq!(place("UTC", "1969-12-28T23:00:00Z"), 167, "before the first Monday");
}

#[test]
fn office_hours_stay_office_hours_over_both_changes_of_the_clocks_in_two_zones() {
    // Both zones put their clocks back on 2026-10-25 and 2026-11-01, and forward on 2027-03-28 and 2027-03-14.
    for (name, from) in [
        ("Europe/Berlin", "2026-10-19T00:00:00Z"),
        ("America/New_York", "2026-10-19T00:00:00Z"),
        ("Europe/Berlin", "2027-03-08T00:00:00Z"),
        ("America/New_York", "2027-03-08T00:00:00Z"),
    ] {
        let mut week = Week::default();
        measured(&mut week, &zone(name), at(from), 168 * 4, office);
        let traffic = week.traffic().unwrap();
        for (place, mean) in traffic.hourly.iter().enumerate() {
            assert_eq!(*mean, office(place) as f64, "{name} {from} hour {place}");
        }
    }
}

#[test]
fn an_hour_that_comes_twice_is_one_mean_and_one_that_is_left_out_is_not_known() {
    let berlin = zone("Europe/Berlin");
    // 02:00 on Sunday comes at 00:00 and at 01:00 UTC.
    let mut week = Week::default();
    let twice = |text| LocalHour::at(&berlin, at(text));
    week.add(twice("2026-10-25T00:30:00Z"), 100, 3_600.0);
    week.add(twice("2026-10-25T01:30:00Z"), 300, 3_600.0);
    assert_eq!(week.hours_known(), 1);
    assert_eq!(week.traffic().unwrap().hourly[6 * 24 + 2], 200.0);
    // And on 2027-03-28 it does not come.
    let mut week = Week::default();
    measured(&mut week, &berlin, at("2027-03-28T00:00:00Z"), 2, |place| {
        place as u64 * 4
    });
    assert!(week.hours[6 * 24 + 1].is_known() && week.hours[6 * 24 + 3].is_known());
    assert!(!week.hours[6 * 24 + 2].is_known());
}

#[test]
fn time_of_which_nothing_is_known_makes_no_hour_quieter() {
    let utc = zone("UTC");
    let monday = at("2026-11-23T00:00:00Z");
    let mut whole = Week::default();
    measured(&mut whole, &utc, monday, 168, office);
    // A quarter of each hour was measured, the rest was not.
    let mut parts = Week::default();
    for hour in 0..168 {
        let hour = LocalHour::at(&utc, Timestamp(monday.0 + hour * HOUR_MILLIS));
        parts.add(hour, office(hour.place()) / 4, 900.0);
    }
    assert_eq!(parts.traffic(), whole.traffic());
    // A week later nothing runs for two days; what was known of them stays as it was.
    measured(&mut parts, &utc, at("2026-12-02T00:00:00Z"), 24, office);
    assert_eq!(parts.traffic(), whole.traffic());
}

#[test]
fn a_week_that_is_four_weeks_back_counts_half() {
    let utc = zone("UTC");
    let hour = |text| LocalHour::at(&utc, at(text));
    let mut week = Week::default();
    week.add(hour("2026-11-02T09:00:00Z"), 0, 3_600.0);
    week.add(hour("2026-11-30T09:00:00Z"), 300, 3_600.0);
    // (0.5 * 0 + 1 * 300) / 1.5
    assert_eq!(week.traffic().unwrap().hourly[9], 200.0);
    // Where the clocks went through each hour on the way it is the same.
    let mut each = Week::default();
    let from = at("2026-11-02T09:00:00Z");
    for passed in 0..=4 * 168 {
        let requests = if passed == 4 * 168 { 300 } else { 0 };
        let seconds = if passed % (4 * 168) == 0 { 3_600.0 } else { 0.001 };
        each.add(
            LocalHour::at(&utc, Timestamp(from.0 + passed * HOUR_MILLIS)),
            requests,
            seconds,
        );
    }
    assert_eq!(each.traffic().unwrap().hourly[9], 200.0);
}

#[test]
fn a_level_that_has_changed_is_what_is_known_after_a_few_weeks() {
    let utc = zone("UTC");
    let mut week = Week::default();
    measured(&mut week, &utc, at("2026-06-01T00:00:00Z"), 168 * 20, |_| 100);
    measured(&mut week, &utc, at("2026-10-19T00:00:00Z"), 168 * 8, |_| 1_000);
    let mean = week.traffic().unwrap().hourly[0];
    // Eight weeks are two half-lives: a quarter of the old level is left.
    assert!((750.0..=790.0).contains(&mean), "{mean}");
}

#[test]
fn hours_that_were_never_measured_are_as_those_of_days_like_theirs() {
    let utc = zone("UTC");
    let mut week = Week::default();
    // Monday alone.
    measured(&mut week, &utc, at("2026-11-23T00:00:00Z"), 24, office);
    let hourly = week.traffic().unwrap().hourly;
    assert_eq!((hourly[24 + 10], hourly[24 + 3]), (4_000.0, 40.0), "Tuesday");
    assert_eq!(hourly[5 * 24 + 10], 4_000.0, "of the weekend nothing better is known");
    measured(&mut week, &utc, at("2026-11-28T00:00:00Z"), 24, office);
    let hourly = week.traffic().unwrap().hourly;
    assert_eq!(
        (hourly[6 * 24 + 10], hourly[4 * 24 + 10]),
        (40.0, 4_000.0),
        "Sunday is as Saturday"
    );
    // One hour alone: the same everywhere, and no time is quieter than another.
    let mut week = Week::default();
    week.add(LocalHour::at(&utc, at("2026-11-23T09:00:00Z")), 10, 36.0);
    assert_eq!(week.traffic().unwrap().hourly, vec![1_000.0; HOURS]);
    assert_eq!(Week::default().traffic(), None);
}

#[test]
fn peaks_are_the_hours_of_most_traffic_and_stay_where_they_are_under_noise() {
    let utc = zone("UTC");
    let office_peaks: BTreeSet<u8> = (0..5_u8)
        .flat_map(|day| (10..16).map(move |hour| day * 24 + hour))
        .collect();
    let mut quiet = Week::default();
    measured(&mut quiet, &utc, at("2026-11-23T00:00:00Z"), 168, office);
    assert_eq!(quiet.traffic().unwrap().peak_hours, office_peaks);
    // Up to a tenth more or less in each hour, of whichever week.
    for seed in 0..50_u64 {
        let mut noisy = Week::default();
        let noise = |place: usize| (place as u64 * 7_919 + seed * 104_729) % 21;
        measured(&mut noisy, &utc, at("2026-11-23T00:00:00Z"), 168, |place| {
            office(place) * (90 + noise(place)) / 100
        });
        assert_eq!(noisy.traffic().unwrap().peak_hours, office_peaks, "seed {seed}");
    }
}

#[test]
fn what_is_the_same_all_the_time_has_no_peak_and_neither_has_next_to_nothing_or_half_a_day() {
    let utc = zone("UTC");
    let monday = at("2026-11-23T00:00:00Z");
    let peaks = |hours, rate: fn(usize) -> u64| {
        let mut week = Week::default();
        measured(&mut week, &utc, monday, hours, rate);
        week.traffic().unwrap().peak_hours
    };
    assert_eq!(peaks(168, |place| 1_000 + place as u64 % 5 * 40), BTreeSet::new());
    assert_eq!(peaks(168, |place| if place == 50 { 80 } else { 0 }), BTreeSet::new());
    assert_eq!(peaks(12, office), BTreeSet::new());
    assert!(!peaks(24, office).is_empty());
}

#[test]
fn a_week_is_kept_in_few_bytes_and_read_again_to_the_last_thousandth() {
    let berlin = zone("Europe/Berlin");
    let mut week = Week::default();
    measured(&mut week, &berlin, at("2026-09-07T00:00:00Z"), 168 * 9 + 17, |place| {
        3 * place as u64 * place as u64
    });
    let bytes = week.to_bytes();
    assert_eq!(bytes.len(), 521);
    let read = Week::from_bytes(&bytes).unwrap();
    assert_eq!((read.newest, read.known_seconds), (week.newest, week.known_seconds));
    for (kept, hour) in read.hours.iter().zip(&week.hours) {
        assert!(
            (kept.mean - hour.mean).abs() <= hour.mean / 1_000.0,
            "{kept:?} {hour:?}"
        );
        assert!(
            (kept.weight - hour.weight).abs() <= hour.weight / 20.0,
            "{kept:?} {hour:?}"
        );
    }
    // Kept again and again it does not wander off.
    let again = (0..1_000).fold(read.clone(), |week, _| Week::from_bytes(&week.to_bytes()).unwrap());
    assert_eq!(again, read);
    assert_eq!(Week::from_bytes(&Week::default().to_bytes()), Some(Week::default()));
    // Bytes that are no week.
    assert_eq!(Week::from_bytes(&bytes[..520]), None);
    assert_eq!(Week::from_bytes(&[]), None);
    assert_eq!(Week::from_bytes(&[&[2], &bytes[1..]].concat()), None);
    assert_eq!(
        Week::from_bytes(&[&bytes[..9], &f64::NAN.to_le_bytes()[..], &bytes[17..]].concat()),
        None
    );
    // The largest there is, and time that is none.
    let mut full = Week::default();
    full.add(LocalHour(0), u64::MAX, 1.0);
    assert!(Week::from_bytes(&full.to_bytes()).unwrap().traffic().unwrap().hourly[0].is_finite());
    let before = full.clone();
    full.add(LocalHour(1), 5, 0.0);
    full.add(LocalHour(1), 5, f64::NAN);
    full.add(LocalHour(1), 5, -3.0);
    assert_eq!(full, before);
}

#[test]
fn what_was_measured_by_wrong_clocks_is_turned_to_the_right_ones() {
    let (utc, york) = (zone("UTC"), zone("America/New_York"));
    let now = at("2026-11-30T00:00:00Z");
    let mut wrong = Week::default();
    let by_york = |at: Timestamp| office(LocalHour::at(&york, at).place());
    let monday = at("2026-11-23T00:00:00Z");
    for hour in 0..168 {
        let instant = Timestamp(monday.0 + hour * HOUR_MILLIS);
        wrong.add(LocalHour::at(&utc, instant), by_york(instant), 3_600.0);
    }
    wrong.turn(LocalHour::at(&york, now).hours_after(LocalHour::at(&utc, now)));
    let hourly = wrong.traffic().unwrap().hourly;
    for (place, mean) in hourly.iter().enumerate() {
        assert_eq!(*mean, office(place) as f64, "hour {place}");
    }
}
