//! Releases of two services that go together, each under a server of its own, on real processes.

use std::fs;

use crate::shop::Shop;

/// Two services whose servers ask each other; everybody is on 1.0.0.
fn both() -> (Shop, Shop) {
    let billing = |workspace: &crate::workspace::Workspace| {
        let file = fs::read_to_string(workspace.path("tidegate.yaml")).unwrap();
        workspace.write("tidegate.yaml", &file.replace("service: loyalty", "service: billing"));
    };
    let mut first = Shop::open_with("200ms", Vec::new(), billing);
    let mut second = Shop::open("200ms");
    introduce(&mut first, "loyalty", &second);
    introduce(&mut second, "billing", &first);
    for shop in [&first, &second] {
        shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
            .succeeded();
        let release = fs::read_to_string(shop.workspace.path("1.1.0.yaml")).unwrap();
        let together = "together: [{service: billing, version: 1.1.0}, {service: loyalty, version: 1.1.0}]\n";
        shop.workspace.write("1.1.0.yaml", &format!("{release}{together}"));
    }
    (first, second)
}

/// The server of `shop` knows where that of another service is, and has a token that may read there.
fn introduce(shop: &mut Shop, name: &str, other: &Shop) {
    let token = other
        .run(&[
            "token",
            "create",
            "neighbour",
            "--role",
            "viewer",
            "--reason",
            "they go together",
        ])
        .succeeded();
    shop.workspace.write("neighbour.token", &token.stdout);
    let file = fs::read_to_string(shop.workspace.path("tidegate.yaml")).unwrap();
    let (server, token) = (other.endpoint(), shop.workspace.path("neighbour.token"));
    let services = format!(
        "services:\n  {name}: {{server: 'http://{server}', token: {{file: {}}}}}\n",
        token.display()
    );
    shop.workspace.write("tidegate.yaml", &format!("{file}{services}"));
    let endpoint = shop.endpoint();
    shop.kill_server();
    shop.serve_at(&endpoint);
}

fn phase(shop: &Shop) -> String {
    shop.status()["releases"][1]["phase"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn two_services_are_released_in_their_order_and_come_back_together() {
    let (first, mut second) = both();
    second
        .run(&["plan", "1.1.0.yaml"])
        .succeeded()
        .shows("together   after release 1.1.0 of service billing; what one of them takes back, all take back");
    second.run(&["apply", "1.1.0.yaml"]).succeeded();
    second.wait_until("it waits for the one before it", |shop| {
        let status = shop.run(&["status"]);
        status.code == 0
            && status
                .stdout
                .contains("release 1.1.0 of service billing, with which it goes together: it is not applied there")
    });
    // What is known is known again, whoever is killed.
    let endpoint = second.endpoint();
    second.kill_server();
    second.serve_at(&endpoint);
    assert_eq!(second.served_by("acme").as_deref(), Some("1.0.0"));
    first.run(&["apply", "1.1.0.yaml"]).succeeded();
    first.wait_until("the first is released", |shop| phase(shop) == "completed");
    second.wait_until("the second follows", |shop| phase(shop) == "completed");
    assert_eq!(second.served_by("cato").as_deref(), Some("1.1.0"));
    first
        .run(&["status", "--json"])
        .succeeded()
        .shows("\"service\": \"loyalty\"");
    second
        .run(&["rollback", "1.1.0", "--all", "--reason", "it hurts"])
        .succeeded();
    first.wait_until("the first comes back too", |shop| phase(shop) == "rolled back");
    for (shop, tenant) in [(&first, "acme"), (&first, "cato"), (&second, "bolt")] {
        shop.wait_until("everybody is back", |shop| {
            shop.served_by(tenant).as_deref() == Some("1.0.0")
        });
    }
    first
        .run(&["history"])
        .succeeded()
        .shows("release 1.1.0 of service loyalty was rolled back");
}

#[test]
fn a_neighbour_that_cannot_be_believed_is_waited_for_with_the_reason() {
    let (first, second) = both();
    let other = "together: [{service: loyalty, version: 1.1.0}, {service: billing, version: 1.1.0}]\n";
    let release = fs::read_to_string(first.workspace.path("1.1.0.yaml")).unwrap();
    let (own, _) = release.split_once("together").unwrap();
    first.workspace.write("1.1.0.yaml", &format!("{own}{other}"));
    first.run(&["apply", "1.1.0.yaml"]).succeeded();
    second.run(&["apply", "1.1.0.yaml"]).succeeded();
    second.wait_until("it does not go by another order", |shop| {
        let status = shop.run(&["status"]);
        status
            .stdout
            .contains("its own `together` lists other releases, or the same in another order")
    });
    fs::write(second.workspace.path("neighbour.token"), "tgt_wrong").unwrap();
    second.wait_until("its token is not taken", |shop| {
        shop.run(&["status"])
            .stdout
            .contains("its server refuses the token: 401")
    });
    assert_eq!(second.served_by("acme").as_deref(), Some("1.0.0"));
    second
        .run(&["abort", "1.1.0", "--reason", "it is not meant so"])
        .succeeded();
}
