use super::{
    Code, ComponentKind, Diagnostic, Project, Ready, ReleaseFile, Scalar, Source, TenantFrom, read_project,
    read_release, render,
};
use crate::release::{Ownership, Reversible, Stage};
use crate::time::Duration;

mod agreement;
mod alerts;
mod calendars;
mod canary;
mod configuration;
mod downtime;
mod gates;
mod hostile;
mod jobs;
mod mistakes;
mod published;

pub(in crate::files) fn source(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

const SERVICE: &str = r#"
service: loyalty
playbook: two-waves
cells:
  - name: eu
  - {name: us, environment: test, max_starting: 5, labels: {arch: arm64}}
gateway:
  internal: 127.0.0.1:8081
  tenant_from:
    - host: "{tenant}.loyalty.localhost"
    - {path: "/t/{tenant}", strip: true}
    - header: x-tenant
    - cookie: tenant
    - jwt: {claim: sub, keys: keys.json}
    - jwt: {claim: sub, verify: upstream}
components:
  - name: api
    command: ["{artifact}", "--port", "{port}"]
    environment: {WORKERS: 4, COLOR: true, MODE: fast}
    ready: {path: /healthz}
  - name: ledger
    kind: worker
    command: ["{artifact}"]
    ready: {command: ["{artifact}", check], within: 1m}
    after: [api]
    ownership: cell
    memory: 64MB
    requires: [DATABASE_PASSWORD]
    secrets: {DATABASE_PASSWORD: {file: /run/secrets/database, version: 2}, QUEUE_KEY: {environment: LEDGER_QUEUE_KEY}}
    environments: {test: {secrets: {DATABASE_PASSWORD: {credential: database-test}}}}
    cells: {eu: {secrets: {QUEUE_KEY: {file: /run/secrets/queue-eu}}}}
calendars:
  eu: {time_zone: Europe/Berlin, working_days: mon-fri, working_hours: "09:00-17:00", holidays: holidays/de.ics}
windows:
  - {name: night, kind: allow, on: mon-thu, from: "22:00", until: "06:00", time_zone: tenant, when_open_ends: finish-wave}
  - {name: peak, kind: freeze, from: 2026-11-23T00:00, until: 2026-12-01T00:00, time_zone: Europe/London, tenants: {cell: eu}, reason: Black Friday}
  - {name: payday, kind: freeze, rrule: "FREQ=MONTHLY;BYDAY=-1FR", from: "08:00", until: "18:00"}
retention: {journal: 400d, export_to: archive, plans: 90d, events: 30d, effects: 30d}
"#;

const TENANTS: &str = r"
tenants:
  - {id: acme, cell: eu, labels: {tier: gold}, opt_in: true}
  - {id: globex, cell: us, customer: globex-corp, time_zone: America/New_York, calendar: eu}
";

const PLAYBOOK: &str = r"
name: two-waves
waves:
  - name: first
    select: [{opt_in: true}, {cell: us, percentage: 10}]
    bake: {least: 1m, longest: 5m}
  - name: everybody
    select: {rest: true}
    max_parallel: {tenants: 10}
    gap: 1h
    gates: [{name: answers, uses: http, with: {component: api, path: /healthz}, on_no_data: fail, dry_run: true}]
";

const GATE: &str = r"
arguments:
  queue: {description: the queue that is looked at}
  most: {default: 1000}
uses: metric
with:
  url: http://127.0.0.1:9090
  query: queue_lag{queue='${{ queue }}'}
  at_most: ${{ most }}
on_no_data: fail
on_inconclusive: hold
dry_run: false
";
const RELEASE: &str = r"
version: 2.1.0
kind: emergency
commits:
  - {id: 1f2e3d4c, at: 2026-11-21T10:57:00Z}
components:
  api:
    artifact: build/api
    sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    configuration: {LIMIT: 5}
    cells: {eu: {LIMIT: 6}}
    tenants: {acme: {LIMIT: 7}}
    environments: {test: {LIMIT: 4}}
summary: Points expire when they should.
reason: Points of customers are lost every night.
tickets: [LOY-812]
documentation: [{title: Points, address: https://docs.loyalty.example/points}]
changes: [points-expiry]
reversible: {until: bake}
";

const ALERTS: &str = r#"
watch: {interval: 5m, errors_percent: 1, kinds: [errors, timeouts, latency, volume-drop, volume-spike, watcher]}
channels:
  on-call: {uses: pagerduty, with: {routing_key: {file: /run/secrets/pagerduty}}}
  help-desk: {uses: slack, with: {url: {environment: SLACK_HELP_DESK}}}
  lead: {uses: mail, with: {from: tidegate@loyalty.example, to: [lead@loyalty.example], server: mail.loyalty.example}}
  watchdog: {uses: heartbeat, with: {url: {file: /run/secrets/watchdog}}}
roles:
  developers: {channels: [on-call], owner: platform team}
  support: {channels: [help-desk], owner: customer care}
routes:
  - {customer: globex-corp, severity: critical, role: support, owner: globex's own contact}
  - {kinds: [volume-drop, volume-spike], cell: eu, role: support, runbook: "https://runbooks.loyalty.example/volume"}
  - {tenant: acme, role: developers}
escalate:
  - {after: 15m, channels: [lead]}
heartbeat: {channel: watchdog, every: 1m}
"#;

const CHANGE: &str = "---
kind: changed
audience: [developer, internal]
impact: breaking
endpoints: [\"GET /v1/points/{id}\"]
fields: [points.expires_at]
flag: points-expiry
opt_in: {ships: disabled, how: Settings > Points}
deadline: 2027-03-01
action: Read `expires_at` instead of `expires`.
documentation:
  - {title: Points, address: https://docs.loyalty.example/points}
pictures:
  - {file: pictures/points.png, shows: The page of points}
---

# Points expire at midnight of the tenant

## Developers

`expires` is gone, `expires_at` is an instant:

```sh
# not a heading
## Developers
curl https://loyalty.example/v1/points/1
```

### An example

`{\"expires_at\": \"2027-03-01T00:00:00+01:00\"}`

## Internal

Customers have asked for this since spring.
";

pub(super) fn good_sources() -> Vec<Source> {
    vec![
        source("tidegate.yaml", SERVICE),
        source("tenants.yaml", TENANTS),
        source("playbooks/two-waves.yaml", PLAYBOOK),
        source("holidays/de.ics", include_str!("../../../../holidays/de.ics")),
        source("changes/points-expiry.md", CHANGE),
    ]
}

pub(super) fn good_project() -> Project {
    let (project, diagnostics) = read_project(&good_sources());
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    project.expect("there is no error")
}

/// Diagnostics in one line each.
pub(in crate::files) fn brief(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let help = diagnostic.help.as_ref().map(|help| format!(" [{help}]"));
            let label = Some(&diagnostic.label).filter(|label| !label.is_empty());
            let label = label.map(|label| format!(" ({label})"));
            let (label, help) = (label.unwrap_or_default(), help.unwrap_or_default());
            format!("{diagnostic}{label}{help}")
        })
        .collect()
}

#[test]
fn a_project_is_read_with_its_defaults() {
    let project = good_project();
    let service = &project.service;
    assert_eq!(service.cells[0].max_starting, 2);
    assert_eq!(service.cells[1].max_starting, 5);
    assert_eq!(service.gateway.listen.to_string(), "127.0.0.1:8080");
    assert!(matches!(
        service.gateway.tenant_from[1],
        TenantFrom::Path { strip: true, .. }
    ));
    let api = &service.components[0];
    assert_eq!((api.kind, api.instances), (ComponentKind::Http, 1));
    assert_eq!(api.r#match.path.as_str(), "/");
    assert_eq!(api.drain.streams, Duration::from_secs(300));
    let environment: Vec<&str> = api.environment.values().map(Scalar::as_str).collect();
    assert_eq!(environment, ["true", "fast", "4"]);
    let ledger = &service.components[1];
    assert_eq!(ledger.ownership, Ownership::Cell);
    assert_eq!(ledger.memory.map(|memory| memory.0), Some(64_000_000));
    assert!(matches!(&ledger.ready, Some(Ready::Command { within, .. }) if *within == Duration::from_secs(60)));
    let playbook = &project.playbooks["two-waves"];
    assert_eq!(playbook.waves[0].select.0.len(), 2);
    assert_eq!(playbook.waves[1].select.0.len(), 1);
    assert_eq!(playbook.rollback_window, Duration::from_hours(24));
}

#[test]
fn a_tag_is_a_label_that_is_true() {
    let mut sources = good_sources();
    sources[1].text = TENANTS.replace("{tier: gold}", "[retail, gold]");
    sources[2].text = PLAYBOOK.replace("{opt_in: true}", "{labels: {retail: true}}");
    let (project, diagnostics) = read_project(&sources);
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    let labels = &project.unwrap().tenants.tenants[0].labels;
    assert_eq!(labels.len(), 2);
    assert_eq!(labels["retail"], Scalar::tag());
    sources[2].text = PLAYBOOK.replace("{opt_in: true}", "{labels: {retial: true}}");
    let (_, diagnostics) = read_project(&sources);
    assert!(brief(&diagnostics)[0].ends_with("no tenant has a label `retial` (did you mean `retail`?)"));
    sources[1].text = TENANTS.replace("{tier: gold}", "[gold, gold]");
    sources[2].text = PLAYBOOK.to_owned();
    let (_, diagnostics) = read_project(&sources);
    assert_eq!(
        brief(&diagnostics),
        ["tenants.yaml:3:41: this stands twice in the list (first on line 3) [keep one of the two]"]
    );
}

#[test]
fn a_release_is_read() {
    let (release, diagnostics) = read_release(&source("release.yaml", RELEASE), &good_project());
    assert_eq!(brief(&diagnostics), Vec::<String>::new());
    let release = release.expect("there is no error");
    assert_eq!(release.reversible, Reversible::Until(Stage::Bake));
    let api = &release.components["api"];
    assert_eq!(api.tenants["acme"]["LIMIT"].as_str(), "7");
    assert!(
        api.sha256
            .as_ref()
            .is_some_and(|sha256| sha256.0.as_str().starts_with("sha256:e3b0"))
    );
}

#[test]
fn what_was_read_survives_being_stored() {
    let project = good_project();
    let stored = serde_json::to_value(&project.service).unwrap();
    assert_eq!(project.service, serde_json::from_value(stored).unwrap());
    let stored = serde_json::to_value(&project.playbooks["two-waves"]).unwrap();
    assert_eq!(project.playbooks["two-waves"], serde_json::from_value(stored).unwrap());
    let (release, _) = read_release(&source("release.yaml", RELEASE), &project);
    let stored = serde_json::to_value(&release).unwrap();
    assert_eq!(release, serde_json::from_value::<Option<ReleaseFile>>(stored).unwrap());
}

#[test]
fn files_that_are_not_there_are_named() {
    let (project, diagnostics) = read_project(&good_sources()[..1]);
    assert_eq!(project, None);
    let codes: Vec<(Code, &str)> = diagnostics
        .iter()
        .map(|found| (found.code, found.file.as_str()))
        .collect();
    assert_eq!(
        codes,
        [
            (Code::MissingFile, "tenants.yaml"),
            (Code::MissingFile, "playbooks/*.yaml"),
            // Of the holidays that it names.
            (Code::MissingFile, "tidegate.yaml"),
        ]
    );
}

#[test]
fn a_diagnostic_is_drawn_with_line_caret_and_remedy() {
    let mut sources = good_sources();
    sources[0].text = SERVICE.replace("kind: worker", "knd: worker");
    sources[1].text = TENANTS.replace("opt_in: true", "opt_in: on");
    let (_, diagnostics) = read_project(&sources);
    let expected = r#"
error[unknown-field]: unknown field `knd` in this component
  --> tidegate.yaml:22:5
   |
21 |   - name: ledger
22 |     knd: worker
   |     ^^^ did you mean `kind`?
23 |     command: ["{artifact}"]
   |

error[wrong-type]: this must be `true` or `false`, but it is the text `on`
 --> tenants.yaml:3:56
  |
2 | tenants:
3 |   - {id: acme, cell: eu, labels: {tier: gold}, opt_in: on}
  |                                                        ^^
4 |   - {id: globex, cell: us, customer: globex-corp, time_zone: America/New_York, calendar: eu}
  |
  = help: write `true`

"#;
    assert_eq!(render(&diagnostics, &sources, false), expected.trim_start());
    assert!(render(&diagnostics, &sources, true).contains("\u{1b}["));
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once() {
    let mut sources = good_sources();
    sources[0].text = SERVICE
        .replace("kind: worker", "knd: worker")
        .replace("two-waves", "two");
    sources[1].text = TENANTS
        .replace("opt_in: true", "opt_in: on")
        .replace("cell: us", "cell: su");
    sources[2].text = PLAYBOOK.replace("gap: 1h", "gap: soon").replace("first", "everybody");
    let (_, diagnostics) = read_project(&sources);
    let codes: Vec<(usize, Code)> = diagnostics
        .iter()
        .filter_map(|found| Some((found.place.as_ref()?.line, found.code)))
        .collect();
    let expected = [
        (3, Code::UnknownName),
        (22, Code::UnknownField),
        (3, Code::WrongType),
        (4, Code::UnknownName),
        (7, Code::DuplicateName),
        (10, Code::InvalidText),
    ];
    assert_eq!(codes, expected);
}
