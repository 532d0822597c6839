use axum::http::Method;
use serde_json::json;

use super::world::World;
use crate::auth::Role;

#[tokio::test]
async fn a_release_is_held_resumed_and_aborted_in_the_name_of_the_token() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    world.apply(&operator, "1.1.0").await;
    let held = world
        .post(&operator, "/v1/releases/1.1.0/hold", &json!({"reason": "lunch"}))
        .await
        .expect(200);
    assert_eq!(held["hold"]["by"], "operator@example.com");
    assert_eq!(held["hold"]["reason"], "lunch");
    let status = world.get(&operator, "/v1/status").await.expect(200);
    let release = status["releases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["version"] == "1.1.0")
        .unwrap();
    assert_eq!(release["waiting"][0]["for"], "hold");
    assert!(
        release["waiting"][0]["text"].as_str().unwrap().contains("lunch"),
        "{release}"
    );
    let resumed = world
        .post(&operator, "/v1/releases/1.1.0/resume", &json!({"reason": "back"}))
        .await
        .expect(200);
    assert!(resumed["hold"].is_null(), "{resumed}");
    let aborted = world
        .post(&operator, "/v1/releases/1.1.0/abort", &json!({"reason": "enough"}))
        .await
        .expect(200);
    assert_eq!(aborted["phase"], "aborted");
    let journal = world.get(&operator, "/v1/journal?release=1.1.0").await.expect(200);
    let rows = journal["rows"].as_array().unwrap();
    for kind in ["applied", "held", "resumed", "aborted"] {
        let row = rows
            .iter()
            .find(|row| row["kind"] == kind)
            .unwrap_or_else(|| panic!("{kind}: {rows:?}"));
        assert_eq!(row["actor"], "operator@example.com");
    }
}

#[tokio::test]
async fn what_the_state_machine_refuses_is_answered_in_its_words() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let reason = json!({"reason": "r"});
    let refused = world.post(&operator, "/v1/releases/7.0.0/hold", &reason).await;
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    let refused = refused.expect(409);
    assert_eq!(refused["type"], "/problems/refused");
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("there is no release 7.0.0"),
        "{refused}"
    );
    let back = json!({"reason": "r", "all": true});
    let refused = world
        .post(&operator, "/v1/releases/1.0.0/rollback", &back)
        .await
        .expect(409);
    assert!(
        refused["detail"].as_str().unwrap().contains("nothing to go back to"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_command_needs_a_reason_and_says_what_it_does_not_understand() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    for body in [
        json!({}),
        json!({"reason": "  "}),
        json!({"reason": "two\nlines"}),
        json!({"reason": "r".repeat(1_001)}),
        json!({"reason": "r", "actor": "somebody else"}),
    ] {
        world
            .post(&operator, "/v1/releases/1.0.0/abort", &body)
            .await
            .expect(400);
    }
    for body in [
        json!({"reason": "r"}),
        json!({"reason": "r", "all": true, "tenant": "acme"}),
    ] {
        world
            .post(&operator, "/v1/releases/1.0.0/rollback", &body)
            .await
            .expect(400);
    }
    // Nothing of this has left a trace.
    let journal = world.get(&operator, "/v1/journal?limit=1000").await.expect(200);
    let by_operator = journal["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["actor"] == "operator@example.com");
    assert_eq!(by_operator.count(), 0);
}

#[tokio::test]
async fn one_key_is_one_command() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    world.apply(&operator, "1.1.0").await;
    let path = "/v1/releases/1.1.0/hold";
    let key = [("idempotency-key", "k1")];
    let send = async |text: &str| {
        let body = json!({ "reason": text }).to_string().into_bytes();
        world.call(Method::POST, path, Some(&operator), &key, body).await
    };
    send("lunch").await.expect(200);
    let again = send("lunch").await.expect(200);
    assert_eq!(again["hold"]["reason"], "lunch");
    send("something else").await.expect(422);
    let journal = world.get(&operator, "/v1/journal?release=1.1.0").await.expect(200);
    let held = journal["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["kind"] == "held")
        .count();
    assert_eq!(held, 1);
    // Another principal's key is another key.
    let admin = world.token(Role::Admin).await;
    let body = json!({"reason": "mine"}).to_string().into_bytes();
    world
        .call(Method::POST, path, Some(&admin), &key, body)
        .await
        .expect(200);
}

#[tokio::test]
async fn tenants_are_moved_suspended_and_synced() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let ask = async |path: &str, body: serde_json::Value| world.post(&operator, path, &body).await;
    let to = |cell: &str| json!({"cell": cell, "reason": "more room"});
    let moving = ask("/v1/tenants/acme/move", to("us")).await.expect(200);
    assert_eq!(moving["moving"]["to"], "us");
    ask("/v1/tenants/acme/move", to("moon")).await.expect(409);
    let back = ask("/v1/tenants/acme/move", to("eu")).await.expect(200);
    assert_eq!((&back["cell"], back.get("moving")), (&json!("eu"), None));
    ask("/v1/tenants/bolt/move", to("moon")).await.expect(409);
    ask("/v1/tenants/nobody/move", to("us")).await.expect(404);
    ask("/v1/tenants/acme/open", json!({"reason": "copied"}))
        .await
        .expect(409);
    let suspended = ask("/v1/tenants/acme/suspend", json!({"reason": "unpaid"}))
        .await
        .expect(200);
    assert_eq!(suspended["suspended"], true);
    let resumed = ask("/v1/tenants/acme/resume", json!({"reason": "paid"}))
        .await
        .expect(200);
    assert_eq!(resumed.get("suspended"), None);
    let list = world.get(&operator, "/v1/tenants").await.expect(200);
    let mut tenants: Vec<serde_json::Value> = list["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tenant| json!({"name": tenant["name"], "cell": tenant["cell"]}))
        .collect();
    let same = ask("/v1/tenants/sync", json!({"tenants": &tenants})).await.expect(200);
    assert_eq!((&same["added"], &same["removed"]), (&json!({}), &json!([])));
    tenants[0]["suspended"] = json!(true);
    tenants.push(json!({"name": "gala", "cell": "us"}));
    let dry = ask("/v1/tenants/sync", json!({"tenants": &tenants, "dry_run": true}))
        .await
        .expect(200);
    assert_eq!(
        (&dry["added"], &dry["suspended"]),
        (&json!({"gala": "us"}), &json!(["acme"]))
    );
    let synced = ask("/v1/tenants/sync", json!({"tenants": &tenants})).await.expect(200);
    assert_eq!(synced["added"], json!({"gala": "us"}));
    let refused = ask("/v1/tenants/sync", json!({"tenants": []})).await.expect(409);
    assert!(
        refused["detail"].as_str().unwrap().contains("at most 1 may be removed"),
        "{refused}"
    );
    let twice = [tenants[0].clone(), tenants[0].clone()];
    ask("/v1/tenants/sync", json!({"tenants": twice})).await.expect(400);
}

#[tokio::test]
async fn tenants_come_and_go() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let added = world
        .post(&operator, "/v1/tenants", &json!({"name": "gala", "cell": "us"}))
        .await
        .expect(201);
    assert_eq!(added["version"], "1.0.0");
    world
        .post(&operator, "/v1/tenants", &json!({"name": "gala", "cell": "eu"}))
        .await
        .expect(409);
    world
        .post(&operator, "/v1/tenants", &json!({"name": "hugo", "cell": "moon"}))
        .await
        .expect(409);
    world
        .delete(&operator, "/v1/tenants/gala?reason=left")
        .await
        .expect(204);
    world.delete(&operator, "/v1/tenants/gala").await.expect(404);
    let history = world.get(&operator, "/v1/tenants/gala/history").await.expect(200);
    let kinds: Vec<&str> = history["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["tenant_added", "tenant_removed"]);
}

#[tokio::test]
async fn what_was_changed_after_the_plan_is_not_applied() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let plan = world.plan(&operator, "1.1.0").await;
    world.driver.find_artifacts_changed(true);
    let body = json!({ "plan": plan });
    let refused = world.post(&operator, "/v1/releases", &body).await.expect(409);
    assert_eq!(refused["type"], "/problems/artifact-changed");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("plan a release of the new one"), "{detail}");
    let releases = world.get(&operator, "/v1/releases").await.expect(200);
    assert_eq!(releases["releases"].as_array().unwrap().len(), 1, "nothing has begun");
    world.driver.find_artifacts_changed(false);
    world.post(&operator, "/v1/releases", &body).await.expect(201);
}
