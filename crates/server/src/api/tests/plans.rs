use serde_json::{Value, json};

use super::world::{TENANTS, World, request};
use crate::auth::Role;

#[tokio::test]
async fn a_plan_is_made_kept_applied_and_applying_again_has_no_effect() {
    let world = World::installed().await;
    let author = world.token(Role::Author).await;
    let operator = world.token(Role::Operator).await;
    let planned = world
        .post(&author, "/v1/plans", &request("1.1.0", TENANTS))
        .await
        .expect(200);
    assert_eq!(planned["plan"]["waves"].as_array().unwrap().len(), 2);
    assert_eq!(planned["report"]["problems"], json!([]));
    let digest = planned["digest"].as_str().unwrap();
    let kept = world.get(&author, &format!("/v1/plans/{digest}")).await.expect(200);
    assert_eq!(
        (&kept["current"], &kept["planned_by"]),
        (&json!(true), &json!("author@example.com"))
    );
    assert_eq!(kept["plan"], planned["plan"]);
    let apply = json!({ "plan": digest, "reason": "it is Tuesday" });
    world.post(&author, "/v1/releases", &apply).await.expect(403);
    let applied = world.post(&operator, "/v1/releases", &apply).await.expect(201);
    assert_eq!(
        (&applied["version"], &applied["has_effect"]),
        (&json!("1.1.0"), &json!(true))
    );
    assert_eq!(applied["release"]["author"], "operator@example.com");
    let rows = world.get(&operator, "/v1/journal/verify").await.expect(200)["rows"].clone();
    let again = world.post(&operator, "/v1/releases", &apply).await.expect(200);
    assert_eq!(again["has_effect"], false);
    assert_eq!(
        world.get(&operator, "/v1/journal/verify").await.expect(200)["rows"],
        rows
    );
}

#[tokio::test]
async fn every_mistake_in_the_files_is_told_with_its_place() {
    let world = World::start().await;
    let author = world.token(Role::Author).await;
    let wrong = TENANTS
        .replace("id: bolt, cell: eu", "id: bolt, cel: eu")
        .replace("us}", "moon}");
    let refused = world
        .post(&author, "/v1/plans", &request("1.0.0", &wrong))
        .await
        .expect(422);
    let problems = refused["problems"].as_array().unwrap();
    assert!(problems.len() >= 2, "{problems:?}");
    for problem in problems {
        assert_eq!(problem["file"], "tenants.yaml");
        assert!(problem["line"].is_u64() && problem["message"].is_string(), "{problem}");
    }
}

#[tokio::test]
async fn what_blocks_a_plan_is_told() {
    let world = World::start().await;
    let author = world.token(Role::Author).await;
    let mut unread = request("1.0.0", TENANTS);
    unread["artifacts"][0] = json!({ "component": "api", "path": "/artifacts/api", "error": "no such file" });
    let refused = world.post(&author, "/v1/plans", &unread).await.expect(422);
    let text = refused["problems"][0]["message"].as_str().unwrap();
    assert!(text.contains("no such file"), "{text}");
    let mut relative = request("1.0.0", TENANTS);
    relative["artifacts"][0]["path"] = json!("api");
    world.post(&author, "/v1/plans", &relative).await.expect(400);
    let mut both = request("1.0.0", TENANTS);
    both["artifacts"][0]["error"] = json!("and an error");
    world.post(&author, "/v1/plans", &both).await.expect(400);
}

#[tokio::test]
async fn a_plan_that_no_longer_holds_is_refused_with_the_difference() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let digest = world.plan(&operator, "1.1.0").await;
    world
        .post(&operator, "/v1/tenants", &json!({"name": "gala", "cell": "us"}))
        .await
        .expect(201);
    let refused = world
        .post(&operator, "/v1/releases", &json!({ "plan": digest }))
        .await
        .expect(409);
    assert_eq!(refused["type"], "/problems/plan-outdated");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("gala"), "{detail}");
    let kept = world.get(&operator, &format!("/v1/plans/{digest}")).await.expect(200);
    assert_eq!(kept["current"], false);
    assert!(world.get(&operator, "/v1/releases/1.1.0").await.status == 404);
}

#[tokio::test]
async fn of_two_who_apply_at_once_one_wins_and_the_other_is_told() {
    let world = World::installed().await;
    let operator = world.token(Role::Operator).await;
    let one = json!({ "plan": world.plan(&operator, "1.1.0").await });
    let other = json!({ "plan": world.plan(&operator, "1.2.0").await });
    let (first, second) = tokio::join!(
        world.post(&operator, "/v1/releases", &one),
        world.post(&operator, "/v1/releases", &other),
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{first:?} {second:?}");
    let loser = if first.status == 409 { first } else { second };
    let detail: Value = loser.expect(409)["detail"].clone();
    assert!(detail.as_str().unwrap().contains("no longer holds"), "{detail}");
    // The same plan twice at once is one release.
    let third = json!({ "plan": world.plan(&operator, "1.3.0").await });
    let (first, second) = tokio::join!(
        world.post(&operator, "/v1/releases", &third),
        world.post(&operator, "/v1/releases", &third),
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
}

#[tokio::test]
async fn an_unknown_plan_is_not_applied() {
    let world = World::start().await;
    let operator = world.token(Role::Operator).await;
    let digest = format!("sha256:{}", "0".repeat(64));
    world
        .post(&operator, "/v1/releases", &json!({ "plan": digest }))
        .await
        .expect(404);
    world
        .post(&operator, "/v1/releases", &json!({ "plan": "latest" }))
        .await
        .expect(400);
}

#[tokio::test]
async fn planning_a_release_again_tells_what_has_changed_since_the_last_plan() {
    let world = World::installed().await;
    let author = world.token(Role::Author).await;
    let plan = |tenants: String| {
        let (world, author) = (&world, &author);
        async move {
            world
                .post(author, "/v1/plans", &request("1.1.0", &tenants))
                .await
                .expect(200)
        }
    };
    let first = plan(TENANTS.to_owned()).await;
    assert_eq!(first["report"]["since_last"], Value::Null);
    assert_eq!(first["report"]["replaces"][0]["version"], "1.0.0");
    let again = plan(TENANTS.to_owned()).await;
    assert_eq!(again["report"]["since_last"]["plan"], first["digest"]);
    assert_eq!(again["report"]["since_last"]["differences"], json!({}));
    let changed = plan(TENANTS.replace("{id: bolt, cell: eu}", "{id: bolt, cell: eu, opt_in: true}")).await;
    let since = &changed["report"]["since_last"];
    assert_eq!(since["plan"], first["digest"]);
    assert_eq!(since["differences"]["tenants"][0]["how"], "other-wave");
    // Of another release there is no last plan yet.
    let other = world
        .post(&author, "/v1/plans", &request("1.2.0", TENANTS))
        .await
        .expect(200);
    assert_eq!(other["report"]["since_last"], Value::Null);
}

#[tokio::test]
async fn a_mistake_in_one_tenant_is_planned_around_and_told() {
    let world = World::installed().await;
    let author = world.token(Role::Author).await;
    let wrong = TENANTS.replace("{id: bolt, cell: eu}", "{id: bolt, cell: eu, time_zone: EST}");
    let planned = world
        .post(&author, "/v1/plans", &request("1.1.0", &wrong))
        .await
        .expect(200);
    let problem = &planned["report"]["problems"][0];
    assert_eq!(
        (&problem["severity"], &problem["kind"]),
        (&json!("excludes"), &json!("tenant"))
    );
    assert_eq!(problem["where"], json!({"file": "tenants.yaml", "line": 4}));
    let left = planned["plan"]["left_behind"].to_string();
    assert!(
        left.contains("bolt") && left.contains("`EST` is not a time zone"),
        "{left}"
    );
}
