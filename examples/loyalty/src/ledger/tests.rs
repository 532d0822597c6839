use std::path::Path;

use super::{Booked, Holder, Ledger, LedgerError, place};
use crate::events::{Effect, Event, EventLog};

fn append(directory: &Path, numbers: std::ops::RangeInclusive<u64>) {
    let mut log = EventLog::open(directory).unwrap();
    let mut log = log.lock().unwrap();
    log.catch_up().unwrap();
    let events: Vec<Event> = numbers
        .map(|number| Event {
            number,
            id: format!("id-{number}"),
            member: "ada".to_owned(),
            effect: Effect::Earned { points: 10 },
        })
        .collect();
    log.append(&events).unwrap();
}

fn booked(directory: &Path) -> Booked {
    Ledger::newest(directory)
        .unwrap()
        .members
        .get("ada")
        .copied()
        .unwrap_or_default()
}

fn fenced_by(result: Result<usize, LedgerError>) -> u64 {
    match result {
        Err(LedgerError::Fenced { by, .. }) => by,
        other => panic!("not fenced: {other:?}"),
    }
}

#[test]
fn a_successor_continues_where_the_last_one_stopped() {
    let tenant = tempfile::tempdir().unwrap();
    append(tenant.path(), 1..=3);
    let mut first = Holder::claim(tenant.path(), 1).unwrap();
    assert_eq!(first.book().unwrap(), 3);
    append(tenant.path(), 4..=5);
    let mut second = Holder::claim(tenant.path(), 2).unwrap();
    assert_eq!((second.lag().unwrap(), second.book().unwrap()), (2, 2));
    assert_eq!(booked(tenant.path()), Booked { events: 5, points: 50 });
}

#[test]
fn an_outdated_holder_is_refused_and_changes_nothing() {
    let tenant = tempfile::tempdir().unwrap();
    let mut first = Holder::claim(tenant.path(), 1).unwrap();
    append(tenant.path(), 1..=3);
    let mut second = Holder::claim(tenant.path(), 2).unwrap();
    assert_eq!(fenced_by(first.book()), 2);
    assert_eq!(booked(tenant.path()), Booked::default());
    assert_eq!(second.book().unwrap(), 3);
    assert_eq!(booked(tenant.path()), Booked { events: 3, points: 30 });
    assert!(matches!(
        Holder::claim(tenant.path(), 1),
        Err(LedgerError::Fenced { by: 2, .. })
    ));
}

/// The order that a lock would be needed for elsewhere: the old holder replaces its file after the fence went up and before the
/// successor looked.
#[test]
fn a_write_between_the_fence_and_the_reading_counts_once() {
    let tenant = tempfile::tempdir().unwrap();
    append(tenant.path(), 1..=3);
    let mut first = Holder::claim(tenant.path(), 1).unwrap();
    std::fs::create_dir_all(tenant.path().join("ledger/2")).unwrap();
    assert_eq!(fenced_by(first.book()), 2);
    let mut second = Holder::claim(tenant.path(), 2).unwrap();
    second.book().unwrap();
    assert_eq!(booked(tenant.path()), Booked { events: 3, points: 30 });
}

#[test]
fn a_claim_that_crashed_before_it_wrote_loses_nothing() {
    let tenant = tempfile::tempdir().unwrap();
    append(tenant.path(), 1..=3);
    Holder::claim(tenant.path(), 1).unwrap().book().unwrap();
    std::fs::create_dir_all(tenant.path().join("ledger/2")).unwrap();
    assert_eq!(Ledger::fence(tenant.path()).unwrap(), 2);
    assert_eq!(booked(tenant.path()), Booked { events: 3, points: 30 });
    let mut third = Holder::claim(tenant.path(), 3).unwrap();
    assert_eq!(third.book().unwrap(), 0);
    assert_eq!(booked(tenant.path()), Booked { events: 3, points: 30 });
}

#[test]
fn a_crash_before_the_replacement_books_again_and_once() {
    let tenant = tempfile::tempdir().unwrap();
    append(tenant.path(), 1..=3);
    let mut holder = Holder::claim(tenant.path(), 1).unwrap();
    // What is left of a process killed after it wrote the new file and before the renaming.
    let new = place(&tenant.path().join("ledger"), 1).with_extension("new-1");
    std::fs::write(new, "{\"epoch\":1,\"offset\":99").unwrap();
    holder.book().unwrap();
    drop(holder);
    let mut again = Holder::claim(tenant.path(), 1).unwrap();
    assert_eq!(again.book().unwrap(), 0);
    assert_eq!(booked(tenant.path()), Booked { events: 3, points: 30 });
}
