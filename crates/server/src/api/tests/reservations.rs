//! What tenants can reserve, and have reserved, as callers see it.

use serde_json::{Value, json};

use super::world::{TENANTS, World, request};
use crate::auth::{Role, Scope};

const PATH: &str = "/v1/releases/1.1.0/reservations";
const HOUR: i64 = 3_600_000;

/// 1.1.0 is on its way, by a playbook that lets one tenant an hour reserve the next two days.
async fn reserving() -> World {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let mut request = request("1.1.0", TENANTS);
    let playbook = request["sources"][2]["text"].as_str().unwrap().to_owned();
    let rule = "reservations: {capacity: 1, stretch: 1h, within: 2 days}\n";
    request["sources"][2]["text"] = json!(format!("{playbook}{rule}"));
    let planned = world.post(&operator, "/v1/plans", &request).await.expect(200);
    let body = json!({ "plan": planned["digest"] });
    world.post(&operator, "/v1/releases", &body).await.expect(201);
    world
}

fn times(list: &Value) -> Vec<i64> {
    let free = list["free"].as_array().unwrap();
    free.iter().map(|free| free["at_ms"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn the_next_free_times_are_listed_and_each_can_be_reserved() {
    let world = reserving().await;
    let product = world.token(Role::Product).await;
    let bolt = format!("{PATH}?tenant=bolt");
    let list = world.get(&product, &bolt).await.expect(200);
    let free = times(&list);
    assert_eq!(free.len(), 20, "{list}");
    assert!(free.windows(2).all(|pair| pair[1] - pair[0] == HOUR), "{list}");
    assert!(free[0] % HOUR == 0 && list["free"][0]["places_left"] == 1, "{list}");
    assert_eq!((&list["zone"], &list["reserved"]), (&json!("UTC"), &Value::Null));
    let word = json!({ "tenant": "acme", "at_ms": free[1], "reason": "after lunch" });
    world.post(&product, PATH, &word).await.expect(200);
    // It is full for others, and not for the one that has it.
    let list = world.get(&product, &bolt).await.expect(200);
    assert!(
        !times(&list).contains(&free[1]) && times(&list).contains(&free[2]),
        "{list}"
    );
    let acme = format!("{PATH}?tenant=acme&limit=3");
    let list = world.get(&product, &acme).await.expect(200);
    assert!(times(&list).len() == 3 && times(&list).contains(&free[1]), "{list}");
    assert_eq!(list["reserved"]["at_ms"], free[1]);
    let word = json!({ "tenant": "bolt", "at_ms": free[1], "reason": "the same" });
    let refused = world.post(&product, PATH, &word).await.expect(409);
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("`tidegate reserve 1.1.0 --tenant bolt` lists"),
        "{detail}"
    );
}

#[tokio::test]
async fn what_cannot_be_listed_says_why() {
    let world = reserving().await;
    let viewer = world.token(Role::Viewer).await;
    let get = async |path: &str| world.get(&viewer, path).await;
    get(PATH).await.expect(400);
    for limit in [0, 201] {
        let path = format!("{PATH}?tenant=bolt&limit={limit}");
        get(&path).await.expect(400);
    }
    let nobody = get(&format!("{PATH}?tenant=nobody")).await.expect(404);
    assert_eq!(nobody["help"], "`tidegate tenants` lists them");
    get("/v1/releases/9.9.9/reservations?tenant=bolt").await.expect(404);
    let ended = get("/v1/releases/1.0.0/reservations?tenant=bolt").await.expect(409);
    assert!(ended["detail"].as_str().unwrap().contains("has ended"), "{ended}");
    let us = world
        .token_for(Role::Viewer, Scope::Cells(["us".parse().unwrap()].into()))
        .await;
    for tenant in ["bolt", "nobody"] {
        let path = format!("{PATH}?tenant={tenant}");
        world.get(&us, &path).await.expect(403);
    }
    let list = world.get(&us, &format!("{PATH}?tenant=flux")).await.expect(200);
    assert_eq!(times(&list).len(), 20);
}
