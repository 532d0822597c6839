//! 1.1.0 is on the Standard cell and waits for the Controlled one when a defect is found in both versions: 1.0.1 repairs it for those on
//! Controlled, 1.1.1 for those on Standard, and 1.1.1 goes on to Controlled on top of 1.0.1.

use tidegate_loyalty::Edition;

use super::stage::{Setting, Stage};
use crate::error::CliError;

const STANDARD: &[&str] = &["acme", "bolt", "cato"];
const CONTROLLED: &[&str] = &["dune", "echo", "fern"];

pub const SETTING: Setting = Setting {
    service: include_str!("files/two-servers.yaml"),
    playbook: include_str!("files/hotfix.yaml"),
    tenants: &[("standard", STANDARD), ("controlled", CONTROLLED)],
};

/// The commit of the repair, in both branches.
const COMMIT: &str = "4f2a91c";

pub fn play(stage: &mut Stage) -> Result<(), CliError> {
    for version in ["1.1.0", "1.0.1", "1.1.1"] {
        stage.artifact(version, Edition::Old)?;
    }
    let release = stage.release("1.1.0", "")?;
    stage.apply("1.1.0", &release)?;
    stage.wait_for_wave("1.1.0", "standard", |wave| wave["state"] == "confirmed")?;
    stage.tidegate(&["hold", "1.1.0", "--reason", "two weeks of validation"])?;
    stage.load.watch_requests(100)?;

    fix(stage, "1.0.0", "1.0.1")?;
    stage.wait_for_phase("1.0.1", "completed")?;
    check_served(stage, STANDARD, "1.1.0");
    check_served(stage, CONTROLLED, "1.0.1");
    stage.load.watch_requests(100)?;

    fix(stage, "1.1.0", "1.1.1")?;
    stage.wait_for_wave("1.1.1", "standard", |wave| wave["state"] == "confirmed")?;
    check_served(stage, STANDARD, "1.1.1");
    check_served(stage, CONTROLLED, "1.0.1");
    stage.wait_for_phase("1.1.1", "completed")?;
    stage.load.watch_requests(100)?;
    check_path(stage, STANDARD, &["1.0.0", "1.1.0", "1.1.1"]);
    check_path(stage, CONTROLLED, &["1.0.0", "1.0.1", "1.1.1"]);
    Ok(())
}

fn fix(stage: &mut Stage, of: &str, version: &str) -> Result<(), CliError> {
    let part = format!("members=loyalty-{version}");
    stage.tidegate(&[
        "hotfix",
        &part,
        "--for",
        of,
        "--release",
        version,
        "--commit",
        COMMIT,
        "--reason",
        "names are cut off",
    ])?;
    Ok(())
}

/// The version that served each of them last.
fn check_served(stage: &mut Stage, tenants: &[&str], version: &str) {
    check(
        stage,
        tenants,
        |versions| versions.last().is_some_and(|last| last == version),
        version,
    );
}

fn check_path(stage: &mut Stage, tenants: &[&str], path: &[&str]) {
    check(stage, tenants, |versions| versions == path, &path.join(", then "));
}

fn check(stage: &mut Stage, tenants: &[&str], holds: impl Fn(&[String]) -> bool, wanted: &str) {
    for (tenant, versions) in stage.load.versions() {
        if tenants.contains(&tenant.as_str()) && !holds(&versions) {
            stage.fault(format!("{tenant} was served by {versions:?}, not by {wanted}"));
        }
    }
}
