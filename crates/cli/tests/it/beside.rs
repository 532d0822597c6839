//! Several releases in flight at once, on real processes.

use std::fs;

use crate::shop::Shop;

/// 1.2.0: what 1.1.0 is, under another number.
fn write_next(shop: &Shop) {
    for file in ["loyalty-1.1.0", "1.1.0.yaml"] {
        let text = fs::read_to_string(shop.workspace.path(file)).unwrap();
        let next = text.replace("1.1.0", "1.2.0");
        shop.workspace.write(&file.replace("1.1.0", "1.2.0"), &next);
    }
}

fn served(shop: &Shop) -> Vec<String> {
    let tenants = ["acme", "bolt", "cato"].into_iter();
    tenants
        .map(|tenant| shop.served_by(tenant).unwrap_or_default())
        .collect()
}

#[test]
fn a_newer_release_takes_over_and_nobody_moves_in_the_midst_of_a_bake() {
    let mut shop = Shop::baking();
    write_next(&shop);
    let playbook = fs::read_to_string(shop.workspace.path("playbooks/two-waves.yaml")).unwrap();
    let playbook = format!("{playbook}while_in_flight: supersede\n");
    shop.workspace.write("playbooks/two-waves.yaml", &playbook);
    shop.run(&["plan", "1.2.0.yaml", "--exit-code"])
        .ended_with(3)
        .shows("takes      whom release 1.1.0 has not moved")
        .shows("skips      1.1.0 for those on 1.0.0");
    shop.run(&["apply", "1.2.0.yaml"]).succeeded();
    shop.run(&["status"])
        .succeeded()
        .shows("release 1.1.0 to be done with tenant acme");
    let endpoint = shop.endpoint();
    shop.kill_server();
    shop.serve_at(&endpoint);
    assert_eq!(served(&shop), ["1.1.0", "1.0.0", "1.0.0"]);
    shop.run(&["promote", "1.1.0", "--reason", "it is good"]).succeeded();
    shop.wait_until("the first wave follows", |shop| {
        shop.served_by("acme").as_deref() == Some("1.2.0")
    });
    shop.run(&["releases"]).succeeded().shows("1.1.0    superseded");
    shop.wait_until("it is watched", |shop| {
        shop.status()["releases"][2]["waves"][0]["stage"] == "bake"
    });
    shop.run(&["promote", "1.2.0", "--reason", "it is good too"])
        .succeeded();
    shop.wait_until("everybody follows", |shop| {
        shop.status()["releases"][2]["phase"] == "completed"
    });
    assert_eq!(served(&shop), ["1.2.0", "1.2.0", "1.2.0"]);
}

#[test]
fn a_release_moves_in_one_cell_while_the_one_before_waits_for_another() {
    let shop = Shop::installed("1h");
    write_next(&shop);
    shop.workspace.write(
        "playbooks/two-waves.yaml",
        "
name: two-waves
waves:
  - {name: eu, select: {cell: eu}, bake: {least: 100ms, longest: 200ms, requests: 1}}
  - {name: us, select: {rest: true}, gap: 1h}
on_inconclusive: pass
while_in_flight: parallel
",
    );
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("1.1.0 is done in eu", |shop| {
        shop.status()["releases"][1]["waves"][0]["state"] == "confirmed"
    });
    shop.run(&["plan", "1.2.0.yaml", "--exit-code"])
        .ended_with(3)
        .shows("beside     release 1.1.0, in the cells in which that is done");
    shop.run(&["apply", "1.2.0.yaml"]).succeeded();
    shop.wait_until("1.2.0 is done in eu", |shop| {
        shop.status()["releases"][2]["waves"][0]["state"] == "confirmed"
    });
    assert_eq!(served(&shop), ["1.2.0", "1.2.0", "1.0.0"]);
    shop.run(&["rollback", "1.2.0", "--all", "--reason", "it is wrong"])
        .succeeded();
    shop.wait_until("eu goes back to where it was", |shop| {
        served(shop) == ["1.1.0", "1.1.0", "1.0.0"]
    });
}
