use super::*;

const QUESTION: Question = Question {
    alpha: 0.01,
    margin: 1.0,
    tolerance: Some(0.01),
    hours: 1.0,
};

fn traffic(per_second: f64, share: f64) -> Traffic {
    Traffic {
        new_per_hour: per_second * share * 3600.0,
        old_per_hour: per_second * (1.0 - share) * 3600.0,
        rate: 0.001,
    }
}

#[test]
fn a_small_share_of_little_traffic_shows_nothing_in_an_hour() {
    let floor = floor(QUESTION, traffic(1.0, 0.05));
    assert_eq!(floor.found.filter(|ratio| *ratio <= 10.0), None, "{floor:?}");
    assert!(floor.tenfold_hours.unwrap() > 1.0);
    assert!(floor.shown_hours.unwrap() > 1.0);
    assert!(floor.sentence.starts_with("180 requests in 1 h"), "{}", floor.sentence);
    assert!(
        floor.sentence.contains("at most 1 % cannot be shown in that time"),
        "{}",
        floor.sentence
    );
}

#[test]
fn more_traffic_finds_smaller_differences_sooner() {
    let canary = floor(QUESTION, traffic(50.0, 0.05)).tenfold_hours.unwrap() * 3600.0;
    assert!(
        (150.0..230.0).contains(&canary),
        "simulated, half of the canaries need 190 s: {canary}"
    );
    let (some, much) = (
        floor(QUESTION, traffic(50.0, 0.5)),
        floor(QUESTION, traffic(1000.0, 0.5)),
    );
    assert!(much.found.unwrap() < some.found.unwrap());
    assert!(much.tenfold_hours.unwrap() < some.tenfold_hours.unwrap() / 10.0);
    assert!(much.sentence.contains("is shown after about"), "{}", much.sentence);
}

#[test]
fn what_cannot_be_known_is_said() {
    let silent = Traffic {
        new_per_hour: 0.0,
        ..traffic(1.0, 0.5)
    };
    let nothing = floor(QUESTION, silent);
    assert_eq!((nothing.found, nothing.tenfold_hours), (None, None));
    assert_eq!(nothing.shown_hours, Some(f64::INFINITY));
    assert!(nothing.sentence.contains("find nothing"), "{}", nothing.sentence);
    let bad = floor(
        QUESTION,
        Traffic {
            rate: 0.02,
            ..traffic(1.0, 0.5)
        },
    );
    assert!(
        bad.sentence.contains("cannot be shown, since it is 2 % as things are"),
        "{}",
        bad.sentence
    );
}
