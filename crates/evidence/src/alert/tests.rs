use super::*;

mod shares;
use proptest::prelude::*;

const FLEET: Budget = Budget {
    series: 10_000,
    per_day: 1.0,
};
const HOUR_BUCKETS: usize = 12;
const WEEK_BUCKETS: usize = HOURS * HOUR_BUCKETS;

fn at(bucket: usize) -> At {
    At {
        second: bucket as i64 * 300,
        hour: bucket / HOUR_BUCKETS % HOURS,
    }
}

/// Busy from 8 to 18 on weekdays, a tenth of it at night and at weekends.
fn office(bucket: usize, busy: f64) -> f64 {
    let hour = at(bucket).hour;
    let is_busy = hour / 24 < 5 && (8..18).contains(&(hour % 24));
    if is_busy { busy } else { busy / 10.0 }
}

/// The counts of an office, exactly as usual, for four weeks.
fn learnt(busy: f64) -> Watch {
    let mut watch = Watch::new(300, FLEET);
    for bucket in 0..4 * WEEK_BUCKETS {
        assert_eq!(
            watch.observe(at(bucket), office(bucket, busy), 1.0, None),
            None,
            "{bucket}"
        );
    }
    watch
}

/// Monday at ten, in the fifth week.
const BUSY: usize = 4 * WEEK_BUCKETS + 10 * HOUR_BUCKETS;

#[test]
fn the_hours_of_the_week_are_learnt() {
    let watch = learnt(20.0);
    for (hour, expect) in [(10, 20.0), (3, 2.0), (5 * 24 + 10, 2.0)] {
        let found = watch.expected(hour, None);
        assert!((0.75 * expect..1.6 * expect).contains(&found), "{hour}: {found}");
    }
}

/// The first weekend is no alarm, and neither are nights.
#[test]
fn weekdays_and_weekends_are_told_apart_without_an_alarm() {
    learnt(3.0);
    learnt(300.0);
}

#[test]
fn silence_is_found_after_few_missing_requests() {
    for busy in [1.0, 3.0, 10.0] {
        let mut watch = learnt(busy);
        let mut missing = 0.0;
        let alarm = (BUSY..).find_map(|bucket| {
            missing += watch.expected(at(bucket).hour, None);
            watch.observe(at(bucket), 0.0, 1.0, None)
        });
        let Some(Change::Began(alarm)) = alarm else {
            panic!("{alarm:?}")
        };
        assert_eq!((alarm.direction, alarm.since), (Direction::Drop, at(BUSY).second));
        assert!((20.0..45.0).contains(&missing), "{busy}: {missing}");
        assert_eq!(alarm.counted, 0.0);
        assert!((alarm.expected / missing - 1.0).abs() < 0.05, "{alarm:?} {missing}");
    }
}

#[test]
fn a_spike_is_found_and_what_is_tolerated_is_not() {
    let raised = |factor: f64| {
        let mut watch = learnt(20.0);
        (BUSY..BUSY + 36).find_map(|bucket| watch.observe(at(bucket), factor * office(bucket, 20.0), 1.0, None))
    };
    assert!(matches!(
        raised(3.0),
        Some(Change::Began(Alarm {
            direction: Direction::Spike,
            ..
        }))
    ));
    for tolerated in [0.7, 1.0, 1.5] {
        assert_eq!(raised(tolerated), None, "{tolerated}");
    }
}

#[test]
fn an_alarm_ends_when_volume_is_back_and_nothing_is_learnt_meanwhile() {
    let mut watch = learnt(20.0);
    let before = watch.expected(at(BUSY).hour, None);
    for bucket in BUSY..BUSY + 24 {
        watch.observe(at(bucket), 0.0, 1.0, None);
    }
    assert!(watch.alarm().is_some());
    let ended = (BUSY + 24..BUSY + 36).find_map(|bucket| watch.observe(at(bucket), 20.0, 1.0, None));
    assert!(
        matches!(
            ended,
            Some(Change::Ended {
                why: Ended::Recovered,
                ..
            })
        ),
        "{ended:?}"
    );
    let after = watch.expected(at(BUSY).hour, None);
    assert!((after / before - 1.0).abs() < 0.1, "{before} {after}");
}

/// A tenant that has halved its volume twice for good is one alarm, not one a day.
#[test]
fn a_level_that_stays_is_accepted_after_a_day() {
    let mut watch = learnt(100.0);
    let changes: Vec<Change> = (BUSY..BUSY + 2 * WEEK_BUCKETS)
        .filter_map(|bucket| watch.observe(at(bucket), office(bucket, 25.0), 1.0, None))
        .collect();
    assert!(matches!(changes[0], Change::Began(_)), "{changes:?}");
    assert!(
        matches!(
            changes[1],
            Change::Ended {
                why: Ended::Accepted,
                ..
            }
        ),
        "{changes:?}"
    );
    assert_eq!(changes.len(), 2, "{changes:?}");
}

/// A holiday of everybody is not an alarm of each.
#[test]
fn what_befalls_all_is_expected_of_each() {
    let mut watch = learnt(20.0);
    let mut common = Common::default();
    for bucket in BUSY..BUSY + 24 {
        let usual = office(bucket, 20.0);
        common.take((0..1_000).map(|_| (0.3 * usual, usual)));
        assert!((common.factor() - 0.3).abs() < 0.01);
        assert_eq!(watch.observe(at(bucket), 0.3 * usual, common.factor(), None), None);
    }
    assert_eq!(Common::default().factor(), 1.0);
    let mut one_is_silent = Common::default();
    let others = std::iter::repeat_n((10.0, 10.0), 100);
    one_is_silent.take(others.chain([(0.0, 1e6)]));
    assert!(one_is_silent.factor() > 0.95, "the largest series is not everybody");
}

#[test]
fn what_is_too_quiet_or_too_young_is_said() {
    let mut watch = Watch::new(300, FLEET);
    assert_eq!(watch.monitorable(), Monitorable::Learning);
    for bucket in 0..WEEK_BUCKETS {
        let count = if bucket % 100 == 0 { 1.0 } else { 0.0 };
        assert_eq!(watch.observe(at(bucket), count, 1.0, None), None);
    }
    let Monitorable::TooQuiet {
        expected_per_day,
        needed,
    } = watch.monitorable()
    else {
        panic!("{:?}", watch.monitorable());
    };
    assert!((2.0..4.0).contains(&expected_per_day), "{expected_per_day}");
    assert!((24.0..26.0).contains(&needed), "{needed}");
}

#[test]
fn the_week_of_a_population_stands_in_for_a_newcomer() {
    let known = learnt(20.0);
    let shape = Shape::of([known.season()].into_iter()).unwrap();
    let mut newcomer = Watch::new(300, FLEET);
    for bucket in 0..288 {
        newcomer.observe(at(bucket), office(bucket, 200.0), 1.0, Some(&shape));
    }
    newcomer.observe(at(288), office(288, 200.0), 1.0, Some(&shape));
    let (busy, weekend) = (
        newcomer.expected(34, Some(&shape)),
        newcomer.expected(5 * 24 + 10, Some(&shape)),
    );
    assert!(busy > 5.0 * weekend, "{busy} {weekend}");
    assert_eq!(Shape::of([Season::new()].iter()), None);
}

#[test]
fn a_recording_is_added_up_to_five_minutes_and_gaps_are_no_zeros() {
    let minute = |minute: usize| Point {
        at: At {
            second: minute as i64 * 60,
            hour: minute / 60 % HOURS,
        },
        count: 4.0,
    };
    let mut points: Vec<Point> = (0..3 * 1_440).map(minute).collect();
    points.drain(2 * 1_440..2 * 1_440 + 600);
    let found = replay(&points, FLEET);
    assert_eq!(
        (found.bucket_seconds, found.buckets, found.missing),
        (300, 3 * 288 - 120, 120)
    );
    assert_eq!(found.changes, []);
    let a_part_of_a_bucket = replay(&points[..2 * 1_440 - 4], FLEET);
    assert_eq!(
        (a_part_of_a_bucket.buckets, a_part_of_a_bucket.missing),
        (2 * 288 - 1, 1)
    );
    let seven_seconds: Vec<Point> = (0..100)
        .map(|line| Point {
            at: At {
                second: line * 7,
                hour: 0,
            },
            count: 1.0,
        })
        .collect();
    assert_eq!(replay(&seven_seconds, FLEET).bucket_seconds, 301);
    let nothing = replay(&[], FLEET);
    assert_eq!((nothing.buckets, nothing.missing), (0, 0));
    assert_eq!(nothing.monitorable, Monitorable::Learning);
}

proptest! {
    /// At the bound of what is tolerated, each factor is 1 on average, by adding up all there is.
    #[test]
    fn factors_are_fair(expected in 0.1_f64..20.0, dispersion in 0.02_f64..1.0) {
        let r = 1.0 / dispersion;
        for (direction, factors) in [(Direction::Drop, [0.01, 0.1, 0.25]), (Direction::Spike, [2.0, 3.0, 5.0])] {
            let bound = direction.bound() * expected;
            for factor in factors {
                // NB(0) = (r / (r + mu))^r, and each next term is (y + r) / (y + 1) mu / (r + mu) of the one before.
                let (mut log, mut mean) = (r * (r / (r + bound)).ln(), 0.0);
                for count in 0..2_000 {
                    let y = f64::from(count);
                    mean += (log + cusum::log_ratio(y, factor * expected, bound, dispersion)).exp();
                    log += ((y + r) / (y + 1.0) * bound / (r + bound)).ln();
                }
                prop_assert!(mean < 1.0 + 1e-9, "{factor}: {mean}");
            }
        }
    }

    #[test]
    fn hostile_counts_never_harm(counts in prop::collection::vec(prop_oneof![Just(0.0), Just(1e300), Just(f64::INFINITY), Just(f64::NAN), Just(-1.0), 0.0_f64..1e6], 1..400)) {
        let mut watch = Watch::new(3600, FLEET);
        for (bucket, count) in counts.into_iter().enumerate() {
            watch.observe(At { second: bucket as i64 * 3600, hour: bucket }, count, 1.0, None);
            prop_assert!(watch.expected(bucket, None).is_finite());
        }
    }
}
