//! Rules that never fail prove nothing: each defect that can be planted is noticed by a rule, and by the right one.

use std::fs;
use std::path::Path;

use tidegate_sim::{Script, replay};

/// What can be planted in the release 2.0.0 of which scenario, and the rule that notices it.
const NOTICED: [(&str, &[(&str, &str)]); 15] = [
    ("canary.txt", &CANARY),
    ("queued.txt", &QUEUED),
    ("beside.txt", &BESIDE),
    ("weeks.txt", &WEEKS),
    ("patched.txt", &PATCHED),
    ("reported.txt", &REPORTED),
    ("migrations.txt", &MIGRATIONS),
    ("reserved.txt", &RESERVED),
    ("steps.txt", &STEPS),
    ("downtime.txt", &DOWNTIME),
    ("downtime-work.txt", &DOWNTIME_WORK),
    ("tenants.txt", &TENANTS),
    ("together.txt", &TOGETHER),
    ("jobs.txt", &JOBS),
    ("gates.txt", &GATES),
];

const CANARY: [(&str, &str); 5] = [
    ("no-canary", "a wave is switched after its canary"),
    ("shorter-canary", "a canary lasts its least time"),
    ("keeps-splits", "a share that is taken back is served nowhere"),
    ("larger-share", "a canary splits no more than was planned"),
    ("forgets-freezes", "no tenant moves while it is frozen"),
];

const TENANTS: [(&str, &str); 2] = [
    ("moves-unconfirmed", "a tenant is served by one cell only"),
    (
        "forgets-suspensions",
        "no request of a suspended tenant reaches an instance",
    ),
];

const TOGETHER: [(&str, &str); 2] = [
    ("forgets-companions", "releases that go together begin in their order"),
    ("stays-alone", "what one service takes back, all take back"),
];

const JOBS: [(&str, &str); 2] = [
    ("forgets-runs", "never two runs of a job at once"),
    ("skips-runs", "every due instant of a job has one run"),
];

const GATES: [(&str, &str); 5] = [
    ("lenient-gates", "nobody moves past a gate that did not let them"),
    ("dry-run-gates", "nobody moves past a gate that did not let them"),
    ("skips-gates", "nobody moves past a gate that did not let them"),
    ("forgets-overrides", "a gate is overridden once, by a person"),
    ("anybody-approves", "nobody answers a gate who was not asked to"),
];

const QUEUED: [(&str, &str); 2] = [
    ("never-queues", "a release queues where it has to"),
    ("more-versions", "no more versions in a cell than the playbook allows"),
];

const BESIDE: [(&str, &str); 1] = [("forgets-who-moved-on", "a tenant is moved by one release at a time")];

const PATCHED: [(&str, &str); 2] = [
    ("no-patches", "what is patched moves nobody any more"),
    ("back-to-patched", "nobody goes back to what was patched"),
];

const REPORTED: [(&str, &str); 3] = [
    ("no-reports", "no tenant moves before its customer has reported"),
    ("silence-moves", "no tenant moves before its customer has reported"),
    ("forgets-trouble", "no tenant moves before its customer has reported"),
];

const MIGRATIONS: [(&str, &str); 2] = [
    ("no-migrations", "nobody is broken who has not migrated"),
    ("forgets-migrations", "who has migrated is moved"),
];

const RESERVED: [(&str, &str); 2] = [
    ("more-room", "no more tenants reserve one time than the playbook lets"),
    ("forgets-reservations", "no tenant moves before it has asked to"),
];

const DOWNTIME: [(&str, &str); 4] = [
    ("no-downtime", "no tenant moves outside its planned downtime"),
    ("longer-downtime", "nobody is out of service for longer than was told"),
    ("late-undo", "what is not done in its downtime is undone"),
    (
        "tells-no-extension",
        "nobody is out of service for longer than was told",
    ),
];

const DOWNTIME_WORK: [(&str, &str); 2] = [
    (
        "works-while-served",
        "nobody is served while data are worked on in downtime",
    ),
    ("forgets-half-done", "nobody is served on data of another version"),
];

const WEEKS: [(&str, &str); 13] = [
    ("no-starts", "no tenant moves before its planned start"),
    ("no-windows", "no tenant moves outside its windows"),
    ("no-notices", "no tenant moves before its notice has run"),
    ("no-periods", "no tenant moves before its notice has run"),
    ("no-approvals", "what starts is approved"),
    ("fewer-approvals", "what starts is approved"),
    ("no-gaps", "the time between two waves is kept"),
    ("no-peaks", "a bake lasts its least time and through peaks"),
    ("no-bake", "a bake lasts its least time and through peaks"),
    ("anybody-approves", "nobody approves who was not asked to"),
    ("forgets-choices", "who opts out is not moved"),
    ("forgets-freezes", "no tenant moves while it is frozen"),
    ("forgets-returns", "a rollback wins"),
];

const STEPS: [(&str, &str); 6] = [
    ("expands-late", "a version runs only on data that is expanded for it"),
    ("migrates-first", "data is migrated behind its release"),
    ("contracts-at-once", "data is contracted when nobody can be taken back"),
    ("mistakes-databases", "one step at a time works on a database"),
    ("forgets-losses", "nothing that was written is lost by itself"),
    ("skips-steps", "a step is done when its command has ended well"),
];

fn violated(text: &str) -> Option<String> {
    let script: Script = text.parse().unwrap();
    let told = replay(&script).trace;
    let line = told.lines().find_map(|line| line.split_once("VIOLATED: "));
    line.map(|(_, rule)| rule.to_owned())
}

#[test]
fn every_planted_defect_is_noticed_by_its_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planted");
    for (file, all) in NOTICED {
        let sound = fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(violated(&sound), None, "nothing is planted in {file}");
        for (planted, rule) in all {
            let text = format!("{sound}0s plant 2.0.0 {planted}\n");
            let found = violated(&text).unwrap_or_default();
            assert!(found.starts_with(rule), "{planted} is noticed as: {found}");
        }
    }
}
