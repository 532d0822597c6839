use super::{Class, Freshness, Mark, MarkKind, Observation};

/// `marks` as `(instant, kind, version)`, `answers` as `(sent, version)`; returns when the stale ones were sent.
fn stale(marks: &[(u64, MarkKind, &str)], answers: &[(u64, &str)]) -> Vec<u64> {
    let mut freshness = Freshness::default();
    for (began_micros, version) in answers {
        let version = (*version).to_owned();
        freshness.observe(Observation {
            class: Class::Get,
            began_micros: *began_micros,
            version,
        });
    }
    // Marks come after the answers, and in any order.
    for (at_micros, kind, version) in marks.iter().rev() {
        freshness.mark(Mark {
            kind: *kind,
            at_micros: *at_micros,
            version: (*version).into(),
        });
    }
    freshness.judge(u64::MAX).iter().map(|one| one.began_micros).collect()
}

use MarkKind::{Confirmed, Switching};

#[test]
fn the_old_version_is_stale_only_after_the_confirmation() {
    let marks = [(0, Confirmed, "1"), (100, Confirmed, "2")];
    assert_eq!(
        stale(&marks, &[(50, "1"), (99, "1"), (100, "1"), (150, "1")]),
        [100, 150]
    );
    assert_eq!(stale(&marks, &[(50, "2"), (99, "2"), (100, "2")]), [0; 0]);
}

#[test]
fn nothing_is_stale_before_anything_was_confirmed() {
    assert_eq!(stale(&[(100, Confirmed, "2")], &[(50, "1"), (60, "9")]), [0; 0]);
}

#[test]
fn a_switch_that_came_back_allows_both_until_it_is_confirmed() {
    let marks = [(0, Confirmed, "1"), (100, Switching, "2"), (200, Confirmed, "1")];
    assert_eq!(stale(&marks, &[(50, "2"), (150, "2"), (150, "1"), (250, "2")]), [250]);
}

#[test]
fn there_and_back_and_there_again() {
    let marks = [
        (0, Confirmed, "1"),
        (100, Confirmed, "2"),
        (200, Confirmed, "1"),
        (300, Confirmed, "2"),
    ];
    assert_eq!(stale(&marks, &[(150, "1"), (250, "2"), (350, "1"), (350, "2")]), [350]);
}

#[test]
fn an_answer_is_judged_once_and_not_too_early() {
    let mut freshness = Freshness::default();
    let observation = Observation {
        class: Class::Get,
        began_micros: 150,
        version: "1".to_owned(),
    };
    freshness.observe(observation.clone());
    assert_eq!(freshness.judge(150), []);
    freshness.mark(Mark {
        kind: Confirmed,
        at_micros: 100,
        version: "2".into(),
    });
    assert_eq!(freshness.judge(151), [observation]);
    assert_eq!(freshness.judge(u64::MAX), []);
}

#[test]
fn what_was_superseded_long_ago_is_forgotten_and_the_rest_still_judged() {
    let mut freshness = Freshness::default();
    let minute = 60_000_000;
    for (at_micros, version) in [(0, "1"), (minute, "2"), (2 * minute, "3")] {
        freshness.mark(Mark {
            kind: Confirmed,
            at_micros,
            version: version.into(),
        });
    }
    freshness.judge(3 * minute);
    assert_eq!(freshness.marks.len(), 1);
    freshness.observe(Observation {
        class: Class::Get,
        began_micros: 2 * minute,
        version: "2".to_owned(),
    });
    assert_eq!(freshness.judge(u64::MAX).len(), 1);
}
