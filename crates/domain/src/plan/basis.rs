//! What a plan was made of, by digest: who compares two plans sees what has changed between them.

use std::collections::BTreeMap;

use super::build::PlanInput;
use crate::id::Digest;

pub(super) fn basis(input: &PlanInput) -> BTreeMap<String, Digest> {
    let project = &input.project;
    let artifacts: Vec<_> = input
        .artifacts
        .iter()
        .map(|(name, found)| (name, &found.digest))
        .collect();
    BTreeMap::from([
        ("artifacts".to_owned(), Digest::of_json(&artifacts)),
        ("calendars".to_owned(), Digest::of_json(&project.calendars)),
        ("customers".to_owned(), Digest::of_json(&project.customers)),
        (
            "playbook".to_owned(),
            Digest::of_json(&project.playbooks.get(&project.service.playbook)),
        ),
        ("profile".to_owned(), Digest::of_json(&input.profile)),
        ("release".to_owned(), Digest::of_json(&input.release)),
        ("service".to_owned(), Digest::of_json(&project.service)),
        (
            "tenants".to_owned(),
            Digest::of_json(&(&project.tenants, &project.broken)),
        ),
    ])
}
