//! A fix for those who wait while a release is paused, on real processes.

use std::fs;

use crate::shop::Shop;

/// 1.1.0 has moved acme and is confirmed there; bolt and cato wait on 1.0.0. The fix of 1.0.0 is there as a file.
fn paused() -> Shop {
    let shop = Shop::installed("200ms");
    let playbook = fs::read_to_string(shop.workspace.path("playbooks/two-waves.yaml")).unwrap();
    let playbook = playbook.replace("select: {rest: true}", "select: {rest: true}, gap: 1h");
    let playbook =
        format!("{playbook}auto: apply\nhotfix: {{gap: 0s, bake: {{least: 0s, longest: 100ms, requests: 1}}}}\n");
    shop.workspace.write("playbooks/two-waves.yaml", &playbook);
    let fix = fs::read_to_string(shop.workspace.path("loyalty-1.0.0")).unwrap();
    shop.workspace.write("loyalty-1.0.1", &fix.replace("1.0.0", "1.0.1"));
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop.wait_until("the first wave is confirmed", |shop| {
        shop.status()["releases"][1]["waves"][0]["state"] == "confirmed"
    });
    shop
}

fn hotfix(shop: &Shop, version: &str) -> crate::workspace::Ended {
    shop.run(&[
        "hotfix",
        "api=loyalty-1.0.1",
        "--for",
        version,
        "--release",
        "1.0.1",
        "--commit",
        "4f2a91c",
        "--reason",
        "points are counted twice",
    ])
}

#[test]
fn a_hotfix_passes_a_paused_release_which_goes_on_on_top_of_it() {
    let shop = paused();
    hotfix(&shop, "1.0.0")
        .succeeded()
        .says("release 1.0.1 is handed in")
        .says("1 tenant on 1.1.0: if that needs the fix too, `tidegate hotfix --for 1.1.0`");
    hotfix(&shop, "1.0.0").succeeded().says("was handed in before");
    shop.wait_until("the fix is there", |shop| {
        let fixed = |tenant| shop.served_by(tenant).as_deref() == Some("1.0.1");
        fixed("bolt") && fixed("cato")
    });
    assert_eq!(shop.served_by("acme").as_deref(), Some("1.1.0"));
    shop.wait_until("it is completed", |shop| {
        shop.status()["releases"][2]["phase"] == "completed"
    });
    shop.run(&["status"])
        .succeeded()
        .shows("lacks commit 4f2a91c, which hot-fix 1.0.1 brings to those on 1.0.0");
    shop.run(&["rollback", "1.0.1", "--all", "--reason", "it is worse"])
        .succeeded();
    shop.wait_until("it is back", |shop| shop.served_by("bolt").as_deref() == Some("1.0.0"));
}

#[test]
fn a_hotfix_for_what_nobody_runs_is_refused() {
    let shop = paused();
    hotfix(&shop, "0.9.0")
        .ended_with(1)
        .says("no component `api` of 0.9.0 is known, or that version is not");
    let release = fs::read_to_string(shop.workspace.path("1.0.0.yaml")).unwrap();
    let release = release.replace("1.0.0", "1.0.1");
    shop.workspace.write("1.0.1.yaml", &format!("{release}hotfix: 0.9.0\n"));
    shop.run(&["plan", "1.0.1.yaml"])
        .ended_with(4)
        .says("no tenant runs 0.9.0, which hot-fix 1.0.1 is for")
        .says("tenants run 1.0.0, 1.1.0: a hot-fix is for one of these");
}
