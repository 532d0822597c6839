//! What runs of each component, and how one is replaced.

use super::{is_completed, playbook_says};
use crate::shop::Shop;

#[test]
fn what_runs_of_each_component_and_what_is_overdue_is_listed() {
    let shop = Shop::open_with("300ms", Vec::new(), |workspace| {
        let playbook = std::fs::read_to_string(workspace.path("playbooks/two-waves.yaml")).unwrap();
        let playbook = format!("{playbook}rolling_patches: {{every: 4 weeks}}\n");
        workspace.write("playbooks/two-waves.yaml", &playbook);
    });
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    shop.run(&["components", "--exit-code"])
        .succeeded()
        .shows("COMPONENT  CELL  VERSION")
        .says("an upgraded one is due every 4 weeks; 0 components overdue");
    let list = shop.run(&["components", "--json"]).succeeded().json();
    let components = list["components"].as_array().unwrap();
    let row = |component: &str, cell: &str| {
        let mut rows = components.iter();
        rows.find(|row| row["component"] == component && row["cell"] == cell)
            .unwrap()
    };
    assert_eq!(components.len(), 4, "{list:#?}");
    assert_eq!(row("api", "eu")["tenants"], 2);
    assert_eq!(row("ledger", "us")["versions"], serde_json::json!(["1.0.0"]));
    let api = row("api", "us");
    assert!(api["artifact"].as_str().unwrap().starts_with("sha256:"), "{api}");
    // Days of the calendar: the due one begins with its midnight.
    let days = (api["due_ms"].as_i64().unwrap() - api["since_ms"].as_i64().unwrap()) / (24 * 60 * 60 * 1000);
    assert!((26..=29).contains(&days), "{api}");
    assert_eq!(api["overdue"], false);
}

#[test]
fn a_component_is_replaced_by_itself_and_its_configuration_stays() {
    let shop = Shop::installed("300ms");
    playbook_says(&shop, "auto: apply");
    let api = "{artifact: loyalty-1.1.0, configuration: {COLOR: red}, cells: {us: {COLOR: \"#00f\"}}}";
    shop.workspace
        .write("1.1.0.yaml", &format!("version: 1.1.0\ncomponents: {{api: {api}}}\n"));
    shop.run(&["apply", "1.1.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    let artifact = std::fs::read_to_string(shop.workspace.path("loyalty-1.1.0")).unwrap();
    shop.workspace.write("upgraded", &format!("{artifact}\n"));
    shop.run(&[
        "components",
        "patch",
        "api=upgraded",
        "web=upgraded",
        "--release",
        "1.1.1",
    ])
    .ended_with(1)
    .says("no component `web` was released");
    let patch = [
        "components",
        "patch",
        "api=upgraded",
        "--release",
        "1.1.1",
        "--summary",
        "a new TLS library",
    ];
    shop.run(&patch).succeeded().says("release 1.1.1 is handed in");
    shop.run(&patch).succeeded().says("was handed in before");
    shop.wait_until("everybody has moved", |shop| is_completed(shop, "1.1.1"));
    let diff = shop.run(&["diff", "1.1.0", "1.1.1", "--json"]).succeeded().json();
    let components = diff["components"].as_array().unwrap();
    assert_eq!(components.len(), 1, "{diff:#?}");
    assert_eq!(components[0]["component"], "api", "{diff:#?}");
    assert!(
        !diff.to_string().contains("COLOR"),
        "the configuration stays: {diff:#?}"
    );
}
