use axum::http::Method;
use serde_json::json;

use super::world::World;
use crate::auth::Role;

#[tokio::test]
async fn a_path_is_taken_as_it_is_written() {
    let world = World::installed().await;
    let admin = world.token(Role::Admin).await;
    let paths = [
        "//v1/status",
        "/v1//status",
        "/v1/status/",
        "/V1/status",
        "/v1/./status",
        "/v1/../v1/status",
        "/healthz/../v1/status",
        "/healthz/..;/v1/status",
        "/healthz/%2e%2e/v1/status",
        "/v1/%73tatus/",
        "/v1/tenants/../status",
        "/v1/tenants/%2e%2e/history",
        "/v1/tenants/%2e%2e%2fstatus/history",
        "/v1/tenants/acme%2f..%2facme/history",
        "/v1/releases/%2e%2e",
        "/v1/plans/%2e%2e",
    ];
    for path in paths {
        let without = world
            .call(Method::GET, path, None, &[], Vec::new())
            .await
            .status
            .as_u16();
        assert!(matches!(without, 401 | 404), "{path} without a token: {without}");
        let with = world.get(&admin, path).await;
        assert_eq!(with.status, 404, "{path}: {}", with.text);
        assert_eq!(with.headers["content-type"], "application/problem+json", "{path}");
    }
}

#[tokio::test]
async fn a_second_authorization_or_another_scheme_is_none() {
    let world = World::start().await;
    let admin = world.token(Role::Admin).await;
    let bearer = format!("Bearer {admin}");
    let twice = [("authorization", bearer.clone()), ("authorization", bearer)];
    assert_eq!(
        world.open(Method::GET, "/v1/status", &twice, Vec::new()).await.status(),
        401
    );
    for value in [
        format!("Basic {admin}"),
        admin.clone(),
        format!("Bearer  {admin}"),
        "Bearer ".to_owned(),
    ] {
        let header = [("authorization", value.clone())];
        assert_eq!(
            world
                .open(Method::GET, "/v1/status", &header, Vec::new())
                .await
                .status(),
            401,
            "{value}"
        );
    }
    let refused = world
        .call(Method::GET, &format!("/v1/status?token={admin}"), None, &[], Vec::new())
        .await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Bearer")
    );
}

#[tokio::test]
async fn bodies_are_limited_and_other_methods_refused() {
    let world = World::installed().await;
    let admin = world.token(Role::Admin).await;
    let long = json!({ "reason": "r".repeat(70_000) });
    world.post(&admin, "/v1/releases/1.0.0/hold", &long).await.expect(413);
    let broken = world
        .call(Method::POST, "/v1/plans", Some(&admin), &[], b"{\"sources\":".to_vec())
        .await;
    broken.expect(400);
    let deep = "[".repeat(10_000).into_bytes();
    world
        .call(Method::POST, "/v1/plans", Some(&admin), &[], deep)
        .await
        .expect(400);
    let patched = world
        .call(Method::PATCH, "/v1/status", Some(&admin), &[], Vec::new())
        .await;
    assert_eq!(patched.status, 405);
    world.get(&admin, "/v1/tenants?cel=eu").await.expect(400);
    world.get(&admin, "/v1/journal?limit=0").await.expect(400);
    world.get(&admin, "/v1/journal?limit=1001").await.expect(400);
}

#[tokio::test]
async fn a_principal_cannot_be_named_like_a_part_of_tidegate() {
    let world = World::start().await;
    let admin = world.token(Role::Admin).await;
    let far = crate::clock::now().0 + 3_600_000;
    let wish = |name: &str, expires: i64| json!({ "name": name, "roles": ["viewer"], "expires_ms": expires });
    for name in ["tidegate/health", "", "a b", "ada\n", &"a".repeat(64)] {
        world.post(&admin, "/v1/tokens", &wish(name, far)).await.expect(400);
    }
    for expires in [0, i64::MAX, crate::clock::now().0 - 1] {
        world
            .post(&admin, "/v1/tokens", &wish("ada", expires))
            .await
            .expect(400);
    }
    let no_role = json!({ "name": "ada", "roles": [], "expires_ms": far });
    world.post(&admin, "/v1/tokens", &no_role).await.expect(400);
    let no_cell = json!({ "name": "ada", "roles": ["viewer"], "scope": {"cells": []}, "expires_ms": far });
    world.post(&admin, "/v1/tokens", &no_cell).await.expect(400);
}
