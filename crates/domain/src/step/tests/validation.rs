use crate::event::{EventKind, Verdict};
use crate::fixture::{Shop, installed, tenant, version};
use crate::service::{ReportOutcome, Selection, Waived};
use crate::step::Refused;
use crate::time::Duration;

const PLAYBOOK: &str = "
name: two-waves
waves:
  - {name: first, select: {opt_in: true}, bake: {least: 10m, longest: 1h, requests: 100}}
  - name: rest
    select: {rest: true}
    validation: {of: first}
    bake: {least: 10m, longest: 1h, requests: 100}
rollback_window: 2h
";

/// Acme's customer has bolt too; dune's has echo. The first wave is confirmed.
fn asking(when_silent: &str) -> Shop {
    asking_with(&PLAYBOOK.replace("{of: first}", &format!("{{of: first, when_silent: {when_silent}}}")))
}

fn asking_with(playbook: &str) -> Shop {
    let mut shop = installed();
    shop.playbook = playbook.to_owned();
    for (tenant, customer) in [
        ("acme", "anvil"),
        ("bolt", "anvil"),
        ("dune", "dunes"),
        ("echo", "dunes"),
    ] {
        shop.tenants = shop.tenants.replace(
            &format!("id: {tenant},"),
            &format!("id: {tenant}, customer: {customer},"),
        );
    }
    shop.apply("1.1.0");
    shop
}

fn asked(when_silent: &str) -> Shop {
    let mut shop = asking(when_silent);
    shop.settle();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    shop
}

fn report(customer: &str, outcome: ReportOutcome) -> EventKind {
    EventKind::Report {
        version: version("1.1.0"),
        customer: customer.parse().unwrap(),
        outcome,
    }
}

#[test]
fn tenants_of_a_customer_wait_until_it_reports_that_the_first_wave_works() {
    let mut shop = asked("wait");
    assert_eq!(
        shop.on("1.1.0"),
        ["acme", "cato", "dune", "flux"],
        "who has nothing to report waits for nobody"
    );
    assert!(
        shop.waiting().contains("customer anvil to report that it works"),
        "{}",
        shop.waiting()
    );
    shop.take(report("anvil", ReportOutcome::Works)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "bolt", "cato", "dune", "flux"]);
    shop.take(report("dunes", ReportOutcome::Works)).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 6);
}

#[test]
fn silence_moves_them_where_the_playbook_says_so_and_trouble_does_not() {
    let mut shop = asking("move");
    shop.settle();
    shop.take(report("anvil", ReportOutcome::Trouble)).unwrap();
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    assert_eq!(shop.on("1.1.0"), ["acme", "cato", "dune", "echo", "flux"]);
    assert!(shop.waiting().contains("its trouble is over"), "{}", shop.waiting());
}

#[test]
fn trouble_holds_the_release_in_the_name_of_who_reports_it() {
    let mut shop = asked("wait");
    shop.take_from("kim@anvil.example", report("anvil", ReportOutcome::Trouble))
        .unwrap();
    let hold = shop.state.run(&version("1.1.0")).unwrap().hold.clone().unwrap();
    assert_eq!(hold.by.as_str(), "kim@anvil.example");
    assert!(
        hold.reason.contains("customer anvil: trouble: a test asks for it"),
        "{}",
        hold.reason
    );
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.settle();
    assert!(!shop.on("1.1.0").contains(&"bolt"), "a person may let the others go on");
    shop.take(report("anvil", ReportOutcome::Works)).unwrap();
    shop.settle();
    assert!(shop.on("1.1.0").contains(&"bolt"), "the last word counts");
}

#[test]
fn only_who_is_asked_reports_and_only_what_was_tried() {
    let mut shop = asking("wait");
    let early = shop.take(report("anvil", ReportOutcome::Works));
    assert!(matches!(early, Err(Refused::NothingToReport { .. })), "{early:?}");
    let stranger = shop.take(report("stranger", ReportOutcome::Works));
    assert!(
        matches!(stranger, Err(Refused::NotAskedToReport { .. })),
        "{stranger:?}"
    );
}

#[test]
fn a_person_can_waive_the_report_of_one_customer() {
    let mut shop = asked("wait");
    let waiver = EventKind::Waive {
        version: version("1.1.0"),
        of: Waived::Validation,
        tenants: Selection::Tenants([tenant("bolt")].into()),
        until: shop.now + Duration::from_hours(1),
    };
    shop.take(waiver).unwrap();
    shop.settle();
    assert!(shop.on("1.1.0").contains(&"bolt"));
    assert!(!shop.on("1.1.0").contains(&"echo"));
}

#[test]
fn who_was_frozen_in_its_wave_waits_for_the_report_in_the_last_one_too() {
    let mut shop = asking_with(
        &PLAYBOOK.replace(
            "  - name: rest\n    select: {rest: true}\n    validation: {of: first}\n",
            "  - {name: second, select: {tenants: [bolt, cato]}, validation: {of: first}, bake: {least: 0s, longest: 0s}}\n  \
             - name: rest\n    select: {rest: true}\n",
        ),
    );
    shop.settle();
    let of = Selection::Tenants([tenant("bolt")].into());
    shop.take(EventKind::Freeze {
        of,
        from: None,
        until: None,
    })
    .unwrap();
    shop.judge("1.1.0", "first", Verdict::Pass, 500);
    shop.pass(Duration::from_secs(600));
    assert_eq!(shop.on("1.1.0"), ["acme", "cato", "dune", "echo", "flux"]);
    let number = *shop.state.freezes.keys().next().unwrap();
    shop.take(EventKind::Unfreeze { number }).unwrap();
    shop.settle();
    assert!(!shop.on("1.1.0").contains(&"bolt"), "{}", shop.waiting());
    shop.take(report("anvil", ReportOutcome::Works)).unwrap();
    shop.settle();
    assert!(shop.on("1.1.0").contains(&"bolt"));
}
