//! How gates are obeyed: whom they ask, what a person decides about one, which are only tried, and how they are written.

use serde_json::Value;

use crate::shop::Shop;
use crate::workspace::Ended;

const PLAYBOOK: &str = "playbooks/two-waves.yaml";
const FIRST: &str = "{name: first, select: {opt_in: true}";

/// The first wave is asked these gates.
fn gated(gates: &str) -> Shop {
    let shop = Shop::installed("300ms");
    write(&shop, gates);
    shop
}

fn write(shop: &Shop, gates: &str) {
    shop.workspace
        .replace(PLAYBOOK, FIRST, &format!("{FIRST}, gates: [{gates}]"));
}

fn token(shop: &Shop, name: &str, role: &str) -> String {
    let arguments = ["token", "create", name, "--role", role, "--reason", "a test"];
    shop.run(&arguments).succeeded().stdout.trim().to_owned()
}

fn apply(shop: &Shop) -> Ended {
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
}

fn gates(shop: &Shop) -> Vec<Value> {
    let list = shop.run(&["gates", "list", "1.1.0", "--json"]).succeeded().json();
    list["waves"][0]["gates"].as_array().unwrap().clone()
}

fn completes(shop: &Shop) {
    shop.wait_until("everybody is on 1.1.0", |shop| {
        shop.status()["releases"][1]["phase"] == "completed"
    });
}

#[test]
fn a_gate_that_fails_is_overridden_once_and_the_wave_goes_past_it_when_the_release_is_resumed() {
    let shop = gated(
        "{name: quality, uses: command, with: {command: ['false']}}, {uses: command, dry_run: true, with: {command: ['false']}}",
    );
    shop.run(&["plan", "1.1.0.yaml"])
        .succeeded()
        .shows("quality (command)")
        .shows("command (dry run)");
    apply(&shop).ended_with(4).says("gate quality of wave first: fail");
    let (bob, eve) = (
        token(&shop, "bob@example.com", "operator"),
        token(&shop, "eve@example.com", "approver"),
    );
    let word = [
        "gates",
        "override",
        "1.1.0",
        "first",
        "quality",
        "--reason",
        "known since spring",
    ];
    shop.workspace.with_token(&eve, &word).ended_with(4);
    shop.workspace
        .with_token(&bob, &word)
        .succeeded()
        .says("release 1.1.0 is held by tidegate/gate")
        .says("tidegate resume 1.1.0");
    shop.workspace
        .with_token(&bob, &word)
        .ended_with(4)
        .says("overridden already, by bob@example.com");
    assert_eq!(
        shop.served_by("acme").as_deref(),
        Some("1.0.0"),
        "nobody has resumed it"
    );
    shop.run(&["resume", "1.1.0", "--reason", "the gate is wrong"])
        .succeeded();
    completes(&shop);
    let told = gates(&shop);
    assert_eq!(told[0]["outcome"], "overridden");
    assert_eq!(told[0]["overridden"]["by"], "bob@example.com");
    assert_eq!(told[0]["overridden"]["reason"], "known since spring");
    assert_eq!(
        (&told[1]["outcome"], &told[1]["dry_run"]),
        (&"dry run".into(), &true.into())
    );
    assert_eq!(told[1]["result"]["verdict"], "fail");
    shop.run(&["gates", "list", "1.1.0"])
        .succeeded()
        .shows("overridden by bob@example.com")
        .shows("dry run");
    let history = shop.run(&["history", "--release", "1.1.0"]).succeeded().stdout;
    let rows = history
        .lines()
        .filter(|line| line.contains("gate overridden") && line.contains("known since spring"));
    assert_eq!(rows.count(), 1, "{history}");
}

#[test]
fn a_gate_asks_people_and_the_word_of_one_who_is_asked_decides() {
    let shop = gated("{name: go, uses: manual, with: {question: may it go?, who: {roles: [approver]}, expires: 1h}}");
    let (bob, cyd) = (
        token(&shop, "bob@example.com", "approver"),
        token(&shop, "cyd@example.com", "author"),
    );
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    let asks = |shop: &Shop| shop.run(&["status"]).succeeded().stdout.contains("waits for an answer");
    shop.wait_until("the gate asks", asks);
    shop.run(&["status"])
        .succeeded()
        .shows("an answer of role approver to gate go")
        .shows("may it go?");
    assert_eq!(gates(&shop)[0]["question"]["roles"][0], "approver");
    let word = |answer| {
        [
            "gates",
            "answer",
            "1.1.0",
            "first",
            "go",
            answer,
            "--reason",
            "looked at it",
        ]
    };
    let own = shop.run(&word("--yes")).ended_with(4);
    own.says("somebody else has to answer gate `go`");
    let other = shop.workspace.with_token(&cyd, &word("--yes")).ended_with(4);
    other.says("asks for the word of role approver");
    let no = shop.workspace.with_token(&bob, &word("--no")).succeeded();
    no.says("fail: bob@example.com says no: looked at it");
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.0.0"));
    shop.run(&["resume", "1.1.0", "--reason", "it was fixed"]).succeeded();
    shop.wait_until("the gate asks again", asks);
    shop.workspace.with_token(&bob, &word("--yes")).succeeded();
    completes(&shop);
    assert_eq!(gates(&shop)[0]["outcome"], "passed");
    let late = shop.workspace.with_token(&bob, &word("--yes")).ended_with(4);
    late.says("has ended");
}

#[test]
fn what_nobody_answers_is_what_the_playbook_says() {
    let ask = |more: &str| {
        format!("{{uses: manual{more}, with: {{question: may it go?, who: {{people: [eve]}}, expires: 500ms}}}}")
    };
    let shop = gated(&ask(""));
    apply(&shop)
        .ended_with(4)
        .says("gate manual of wave first: inconclusive: nobody has answered until");
    shop.run(&["abort", "1.1.0", "--reason", "nobody is there"]).succeeded();
    shop.workspace
        .replace(PLAYBOOK, &ask(""), &ask(", on_inconclusive: pass"));
    apply(&shop).succeeded();
    assert_eq!(gates(&shop)[0]["outcome"], "let pass");
    shop.run(&["history", "--release", "1.1.0"])
        .succeeded()
        .shows("inconclusive, the playbook lets it pass: nobody has answered until");
}

#[test]
fn a_template_is_filled_in_and_its_mistakes_are_told_with_both_files() {
    let shop = gated("{uses: suite, arguments: {what: money}}");
    shop.workspace.write(
        "gates/suite.yaml",
        "arguments:\n  what: {description: what is tried}\n  code: {default: 3}\nuses: command\nwith:\n  command: [sh, -c, 'test ${{ wat }} = money']\n  failure_codes: [1, '${{ code }}']\n",
    );
    let plan = |code| shop.run(&["plan", "1.1.0.yaml"]).ended_with(code);
    plan(1)
        .says("gates/suite.yaml:6")
        .says("there is no argument `wat`")
        .says("gates/suite.yaml:2")
        .says("argument `what` stands nowhere in `with`");
    shop.workspace.replace("gates/suite.yaml", "${{ wat }}", "${{ what }}");
    shop.workspace
        .replace(PLAYBOOK, "{what: money}", "{what: money, code: high}");
    plan(1)
        .says("playbooks/two-waves.yaml:4")
        .says("gate `command` of template `suite` cannot be used so")
        .says("what it is told stands in gates/suite.yaml:6");
    shop.workspace
        .replace(PLAYBOOK, "{what: money, code: high}", "{code: 4}");
    plan(1)
        .says("playbooks/two-waves.yaml:4")
        .says("argument `what` of template `suite` is missing")
        .says("declared in gates/suite.yaml:2: `what is tried`");
    shop.workspace.replace(PLAYBOOK, "{code: 4}", "{what: money, code: 4}");
    plan(0).shows("suite (command)");
    apply(&shop).succeeded();
    let gate = &gates(&shop)[0];
    assert_eq!(
        (&gate["name"], &gate["uses"], &gate["template"], &gate["outcome"]),
        (&"suite".into(), &"command".into(), &"suite".into(), &"passed".into())
    );
}
