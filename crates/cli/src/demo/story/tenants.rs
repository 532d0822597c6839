//! While 1.1.0 has moved its first wave and waits: a tenant comes, one is suspended and resumed, two move to the other cell with their
//! members, one of them from either version, and one goes. Then the release goes on, and reaches all who are there.

use tidegate_loyalty::Edition;

use super::load::tally::Expected::{self, Moving, Served, Suspended, Unknown};
use super::stage::{Setting, Stage};
use crate::error::CliError;

pub const SETTING: Setting = Setting {
    service: include_str!("files/service.yaml"),
    playbook: include_str!("files/tenants.yaml"),
    tenants: &[("eu", &["acme", "bolt", "cato"]), ("us", &["dune", "echo", "fern"])],
};

const NEW: &str = "1.1.0";

pub fn play(stage: &mut Stage) -> Result<(), CliError> {
    stage.artifact(NEW, Edition::Old)?;
    let release = stage.release(NEW, "")?;
    stage.apply(NEW, &release)?;
    stage.wait_for_wave(NEW, "first", |wave| wave["stage"] == "bake")?;
    come(stage, "gale", "us")?;
    suspend_and_resume(stage, "bolt")?;
    // acme runs 1.1.0 already, echo still 1.0.0; while echo is on its way the release goes on.
    move_with_members(stage, "acme", "us", |_| Ok(()))?;
    move_with_members(stage, "echo", "eu", |stage| {
        stage.tidegate(&["promote", NEW, "--reason", "seen enough"]).map(drop)
    })?;
    go(stage, "fern")?;
    stage.wait_for_phase(NEW, "completed")?;
    stage.load.watch_requests(200)?;
    check_versions(stage);
    Ok(())
}

fn come(stage: &mut Stage, tenant: &str, cell: &str) -> Result<(), CliError> {
    stage.load.begin_expecting(tenant, cell, &[Unknown]);
    stage.load.watch_answer(tenant, Unknown)?;
    change(
        stage,
        tenant,
        (&[Unknown, Served], Served),
        &["tenants", "add", tenant, "--cell", cell, "--reason", "signed today"],
    )
}

fn suspend_and_resume(stage: &mut Stage, tenant: &str) -> Result<(), CliError> {
    let suspend = ["tenants", "suspend", tenant, "--reason", "unpaid"];
    change(stage, tenant, (&[Served, Suspended], Suspended), &suspend)?;
    stage.load.watch_requests(50)?;
    change(
        stage,
        tenant,
        (&[Served, Suspended], Served),
        &["tenants", "resume", tenant],
    )
}

/// Closed, copied, opened: as a person does whose cells share no data. `meanwhile` happens while it is closed.
fn move_with_members(
    stage: &mut Stage,
    tenant: &str,
    to: &str,
    meanwhile: impl FnOnce(&mut Stage) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let from = if to == "eu" { "us" } else { "eu" };
    let reason = ["--keep-closed", "--reason", "more room there"];
    let moved = [&["tenants", "move", tenant, "--cell", to][..], &reason].concat();
    change(stage, tenant, (&[Served, Moving], Moving), &moved)?;
    stage.wait(&format!("{tenant} is in {to}"), |stage| {
        Ok(stage.tenant(tenant)?["cell"] == to)
    })?;
    let target = stage.data(to).display().to_string();
    stage.work("loyalty-1.0.0", from, &["copy-tenant", tenant, &target])?;
    stage.load.tally().lives_in(tenant, to);
    meanwhile(stage)?;
    change(stage, tenant, (&[Served, Moving], Served), &["tenants", "open", tenant])
}

fn go(stage: &mut Stage, tenant: &str) -> Result<(), CliError> {
    let remove = ["tenants", "remove", tenant, "--reason", "has left"];
    change(stage, tenant, (&[Served, Unknown], Unknown), &remove)
}

/// Types what changes how a tenant is answered: in either way while it comes about, and in no other than the new one afterwards.
fn change(
    stage: &mut Stage,
    tenant: &str,
    (meanwhile, afterwards): (&[Expected], Expected),
    verb: &[&str],
) -> Result<(), CliError> {
    stage.load.expect(tenant, meanwhile);
    stage.tidegate(verb)?;
    stage.load.watch_answer(tenant, afterwards)?;
    stage.wait_for_gateways()?;
    stage.load.expect(tenant, &[afterwards]);
    stage.say(&format!("{tenant} is {afterwards}"));
    Ok(())
}

/// Nobody goes back; who came in the midst, and who moved, got the release like everybody else.
fn check_versions(stage: &mut Stage) {
    for (tenant, versions) in stage.load.versions() {
        let expected: &[&str] = if tenant == "fern" { &["1.0.0"] } else { &["1.0.0", NEW] };
        let early_fern = tenant == "fern" && versions == ["1.0.0", NEW];
        if versions != expected && !early_fern {
            stage.fault(format!("{tenant} was served by {versions:?}, not {expected:?}"));
        }
    }
}
