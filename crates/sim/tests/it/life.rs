//! What comes between releases in the life of a service, in virtual time: the next release, a fix, an emergency, a train, another
//! environment.

use jiff::civil::date;
use tidegate_domain::policy::WhileInFlight;
use tidegate_domain::time::Duration;
use tidegate_sim::Trouble;

use super::practices::scene::{Scene, project, scene};

/// Five builds, each before the one before has reached everybody.
fn five_builds() -> Scene {
    let mut scene = scene("deploy-then-release", "2026-11-24T09:00[Europe/London]");
    for playbook in scene.play.project.playbooks.values_mut() {
        playbook.while_in_flight = WhileInFlight::Supersede;
        for wave in &mut playbook.waves {
            wave.bake.least = Duration::from_secs(1_800);
        }
    }
    scene
        .release("build-1.yaml", "2026-11-24 09:00")
        .release("build-2.yaml", "2026-11-24 09:20")
        .release("build-3.yaml", "2026-11-24 10:10")
        .release("build-4.yaml", "2026-11-24 11:00")
        .release("build-5.yaml", "2026-11-24 11:50")
}

#[test]
fn five_builds_a_day_do_not_wait_for_each_other_and_are_watched_all_the_same() {
    let told = five_builds().tell();
    told.ends("2.0.5", "completed");
    assert_eq!(told.diary.outcomes.last().unwrap().tenants_on_it, 5);
    let completed = told.line("release 2.0.5 is completed");
    assert_eq!(told.zoned(completed).date(), date(2026, 11, 24));
    // Nobody is moved on before it was watched for half an hour.
    for tenant in ["arches", "beams", "cranes", "domes", "eaves"] {
        let moves = told.all(" from ").into_iter();
        let moves = moves.filter(|event| event.tenants.iter().any(|name| name.as_str() == tenant));
        let times: Vec<_> = moves.map(|event| event.at).collect();
        assert!(!times.is_empty(), "{tenant}");
        for pair in times.windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_secs(1_800), "{tenant}");
        }
    }
}

#[test]
fn a_fix_reaches_both_servers_while_the_second_still_waits_for_its_release() {
    let told = scene("two-stage", "2026-10-28T10:00[Europe/London]")
        .release("release-small.yaml", "2026-10-28 10:00")
        .release("release-fix.yaml", "2026-11-20 10:00")
        .release("release-fixed.yaml", "2026-11-20 10:05")
        .tell();
    let first = told.line("academy, bootcamp move from 1.0.0 to 2.0.0");
    let fixed = told.line("bootcamp-exams, college move from 1.0.0 to 1.0.1");
    assert!(first.at < fixed.at);
    assert_eq!(told.zoned(fixed).date(), date(2026, 11, 20));
    told.line("academy, bootcamp move from 2.0.0 to 2.0.1");
    let second = told.line("bootcamp-exams, college move from 1.0.1 to 2.0.1");
    assert!(second.at > fixed.at);
    told.ends("1.0.1", "completed");
    told.ends("2.0.1", "completed");
}

const SERVICE: &str = "
service: shop
playbook: shop
cells: [{name: standard}, {name: controlled}]
gateway: {tenant_from: [{header: x-tenant}]}
components: [{name: api, command: ['{artifact}', '{port}']}]
";
const TENANTS: &str = "
tenants:
  - {id: alpha, cell: standard}
  - {id: beta, cell: standard}
  - {id: gamma, cell: controlled}
";

/// Nobody has to agree, and nobody is told: what leaves, leaves by itself.
fn shop(service: &str, playbook: &str, begins: &str) -> Scene {
    let files = [
        ("tidegate.yaml", service),
        ("tenants.yaml", TENANTS),
        ("playbooks/shop.yaml", playbook),
    ];
    project(&files, begins)
}

fn release(version: &str, more: &str) -> String {
    format!("version: {version}\n{more}components: {{api: {{artifact: dist/api}}}}\n")
}

#[test]
fn standard_gets_a_release_each_week_while_the_last_ones_wait_for_controlled() {
    let playbook = "
name: shop
cadence: {every: 1 week, on: wednesday, from: 2026-11-04}
waves:
  - {name: standard, day: 1, select: {cell: standard}, bake: {least: 24h, longest: 48h, requests: 10}}
  - {name: controlled, day: 15, select: {cell: controlled}, bake: {least: 24h, longest: 48h, requests: 10}}
while_in_flight: parallel
max_versions: 3
";
    let told = shop(SERVICE, playbook, "2026-11-02T10:00[Europe/London]")
        .release_of(&release("2.0.0", ""), "2026-11-02 10:00")
        .release_of(&release("2.1.0", ""), "2026-11-09 10:00")
        .release_of(&release("2.2.0", ""), "2026-11-16 10:00")
        .tell();
    let moves = |who: &str, from: &str, to: &str| {
        let verb = if who.contains(',') { "move" } else { "moves" };
        told.zoned(told.line(&format!("{who} {verb} from {from} to {to}")))
            .date()
    };
    assert_eq!(moves("alpha, beta", "1.0.0", "2.0.0"), date(2026, 11, 4));
    assert_eq!(moves("alpha, beta", "2.0.0", "2.1.0"), date(2026, 11, 11));
    assert_eq!(moves("alpha, beta", "2.1.0", "2.2.0"), date(2026, 11, 18));
    // Each two weeks behind, in their order.
    assert_eq!(moves("gamma", "1.0.0", "2.0.0"), date(2026, 11, 18));
    assert_eq!(moves("gamma", "2.0.0", "2.1.0"), date(2026, 11, 25));
    assert_eq!(moves("gamma", "2.1.0", "2.2.0"), date(2026, 12, 2));
    for version in ["2.0.0", "2.1.0", "2.2.0"] {
        told.ends(version, "completed");
    }
}

#[test]
fn an_emergency_in_mid_wave_takes_whom_the_release_has_not_moved_and_skips_its_window() {
    let playbook = "
name: shop
waves:
  - {name: first, select: {tenants: [alpha]}, bake: {least: 6h, longest: 12h, requests: 10}}
  - {name: rest, select: {rest: true}, gap: 3 days, bake: {least: 1h, longest: 12h, requests: 10}}
while_in_flight: supersede
emergency: {skips: [windows, gaps], review_within: 3 days}
";
    let windows = "windows: [{name: nights, kind: allow, on: mon-fri, from: '02:00', until: '04:00', time_zone: Europe/London}]\n";
    let told = shop(
        &format!("{SERVICE}{windows}"),
        playbook,
        "2026-11-03T10:00[Europe/London]",
    )
    .release_of(&release("2.0.0", ""), "2026-11-03 10:00")
    .release_of(
        &release("2.0.1", "kind: emergency\nreason: prices are wrong\n"),
        "2026-11-04 05:00",
    )
    .tell();
    let first = told.line("alpha moves from 1.0.0 to 2.0.0");
    assert_eq!(told.zoned(first).hour(), 2, "in its window");
    // It is in the midst of its bake: it is watched to the end, and then gets the emergency.
    let fixed = told.line("alpha moves from 2.0.0 to 2.0.1");
    assert!(fixed.at - first.at >= Duration::from_hours(6));
    let rest = told.line("beta, gamma move from 1.0.0 to 2.0.1");
    assert_eq!(told.zoned(rest).date(), date(2026, 11, 4));
    assert!(told.zoned(rest).hour() > 4, "windows are no reason to wait");
    told.ends("2.0.0", "superseded");
    told.ends("2.0.1", "completed");
}

#[test]
fn a_train_leaves_by_itself_on_its_day_with_whoever_boards_in_time() {
    let playbook = "
name: shop
cadence: {every: 2 weeks, on: monday, from: 2026-11-02}
train: {cut_off: 2 days}
waves: [{name: all, day: 1, select: {rest: true}, bake: {least: 1h, longest: 2h, requests: 10}}]
";
    let told = shop(SERVICE, playbook, "2026-11-03T10:00[Europe/London]")
        .release_of(&release("2.0.0", ""), "2026-11-05 10:00")
        .release_of(&release("2.1.0", ""), "2026-11-15 10:00")
        .tell();
    assert_eq!(told.zoned(told.line("to 2.0.0, wave all")).date(), date(2026, 11, 16));
    let late = told.zoned(told.line("to 2.1.0, wave all")).date();
    assert_eq!(late, date(2026, 11, 30), "a day before is after the cut-off");
    told.never(" by ada");
    told.ends("2.1.0", "completed");
}

#[test]
fn a_release_comes_to_production_by_way_of_test_and_only_with_the_drift_that_is_declared() {
    let playbook = "
name: shop
environments: [test, production]
waves:
  - {name: trial, select: {environment: test}, bake: {least: 1h, longest: 2h, requests: 10}}
  - {name: live, select: {environment: production}, bake: {least: 1h, longest: 2h, requests: 10}}
approvals: [{name: go-live, before: {environment: production}}]
";
    let service = SERVICE.replace("{name: standard}", "{name: standard, environment: test}");
    let configured = "version: 2.0.0\ncomponents:\n  api:\n    artifact: dist/api\n    environments: {test: {LIMIT: 5}, production: {LIMIT: 50}}\n";
    let drifting =
        shop(&service, playbook, "2026-11-03T10:00[Europe/London]").release_of(configured, "2026-11-03 10:00");
    let Trouble::Blocked { problems, .. } = drifting.trouble() else {
        panic!("it drifts")
    };
    assert!(
        problems.iter().any(|problem| problem.message.contains("LIMIT")),
        "{problems:?}"
    );
    let declared = service.replace("'{port}']}", "'{port}'], differs: [LIMIT]}");
    let told = shop(&declared, playbook, "2026-11-03T10:00[Europe/London]")
        .release_of(configured, "2026-11-03 10:00")
        .tell();
    let trial = told.line("alpha, beta move from 1.0.0 to 2.0.0");
    let agreed = told.line("approved by");
    let live = told.line("gamma moves from 1.0.0 to 2.0.0");
    assert!(trial.at < live.at && agreed.at <= live.at);
    told.ends("2.0.0", "completed");
}
