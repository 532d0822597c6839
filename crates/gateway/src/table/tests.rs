use proptest::prelude::*;

use super::*;

fn table(tenants: usize) -> Table {
    let version = |label: &str| Version {
        label: label.to_owned(),
        cell: "eu".to_owned(),
        slots: [("web".into(), SlotId::from(format!("eu.web.{label}")))].into(),
    };
    let slot = |label: &str, port: u16| Slot {
        component: "web".into(),
        version: label.to_owned(),
        cell: "eu".to_owned(),
        instances: vec![Instance {
            id: "a".into(),
            address: ([127, 0, 0, 1], port).into(),
        }],
        phase: Phase::Active,
    };
    Table {
        format: FORMAT,
        epoch: "e1".to_owned(),
        generation: 7,
        service: "shop".to_owned(),
        tenant_from: vec![TenantSource::Host("{tenant}.shop.example".to_owned())],
        client_from: ClientSource::Address,
        components: vec![ComponentRule {
            name: "web".into(),
            host: None,
            path: "/".to_owned(),
            policy: Policy::default(),
        }],
        slots: [
            ("eu.web.1.0".into(), slot("1.0", 9001)),
            ("eu.web.2.0".into(), slot("2.0", 9002)),
        ]
        .into(),
        versions: [("eu/1.0".into(), version("1.0")), ("eu/2.0".into(), version("2.0"))].into(),
        routes: (0..tenants)
            .map(|number| {
                let key = if number % 2 == 0 { "eu/1.0" } else { "eu/2.0" };
                (TenantName::from(format!("customer-{number:05}")), Route::to(key))
            })
            .collect(),
        answers: Answers::default(),
        preview_key: Some(PreviewKey::from_hexadecimal("00ff")),
    }
}

#[test]
fn a_table_survives_the_wire() {
    let table = table(10);
    let text = serde_json::to_string(&table).unwrap();
    assert_eq!(serde_json::from_str::<Table>(&text).unwrap(), table);
    assert_eq!(table.validate(), Ok(()));
}

#[test]
fn what_a_person_writes_needs_no_defaults() {
    let table: Table = serde_json::from_value(serde_json::json!({
        "format": 1, "epoch": "file", "generation": 1, "service": "shop",
        "tenant_from": [{"header": "x-tenant"}, {"path": {"pattern": "/t/{tenant}", "strip": true}}],
        "components": [{"name": "web"}],
        "slots": {"s": {"component": "web", "version": "1", "cell": "eu", "instances": [{"id": "a", "address": "127.0.0.1:9001"}]}},
        "versions": {"v": {"label": "1", "cell": "eu", "slots": {"web": "s"}}},
        "routes": [
            {"version": "v", "tenants": ["acme"]},
            {"version": "v", "mode": {"maintenance": {"retry_after_s": 60, "message": "back at six"}}, "tenants": ["globex"]},
            {"version": "v", "mode": {"hold": {}}, "tenants": ["initech"]},
        ],
    }))
    .unwrap();
    assert_eq!(table.validate(), Ok(()));
    assert_eq!(table.components[0].policy, Policy::default());
    assert_eq!(table.routes.iter().count(), 3);
}

#[test]
fn ten_thousand_tenants_stay_small() {
    let text = serde_json::to_string(&table(10_000)).unwrap();
    assert!(text.len() < 300_000, "{} bytes", text.len());
}

/// Breaks a good table in one way and names the error that follows.
fn check_refused(break_it: impl FnOnce(&mut Table), expected: &str) {
    let mut table = table(4);
    break_it(&mut table);
    let error = table.validate().expect_err(expected);
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn a_table_that_names_nothing_real_is_refused() {
    check_refused(|table| table.format = 2, "format 2");
    check_refused(|table| drop(table.slots.remove("eu.web.2.0")), "`eu.web.2.0`");
    check_refused(|table| drop(table.versions.remove("eu/2.0")), "`eu/2.0`");
    check_refused(
        |table| {
            let slot = table.slots.get_mut("eu.web.1.0").unwrap();
            slot.component = "admin".into();
        },
        "runs component `admin`",
    );
    check_refused(
        |table| table.routes = [("a b".into(), Route::to("eu/1.0"))].into_iter().collect(),
        "tenant name `a b`",
    );
    check_refused(|table| table.components.push(table.components[0].clone()), "twice");
    check_refused(
        |table| table.tenant_from = vec![TenantSource::Host("x{tenant}.example".to_owned())],
        "`x{tenant}.example`",
    );
    check_refused(
        |table| table.tenant_from = vec![TenantSource::Header("a b".to_owned())],
        "`a b`",
    );
    check_refused(
        |table| table.preview_key = Some(PreviewKey::from_hexadecimal("0g")),
        "preview key",
    );
    check_refused(
        |table| {
            let mut route = Route::to("eu/1.0");
            route.split = Some(Split {
                version: "eu/2.0".into(),
                basis_points: 10_001,
                salt: String::new(),
            });
            table.routes = [("acme".into(), route)].into_iter().collect();
        },
        "10001 basis points",
    );
}

#[test]
fn generations_go_up_within_an_epoch() {
    let current = table(1);
    let offered = |epoch: &str, generation| {
        let mut next = current.clone();
        epoch.clone_into(&mut next.epoch);
        next.generation = generation;
        next.may_follow(&current).is_ok()
    };
    assert!(offered("e1", 8));
    assert!(offered("e1", 7));
    assert!(!offered("e1", 6));
    assert!(offered("e2", 1));
    let mut other = current.clone();
    "bank".clone_into(&mut other.service);
    assert!(matches!(other.may_follow(&current), Err(Refusal::OtherService { .. })));
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", table(1));
    assert!(!shown.contains("00ff"), "{shown}");
}

proptest! {
    #[test]
    fn grouping_keeps_every_route(pairs in proptest::collection::btree_map("[a-z]{1,8}", 0_u8..4, 0..60)) {
        let key = |number: u8| format!("eu/{number}");
        let routes: Routes = pairs
            .iter()
            .map(|(tenant, number)| (TenantName::from(tenant.as_str()), Route::to(key(*number))))
            .collect();
        let back: BTreeMap<String, String> = routes
            .iter()
            .map(|(tenant, route)| (tenant.to_string(), route.version.to_string()))
            .collect();
        let expected: BTreeMap<String, String> = pairs.iter().map(|(tenant, number)| (tenant.clone(), key(*number))).collect();
        prop_assert_eq!(back, expected);
        prop_assert!(routes.groups().len() <= 4);
    }
}
