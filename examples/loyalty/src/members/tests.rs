//! Both versions on one database, through the change of its schema.

use std::time::Duration;

use super::migration::{Step, run};
use super::{Members, MembersError, copy, rows, work};
use crate::edition::Naming::{FullName, Name};
use crate::tenant::Tenant;

fn tenant(name: &str) -> Tenant {
    name.parse().unwrap()
}

async fn step(data: &std::path::Path, step: Step) -> Result<(), MembersError> {
    run(data, step, "effect", Duration::ZERO).await
}

async fn named(members: &Members, naming: crate::edition::Naming, id: &str) -> Option<String> {
    members.name(naming, &tenant("acme"), id).await.unwrap()
}

#[tokio::test]
async fn each_version_reads_what_the_other_wrote_until_the_old_column_is_gone() {
    let data = tempfile::tempdir().unwrap();
    let (members, acme) = (Members::open(data.path()).await.unwrap(), tenant("acme"));
    members.put(Name, &acme, "ada", "Ada").await.unwrap();
    step(data.path(), Step::AddFullName).await.unwrap();
    assert_eq!(
        named(&members, FullName, "ada").await.as_deref(),
        Some("Ada"),
        "not filled yet"
    );
    members.put(Name, &acme, "bob", "Bob").await.unwrap();
    members.put(FullName, &acme, "cat", "Cat").await.unwrap();
    members.put(FullName, &acme, "bob", "Bobby").await.unwrap();
    members.put(Name, &acme, "cat", "Catherine").await.unwrap();
    for (id, name) in [("bob", "Bobby"), ("cat", "Catherine")] {
        assert_eq!(named(&members, Name, id).await.as_deref(), Some(name));
        assert_eq!(named(&members, FullName, id).await.as_deref(), Some(name));
    }
    step(data.path(), Step::DropName).await.unwrap_err();
    step(data.path(), Step::FillFullName).await.unwrap();
    step(data.path(), Step::DropName).await.unwrap();
    members.put(FullName, &acme, "ada", "Ada Lovelace").await.unwrap();
    assert_eq!(named(&members, FullName, "ada").await.as_deref(), Some("Ada Lovelace"));
    assert_eq!(named(&members, FullName, "cat").await.as_deref(), Some("Catherine"));
    assert_eq!(rows(data.path()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_step_that_is_begun_again_changes_nothing_and_one_taken_back_can_be_done_again() {
    let data = tempfile::tempdir().unwrap();
    let (members, acme) = (Members::open(data.path()).await.unwrap(), tenant("acme"));
    for _ in 0..2 {
        step(data.path(), Step::AddFullName).await.unwrap();
    }
    members.put(FullName, &acme, "ada", "Ada").await.unwrap();
    for _ in 0..2 {
        step(data.path(), Step::RemoveFullName).await.unwrap();
    }
    assert_eq!(
        named(&members, Name, "ada").await.as_deref(),
        Some("Ada"),
        "the old column has it"
    );
    for again in [
        Step::AddFullName,
        Step::FillFullName,
        Step::FillFullName,
        Step::DropName,
        Step::DropName,
    ] {
        step(data.path(), again).await.unwrap();
    }
    let work = work(data.path()).await.unwrap();
    let changes: Vec<(&str, i64)> = work.changes.iter().map(|(step, rows)| (step.as_str(), *rows)).collect();
    let expected = [
        ("add-full-name", 0),
        ("remove-full-name", 0),
        ("add-full-name", 0),
        ("fill-full-name", 1),
        ("drop-name", 0),
    ];
    assert_eq!(changes, expected);
    assert_eq!(work.runs.len(), 9);
}

#[tokio::test]
async fn a_tenant_is_brought_to_another_cell_and_no_other_tenant_with_it() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let members = Members::open(here.path()).await.unwrap();
    for (of, id) in [("acme", "ada"), ("acme", "bob"), ("bolt", "ada")] {
        members.put(Name, &tenant(of), id, of).await.unwrap();
    }
    for expected in [2, 0] {
        let moved = copy(Name, &tenant("acme"), (here.path(), there.path())).await.unwrap();
        assert_eq!(moved, expected);
    }
    let left: Vec<String> = rows(here.path())
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.tenant)
        .collect();
    assert_eq!(left, ["bolt"]);
    assert_eq!(rows(there.path()).await.unwrap().len(), 2);
}
