//! What is written for people and editors is what the code says: schemas, the reference, the starter.

use std::fs;
use std::path::PathBuf;

use super::brief;
use crate::files::{Source, read_project, read_release, schemas, starter};

mod gates;
mod playbooks;
mod reference;
mod workflows;

/// Compares a file of the repository with what it should be; with `UPDATE_SCHEMAS=1` writes it.
#[expect(
    clippy::disallowed_methods,
    reason = "the published files are the repository's, not the crate's"
)]
fn check_published(path: &str, expected: &str) {
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, expected).unwrap();
    }
    let written = fs::read_to_string(&full).unwrap_or_default();
    assert!(
        written == expected,
        "{path} is out of date: run `UPDATE_SCHEMAS=1 cargo test -p tidegate-domain files`"
    );
}

#[test]
fn the_schemas_are_up_to_date() {
    for (name, schema) in schemas() {
        check_published(&format!("schemas/{name}"), &format!("{schema:#}\n"));
    }
}

#[test]
fn the_reference_is_up_to_date() {
    check_published("docs/files.md", &reference::markdown());
}

#[test]
fn the_starter_is_a_project_without_a_complaint() {
    let files = starter();
    let (project, diagnostics) = read_project(&files);
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    let find = |path: &str| files.iter().find(|file| file.path == path).unwrap();
    let project = project.unwrap();
    let (release, diagnostics) = read_release(find("release.yaml"), &project);
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    find(&release.unwrap().components["web"].artifact);
}

#[test]
fn the_first_line_of_a_starter_file_names_its_schema() {
    let files = starter();
    for file in files.iter().filter(|file| file.path.ends_with(".yaml")) {
        let (_, schema) = file.text.lines().next().unwrap().split_once("$schema=").unwrap();
        let folders = file.path.matches('/').count();
        let schema = schema.strip_prefix(&"../".repeat(folders)).unwrap();
        assert!(files.iter().any(|other| other.path == schema), "{schema}");
    }
}

#[test]
fn the_starter_explains_itself() {
    let has_comment = |file: &&Source| {
        file.path.ends_with(".yaml") && file.text.lines().filter(|line| line.contains('#')).count() >= 5
    };
    assert_eq!(starter().iter().filter(has_comment).count(), 4);
}
