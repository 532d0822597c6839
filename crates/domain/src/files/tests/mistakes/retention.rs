//! Times that are too short, and rows of the journal that would go nowhere.

use super::{Mistake, check};
use crate::files::tests::good_project;
use crate::time::Duration;

const WRITTEN: &str = "retention: {journal: 400d, export_to: archive, plans: 90d, events: 30d, effects: 30d}\n";

const OF_RETENTION: &[Mistake] = &[
    (
        WRITTEN,
        "retention: {journal: 400d}\n",
        &[
            "tidegate.yaml:38:13: rows of the journal are not dropped before they are written elsewhere [add `export_to:` with the \
             folder that they are written to, or remove `journal`]",
        ],
    ),
    (
        WRITTEN,
        "retention: {export_to: archive}\n",
        &[
            "tidegate.yaml:38:13: nothing is written there: all rows of the journal are kept [add `journal:` with the time after \
             which rows go there, or remove `export_to`]",
        ],
    ),
    (
        WRITTEN,
        "retention: {journal: 400d, export_to: \"\"}\n",
        &["tidegate.yaml:38:39: this text is empty (write something here, or remove the field)"],
    ),
    (
        WRITTEN,
        "retention: {journal: 23h, export_to: archive, plans: 0s, events: 1d, effects: 30}\n",
        &[
            "tidegate.yaml:38:22: what is over is kept for 1d at the least [write a longer time, such as `30d`]",
            "tidegate.yaml:38:54: what is over is kept for 1d at the least [write a longer time, such as `30d`]",
            "tidegate.yaml:38:79: this must be text, but it is the number `30` [put it in quotes to make it text]",
        ],
    ),
    (
        WRITTEN,
        "retention: {journal: 400d, export: archive}\n",
        &[
            "tidegate.yaml:38:13: rows of the journal are not dropped before they are written elsewhere [add `export_to:` with the \
             folder that they are written to, or remove `journal`]",
            "tidegate.yaml:38:28: unknown field `export` in this retention (did you mean `export_to`?)",
        ],
    ),
];

#[test]
fn of_retention() {
    for (from, to, expected) in OF_RETENTION {
        check(0, from, to, expected);
    }
}

#[test]
fn without_a_word_the_journal_is_kept_for_ever_and_the_rest_is_bounded() {
    let retention = crate::files::Retention::default();
    assert_eq!((retention.journal, retention.export_to), (None, None));
    let times = [retention.plans, retention.events, retention.effects];
    assert_eq!(times, [90, 30, 30].map(Duration::from_days));
    assert_eq!(good_project().service.retention.journal, Some(Duration::from_days(400)));
}
