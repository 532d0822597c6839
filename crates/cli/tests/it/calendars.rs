//! `calendar batch` and `windows explain`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::workspace::{EXECUTABLE, Workspace};

const SERVICE: &str = r#"
calendars:
  eu: {time_zone: Europe/Berlin, working_days: mon-fri, working_hours: "09:00-17:00", holidays: holidays/de.ics}
windows:
  - {name: night, kind: allow, on: mon-thu, from: "22:00", until: "06:00", time_zone: tenant, when_open_ends: finish-wave}
  - {name: peak, kind: freeze, from: 2026-11-23T00:00, until: 2026-12-01T00:00, time_zone: Europe/London, tenants: {tag: retail}, reason: Black Friday}
  - {name: payday, kind: freeze, rrule: "FREQ=MONTHLY;BYDAY=-1FR", from: "08:00", until: "18:00", time_zone: tenant}
  - {name: late, kind: allow, from: "24:00", until: "06:00", tenants: {tenants: [broke]}}
  - {name: always, kind: freeze, from: "00:00", until: "00:00", tenants: {tenants: [never]}}
"#;

const TENANTS: &str = "
tenants:
  - {id: acme, customer: acme-group, cell: eu-1, labels: [retail], calendar: eu}
  - {id: globex, labels: {tier: gold}, time_zone: America/New_York}
  - {id: broke}
  - {id: odd, time_zone: EST}
  - {id: never, time_zone: Australia/Lord_Howe}
";

/// The files of the two verbs and nothing else; no project.
fn workspace() -> Workspace {
    let workspace = Workspace::empty();
    workspace.write("conf/tidegate.yaml", SERVICE);
    workspace.write("conf/tenants.yaml", TENANTS);
    workspace.write("conf/holidays/de.ics", include_str!("../../../../holidays/de.ics"));
    workspace
}

/// The answers to these lines, one for each.
fn ask(lines: &[&str]) -> Vec<Value> {
    let workspace = workspace();
    let mut batch = workspace.command();
    batch.args(["calendar", "batch", "--config", "conf"]);
    batch.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut batch = batch.spawn().unwrap();
    let mut stdin = batch.stdin.take().unwrap();
    let mut stdout = BufReader::new(batch.stdout.take().unwrap());
    let mut answers = Vec::new();
    for line in lines {
        // The answer comes before the next request is written.
        writeln!(stdin, "{line}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        answers.push(serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {line} -> {answer}")));
    }
    drop(stdin);
    assert!(batch.wait().unwrap().success());
    answers
}

#[track_caller]
fn check(request: &Value, expected: &Value) {
    assert_eq!(ask(&[&request.to_string()]), std::slice::from_ref(expected));
}

/// The refusal of a request says this.
#[track_caller]
fn refuses(request: &str, words: &str) {
    let [answer] = &ask(&[request])[..] else { unreachable!() };
    let error = answer["error"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(error.contains(words), "does not say `{words}`: {error}");
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
}

#[test]
fn working_days_and_notices_are_counted_over_holidays() {
    check(
        &json!({"verb": "working-days-before", "date": "2027-01-04", "n": 5, "calendar": "eu"}),
        &json!({"date": "2026-12-24"}),
    );
    let notice = |period: &str| json!({"verb": "notice-deadline", "tenant": "acme", "start": "2027-01-04T01:00:00Z", "period": period});
    let at = |text: &str| json!({ "at": text });
    check(
        &notice("5 working days"),
        &at("2026-12-24T02:00:00+01:00[Europe/Berlin]"),
    );
    check(&notice("12 hours"), &at("2027-01-03T14:00:00+01:00[Europe/Berlin]"));
    check(&notice("4 weeks"), &at("2026-12-07T02:00:00+01:00[Europe/Berlin]"));
}

#[test]
fn windows_and_freezes_are_told_with_their_names_and_reasons() {
    check(
        &json!({"verb": "is-open", "tenant": "acme", "at": "2026-11-24T23:30:00+01:00[Europe/Berlin]"}),
        &json!({"open": false, "window": "peak", "reason": "freeze `peak` (Black Friday)"}),
    );
    check(
        &json!({"verb": "is-open", "tenant": "globex", "at": "2026-11-24T23:30:00-05:00[America/New_York]"}),
        &json!({"open": true, "window": "night", "reason": "window `night` is open"}),
    );
    check(
        &json!({"verb": "next-open", "tenant": "acme", "at": "2026-11-24T12:00:00Z"}),
        &json!({
            "at": "2026-12-01T01:00:00+01:00[Europe/Berlin]", "window": "night",
            "closes": "2026-12-01T06:00:00+01:00[Europe/Berlin]",
        }),
    );
    check(
        &json!({"verb": "next-open", "tenant": "never", "at": "2026-11-24T12:00:00Z"}),
        &json!({"at": null, "window": null, "closes": null}),
    );
}

#[test]
fn what_cannot_be_answered_is_refused_and_the_loop_goes_on() {
    let open = json!({"verb": "is-open", "tenant": "globex", "at": "2026-11-24T12:00:00Z"}).to_string();
    let long = "x".repeat(70_000);
    let answers = ask(&["", "nonsense", "[]", "{}", &long, "{\"verb\": 1}", &open]);
    assert_eq!(answers.len(), 7);
    assert!(
        answers[..6].iter().all(|answer| answer["error"].is_string()),
        "{answers:?}"
    );
    assert_eq!(answers[6]["open"], false);
}

#[test]
fn a_refusal_names_the_mistake_and_the_remedy() {
    refuses(
        "{\"verb\": \"open\"}",
        "`is-open`, `next-open`, `notice-deadline`, `working-days-before`",
    );
    refuses(
        "{\"verb\": \"is-open\", \"tenant\": \"acme\"}",
        "`is-open` needs `at`, such as `2026-12-24T02:00:00+01:00",
    );
    refuses(
        "{\"verb\": \"is-open\", \"tenant\": \"acmee\", \"at\": \"2026-11-24T12:00:00Z\"}",
        "there is no tenant `acmee`",
    );
    let acme = |more: &str| format!("{{\"verb\": \"notice-deadline\", \"tenant\": \"acme\", {more}}}");
    refuses(
        &acme("\"start\": \"2026-11-24\", \"period\": \"1 day\""),
        "`2026-11-24` is not an instant",
    );
    refuses(
        &acme("\"start\": \"2026-11-24T12:00:00+03:00[Europe/Berlin]\", \"period\": \"1 day\""),
        "it is +01:00 then",
    );
    refuses(
        &acme("\"start\": \"2026-11-24T12:00:00Z\", \"period\": \"soon\""),
        "`soon` is not a period",
    );
    refuses(
        &acme("\"start\": \"2026-11-24T12:00:00Z\", \"period\": 5"),
        "`period` of `notice-deadline` must be text",
    );
    refuses(
        &acme("\"start\": \"2031-01-03T12:00:00Z\", \"period\": \"5 working days\""),
        "has no holidays of 2031: add the year 2031 to `holidays/de.ics`",
    );
    let days = |n: &str, calendar: &str| {
        format!(
            "{{\"verb\": \"working-days-before\", \"date\": \"2027-01-04\", \"n\": {n}, \"calendar\": \"{calendar}\"}}"
        )
    };
    refuses(
        &days("5", "us"),
        "there is no calendar `us`: write `us` under `calendars` in tidegate.yaml",
    );
    refuses(&days("-1", "eu"), "`n` must be a whole number from 0 to 65535, not -1");
}

#[test]
fn a_mistake_in_one_window_or_tenant_stops_no_other() {
    let open =
        |tenant: &str| format!("{{\"verb\": \"is-open\", \"tenant\": \"{tenant}\", \"at\": \"2026-11-24T12:00:00Z\"}}");
    refuses(
        &open("broke"),
        "conf/tidegate.yaml:8:37: `24:00` ends a day that does not end there",
    );
    refuses(&open("odd"), "conf/tenants.yaml:6:26: `EST` is not a time zone");
    let workspace = workspace();
    workspace
        .run(&["calendar", "batch", "--config", "conf"])
        .succeeded()
        .says("help: midnight is `00:00`")
        .says("`EST` is not a time zone");
}

#[test]
fn files_that_cannot_be_used_are_refused_before_the_first_line() {
    let workspace = workspace();
    workspace
        .run(&["calendar", "batch", "--config", "elsewhere"])
        .ended_with(1)
        .says("there is no `tidegate.yaml`");
    workspace.replace("conf/tidegate.yaml", "mon-fri", "mon-frj");
    workspace
        .run(&["calendar", "batch", "--config", "conf"])
        .ended_with(1)
        .says("`mon-frj` is not a list of weekdays")
        .says("conf/tidegate.yaml:3:");
    workspace.run(&["calendar", "batch", "--confg", "conf"]).ended_with(2);
}

/// Whoever reads the answers may go away.
#[test]
fn a_reader_that_leaves_ends_the_batch_quietly() {
    let workspace = workspace();
    let mut batch = Command::new(EXECUTABLE);
    batch.current_dir(workspace.path("conf")).args(["calendar", "batch"]);
    let mut batch = batch
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(batch.stdout.take());
    let mut stdin = batch.stdin.take().unwrap();
    // A write may fail already where the batch has ended.
    let _ = writeln!(stdin, "{{}}");
    drop(stdin);
    assert!(batch.wait().unwrap().success());
}

#[test]
fn the_days_of_a_tenant_are_drawn() {
    let workspace = workspace();
    let explain = ["windows", "explain", "--project", "conf", "--tenant", "acme"];
    let drawn = workspace
        .run(&[&explain[..], &["--from", "2026-11-19", "--days", "6"]].concat())
        .succeeded();
    let golden = include_str!("golden/windows.txt");
    assert_eq!(drawn.stdout, golden, "golden/windows.txt shows what is expected");
    assert!(golden.lines().all(|line| line.chars().count() <= 80));
    let colored = workspace
        .run(&[&explain[..], &["--from", "2026-11-19", "--color", "always"]].concat())
        .succeeded();
    assert!(colored.stdout.contains("\u{1b}[31mx"), "{colored:#?}");
}

#[test]
fn days_on_which_clocks_change_are_marked() {
    let explain = [
        "windows",
        "explain",
        "--project",
        "conf",
        "--tenant",
        "acme",
        "--days",
        "1",
        "--from",
    ];
    let on = |date: &str| workspace().run(&[&explain[..], &[date]].concat()).succeeded();
    on("2027-03-28").shows("Sun 28 Mar  ../.....................  no working day; clocks go from 02:00 to\n");
    on("2026-10-25").shows("clocks go from 03:00 to");
    on("2026-12-25").shows("holiday: Christmas Day");
    on("2031-01-01").shows("holidays of 2031 not known");
}

#[test]
fn the_days_of_a_tenant_as_json() {
    let workspace = workspace();
    let explain = [
        "windows",
        "explain",
        "--project",
        "conf",
        "--tenant",
        "acme",
        "--json",
        "--days",
        "2",
    ];
    let document = workspace
        .run(&[&explain[..], &["--from", "2026-12-24"]].concat())
        .succeeded()
        .json();
    assert_eq!(document["time_zone"], "Europe/Berlin");
    assert_eq!(document["next_open"]["at"], "2026-12-24T00:00:00+01:00[Europe/Berlin]");
    assert_eq!(
        document["next_open"]["closes"],
        "2026-12-24T06:00:00+01:00[Europe/Berlin]"
    );
    assert_eq!(document["days"][1]["holiday"], "Christmas Day");
    assert_eq!(document["days"][0]["working_day"], true);
    assert_eq!(document["days"][0]["hours"][22], "open");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let workspace = workspace();
    let explain = |more: &[&str]| workspace.run(&[&["windows", "explain", "--project", "conf"], more].concat());
    explain(&["--tenant", "acmee"])
        .ended_with(1)
        .says("there is no tenant `acmee` in tenants.yaml");
    explain(&["--tenant", "broke"])
        .ended_with(1)
        .says("correct window `late`, or remove it");
    explain(&["--tenant", "acme", "--from", "24.12.2026"])
        .ended_with(2)
        .says("write it as `2026-11-23`");
    explain(&["--tenant", "acme", "--days", "0"]).ended_with(2);
    explain(&[]).ended_with(2).says("--tenant <ID>");
    workspace
        .run(&["windows", "explain", "--tenant", "acme"])
        .ended_with(1)
        .says("there is no `tidegate.yaml`");
}
