//! Which tenant, which component, which version, and what the instance is told.

use tidegate_gateway::preview;
use tidegate_gateway::table::{ComponentRule, PathSource, Policy, PreviewKey, Slot, TenantSource};

use crate::client::{get, request, send, send_http2};
use crate::upstream::Upstream;
use crate::world::{PREVIEW_KEY, to_new, world};

#[tokio::test]
async fn each_tenant_gets_its_version() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    world.route("acme", to_new).await;
    assert_eq!(world.get("acme", "/").await.header("x-version"), "new");
    assert_eq!(world.get("globex", "/").await.header("x-version"), "old");
    let unknown = world.get("initech", "/").await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.header("x-tidegate-error")),
        (404, "tenant_unknown")
    );
    assert_eq!(unknown.header("content-type"), "application/problem+json");
    assert_eq!(unknown.json()["reason"], "tenant_unknown");
}

#[tokio::test]
async fn the_instance_is_told_who_asks_and_nothing_a_client_made_up() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let headers = [
        ("x-tidegate-tenant", "globex"),
        ("x-tidegate-anything", "forged"),
        ("x-forwarded-for", "10.0.0.1"),
        ("connection", "x-secret"),
        ("x-secret", "for this hop"),
        ("x-kept", "yes"),
    ];
    let answer = send(world.address, request("POST", "acme", "/a%20b?q=1", &headers, "body")).await;
    let told = answer.json();
    assert_eq!(
        (&told["method"], &told["target"], &told["body"]),
        (&"POST".into(), &"/a%20b?q=1".into(), &"body".into())
    );
    let headers = &told["headers"];
    assert_eq!(headers["x-tidegate-tenant"], "acme");
    assert_eq!(headers["x-tidegate-version"], "eu/old");
    assert_eq!(headers["x-forwarded-for"], "10.0.0.1, 127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-host"], "acme.shop.example");
    assert_eq!(headers["host"], "acme.shop.example");
    assert_eq!(headers["x-kept"], "yes");
    for gone in ["x-tidegate-anything", "x-secret", "connection"] {
        assert!(headers.get(gone).is_none(), "{gone}: {headers}");
    }
}

#[tokio::test]
async fn http2_is_taken_too() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let mut http2 = request("POST", "acme", "/", &[], "body");
    *http2.uri_mut() = "http://acme.shop.example/path?q=1".parse().unwrap();
    http2.headers_mut().remove("host");
    let answer = send_http2(world.address, http2).await;
    let told = answer.json();
    assert_eq!(told["headers"]["host"], "acme.shop.example");
    assert_eq!((&told["target"], &told["body"]), (&"/path?q=1".into(), &"body".into()));
}

#[tokio::test]
async fn a_declared_header_names_the_tenant_and_a_path_may_be_stripped() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    world
        .change(|table| {
            let path = PathSource {
                pattern: "/t/{tenant}".to_owned(),
                strip: true,
            };
            table.tenant_from = vec![TenantSource::Header("x-tenant".to_owned()), TenantSource::Path(path)];
        })
        .await;
    let told = send(world.address, request("GET", "any", "/", &[("x-tenant", "acme")], ""))
        .await
        .json();
    assert_eq!(told["headers"]["x-tidegate-tenant"], "acme");
    assert!(told["headers"].get("x-tenant").is_none());
    for (path, target) in [
        ("/t/acme/orders?q=1", "/orders?q=1"),
        ("/t/acme", "/"),
        ("/t/acme?q=1", "/?q=1"),
    ] {
        assert_eq!(world.get("any", path).await.json()["target"], target);
    }
    let conflict = send(
        world.address,
        request("GET", "any", "/t/globex", &[("x-tenant", "acme")], ""),
    )
    .await;
    assert_eq!(
        (conflict.status.as_u16(), conflict.header("x-tidegate-error")),
        (400, "tenant_conflict")
    );
}

#[tokio::test]
async fn the_component_is_found_by_host_and_longest_path() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let admin = Upstream::start("admin").await;
    let mut world = world(&old, &new).await;
    world
        .change(|table| {
            let mut slot: Slot = table.slots["web.old"].clone();
            slot.component = "admin".into();
            slot.instances[0].address = admin.address;
            table.slots.insert("admin.old".into(), slot);
            for version in table.versions.values_mut() {
                version.slots.insert("admin".into(), "admin.old".into());
            }
            for (host, path) in [(None, "/admin"), (Some("{tenant}.admin.example"), "/")] {
                table.components.push(ComponentRule {
                    name: "admin".into(),
                    host: host.map(str::to_owned),
                    path: path.to_owned(),
                    policy: Policy::default(),
                });
            }
            table
                .tenant_from
                .push(TenantSource::Host("{tenant}.admin.example".to_owned()));
        })
        .await;
    for (path, version) in [
        ("/", "old"),
        ("/admin", "admin"),
        ("/admin/x", "admin"),
        ("/administrator", "old"),
    ] {
        assert_eq!(world.get("acme", path).await.header("x-version"), version, "{path}");
    }
    world
        .change(|table| {
            let version = table.versions.get_mut("eu/old").unwrap();
            version.slots.remove("admin");
        })
        .await;
    assert_eq!(
        world.get("acme", "/admin").await.header("x-version"),
        "old",
        "a version without the component"
    );
    world
        .change(|table| {
            let version = table.versions.get_mut("eu/old").unwrap();
            version.slots.insert("admin".into(), "admin.old".into());
        })
        .await;
    let mut by_host = get("acme", "/");
    by_host
        .headers_mut()
        .insert("host", "ACME.admin.example:8080".parse().unwrap());
    assert_eq!(send(world.address, by_host).await.header("x-version"), "admin");
}

#[tokio::test]
async fn a_preview_reaches_the_prepared_version_for_its_tenant_only() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let world = world(&old, &new).await;
    let key = PreviewKey::from_hexadecimal(PREVIEW_KEY);
    let signed = |tenant: &str, expires| preview::sign(&key, &"eu/new".into(), &tenant.into(), expires).unwrap();
    let valid = signed("acme", u64::from(u32::MAX));
    let previewed = |tenant: &'static str, value: String| {
        send(
            world.address,
            request("GET", tenant, "/", &[(preview::PREVIEW_HEADER, &value)], ""),
        )
    };
    let answer = previewed("acme", valid.clone()).await;
    assert_eq!(answer.header("x-version"), "new");
    assert_eq!(answer.json()["headers"]["x-tidegate-preview"], valid);
    for (tenant, value) in [
        ("globex", valid),
        ("acme", signed("acme", 1)),
        ("acme", "eu/new;acme;9;00".to_owned()),
    ] {
        let refused = previewed(tenant, value).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("x-tidegate-error")),
            (403, "preview_refused")
        );
    }
    assert_eq!(world.get("acme", "/").await.header("x-version"), "old");
}

#[tokio::test]
async fn components_keep_the_tenant_among_themselves() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    world.route("acme", to_new).await;
    let call = request("GET", "any", "/", &[("x-tidegate-tenant", "acme")], "");
    assert_eq!(send(world.internal, call.clone()).await.header("x-version"), "new");
    let from_outside = send(world.address, call).await;
    assert_eq!(from_outside.header("x-tidegate-error"), "tenant_unknown");
    let nobody = send(world.internal, get("acme", "/")).await;
    assert_eq!(nobody.header("x-tidegate-error"), "tenant_missing");
}

#[tokio::test]
async fn a_split_is_sticky_and_kept_between_components() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let split = |basis_points| {
        Some(tidegate_gateway::table::Split {
            version: "eu/new".into(),
            basis_points,
            salt: "r1".to_owned(),
        })
    };
    let mut on_new = Vec::new();
    for basis_points in [0, 3_000, 6_000, 10_000] {
        world.route("acme", |route| route.split = split(basis_points)).await;
        let mut chosen = Vec::new();
        for user in 0..200 {
            let asked = request("GET", "acme", "/", &[("x-user", &format!("user-{user}"))], "");
            let first = send(world.address, asked).await;
            if first.header("x-version") == "new" {
                chosen.push(user);
            }
        }
        let share = u64::from(basis_points) / 50;
        assert!(
            (chosen.len() as u64).abs_diff(share) <= 25,
            "{} of 200 at {basis_points}",
            chosen.len()
        );
        assert!(
            on_new.iter().all(|user| chosen.contains(user)),
            "raising the share only adds clients"
        );
        on_new = chosen;
    }
    world.route("acme", |route| route.split = split(5_000)).await;
    for version in ["new", "old"] {
        let carried = format!("eu/{version}");
        let headers = [("x-tidegate-tenant", "acme"), ("x-tidegate-version", carried.as_str())];
        assert_eq!(
            send(world.internal, request("GET", "any", "/", &headers, ""))
                .await
                .header("x-version"),
            version
        );
    }
}
