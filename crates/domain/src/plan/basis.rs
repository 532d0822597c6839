//! What a plan was made of, by digest: who compares two plans sees what has changed between them.

use std::collections::BTreeMap;

use serde::Serialize;

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
        ("artifacts".to_owned(), of(&artifacts)),
        ("calendars".to_owned(), of(&project.calendars)),
        ("customers".to_owned(), of(&project.customers)),
        (
            "playbook".to_owned(),
            of(&project.playbooks.get(&project.service.playbook)),
        ),
        ("profile".to_owned(), of(&input.profile)),
        ("release".to_owned(), of(&input.release)),
        ("service".to_owned(), of(&project.service)),
        ("tenants".to_owned(), of(&(&project.tenants, &project.broken))),
    ])
}

fn of(value: &impl Serialize) -> Digest {
    Digest::of(&serde_json::to_vec(value).expect("what was read from a file has text keys only"))
}
