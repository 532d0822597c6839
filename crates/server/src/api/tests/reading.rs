use std::time::Duration;

use axum::http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::world::World;
use crate::auth::Role;

#[tokio::test]
async fn the_status_says_where_everything_is() {
    let world = World::installed().await;
    let viewer = world.token(Role::Viewer).await;
    let status = world.get(&viewer, "/v1/status").await.expect(200);
    assert_eq!(
        (&status["schema_version"], &status["service"]),
        (&json!(1), &json!("shop"))
    );
    assert_eq!(status["generation"], status["confirmed"]);
    let release = &status["releases"][0];
    assert_eq!(
        (&release["version"], &release["phase"]),
        (&json!("1.0.0"), &json!("completed"))
    );
    assert_eq!(release["waves"][0]["tenants"]["moved"], 6);
    assert_eq!(release["reversible"], "at any time");
    let cells = status["cells"].as_array().unwrap();
    assert_eq!(
        cells
            .iter()
            .map(|cell| cell["tenants"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [3, 3]
    );
    for cell in cells {
        let slots = cell["slots"].as_array().unwrap();
        assert_eq!(slots.len(), 2, "{slots:?}");
        assert!(slots.iter().all(|slot| slot["state"] == "ready"), "{slots:?}");
    }
}

#[tokio::test]
async fn a_tenant_s_version_is_known_for_every_instant() {
    let world = World::installed().await;
    let viewer = world.token(Role::Viewer).await;
    let history = world.get(&viewer, "/v1/tenants/acme/history").await.expect(200);
    let rows = history["rows"].as_array().unwrap();
    let moved = rows.iter().find(|row| row["kind"] == "moved").unwrap();
    assert_eq!(
        (&moved["version"], &moved["release"]),
        (&json!("1.0.0"), &json!("1.0.0"))
    );
    assert!(!moved["reason"].as_str().unwrap().is_empty());
    let at = |ms: i64| format!("/v1/tenants/acme/history?at_ms={ms}");
    let before = rows[0]["at_ms"].as_i64().unwrap() - 1;
    assert_eq!(world.get(&viewer, &at(before)).await.expect(200)["rows"], json!([]));
    let then = world
        .get(&viewer, &at(moved["at_ms"].as_i64().unwrap()))
        .await
        .expect(200);
    assert_eq!(then["rows"].as_array().unwrap().len(), 1);
    assert_eq!(then["rows"][0]["version"], "1.0.0");
    world.get(&viewer, "/v1/tenants/nobody/history").await.expect(404);
}

#[tokio::test]
async fn tenants_are_listed_by_cell_and_version() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    world.apply(&operator, "1.1.0").await;
    let list = world
        .get(&operator, "/v1/tenants?cell=eu&version=1.0.0")
        .await
        .expect(200);
    let tenants = list["tenants"].as_array().unwrap();
    assert_eq!(tenants.len(), 3);
    let acme = &tenants[0];
    assert_eq!(
        (&acme["release_in_flight"], &acme["wave"], &acme["place"]),
        (&json!("1.1.0"), &json!("first"), &json!("waiting"))
    );
    assert_eq!(
        world.get(&operator, "/v1/tenants?version=9.9.9").await.expect(200)["tenants"],
        json!([])
    );
}

#[tokio::test]
async fn two_releases_are_compared() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    world.apply(&operator, "1.1.0").await;
    let diff = world.get(&operator, "/v1/releases/1.0.0/diff/1.1.0").await.expect(200);
    let components = diff["components"].as_array().unwrap();
    assert_eq!(components.len(), 2);
    assert_ne!(components[0]["artifact_from"], components[0]["artifact_to"]);
    assert_eq!(components[0]["definition_differs"], false);
    let same = world.get(&operator, "/v1/releases/1.1.0/diff/1.1.0").await.expect(200);
    assert_eq!(same["components"], json!([]));
    world.get(&operator, "/v1/releases/1.1.0/diff/7.0.0").await.expect(404);
}

#[tokio::test]
async fn the_journal_is_read_page_by_page_and_found_whole() {
    let world = World::installed().await;
    let viewer = world.token(Role::Viewer).await;
    let all = world.get(&viewer, "/v1/journal?limit=1000").await.expect(200);
    let all = all["rows"].as_array().unwrap();
    let (mut paged, mut after) = (Vec::new(), 0);
    loop {
        let page = world
            .get(&viewer, &format!("/v1/journal?limit=3&after={after}"))
            .await
            .expect(200);
        paged.extend(page["rows"].as_array().unwrap().clone());
        match page["next"].as_i64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(*all, paged);
    let of_acme = world.get(&viewer, "/v1/journal?tenant=acme").await.expect(200);
    assert!(!of_acme["rows"].as_array().unwrap().is_empty());
    let check = world.get(&viewer, "/v1/journal/verify").await.expect(200);
    assert_eq!((&check["whole"], &check["rows"]), (&json!(true), &json!(all.len())));
}

#[tokio::test]
async fn a_reader_of_the_journal_goes_on_where_it_was() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let bearer = ("authorization", format!("Bearer {operator}"));
    let headers = [bearer.clone(), ("last-event-id", "1".to_owned())];
    let mut stream = world
        .open(Method::GET, "/v1/journal/stream", &headers, Vec::new())
        .await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let all = world.get(&operator, "/v1/journal?limit=1000&after=1").await.expect(200);
    let last = all["rows"].as_array().unwrap().last().unwrap()["seq"].as_i64().unwrap();
    let deadline = Duration::from_secs(10);
    let mut read_until = async |text: &mut String, end: &str| {
        while !text.contains(end) {
            let frame = timeout(deadline, stream.frame())
                .await
                .expect("in time")
                .unwrap()
                .unwrap();
            text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    };
    read_until(&mut text, &format!("id: {last}\n")).await;
    let ids: Vec<i64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("id: ")?.parse().ok())
        .collect();
    assert_eq!(ids, (2..=last).collect::<Vec<_>>());
    world.apply(&operator, "1.1.0").await;
    read_until(&mut text, "\"kind\":\"applied\",\"release\":\"1.1.0\"").await;
    let bad = [bearer, ("last-event-id", "x".to_owned())];
    assert_eq!(
        world
            .open(Method::GET, "/v1/journal/stream", &bad, Vec::new())
            .await
            .status(),
        400
    );
}

#[tokio::test]
async fn probes_need_no_token_and_name_nothing_of_the_service() {
    let world = World::installed().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let reply = world.call(Method::GET, path, None, &[], Vec::new()).await;
        assert_eq!(reply.status, 200, "{path}");
        for name in ["shop", "acme", "eu", "1.0.0"] {
            assert!(
                !reply
                    .text
                    .split(|c: char| !c.is_alphanumeric() && c != '.')
                    .any(|word| word == name),
                "{path}: {name}"
            );
        }
    }
    let metrics = world.call(Method::GET, "/metrics", None, &[], Vec::new()).await.text;
    assert!(metrics.contains("\ntidegate_tenants 6\n"), "{metrics}");
}

#[tokio::test]
async fn an_unknown_slot_has_no_logs() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    for slot in ["api-000000000000", "..", "%2e%2e%2f..%2fadmin.token"] {
        world
            .get(&operator, &format!("/v1/logs?cell=eu&slot={slot}"))
            .await
            .expect(404);
    }
    let status: Value = world.get(&operator, "/v1/status").await.expect(200);
    let slot = status["cells"][0]["slots"][0]["id"].as_str().unwrap();
    // It is known, and has printed nothing.
    let reply = world.get(&operator, &format!("/v1/logs?cell=eu&slot={slot}")).await;
    assert!(matches!(reply.status.as_u16(), 200 | 404), "{}", reply.text);
}
