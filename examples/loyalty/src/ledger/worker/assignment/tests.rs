use std::path::Path;

use super::{Assignment, AssignmentError, Scope};

fn scope(text: &str) -> Scope {
    serde_json::from_str(text).unwrap()
}

fn outdated(result: &Result<(), AssignmentError>) {
    assert!(matches!(result, Err(AssignmentError::Outdated { .. })), "{result:?}");
}

fn owned(assignment: &Assignment) -> String {
    serde_json::to_string(&assignment.status().owned).unwrap()
}

fn make(data: &Path, tenants: &[&str]) {
    for tenant in tenants {
        std::fs::create_dir_all(data.join(tenant)).unwrap();
    }
}

#[test]
fn repeating_a_call_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut assignment = Assignment::default();
    for _ in 0..2 {
        assignment
            .activate(scope(r#"{"tenants":{"acme":4,"blue":4}}"#), data.path())
            .unwrap();
        assert_eq!(owned(&assignment), r#"{"acme":4,"blue":4}"#);
    }
    for _ in 0..2 {
        assignment.deactivate(&scope(r#"{"tenants":{"acme":4}}"#)).unwrap();
        assert_eq!(owned(&assignment), r#"{"blue":4}"#);
    }
}

#[test]
fn an_outdated_epoch_is_refused_for_all_or_none() {
    let data = tempfile::tempdir().unwrap();
    let (mut old, mut new) = (Assignment::default(), Assignment::default());
    old.activate(scope(r#"{"tenants":{"acme":4}}"#), data.path()).unwrap();
    new.activate(scope(r#"{"tenants":{"acme":5}}"#), data.path()).unwrap();
    outdated(&old.activate(scope(r#"{"tenants":{"blue":1,"acme":4}}"#), data.path()));
    outdated(&new.activate(scope(r#"{"tenants":{"acme":4}}"#), data.path()));
    outdated(&new.deactivate(&scope(r#"{"tenants":{"acme":4}}"#)));
    assert_eq!(owned(&new), r#"{"acme":5}"#);
    old.book(&"acme".parse().unwrap());
    assert_eq!(owned(&old), "{}");
}

#[test]
fn an_epoch_given_back_is_over() {
    let data = tempfile::tempdir().unwrap();
    let mut assignment = Assignment::default();
    assignment
        .activate(scope(r#"{"tenants":{"acme":4}}"#), data.path())
        .unwrap();
    assignment.deactivate(&scope(r#"{"tenants":{"acme":4}}"#)).unwrap();
    outdated(&assignment.activate(scope(r#"{"tenants":{"acme":4}}"#), data.path()));
    assignment
        .activate(scope(r#"{"tenants":{"acme":5}}"#), data.path())
        .unwrap();
}

#[test]
fn a_cell_is_handed_over_with_tenants_that_came_later() {
    let data = tempfile::tempdir().unwrap();
    make(data.path(), &["acme", "blue"]);
    let (mut old, mut new) = (Assignment::default(), Assignment::default());
    old.activate(scope(r#"{"cell":1}"#), data.path()).unwrap();
    make(data.path(), &["coral", ".hidden"]);
    old.discover(data.path());
    assert_eq!(owned(&old), r#"{"acme":1,"blue":1,"coral":1}"#);
    old.deactivate(&scope(r#"{"cell":1}"#)).unwrap();
    assert_eq!(owned(&old), "{}");
    new.activate(scope(r#"{"cell":2}"#), data.path()).unwrap();
    assert_eq!(owned(&new), r#"{"acme":2,"blue":2,"coral":2}"#);
    outdated(&old.activate(scope(r#"{"cell":1}"#), data.path()));
    old.discover(data.path());
    assert_eq!(owned(&old), "{}");
}
