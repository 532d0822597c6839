//! Every kind of mistake, as it is told.

use super::{RELEASE, brief, good_project, good_sources, source};
use crate::files::{Diagnostic, read_project, read_release};

mod playbooks;
mod retention;
mod together;

/// Replaces `from` in the good file at `index` and expects exactly these diagnostics.
fn check(index: usize, from: &str, to: &str, expected: &[&str]) {
    let mut sources = good_sources();
    assert!(sources[index].text.contains(from), "{from}");
    sources[index].text = sources[index].text.replacen(from, to, 1);
    let (project, diagnostics) = read_project(&sources);
    assert_eq!(brief(&diagnostics), expected, "{from} -> {to}");
    let errors = diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(project.is_some(), !errors);
}

fn check_release(from: &str, to: &str, expected: &[&str]) {
    assert!(RELEASE.contains(from), "{from}");
    let changed = source("release.yaml", &RELEASE.replacen(from, to, 1));
    let (release, diagnostics) = read_release(&changed, &good_project());
    assert_eq!(brief(&diagnostics), expected, "{from} -> {to}");
    assert!(release.is_none());
}

/// What is replaced, by what, and what is said of it.
type Mistake = (&'static str, &'static str, &'static [&'static str]);

const OF_THE_SERVICE_FILE: &[Mistake] = &[
    (
        "service: loyalty",
        "service: Loyalty",
        &[
            "tidegate.yaml:2:10: `Loyalty` is not a service name [1 to 63 of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit]",
        ],
    ),
    (
        "service: loyalty\n",
        "",
        &["tidegate.yaml:2:1: `service` is missing in the service file [add `service:` - the name of the service]"],
    ),
    (
        "playbook: two-waves",
        "playbook: two-wave",
        &["tidegate.yaml:3:11: there is no playbook `two-wave` (did you mean `two-waves`?)"],
    ),
    (
        "name: us, environment: test",
        "name: eu, environment: tset",
        &[
            "tidegate.yaml:6:12: there are two cells named `eu` (first on line 5)",
            "tidegate.yaml:6:29: `tset` is not possible here (did you mean `test`?)",
            "tenants.yaml:4:24: there is no cell `us` [the cells are `eu`]",
            "playbooks/two-waves.yaml:5:37: there is no cell `us` [the cells are `eu`]",
        ],
    ),
    (
        "max_starting: 5",
        "max_starting: 0",
        &["tidegate.yaml:6:49: 0 is too small (from 1 to 1000)"],
    ),
    (
        "max_starting: 5",
        "max_starting: five",
        &["tidegate.yaml:6:49: this must be a whole number, but it is the text `five`"],
    ),
    (
        "internal: 127.0.0.1:8081",
        "internal: localhost:8081",
        &[
            "tidegate.yaml:8:13: `localhost:8081` is not an address [write an IP address and a port, such as `127.0.0.1:8080`]",
        ],
    ),
    (
        "internal: 127.0.0.1:8081",
        "internal: 127.0.0.1:8080\n  listen: 127.0.0.1:8080",
        &["tidegate.yaml:9:11: `listen` and `internal` have the same address (choose another port)"],
    ),
    (
        "internal: 127.0.0.1:8081",
        "internal: 127.0.0.1:8081\n  tls: {listen: 127.0.0.1:8081, certificate: tls.pem, key: \"\"}",
        &[
            "tidegate.yaml:9:17: `tls` and `internal` have the same address (choose another port)",
            "tidegate.yaml:9:60: this text is empty (write something here, or remove the field)",
        ],
    ),
    (
        "\"{tenant}.loyalty.localhost\"",
        "loyalty.localhost",
        &[
            "tidegate.yaml:10:13: `loyalty.localhost` is not a host name with a tenant [lower-case, without a port, with `{tenant}` once, such as `{tenant}.loyalty.example`]",
        ],
    ),
    (
        "path: \"/t/{tenant}\", strip: true",
        "path: t",
        &[
            "tidegate.yaml:11:14: `t` is not a path with a tenant [it starts with `/` and ends with the segment `{tenant}`, such as `/t/{tenant}`]",
        ],
    ),
    (
        "header: x-tenant",
        "hedaer: x-tenant",
        &["tidegate.yaml:12:7: `hedaer` is not possible here (did you mean `header`?)"],
    ),
    (
        "header: x-tenant",
        "query: tenant",
        &[
            "tidegate.yaml:12:7: `query` is not possible here [write one of `host`, `path`, `header`, `cookie` or `jwt`]",
        ],
    ),
    (
        "header: x-tenant",
        "{header: x-tenant, cookie: tenant}",
        &[
            "tidegate.yaml:12:26: `header` and `cookie` do not go together (beside the `header` above) [keep one of the two]",
        ],
    ),
    (
        "keys: keys.json",
        "key: keys.json",
        &["tidegate.yaml:14:25: unknown field `key` in this jwt (did you mean `keys`?)"],
    ),
    (
        "keys: keys.json",
        "keys: keys.json, verify: upstream",
        &[
            "tidegate.yaml:14:42: `keys` and `verify` do not go together (beside the `keys` above) [keep one of the two]",
        ],
    ),
    (
        "verify: upstream",
        "verify: false",
        &["tidegate.yaml:15:33: this must be text, but it is `false` [write `upstream`]"],
    ),
];

#[test]
fn of_the_service_file() {
    for (from, to, expected) in OF_THE_SERVICE_FILE {
        check(0, from, to, expected);
    }
}

const OF_THE_COMPONENTS: &[Mistake] = &[
    (
        "kind: worker",
        "kind: wroker",
        &["tidegate.yaml:22:11: `wroker` is not possible here (did you mean `worker`?)"],
    ),
    (
        "kind: worker",
        "kind: job",
        &[
            "tidegate.yaml:24:5: a component of `kind: job` has no `ready` (only for `kind: http` and `kind: worker`) [remove the field, or correct the kind]",
            "tidegate.yaml:25:5: a component of `kind: job` has no `after` (only for `kind: http` and `kind: worker`) [remove the field, or correct the kind]",
            "tidegate.yaml:26:5: a component of `kind: job` has no `ownership` (only for `kind: worker`) [remove the field, or correct the kind]",
            "tidegate.yaml:27:5: a component of `kind: job` has no `memory` (only for `kind: http` and `kind: worker`) [remove the field, or correct the kind]",
        ],
    ),
    (
        "command: [\"{artifact}\", \"--port\", \"{port}\"]",
        "command: []",
        &["tidegate.yaml:18:14: this list is empty; it needs at least 1"],
    ),
    (
        "WORKERS: 4",
        "WORK-ERS: 4.5",
        &[
            "tidegate.yaml:19:19: `WORK-ERS` is not a name of an environment variable [1 to 128 letters, digits and `_`, the first not a digit]",
            "tidegate.yaml:19:29: this must be text, a whole number or `true` or `false`, but it is the number `4.5` [put it in quotes to make it text]",
        ],
    ),
    (
        "ready: {path: /healthz}",
        "ready: {path: healthz, within: 10 s}",
        &[
            "tidegate.yaml:20:19: `healthz` is not a path of a request [it starts with `/` and has no spaces, `?`, `#` or braces]",
            "tidegate.yaml:20:36: `10 s` is not a duration [write whole numbers with units, such as `30s`, `10m`, `24h`, `2d` or `1h 30m`]",
        ],
    ),
    (
        "    ready: {path: /healthz}\n",
        "",
        &[
            "tidegate.yaml:17:5: this component is taken for ready as soon as it runs [add `ready: {path: /healthz}` with a path that is answered once it can serve]",
        ],
    ),
    (
        "after: [api]",
        "after: [ledger, app]",
        &[
            "tidegate.yaml:25:13: a component can not come after itself (remove this)",
            "tidegate.yaml:25:21: there is no component `app` (did you mean `api`?)",
        ],
    ),
    (
        "environment: {WORKERS: 4, COLOR: true, MODE: fast}",
        "after: [ledger]",
        &[
            "tidegate.yaml:19:5: components wait for each other: api after ledger after api [remove one of these `after`]",
        ],
    ),
    (
        "memory: 64MB",
        "memory: 64M",
        &[
            "tidegate.yaml:27:13: `64M` is not an amount of memory [write a whole number and `KB`, `MB` or `GB`, such as `64MB`]",
        ],
    ),
    (
        "    kind: worker\n",
        "",
        &[
            "tidegate.yaml:21:5: `api` and `ledger` match the same requests [give one of the two another `match: {host: .., path: ..}`]",
            "tidegate.yaml:25:5: a component of `kind: http` has no `ownership` (only for `kind: worker`) [remove the field, or correct the kind]",
        ],
    ),
];

#[test]
fn of_the_components() {
    for (from, to, expected) in OF_THE_COMPONENTS {
        check(0, from, to, expected);
    }
}

const OF_THE_TENANTS_FILE: &[Mistake] = &[
    (
        ", cell: us",
        "",
        &["tenants.yaml:4:6: `cell` is missing in this tenant [add `cell:` - the cell it lives in]"],
    ),
    (
        "id: globex",
        "id: acme",
        &["tenants.yaml:4:10: there are two tenants named `acme` (first on line 3)"],
    ),
    (
        "cell: us",
        "cell: uss",
        &["tenants.yaml:4:24: there is no cell `uss` (did you mean `us`?)"],
    ),
    (
        "time_zone: America/New_York",
        "time_zone: EST",
        &[
            "tenants.yaml:4:62: `EST` is not a time zone [an IANA name such as `Europe/Berlin`, or `UTC`; offsets and abbreviations do not know when clocks change]",
        ],
    ),
    (
        "opt_in: true",
        "opt_in: yes",
        &["tenants.yaml:3:56: this must be `true` or `false`, but it is the text `yes` [write `true`]"],
    ),
    (
        "opt_in: true",
        "opt_in:",
        &[
            "tenants.yaml:3:54: this field has no value (write `true` or `false` here) [to use the default, remove the field]",
        ],
    ),
    (
        "tier: gold",
        "tier: [gold]",
        &["tenants.yaml:3:41: this must be text, a whole number or `true` or `false`, but it is a list"],
    ),
];

#[test]
fn of_the_tenants_file() {
    for (from, to, expected) in OF_THE_TENANTS_FILE {
        check(1, from, to, expected);
    }
}

const OF_A_PLAYBOOK: &[Mistake] = &[
    (
        "name: two-waves",
        "name: three-waves",
        &[
            "tidegate.yaml:3:11: there is no playbook `two-waves` (did you mean `three-waves`?)",
            "playbooks/two-waves.yaml:2:7: the playbook `three-waves` stands in `two-waves.yaml` [rename the file to `three-waves.yaml`, or correct the name]",
        ],
    ),
    (
        "name: everybody",
        "name: first",
        &["playbooks/two-waves.yaml:7:11: there are two waves named `first` (first on line 4)"],
    ),
    (
        "rest: true",
        "rest: false",
        &["playbooks/two-waves.yaml:8:20: only `true` has a meaning here (write `true`, or remove the field)"],
    ),
    (
        "{rest: true}",
        "{}",
        &[
            "playbooks/two-waves.yaml:8:13: this condition is empty [it takes `cell`, `environment`, `labels`, `opt_in`, `percentage`, `rest` and `tenants`]",
        ],
    ),
    (
        "{rest: true}",
        "[]",
        &["playbooks/two-waves.yaml:8:13: this list is empty; it needs at least 1"],
    ),
    (
        "{rest: true}",
        "all",
        &[
            "playbooks/two-waves.yaml:8:13: this must be a mapping (`key: value`) or a list, but it is the text `all` [write a list: `[all]`]",
        ],
    ),
    (
        "rest: true",
        "tenants: [acme, globx]",
        &["playbooks/two-waves.yaml:8:30: there is no tenant `globx` (did you mean `globex`?)"],
    ),
    (
        "percentage: 10",
        "percentage: 101",
        &["playbooks/two-waves.yaml:5:53: 101 is too large (from 1 to 100)"],
    ),
    (
        "percentage: 10",
        "percent: 10",
        &["playbooks/two-waves.yaml:5:41: unknown field `percent` in this condition (did you mean `percentage`?)"],
    ),
    (
        "longest: 5m",
        "longest: 5s",
        &[
            "playbooks/two-waves.yaml:6:12: the bake lasts at least 1m and at most 5s [make `longest` the longer of the two; left out, it is 2h]",
        ],
    ),
    (
        "least: 1m",
        "least: 1m 2h",
        &[
            "playbooks/two-waves.yaml:6:19: `1m 2h` is not a duration [write whole numbers with units, such as `30s`, `10m`, `24h`, `2d` or `1h 30m`]",
        ],
    ),
];

#[test]
fn of_a_playbook() {
    for (from, to, expected) in OF_A_PLAYBOOK {
        check(2, from, to, expected);
    }
}

const OF_A_PLAYBOOKS_REACH: &[Mistake] = &[
    (
        "rest: true",
        "labels: {tier: glod}",
        &[
            "playbooks/two-waves.yaml:3:1: no wave takes the rest (`globex` would stay behind) [end with a wave that has `select: {rest: true}`]",
            "playbooks/two-waves.yaml:8:5: this wave selects no tenant",
            "playbooks/two-waves.yaml:8:29: no tenant has `tier: glod` (did you mean `gold`?)",
        ],
    ),
    (
        "rest: true",
        "labels: {teir: gold}",
        &[
            "playbooks/two-waves.yaml:3:1: no wave takes the rest (`globex` would stay behind) [end with a wave that has `select: {rest: true}`]",
            "playbooks/two-waves.yaml:8:5: this wave selects no tenant",
            "playbooks/two-waves.yaml:8:23: no tenant has a label `teir` (did you mean `tier`?)",
        ],
    ),
    (
        "rest: true",
        "cell: eu",
        &[
            "playbooks/two-waves.yaml:3:1: no wave takes the rest (`globex` would stay behind) [end with a wave that has `select: {rest: true}`]",
            "playbooks/two-waves.yaml:8:5: this wave selects no tenant",
        ],
    ),
    (
        "{opt_in: true}",
        "{rest: true}",
        &["playbooks/two-waves.yaml:8:5: nobody is left for this wave (an earlier wave takes the rest)"],
    ),
];

#[test]
fn of_a_playbooks_reach() {
    for (from, to, expected) in OF_A_PLAYBOOKS_REACH {
        check(2, from, to, expected);
    }
}

const OF_A_RELEASE: &[Mistake] = &[
    (
        "version: 2.1.0",
        "version: 'a: b'",
        &[
            "release.yaml:2:10: `a: b` is not a version [1 to 63 of letters, digits, `.`, `_`, `+` and `-`, the first a letter or digit]",
        ],
    ),
    (
        "  api:",
        "  apy:",
        &["release.yaml:7:3: there is no component `apy` (did you mean `api`?)"],
    ),
    (
        "version: 2.1.0",
        "version: 2.1",
        &["release.yaml:2:10: this must be text, but it is the number `2.1` [put it in quotes to make it text]"],
    ),
    (
        "kind: emergency",
        "kind: Emergency",
        &["release.yaml:3:7: `Emergency` is not possible here (did you mean `emergency`?)"],
    ),
    (
        "1f2e3d4c",
        "main",
        &["release.yaml:5:10: `main` is not a commit id [7 to 64 hexadecimal digits in lower case]"],
    ),
    (
        "2026-11-21T10:57:00Z",
        "2026-13-21T10:57:00Z",
        &["release.yaml:5:24: `2026-13-21T10:57:00Z` is not an instant [write it as `2026-11-21T10:57:00Z`]"],
    ),
    (
        "b855",
        "b85",
        &["release.yaml:9:13: this has 63 characters; a SHA-256 has 64 hexadecimal digits in lower case"],
    ),
    (
        "cells: {eu:",
        "cells: {ue:",
        &["release.yaml:11:13: there is no cell `ue` (did you mean `eu`?)"],
    ),
    (
        "tenants: {acme:",
        "tenants: {acmee:",
        &["release.yaml:12:15: there is no tenant `acmee` (did you mean `acme`?)"],
    ),
    (
        "[points-expiry]",
        "[point-expiry, points-expiry, points-expiry]",
        &[
            "release.yaml:18:11: there is no change `point-expiry` (did you mean `points-expiry`?)",
            "release.yaml:18:40: this stands twice in the list (first on line 18) [keep one of the two]",
        ],
    ),
    (
        "reason: Points of customers are lost every night.\n",
        "",
        &["release.yaml:3:7: an emergency has no `reason` [add `reason:` - why it cannot wait]"],
    ),
    (
        "https://docs",
        "docs",
        &[
            "release.yaml:17:42: `docs.loyalty.example/points` is not a web address [it starts with `https://` or `http://` and has no spaces, such as `https://docs.example.com/points`]",
        ],
    ),
    (
        "{until: bake}",
        "{until: baking}",
        &[
            "release.yaml:19:21: `baking` is not possible here [write `prepare`, `verify`, `canary`, `switch`, `bake` or `confirm`]",
        ],
    ),
    (
        "{until: bake}",
        "never",
        &["release.yaml:19:13: `never` is not possible here [write `always`]"],
    ),
    (
        "    artifact: build/api\n",
        "",
        &[
            "release.yaml:8:5: `artifact` is missing in this release component [add `artifact:` - the file to run, relative to this file]",
        ],
    ),
];

#[test]
fn of_a_release() {
    for (from, to, expected) in OF_A_RELEASE {
        check_release(from, to, expected);
    }
}
