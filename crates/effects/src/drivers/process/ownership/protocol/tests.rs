use serde_json::json;
use tidegate_domain::desired::Owns;

use super::{Share, Status};

fn status(owned: &[(&str, u64)], cell: Option<u64>) -> Status {
    Status {
        owned: owned
            .iter()
            .map(|(tenant, epoch)| (tenant.parse().unwrap(), *epoch))
            .collect(),
        cell,
    }
}

fn tenants(tenants: &[(&str, u64)]) -> Owns {
    Owns::Tenants(status(tenants, None).owned)
}

fn share(share: &Share) -> serde_json::Value {
    serde_json::to_value(share).unwrap()
}

fn check(status: &Status, owns: &Owns, extra: &[serde_json::Value], missing: Option<&serde_json::Value>) {
    assert_eq!(status.extra(owns).iter().map(share).collect::<Vec<_>>(), extra);
    assert_eq!(status.missing(owns).as_ref().map(share).as_ref(), missing);
}

#[test]
fn what_is_held_and_what_shall_be_make_what_to_say() {
    let held = status(&[("acme", 3), ("blue", 1)], None);
    check(&held, &tenants(&[("acme", 3), ("blue", 1)]), &[], None);
    check(
        &held,
        &tenants(&[("acme", 4)]),
        &[json!({"tenants": {"blue": 1}})],
        Some(&json!({"tenants": {"acme": 4}})),
    );
    check(
        &held,
        &Owns::Nothing,
        &[json!({"tenants": {"acme": 3, "blue": 1}})],
        None,
    );
    let cell = status(&[], Some(7));
    check(&cell, &Owns::Cell(7), &[], None);
    check(&cell, &Owns::Cell(8), &[], Some(&json!({"cell": 8})));
    check(&cell, &Owns::Nothing, &[json!({"cell": 7})], None);
}

#[test]
fn a_status_may_say_more_and_may_leave_out() {
    let read: Status =
        serde_json::from_value(json!({"version": "1", "owned": {"acme": 3}, "lag": {"acme": 0}})).unwrap();
    assert_eq!(read, status(&[("acme", 3)], None));
}
