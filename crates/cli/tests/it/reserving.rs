//! Tenants choose the time at which a release moves them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::shop::Shop;

const HOUR: i64 = 3_600_000;

/// 1.1.0 waits for a window of two hours a day that opens in more than four hours from now, and one tenant an hour can reserve it.
fn reserving() -> Shop {
    let shop = Shop::installed("300ms");
    let hours = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3_600;
    let hour = |later: u64| format!("{:02}:00", (hours + later) % 24);
    let service = std::fs::read_to_string(shop.workspace.path("tidegate.yaml")).unwrap();
    let window = format!(
        "windows: [{{name: quiet, kind: allow, from: \"{}\", until: \"{}\"}}]\n",
        hour(5),
        hour(7)
    );
    shop.workspace.write("tidegate.yaml", &format!("{service}{window}"));
    let playbook = std::fs::read_to_string(shop.workspace.path("playbooks/two-waves.yaml")).unwrap();
    let rule = "reservations: {capacity: 1, stretch: 1h, within: 2 days}\n";
    shop.workspace
        .write("playbooks/two-waves.yaml", &format!("{playbook}{rule}"));
    shop.run(&["apply", "1.1.0.yaml"]).succeeded();
    shop
}

/// As it is written for `--at`.
fn instant(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap().to_string()
}

fn free(shop: &Shop, tenant: &str) -> Vec<i64> {
    let list = shop
        .run(&["reserve", "1.1.0", "--tenant", tenant, "--json"])
        .succeeded()
        .json();
    let free = list["free"].as_array().unwrap();
    free.iter().map(|free| free["at_ms"].as_i64().unwrap()).collect()
}

#[test]
fn a_tenant_sees_the_times_that_are_free_and_reserves_one_of_them() {
    let shop = reserving();
    let times = free(&shop, "bolt");
    let (first, second) = (times[0], times[1]);
    let day = 24 * HOUR;
    let expected = [first, first + HOUR, first + day, first + day + HOUR, first + 2 * day];
    assert_eq!(times, expected, "both hours of the window, for two days");
    let list = ["reserve", "1.1.0", "--tenant", "bolt"];
    shop.run(&list)
        .succeeded()
        .shows("FOR --AT")
        .shows(&instant(first))
        .shows("1 of 1")
        .shows("reserved: nothing")
        .says("5 free times")
        .says("next: tidegate reserve 1.1.0 --tenant bolt --at");
    let reserve = |tenant: &str, at: i64| {
        let at = instant(at);
        let word = [
            "reserve",
            "1.1.0",
            "--tenant",
            tenant,
            "--at",
            &at,
            "--reason",
            "after the sale",
        ];
        shop.run(&word)
    };
    // What stands in the list is taken as it stands there.
    reserve("bolt", second).succeeded();
    shop.run(&list).succeeded().shows("reserved: ").shows(", says ");
    shop.run(&["history", "--tenant", "bolt"])
        .succeeded()
        .shows("after the sale");
    assert!(!free(&shop, "acme").contains(&second));
    let remedy = "`tidegate reserve 1.1.0 --tenant acme` lists what is free";
    for (what, at) in [
        ("full", second),
        ("not open", second + HOUR),
        ("too late", first + 3 * day),
    ] {
        let refused = reserve("acme", at).ended_with(4);
        assert!(refused.stderr.contains(remedy), "{what}: {refused:#?}");
    }
    let back = [
        "reserve",
        "1.1.0",
        "--tenant",
        "bolt",
        "--as-planned",
        "--reason",
        "it is off",
    ];
    shop.run(&back).succeeded();
    reserve("acme", second).succeeded();
    let list: Value = shop
        .run(&["reserve", "1.1.0", "--tenant", "acme", "--json"])
        .succeeded()
        .json();
    assert_eq!(list["reserved"]["at_ms"], second);
}

#[test]
fn a_release_that_lets_nobody_reserve_says_what_to_write() {
    let shop = Shop::baking();
    shop.run(&["reserve", "1.1.0", "--tenant", "bolt"])
        .ended_with(4)
        .says("write `reservations` in it for the next release");
    shop.run(&["reserve", "1.1.0", "--tenant", "nobody"])
        .ended_with(1)
        .says("help: `tidegate tenants` lists them");
    // A time wants a reason, and a reason a time.
    let at = ["reserve", "1.1.0", "--tenant", "bolt", "--at", "2027-01-01T00:00:00Z"];
    shop.run(&at).ended_with(2).says("--reason");
    shop.run(&["reserve", "1.1.0", "--tenant", "bolt", "--reason", "why"])
        .ended_with(2)
        .says("--at");
}
