//! What a component of the kind `job` says of its runs.

use super::{brief, source};
use crate::files::{Project, read_project};
use crate::release::{JobPer, JobTerms, MissedRuns};

fn read(component: &str) -> (Option<Project>, Vec<String>) {
    let service = format!(
        "service: shop\nplaybook: quiet\ncells: [{{name: eu}}]\ngateway: {{tenant_from: [{{header: x-tenant}}]}}\ncomponents:\n\
         - {{name: api, command: ['{{artifact}}'], ready: {{path: /ready}}}}\n{component}\n"
    );
    let (project, mistakes) = read_project(&[
        source("tidegate.yaml", &service),
        source("tenants.yaml", "tenants: [{id: acme, cell: eu}]\n"),
        source(
            "playbooks/quiet.yaml",
            "name: quiet\nwaves: [{name: all, select: {rest: true}}]\n",
        ),
    ]);
    (project, brief(&mistakes))
}

fn check(terms: &str, expected: &[&str]) {
    let (_, mistakes) = read(&format!("- {{name: figures, kind: job, command: [x], {terms}}}"));
    assert_eq!(mistakes, expected, "{terms}");
}

#[test]
fn a_job_is_read_with_its_defaults() {
    let (project, mistakes) = read("- {name: figures, kind: job, command: [x]}");
    let project = project.unwrap_or_else(|| panic!("{mistakes:?}"));
    let release = crate::plan::assumed(&project, &"1.0.0".parse().unwrap());
    let (_, terms) = release.jobs().next().unwrap();
    assert_eq!(*terms, JobTerms::default());
    let eu = "eu".parse().unwrap();
    let slots = release.slot_ids(&eu);
    assert_eq!(slots.len(), 1, "a job has no slot");
    let per_cell =
        "per: cell, schedule: {at: \"02:30\", on: mon-fri, time_zone: Europe/Berlin}, missed: once, timeout: 5m";
    let (project, mistakes) = read(&format!("- {{name: figures, kind: job, command: [x], {per_cell}}}"));
    let project = project.unwrap_or_else(|| panic!("{mistakes:?}"));
    let release = crate::plan::assumed(&project, &"1.0.0".parse().unwrap());
    let (_, terms) = release.jobs().next().unwrap();
    assert_eq!((terms.per, terms.missed), (JobPer::Cell, MissedRuns::Once));
    assert!(terms.schedule.is_some());
}

#[test]
fn mistakes_in_a_job_say_their_line_and_the_way_out() {
    check(
        "instances: 2",
        &[
            "tidegate.yaml:7:44: a component of `kind: job` has no `instances` (only for `kind: http` and `kind: worker`) [remove the field, or correct the kind]",
        ],
    );
    check(
        "timeout: 0s",
        &["tidegate.yaml:7:53: no run can end within this time [write how long a run may take, such as `1h`]"],
    );
    check(
        "schedule: {every: 0s}",
        &["tidegate.yaml:7:62: `0s` is too short a time between two runs [write a second or more]"],
    );
    check(
        "schedule: {rrule: \"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\", at: \"02:30\"}",
        &[
            "tidegate.yaml:7:62: this schedule never comes (no day until 2010-01-01 is one of `FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30`) [correct it, or remove `schedule` to run the job on demand only]",
        ],
    );
    check(
        "missed: once",
        &["tidegate.yaml:7:44: no run of a job without a `schedule` is missed [remove the field, or add `schedule`]"],
    );
    check(
        "per: cell, schedule: {at: \"02:30\"}",
        &[
            "tidegate.yaml:7:66: the clocks of which tenant, in a job that is run for a whole cell? [write `time_zone` with an IANA name, such as `Europe/Berlin`]",
        ],
    );
}

#[test]
fn a_schedule_of_what_is_no_job_and_an_order_behind_one_are_refused() {
    let (_, mistakes) = read("- {name: feed, kind: worker, command: [x], schedule: {every: 1h}}");
    assert_eq!(
        mistakes,
        [
            "tidegate.yaml:7:44: a component of `kind: worker` has no `schedule` (only for `kind: job`) [remove the field, or correct the kind]"
        ]
    );
    let (_, mistakes) = read(
        "- {name: feed, kind: worker, command: [x], after: [figures]}\n- {name: figures, kind: job, command: [x]}",
    );
    assert_eq!(
        mistakes,
        ["tidegate.yaml:7:52: a job is never ready: nothing of it runs between two runs (remove this)"]
    );
}
