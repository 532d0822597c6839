//! What a playbook names, of itself and of the service.

use super::{Mistake, check};

const OF_A_PLAYBOOKS_NAMES: &[Mistake] = &[
    (
        "name: two-waves",
        "name: two-waves\ncalendar: ue",
        &["playbooks/two-waves.yaml:3:11: there is no calendar `ue` (did you mean `eu`?)"],
    ),
    (
        "name: two-waves",
        "name: two-waves\nwindows: [nigth, peak]",
        &[
            "playbooks/two-waves.yaml:3:11: there is no window `nigth` (did you mean `night`?)",
            "playbooks/two-waves.yaml:3:18: `peak` is a freeze [name it under `freezes`, or correct its `kind` in tidegate.yaml]",
        ],
    ),
    (
        "name: two-waves",
        "name: two-waves\nfreezes: [easter, night]",
        &[
            "playbooks/two-waves.yaml:3:11: there is no freeze `easter` [the freezes are `payday` and `peak`]",
            "playbooks/two-waves.yaml:3:19: `night` allows moving [name it under `windows`, or correct its `kind` in tidegate.yaml]",
        ],
    ),
    (
        "gap: 1h",
        "windows: [nihgt]",
        &["playbooks/two-waves.yaml:10:15: there is no window `nihgt` (did you mean `night`?)"],
    ),
    (
        "name: two-waves",
        "name: two-waves\nnotices: [{kind: note, waves: [frist, everybody]}]",
        &["playbooks/two-waves.yaml:3:32: there is no wave `frist` (did you mean `first`?)"],
    ),
    (
        "name: two-waves",
        "name: two-waves\nenvironments: [test, production, test]",
        &["playbooks/two-waves.yaml:3:34: the environment `test` is in the order already [keep it once]"],
    ),
    (
        "name: two-waves",
        "name: two-waves\napprovals: [{name: all, before: {environment: production}}]",
        &[
            "playbooks/two-waves.yaml:3:47: `production` is none of the `environments` of this playbook [add it to `environments`, or name a wave: `before: {wave: ..}`]",
        ],
    ),
    (
        "select: {rest: true}",
        "select: [{environment: test}, {environment: production, rest: true}]\n  - name: nobody\n    select: {opt_in: true}",
        &["playbooks/two-waves.yaml:10:5: nobody is left for this wave (an earlier wave takes the rest)"],
    ),
    (
        "select: {rest: true}",
        "select: {environment: production}",
        &[
            "playbooks/two-waves.yaml:3:1: no wave takes the rest (`globex` would stay behind) [end with a wave that has `select: {rest: true}`]",
            "playbooks/two-waves.yaml:8:5: this wave selects no tenant",
        ],
    ),
    (
        "name: two-waves",
        "name: two-waves\napprovals: [{name: all, before: {wave: everbody}}]",
        &["playbooks/two-waves.yaml:3:40: there is no wave `everbody` (did you mean `everybody`?)"],
    ),
    (
        "gap: 1h",
        "validation: {of: firs}",
        &["playbooks/two-waves.yaml:10:22: there is no wave `firs` (did you mean `first`?)"],
    ),
    (
        "gap: 1h",
        "validation: {of: everybody}",
        &["playbooks/two-waves.yaml:10:22: wave `everybody` does not come before this one [name an earlier wave]"],
    ),
    (
        "rest: true",
        "tenants: [acme]}\n  - name: again\n    select: {tenants: [globex, acme]",
        &[
            "playbooks/two-waves.yaml:10:32: tenant `acme` is in two waves, `everybody` and `again` (first on line 8) [remove it from one of them; it would move with `everybody`]",
        ],
    ),
    (
        "name: two-waves",
        "name: two-waves\nnotices: [{kind: notice, at_least: 5 working days, at_most: 2 days}]",
        &[
            "playbooks/two-waves.yaml:3:61: this is sent at most 2 days before the start, and has to be sent at least 5 working days before it [make `at_most` the longer of the two]",
        ],
    ),
];

#[test]
fn of_a_playbooks_names() {
    for (from, to, expected) in OF_A_PLAYBOOKS_NAMES {
        check(2, from, to, expected);
    }
}
