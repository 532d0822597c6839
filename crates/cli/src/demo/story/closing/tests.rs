//! What is lost, doubled or wrong on disk is counted as that.

use tidegate_loyalty::members::MemberRow;

use super::{Rows, Tally};

fn row(tenant: &str, id: &str, name: &str) -> MemberRow {
    MemberRow {
        tenant: tenant.to_owned(),
        id: id.to_owned(),
        name: Some(name.to_owned()),
        columns_differ: false,
    }
}

/// acme in eu, with two members acknowledged.
fn tally() -> Tally {
    let mut tally = Tally::default();
    tally.begin("acme", "eu", &[]);
    tally.acknowledged("acme", "m1".to_owned(), "acme 1".to_owned());
    tally.acknowledged("acme", "m2".to_owned(), "acme 2".to_owned());
    tally
}

#[track_caller]
fn check(found: &[(&str, MemberRow)], expected: [u64; 4]) {
    let rows = Rows::compare(&tally(), found, &mut Vec::new());
    assert_eq!([rows.found, rows.lost, rows.doubled, rows.wrong], expected, "{found:?}");
}

#[test]
fn each_fault_is_counted_as_what_it_is() {
    let (one, two) = (row("acme", "m1", "acme 1"), row("acme", "m2", "acme 2"));
    check(&[("eu", one.clone()), ("eu", two.clone())], [2, 0, 0, 0]);
    check(&[("eu", one.clone())], [1, 1, 0, 0]);
    check(
        &[("eu", one.clone()), ("eu", two.clone()), ("eu", one.clone())],
        [3, 0, 1, 0],
    );
    check(
        &[("eu", one.clone()), ("eu", two.clone()), ("us", one.clone())],
        [3, 0, 1, 0],
    );
    check(&[("us", one.clone()), ("eu", two.clone())], [2, 0, 0, 1]);
    check(
        &[("eu", one.clone()), ("eu", row("acme", "m2", "acme 1"))],
        [2, 0, 0, 1],
    );
    check(
        &[("eu", one), ("eu", two), ("eu", row("acme", "m3", "bolt 3"))],
        [3, 0, 0, 1],
    );
}
