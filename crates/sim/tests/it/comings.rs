//! A tenant is created, removed, moved to another cell and suspended in every stage of a release.

use tidegate_sim::{Script, replay};

/// Two waves, each prepared, switched, baked and confirmed; the second in small batches.
const RELEASE: &str = "
cells eu us
tenants acme@eu bolt@eu cato@us dune@us
gateways g1 g2
worker tenant
release 1.0.0 waves= bake=0s..0s
release 2.0.0 waves=acme,cato| bake=40s..2m gap=20s gates=1 tenants=1
";

fn told(action: &str, second: u32) -> String {
    let text = format!("{RELEASE}1s apply 1.0.0\n60s apply 2.0.0\n{second}s {action}\n");
    let script: Script = text.parse().unwrap();
    replay(&script).trace
}

/// From before the release is applied to after it is completed.
fn in_every_stage(action: &str, end: &str) {
    let mut stages = std::collections::BTreeSet::new();
    for second in (55..190).step_by(5) {
        let told = told(action, second);
        assert!(!told.contains("VIOLATED"), "{action} at {second} s:\n{told}");
        assert!(told.contains(end), "{action} at {second} s, not `{end}`:\n{told}");
        let before = told.lines().take_while(|line| !line.contains(&format!("> {action}")));
        let stage = before
            .filter_map(|line| line.split("stage_entered 2.0.0 ").nth(1))
            .last();
        stages.insert(stage.unwrap_or("none").to_owned());
    }
    assert!(stages.len() > 4, "only these stages are met: {stages:?}");
}

#[test]
fn a_tenant_is_created_in_every_stage() {
    in_every_stage("add eden eu", "= 2.0.0 completed: acme, bolt, cato, dune, eden");
}

#[test]
fn a_tenant_is_removed_in_every_stage() {
    in_every_stage("remove acme", "= 2.0.0 completed: bolt, cato, dune");
}

#[test]
fn a_tenant_moves_to_another_cell_in_every_stage() {
    in_every_stage("move bolt us", "= 2.0.0 completed: acme, bolt, cato, dune");
}

#[test]
fn a_tenant_is_suspended_in_every_stage() {
    in_every_stage("suspend cato", "= 2.0.0 completed: acme, bolt, cato, dune");
}
