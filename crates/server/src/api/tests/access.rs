use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use tidegate_domain::id::{Actor, CellName};
use tidegate_domain::time::Duration;

use super::super::routes;
use super::world::World;
use crate::auth::tokens::{self, Wish};
use crate::auth::{Role, Scope};
use crate::clock;

/// A path with its parts filled in.
fn concrete(path: &str) -> String {
    let digest = format!("sha256:{}", "0".repeat(64));
    path.replace("{digest}", &digest)
        .replace("{version}", "9.9.9")
        .replace("{other}", "9.9.8")
        .replace("{name}", "nobody")
        .replace("{component}", "nothing")
        .replace("{id}", "none")
}

async fn status(world: &World, method: &Method, path: &str, token: Option<&str>) -> StatusCode {
    if path == "/v1/journal/stream" {
        // Its answer has no end.
        let headers: Vec<_> = token
            .map(|token| ("authorization", format!("Bearer {token}")))
            .into_iter()
            .collect();
        return world.open(method.clone(), path, &headers, Vec::new()).await.status();
    }
    world
        .call(method.clone(), path, token, &[], b"{}".to_vec())
        .await
        .status
}

#[tokio::test]
async fn every_route_asks_for_a_token_that_is_known_and_in_force() {
    let world = World::start().await;
    let good = world.token(Role::Admin).await;
    let wish = Wish {
        name: "late".to_owned(),
        roles: BTreeSet::from([Role::Admin]),
        scope: Scope::Service,
        expires: clock::now() + Duration::from_millis(1),
    };
    let by = Actor::system("test");
    let made = tokens::make(
        world.control.store(),
        &world.service,
        &wish,
        &by,
        "a test",
        clock::now(),
    )
    .await
    .unwrap();
    while clock::now() < wish.expires {
        tokio::task::yield_now().await;
    }
    let mut wrong = good.clone();
    wrong.replace_range(good.len() - 1.., if good.ends_with('0') { "1" } else { "0" });
    let longer = format!("{good}0");
    let bad = [
        "tg_",
        "tg__",
        "tg_000000000000_0",
        "x",
        made.secret.reveal(),
        &wrong,
        &longer,
        &good[..good.len() - 1],
    ];
    let mut guarded = 0;
    for route in routes() {
        let path = concrete(route.path);
        let without = status(&world, &route.method, &path, None).await;
        if route.action.is_none() {
            assert!(!path.starts_with("/v1/") && without == StatusCode::OK, "{path}");
            continue;
        }
        guarded += 1;
        assert_eq!(
            without,
            StatusCode::UNAUTHORIZED,
            "{} {path} without a token",
            route.method
        );
        for token in bad {
            let with = status(&world, &route.method, &path, Some(token)).await;
            assert_eq!(with, StatusCode::UNAUTHORIZED, "{} {path} with {token}", route.method);
        }
    }
    assert!(guarded > 20, "{guarded}");
}

#[tokio::test]
async fn every_route_answers_the_roles_of_its_action_and_no_other() {
    let world = World::start().await;
    let mut tokens = Vec::new();
    for role in Role::ALL {
        tokens.push((role, world.token(role).await));
    }
    for route in routes() {
        let Some(action) = route.action else { continue };
        let path = concrete(route.path);
        for (role, token) in &tokens {
            let answer = status(&world, &route.method, &path, Some(token)).await;
            let allowed = action.roles().contains(role);
            assert_eq!(
                answer != StatusCode::FORBIDDEN,
                allowed,
                "{} {path} as {role:?}: {answer}",
                route.method
            );
            assert_ne!(answer, StatusCode::UNAUTHORIZED, "{} {path} as {role:?}", route.method);
        }
    }
}

#[tokio::test]
async fn a_token_for_cells_sees_and_changes_nothing_elsewhere() {
    let world = World::installed().await;
    let eu = BTreeSet::from([CellName::new("eu").unwrap()]);
    let token = world.token_for(Role::Admin, Scope::Cells(eu)).await;
    let list = world.get(&token, "/v1/tenants").await.expect(200);
    let names: Vec<&str> = list["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["acme", "bolt", "cato"]);
    world.get(&token, "/v1/tenants/acme/history").await.expect(200);
    for path in [
        "/v1/tenants/dune/history",
        "/v1/tenants/nobody/history",
        "/v1/logs?cell=us&slot=api",
    ] {
        world.get(&token, path).await.expect(403);
    }
    let reason = |more: &str| serde_json::from_str(&format!(r#"{{"reason": "r", {more}}}"#)).unwrap();
    let back = "/v1/releases/1.0.0/rollback";
    world
        .post(&token, back, &reason(r#""tenant": "dune""#))
        .await
        .expect(403);
    world.post(&token, back, &reason(r#""all": true"#)).await.expect(403);
    world
        .post(&token, back, &reason(r#""wave": "first""#))
        .await
        .expect(403);
    // Its own tenant: it is the state machine that has a say here.
    world
        .post(&token, back, &reason(r#""tenant": "acme""#))
        .await
        .expect(409);
    world
        .post(&token, "/v1/tenants", &serde_json::json!({"name": "new", "cell": "us"}))
        .await
        .expect(403);
    world
        .post(&token, "/v1/tenants", &serde_json::json!({"name": "new", "cell": "eu"}))
        .await
        .expect(201);
    world.delete(&token, "/v1/tenants/dune").await.expect(403);
    world.delete(&token, "/v1/tenants/new").await.expect(204);
    for route in routes() {
        if let Some(action) = route.action.filter(|action| !action.within_cells()) {
            let answer = status(&world, &route.method, &concrete(route.path), Some(&token)).await;
            assert_eq!(answer, StatusCode::FORBIDDEN, "{action:?} {}", route.path);
        }
    }
}

#[tokio::test]
async fn a_removed_token_does_not_count_any_more() {
    let world = World::start().await;
    let admin = world.token(Role::Admin).await;
    let wish = serde_json::json!({
        "name": "ada", "roles": ["viewer"], "expires_ms": (clock::now() + Duration::from_hours(1)).0,
    });
    let made = world.post(&admin, "/v1/tokens", &wish).await.expect(201);
    let token = made["token"].as_str().unwrap();
    world.get(token, "/v1/status").await.expect(200);
    let list = world.get(&admin, "/v1/tokens").await.expect(200);
    let listed = list["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == made["id"])
        .unwrap();
    assert!(listed["used_ms"].is_i64(), "{listed}");
    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    world.delete(&admin, &path).await.expect(204);
    world.get(token, "/v1/status").await.expect(401);
    world.delete(&admin, &path).await.expect(404);
}
