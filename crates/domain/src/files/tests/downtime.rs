//! Downtime that a release plans, and what its playbook allows.

use crate::files::{Diagnostic, Source, read_project, read_release};

fn source(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn project(playbook: &str) -> [Source; 3] {
    let service = "service: shop\nplaybook: quiet\ncells: [{name: eu}]\ngateway: {tenant_from: [{header: x-tenant}]}\n\
                   components: [{name: api, command: ['{artifact}'], ready: {path: /ready}}]\n";
    let playbook = format!("name: quiet\nwaves: [{{name: all, select: {{rest: true}}}}]\n{playbook}");
    [
        source("tidegate.yaml", service),
        source("tenants.yaml", "tenants: [{id: acme, cell: eu}]\n"),
        source("playbooks/quiet.yaml", &playbook),
    ]
}

fn in_words(mistakes: &[Diagnostic]) -> Vec<String> {
    let words = |mistake: &Diagnostic| {
        let line = mistake.place.as_ref().map_or(0, |place| place.line);
        format!(
            "{}:{line}: {} [{}]",
            mistake.file,
            mistake.message,
            mistake.help.clone().unwrap_or_default()
        )
    };
    mistakes.iter().map(words).collect()
}

fn of_a_release(playbook: &str, downtime: &str) -> Vec<String> {
    let (project, mistakes) = read_project(&project(playbook));
    let project = project.unwrap_or_else(|| panic!("{mistakes:?}"));
    let text = format!("version: 1.0.0\ncomponents: {{api: {{artifact: api}}}}\ndowntime: {downtime}\n");
    let (_, mistakes) = read_release(&source("release.yaml", &text), &project);
    in_words(&mistakes)
}

#[test]
fn a_release_plans_no_more_than_its_playbook_allows() {
    let allowed = "downtime: {longest: 10m, overrun: 5m}\n";
    assert!(of_a_release(allowed, "10m").is_empty());
    assert_eq!(
        of_a_release(allowed, "11m"),
        [
            "release.yaml:3: the release plans 11m of downtime, the playbook `quiet` allows 10m [make it shorter, or `longest` of `downtime` in playbooks/quiet.yaml longer]"
        ]
    );
    assert_eq!(
        of_a_release("", "5m"),
        [
            "release.yaml:3: the release plans downtime, and the playbook `quiet` allows none [write `downtime: {longest: 5m}` in playbooks/quiet.yaml, or release it without]"
        ]
    );
}

#[test]
fn a_release_plans_enough_that_undoing_it_fits() {
    assert!(of_a_release("downtime: {longest: 10m, undo: 2m}\n", "3m").is_empty());
    assert!(of_a_release("downtime: {longest: 10m, overrun: 1m, undo: 2m}\n", "2m").is_empty());
    assert_eq!(
        of_a_release("downtime: {longest: 10m, undo: 2m}\n", "2m"),
        [
            "release.yaml:3: the release plans 2m of downtime, and undoing it takes 2m by the playbook `quiet` [make it longer, or `undo` of `downtime` in playbooks/quiet.yaml shorter]"
        ]
    );
}

#[test]
fn what_is_undone_or_announced_fits_into_the_downtime() {
    for (downtime, expected) in [
        ("{longest: 10m, undo: 2m, announce: 2m}", None),
        (
            "{longest: 10m, overrun: 5m, undo: 15m}",
            Some("`undo` is 15m, the whole downtime is 15m"),
        ),
        (
            "{longest: 10m, announce: 10m}",
            Some("`announce` is 10m, what is promised is 10m"),
        ),
        ("{longest: 1m}", Some("`undo` is 2m, the whole downtime is 1m")),
    ] {
        let (_, mistakes) = read_project(&project(&format!("downtime: {downtime}\n")));
        let words = in_words(&mistakes);
        match expected {
            None => assert!(words.is_empty(), "{words:?}"),
            Some(expected) => assert!(
                words[0].starts_with(&format!("playbooks/quiet.yaml:3: {expected}")),
                "{words:?}"
            ),
        }
    }
}
