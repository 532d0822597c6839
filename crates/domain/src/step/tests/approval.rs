//! Who has to agree before something starts.

use std::collections::BTreeSet;

use super::{back, hold};
use crate::event::{EventKind, Scope};
use crate::fixture::{Shop, installed, tenant, version};
use crate::id::{ApprovalName, Digest, RoleName, WaveName};
use crate::journal::EntryKind;
use crate::plan::PlannedApproval;
use crate::policy::Before;
use crate::service::Approval;
use crate::step::Refused;
use crate::time::Duration;

fn roles(names: &[&str]) -> BTreeSet<RoleName> {
    names.iter().map(|name| RoleName::new(name).unwrap()).collect()
}

pub fn needed(name: &str, role: &str, count: u32) -> PlannedApproval {
    PlannedApproval {
        name: ApprovalName::new(name).unwrap(),
        roles: roles(&[role]),
        count,
        before: Before::Release,
        expires: None,
        afterwards: false,
    }
}

/// 1.1.0 waits for two approvers and an operator.
fn asking() -> Shop {
    asking_for(vec![
        needed("board", "approver", 2),
        needed("night-shift", "operator", 1),
    ])
}

fn asking_for(approvals: Vec<PlannedApproval>) -> Shop {
    let mut shop = installed();
    shop.pass(Duration::from_hours(2));
    shop.apply_changed("1.1.0", |plan| plan.schedule.approvals = approvals);
    shop.settle();
    shop
}

fn digest(shop: &Shop) -> Digest {
    shop.state.run(&version("1.1.0")).unwrap().plan.clone()
}

fn approve(shop: &mut Shop, person: &str, of: &[&str]) -> Result<(), Refused> {
    let kind = EventKind::Approve {
        version: version("1.1.0"),
        plan: digest(shop),
        roles: roles(of),
    };
    shop.take_from(person, kind)
}

fn reject(shop: &mut Shop, person: &str, of: &[&str]) -> Result<(), Refused> {
    let kind = EventKind::Reject {
        version: version("1.1.0"),
        plan: digest(shop),
        roles: roles(of),
    };
    shop.take_from(person, kind)
}

/// keptn#4833: n of m people.
#[test]
fn a_release_starts_when_enough_people_of_each_role_have_agreed() {
    let mut shop = asking();
    let waiting = shop.waiting();
    assert!(waiting.contains("2 more of role approver"), "{waiting}");
    assert!(waiting.contains("1 more of role operator"), "{waiting}");
    approve(&mut shop, "bob", &["approver"]).unwrap();
    approve(&mut shop, "cyd", &["operator", "viewer"]).unwrap();
    shop.settle();
    assert_eq!(shop.phase("1.1.0"), "queued");
    let waiting = shop.waiting();
    assert!(waiting.contains("1 more of role approver (given by bob)"), "{waiting}");
    assert!(!waiting.contains("operator"), "{waiting}");
    approve(&mut shop, "dot", &["approver"]).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
    let given = shop.journal.iter().filter(|entry| entry.kind == EntryKind::Approved);
    let given: Vec<&str> = given.map(|entry| entry.actor.as_str()).collect();
    assert_eq!(given, ["bob", "cyd", "dot"]);
}

/// keptn#2144: four eyes, and those of named people.
#[test]
fn nobody_approves_their_own_plan_counts_twice_or_without_the_role() {
    let mut shop = asking();
    assert!(matches!(
        approve(&mut shop, "ada", &["approver"]),
        Err(Refused::OwnPlan { .. })
    ));
    assert!(matches!(
        approve(&mut shop, "bob", &["viewer"]),
        Err(Refused::NotAnApprover { .. })
    ));
    approve(&mut shop, "bob", &["approver", "operator"]).unwrap();
    let again = approve(&mut shop, "bob", &["approver", "operator"]);
    assert!(matches!(again, Err(Refused::ApprovedBefore { .. })), "{again:?}");
    let missing: Vec<usize> = shop
        .state
        .run(&version("1.1.0"))
        .unwrap()
        .approvals
        .iter()
        .map(Approval::missing)
        .collect();
    assert_eq!(missing, [1, 1]);
}

#[test]
fn who_made_the_plan_does_not_approve_it_when_another_applied_it() {
    let mut shop = installed();
    let (plan, _) = shop.plan("1.1.0");
    let mut plan = plan.unwrap();
    plan.schedule.approvals = vec![needed("board", "approver", 1)];
    let apply = EventKind::Apply {
        plan: Box::new(plan),
        author: Some(crate::id::Actor::principal("bob")),
    };
    shop.take_from("ada", apply).unwrap();
    for person in ["ada", "bob"] {
        assert!(
            matches!(approve(&mut shop, person, &["approver"]), Err(Refused::OwnPlan { .. })),
            "{person}"
        );
    }
    approve(&mut shop, "cyd", &["approver"]).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 2);
}

#[test]
fn an_approval_is_bound_to_the_plan() {
    let mut shop = asking();
    let kind = EventKind::Approve {
        version: version("1.1.0"),
        plan: Digest::of(b"another"),
        roles: roles(&["approver"]),
    };
    let refused = shop.take_from("bob", kind).unwrap_err();
    assert!(matches!(refused, Refused::OtherPlan { .. }), "{refused}");
}

#[test]
fn a_rejection_holds_the_release_and_everybody_is_asked_anew() {
    let mut shop = asking_for(vec![needed("board", "approver", 2)]);
    approve(&mut shop, "bob", &["approver"]).unwrap();
    reject(&mut shop, "cyd", &["approver"]).unwrap();
    let hold = shop.state.run(&version("1.1.0")).unwrap().hold.clone().unwrap();
    assert_eq!(
        (hold.by.as_str(), hold.reason.as_str()),
        ("cyd", "rejected: a test asks for it")
    );
    shop.take(EventKind::Resume {
        version: version("1.1.0"),
    })
    .unwrap();
    shop.settle();
    assert!(shop.waiting().contains("2 more of role approver"), "{}", shop.waiting());
}

#[test]
fn what_was_given_expires_unless_something_has_started_on_it() {
    let expires = Some(Duration::from_hours(8));
    let mut shop = asking_for(vec![PlannedApproval {
        expires,
        ..needed("board", "approver", 2)
    }]);
    approve(&mut shop, "bob", &["approver"]).unwrap();
    assert_eq!(
        shop.last.as_ref().unwrap().wake,
        Some(shop.now + Duration::from_hours(8))
    );
    shop.pass(Duration::from_hours(8));
    assert!(shop.waiting().contains("2 more of role approver"), "{}", shop.waiting());
    assert!(
        shop.journal
            .iter()
            .any(|entry| entry.kind == EntryKind::ApprovalExpired)
    );
    approve(&mut shop, "bob", &["approver"]).unwrap();
    approve(&mut shop, "cyd", &["approver"]).unwrap();
    shop.settle();
    shop.pass(Duration::from_secs(600));
    assert_eq!(shop.on("1.1.0").len(), 2);
    assert_eq!(
        shop.state.run(&version("1.1.0")).unwrap().approvals[0].missing(),
        0,
        "it was of use"
    );
}

/// kargo#4376: an approval that had no effect.
#[test]
fn a_wave_waits_for_its_own_approval() {
    let before = Before::Wave(WaveName::new("rest").unwrap());
    let mut shop = asking_for(vec![PlannedApproval {
        before,
        ..needed("second", "approver", 1)
    }]);
    assert_eq!(shop.on("1.1.0").len(), 2, "the first wave does not wait");
    shop.complete("1.1.0");
    assert!(
        shop.waiting().contains("approval second of wave rest"),
        "{}",
        shop.waiting()
    );
    approve(&mut shop, "bob", &["approver"]).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0").len(), 6);
}

#[test]
fn an_emergency_starts_at_once_and_its_review_stays_due_until_it_is_done() {
    let afterwards = true;
    let mut shop = asking_for(vec![PlannedApproval {
        afterwards,
        ..needed("board", "approver", 2)
    }]);
    assert_eq!(shop.on("1.1.0").len(), 2);
    shop.complete("1.1.0");
    let due = |shop: &Shop| shop.state.run(&version("1.1.0")).unwrap().reviews_due().count();
    assert_eq!((shop.phase("1.1.0"), due(&shop)), ("completed", 1));
    approve(&mut shop, "bob", &["approver"]).unwrap();
    assert_eq!(due(&shop), 1);
    approve(&mut shop, "cyd", &["approver"]).unwrap();
    assert_eq!(due(&shop), 0);
    assert!(matches!(
        approve(&mut shop, "dot", &["approver"]),
        Err(Refused::NothingToApprove { .. })
    ));
}

#[test]
fn a_click_by_one_customer_never_voids_an_approval() {
    let mut shop = asking_for(vec![
        needed("board", "approver", 1),
        needed("night-shift", "operator", 1),
    ]);
    approve(&mut shop, "bob", &["approver"]).unwrap();
    let before = (
        digest(&shop),
        shop.state.run(&version("1.1.0")).unwrap().approvals.clone(),
    );
    for kind in [
        EventKind::OptOut { tenant: tenant("bolt") },
        EventKind::OptIn { tenant: tenant("cato") },
        EventKind::TenantRemoved { tenant: tenant("echo") },
    ] {
        shop.take_from("a customer", kind).unwrap();
    }
    let run = shop.state.run(&version("1.1.0")).unwrap();
    assert_eq!((run.plan.clone(), run.approvals.clone()), before);
    approve(&mut shop, "cyd", &["operator"]).unwrap();
    shop.settle();
    assert_eq!(shop.on("1.1.0"), ["acme", "dune"]);
}

#[test]
fn abort_and_hold_wait_for_no_approval() {
    let mut shop = asking();
    shop.take(hold("1.1.0")).unwrap();
    let nothing = shop.take(back("1.1.0", Scope::Everything)).unwrap_err();
    assert!(matches!(nothing, Refused::NothingToRollBack { .. }));
    shop.take(EventKind::Abort {
        version: version("1.1.0"),
    })
    .unwrap();
    assert_eq!(shop.phase("1.1.0"), "aborted");
}
