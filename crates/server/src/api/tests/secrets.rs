use axum::http::Method;
use serde_json::json;

use super::super::routes;
use super::world::World;
use crate::auth::Role;
use crate::clock;

/// Plants secrets, then reads everything there is to read as every role, and everything that errors say.
#[tokio::test]
async fn no_answer_shows_a_secret_that_was_made_before() {
    let world = World::installed().await;
    let admin = world.token(Role::Admin).await;
    let wish = json!({ "name": "ada", "roles": ["viewer"], "expires_ms": clock::now().0 + 3_600_000 });
    let token = world.post(&admin, "/v1/tokens", &wish).await.expect(201);
    let hook = json!({ "url": "http://127.0.0.1:9/hook" });
    let webhook = world.post(&admin, "/v1/webhooks", &hook).await.expect(201);
    let mut planted: Vec<String> = vec![
        token["token"].as_str().unwrap().to_owned(),
        webhook["secret"]
            .as_str()
            .unwrap()
            .trim_start_matches("whsec_")
            .to_owned(),
    ];
    let mut readers = Vec::new();
    for role in Role::ALL {
        readers.push(world.token(role).await);
    }
    planted.extend(readers.iter().cloned());
    // The part of a token after its id is the secret one.
    let secrets: Vec<&str> = planted.iter().map(|text| text.rsplit('_').next().unwrap()).collect();
    for reader in readers.iter().map(String::as_str).chain(["tg_000000000000_wrong"]) {
        for text in everything(&world, reader).await {
            for secret in &secrets {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
    // The store keeps no token in clear either.
    let facts = world.control.store().facts("shop", "token").await.unwrap();
    assert!(facts.len() > Role::ALL.len());
    let tokens: Vec<&str> = planted
        .iter()
        .filter_map(|text| text.strip_prefix("tg_")?.split('_').nth(1))
        .collect();
    assert!(
        facts
            .iter()
            .all(|fact| tokens.iter().all(|token| !fact.body.contains(token)))
    );
}

/// Every answer to a GET, and every refusal of a mutation that makes no sense.
async fn everything(world: &World, token: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for route in routes().into_iter().filter(|route| route.path != "/v1/journal/stream") {
        let path = route
            .path
            .replace("{version}", "1.0.0")
            .replace("{other}", "1.0.0")
            .replace("{name}", "acme")
            .replace("{component}", "api")
            .replace("{digest}", &format!("sha256:{}", "0".repeat(64)))
            .replace("{id}", "none");
        let path = if route.method == Method::DELETE {
            path.replace("acme", "nobody")
        } else {
            path
        };
        let reply = world
            .call(route.method, &path, Some(token), &[], b"{\"nonsense\": 1}".to_vec())
            .await;
        texts.push(format!("{:?} {}", reply.headers, reply.text));
    }
    texts
}
