//! Approvals, freezes, waivers and notices as people ask for them.

use serde_json::{Value, json};
use tidegate_domain::time::Duration;

use super::world::{TENANTS, World, request};
use crate::auth::{Role, Scope};
use crate::clock;

const ASKS: &str = "approvals: [{name: board, roles: [approver], count: 2}]\n";

fn asking() -> Value {
    let mut request = request("1.1.0", TENANTS);
    let playbook = request["sources"][2]["text"].as_str().unwrap().to_owned();
    request["sources"][2]["text"] = json!(format!("{playbook}{ASKS}"));
    request
}

#[tokio::test]
async fn nobody_approves_their_own_plan_and_others_do() {
    let world = World::installed().await;
    let roles = [Role::Author, Role::Approver, Role::Operator];
    let ada = world.token_of("ada@example.com", &roles, Scope::Service).await;
    let bob = world.token_of("bob@example.com", &roles, Scope::Service).await;
    let cyd = world
        .token_of("cyd@example.com", &[Role::Approver], Scope::Service)
        .await;
    let dot = world
        .token_of("dot@example.com", &[Role::Approver], Scope::Service)
        .await;
    let planned = world.post(&ada, "/v1/plans", &asking()).await.expect(200);
    let digest = planned["digest"].clone();
    // Planning the same again makes nobody else its author.
    let again = world.post(&cyd, "/v1/plans", &asking()).await;
    again.expect(403);
    world.post(&bob, "/v1/plans", &asking()).await.expect(200);
    world
        .post(&bob, "/v1/releases", &json!({ "plan": digest }))
        .await
        .expect(201);
    let path = "/v1/releases/1.1.0/approve";
    let word = json!({ "plan": digest, "reason": "read it" });
    for token in [&ada, &bob] {
        let refused = world.post(token, path, &word).await.expect(409);
        assert!(
            refused["detail"]
                .as_str()
                .unwrap()
                .contains("somebody else has to approve it"),
            "{refused}"
        );
    }
    let given = world.post(&cyd, path, &word).await.expect(200);
    assert_eq!(given["planned_by"], "ada@example.com");
    assert_eq!(given["approvals"][0]["missing"], 1);
    assert_eq!(given["approvals"][0]["given"][0]["by"], "cyd@example.com");
    assert_eq!(given["waiting"][0]["for"], "approval");
    world.post(&cyd, path, &word).await.expect(409);
    let other = json!({ "plan": format!("sha256:{}", "0".repeat(64)), "reason": "read it" });
    let refused = world.post(&dot, path, &other).await.expect(409);
    assert!(
        refused["detail"].as_str().unwrap().contains("was applied with plan"),
        "{refused}"
    );
    let approved = world.post(&dot, path, &word).await.expect(200);
    assert_eq!(approved["phase"], "moving");
    let viewer = world.token(Role::Viewer).await;
    world.post(&viewer, path, &word).await.expect(403);
}

#[tokio::test]
async fn a_rejection_holds_the_release() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let planned = world.post(&operator, "/v1/plans", &asking()).await.expect(200);
    let digest = planned["digest"].clone();
    world
        .post(&operator, "/v1/releases", &json!({ "plan": digest }))
        .await
        .expect(201);
    let approver = world.token(Role::Approver).await;
    let word = json!({ "plan": digest, "reason": "the load test is missing" });
    let held = world
        .post(&approver, "/v1/releases/1.1.0/reject", &word)
        .await
        .expect(200);
    assert_eq!(held["hold"]["reason"], "rejected: the load test is missing");
}

#[tokio::test]
async fn freezes_are_put_on_shown_and_lifted() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let viewer = world.token(Role::Viewer).await;
    let body = json!({ "tenants": ["acme"], "reason": "they are on stage" });
    world.post(&viewer, "/v1/freezes", &body).await.expect(403);
    let list = world.post(&operator, "/v1/freezes", &body).await.expect(201);
    let number = list["freezes"][0]["number"].as_u64().unwrap();
    assert_eq!(list["freezes"][0]["of"], "tenant acme");
    let status = world.get(&viewer, "/v1/status").await.expect(200);
    assert_eq!(status["freezes"], list["freezes"]);
    world.apply(&operator, "1.1.0").await;
    world.settle().await;
    let release = world.get(&viewer, "/v1/releases/1.1.0").await.expect(200);
    assert!(
        release["waiting"]
            .as_array()
            .unwrap()
            .iter()
            .any(|wait| wait["for"] == "freeze"),
        "{release}"
    );
    let path = format!("/v1/freezes/{number}?reason=over");
    world.delete(&operator, &path).await.expect(204);
    world.delete(&operator, &path).await.expect(409);
    let both = json!({ "tenants": ["acme"], "cells": ["eu"], "reason": "r" });
    world.post(&operator, "/v1/freezes", &both).await.expect(400);
    world
        .post(
            &operator,
            "/v1/freezes",
            &json!({ "tenants": ["nobody"], "reason": "r" }),
        )
        .await
        .expect(409);
}

#[tokio::test]
async fn tenants_opt_in_and_out_and_waivers_end() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    world.apply(&operator, "1.1.0").await;
    let reason = json!({ "reason": "they asked" });
    let acme = world
        .post(&operator, "/v1/tenants/acme/opt-out", &reason)
        .await
        .expect(200);
    assert_eq!((&acme["opt_in"], &acme["place"]), (&json!(false), &json!("left")));
    let bolt = world
        .post(&operator, "/v1/tenants/bolt/opt-in", &reason)
        .await
        .expect(200);
    assert_eq!(bolt["opt_in"], true);
    world
        .post(&operator, "/v1/tenants/nobody/opt-in", &reason)
        .await
        .expect(404);
    let path = "/v1/releases/1.1.0/waive";
    let until = clock::now() + Duration::from_hours(1);
    let body = json!({ "of": "window", "cells": ["eu"], "until_ms": until.0, "reason": "urgent" });
    let waived = world.post(&operator, path, &body).await.expect(200);
    assert_eq!(waived["waivers"][0]["tenants"], "cell eu");
    let over = json!({ "of": "window", "until_ms": 0, "reason": "urgent" });
    world.post(&operator, path, &over).await.expect(409);
    let what = json!({ "of": "gate", "until_ms": until.0, "reason": "urgent" });
    world.post(&operator, path, &what).await.expect(400);
    let notices = world.get(&operator, "/v1/releases/1.1.0/notices").await.expect(200);
    assert_eq!(notices["notices"], json!([]));
    let proof = json!({ "keys": ["1.1.0/first/notice/acme/-"], "how": "by telephone" });
    world
        .post(&operator, "/v1/releases/1.1.0/notices", &proof)
        .await
        .expect(409);
}
