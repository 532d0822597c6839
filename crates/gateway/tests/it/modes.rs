//! Hold, maintenance, assets of the version before, drain deadlines.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tidegate_gateway::table::{Answer, Answers, Closed, Mode, Phase};

use crate::client::{get, request, send};
use crate::upstream::Upstream;
use crate::world::{reroute, to_new, until, world};

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

#[tokio::test]
async fn a_held_request_is_served_by_the_version_that_follows() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    world
        .route("acme", |route| route.mode = Mode::Hold { until_ms: None })
        .await;
    let waiting: Vec<_> = (0..5)
        .map(|number| {
            tokio::spawn(send(
                world.address,
                request("POST", "acme", "/", &[], &number.to_string()),
            ))
        })
        .collect();
    assert_eq!(world.get("globex", "/").await.header("x-version"), "old");
    until("five held", || async {
        metric(&world, "tidegate_held_requests_total").await == 5
    })
    .await;
    assert!(waiting.iter().all(|request| !request.is_finished()));
    world
        .route("acme", |route| {
            route.mode = Mode::Serve;
            to_new(route);
        })
        .await;
    for (number, request) in waiting.into_iter().enumerate() {
        let answer = request.await.unwrap();
        assert_eq!(
            (answer.header("x-version"), &answer.json()["body"]),
            ("new", &number.to_string().into())
        );
    }
    assert_eq!((old.requests(), new.requests()), (1, 5));
}

#[tokio::test]
async fn a_hold_is_bounded_in_number_and_time() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    world
        .change(|table| {
            table.components[0].policy.held_requests = 1;
            table.components[0].policy.hold_ms = 300;
            reroute(table, "acme", |route| route.mode = Mode::Hold { until_ms: None });
        })
        .await;
    let begun = Instant::now();
    let (first, second) = tokio::join!(world.get("acme", "/"), async {
        until("one held", || async {
            metric(&world, "tidegate_held_requests_total").await == 1
        })
        .await;
        world.get("acme", "/").await
    });
    for (answer, reason) in [(first, "hold_expired"), (second, "hold_full")] {
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-tidegate-error")),
            (503, reason)
        );
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_hold_ends_by_itself_where_it_says_so() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let until_ms = unix_ms() + 1_000;
    world
        .route("acme", |route| {
            route.mode = Mode::Hold {
                until_ms: Some(until_ms),
            }
        })
        .await;
    assert_eq!(world.get("acme", "/").await.header("x-version"), "old");
}

#[tokio::test]
async fn maintenance_is_a_page_and_not_an_error() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let message = "Back at <six>".to_owned();
    world
        .route("acme", |route| {
            route.mode = Mode::Maintenance {
                retry_after_s: 90,
                until_ms: None,
                message,
            }
        })
        .await;
    let page = send(
        world.address,
        request("GET", "acme", "/", &[("accept", "text/html")], ""),
    )
    .await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "90"));
    assert_eq!(page.header("x-tidegate-error"), "");
    assert!(page.body.contains("Back at &lt;six&gt;"), "{}", page.body);
    let document = world.get("acme", "/").await;
    assert_eq!(document.json()["detail"], "Back at <six>");
    assert_eq!(world.get("globex", "/").await.status.as_u16(), 200);
    assert_eq!(old.requests(), 1);
}

#[tokio::test]
async fn who_meets_the_page_is_told_to_come_back_when_it_ends() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    for (until_ms, expected) in [(unix_ms() + 600_000, 590..=600), (unix_ms() - 1, 90..=90)] {
        world
            .route("acme", |route| {
                route.mode = Mode::Maintenance {
                    retry_after_s: 90,
                    until_ms: Some(until_ms),
                    message: "Back soon".to_owned(),
                }
            })
            .await;
        let told: u32 = world.get("acme", "/").await.header("retry-after").parse().unwrap();
        assert!(expected.contains(&told), "{told}");
    }
}

#[tokio::test]
async fn assets_of_the_version_before_are_still_served() {
    let old = Upstream::start("old").await;
    let new =
        Upstream::start_saying(b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nx-version: new\r\n\r\ngone").await;
    let mut world = world(&old, &new).await;
    world
        .route("acme", |route| {
            to_new(route);
            route.assets_from = Some("eu/old".into());
        })
        .await;
    assert_eq!(world.get("acme", "/app.1.js").await.header("x-version"), "old");
    let missing = world.get("acme", "/app.2.js?status=404").await;
    assert_eq!((missing.header("x-version"), missing.body.as_str()), ("new", "gone"));
    let posted = send(world.address, request("POST", "acme", "/", &[], "x")).await;
    assert_eq!((posted.status.as_u16(), posted.header("x-version")), (404, "new"));
    assert_eq!(metric(&world, "tidegate_assets_from_before_total").await, 1);
}

#[tokio::test]
async fn a_drain_ends_with_what_is_under_way() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let slow = tokio::spawn(send(world.address, get("acme", "/?ms=700")));
    until("under way", || async {
        world.health().await["in_flight"]["web.old"] == 1
    })
    .await;
    world
        .change(|table| {
            reroute(table, "acme", to_new);
            table.slots.get_mut("web.old").unwrap().phase = Phase::Draining {
                requests_until_ms: None,
                streams_until_ms: None,
            };
        })
        .await;
    assert_eq!(world.get("acme", "/").await.header("x-version"), "new");
    assert_eq!(
        world.get("globex", "/").await.header("x-version"),
        "old",
        "still routed there"
    );
    assert_eq!(world.health().await["in_flight"]["web.old"], 1);
    assert_eq!(slow.await.unwrap().header("x-version"), "old");
    until("empty", || async {
        world.health().await["in_flight"].get("web.old").is_none()
    })
    .await;
}

#[tokio::test]
async fn a_drain_deadline_cuts_its_class_only_and_says_so() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    let slow = tokio::spawn(send(world.address, get("acme", "/?ms=60000")));
    let events = tokio::spawn(send(world.address, get("acme", "/events?count=20&ms=100")));
    until("under way", || async {
        world.health().await["in_flight"]["web.old"] == 2
    })
    .await;
    world
        .change(|table| {
            reroute(table, "acme", to_new);
            let slot = table.slots.get_mut("web.old").unwrap();
            slot.phase = Phase::Draining {
                requests_until_ms: Some(1),
                streams_until_ms: None,
            };
        })
        .await;
    let cut = slow.await.unwrap();
    assert_eq!((cut.status.as_u16(), cut.header("x-tidegate-error")), (503, "drained"));
    let events = events.await.unwrap();
    assert_eq!(events.body.matches("data:").count(), 20);
}

pub async fn metric(world: &crate::world::World, name: &str) -> u64 {
    let page = send(world.admin, get("admin", "/metrics")).await.body;
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} not in {page}")).parse().unwrap()
}

#[tokio::test]
async fn a_suspended_tenant_is_told_so_on_every_path_and_no_instance_hears_of_it() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    world
        .route("acme", |route| route.closed = Some(Closed::Suspended))
        .await;
    for path in ["/", "/admin/nothing", "/x?y=z"] {
        let answer = world.get("acme", path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-tidegate-error")),
            (403, "tenant_suspended")
        );
        assert_eq!(answer.json()["reason"], "tenant_suspended");
    }
    assert_eq!((old.requests(), new.requests()), (0, 0));
    assert_eq!(world.get("globex", "/").await.header("x-version"), "old");
    assert_eq!(metric(&world, "tidegate_closed_total").await, 3);
    world.route("acme", |route| route.closed = None).await;
    assert_eq!(world.get("acme", "/").await.header("x-version"), "old");
}

#[tokio::test]
async fn a_moving_tenant_is_told_to_come_back_and_declared_answers_are_given() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let mut world = world(&old, &new).await;
    world.route("acme", |route| route.closed = Some(Closed::Moving)).await;
    let answer = world.get("acme", "/").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-tidegate-error")),
        (503, "tenant_moving")
    );
    assert_eq!(answer.header("retry-after"), "5");
    let says = |status, text: &str| {
        Some(Answer {
            status: Some(status),
            text: Some(text.to_owned()),
            page: None,
        })
    };
    let answers = Answers {
        unknown: says(410, "Nobody of this name"),
        suspended: None,
        moving: says(503, "Back in a minute"),
    };
    world.change(|table| table.answers = answers.clone()).await;
    let answer = world.get("acme", "/").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["detail"].as_str()),
        (503, Some("Back in a minute"))
    );
    let answer = world.get("nobody", "/").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["detail"].as_str()),
        (410, Some("Nobody of this name"))
    );
    assert_eq!(answer.header("x-tidegate-error"), "tenant_unknown");
}
