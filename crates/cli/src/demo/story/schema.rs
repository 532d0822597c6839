//! From the column `name` to the column `full_name`, while 1.0.0 and 1.1.0 both read and write: expanded, rolled back after the first
//! wave, expanded again, filled and contracted. The server is killed in the midst of each kind of step, and once each what runs a step.

use std::cell::RefCell;

use rustix::process::{Pid, Signal, kill_process};
use tidegate_loyalty::Edition;
use tidegate_loyalty::members::StepRun;

use super::stage::{Setting, Stage};
use crate::error::CliError;

pub const SETTING: Setting = Setting {
    service: include_str!("files/service.yaml"),
    playbook: include_str!("files/schema.yaml"),
    tenants: &[("eu", &["acme", "bolt", "cato"]), ("us", &["dune", "echo", "fern"])],
};

const OLD: &str = "1.0.0";
const NEW: &str = "1.1.0";

/// What each step must have changed in a cell, in this order, whoever was killed.
const CHANGES: [&str; 5] = [
    "add-full-name",
    "remove-full-name",
    "add-full-name",
    "fill-full-name",
    "drop-name",
];

pub fn play(stage: &mut Stage) -> Result<(), CliError> {
    stage.artifact(NEW, Edition::Good)?;
    let release = stage.release(NEW, include_str!("files/steps.yaml"))?;
    stage.apply(NEW, &release)?;
    expand_and_kill(stage)?;
    stage.wait_for_wave(NEW, "first", |wave| {
        wave["stage"] == "bake" || wave["state"] == "confirmed"
    })?;
    stage.say("the first wave is on 1.1.0, the others are on 1.0.0: both write");
    stage.load.watch_requests(200)?;
    roll_back(stage)?;

    stage.apply(NEW, &release)?;
    stage.wait_for_wave(NEW, "rest", |wave| wave["state"] == "confirmed")?;
    stage.say("everybody is on 1.1.0");
    fill_and_kill(stage)?;
    running(stage, &["eu", "us"], "drop-name")?;
    stage.kill_server("while the old column is dropped")?;
    wait_for_step(stage, "drop", "done")?;
    stage.say("the old column is gone");
    stage.load.watch_requests(200)?;
    check_changes(stage)?;
    check_versions(stage);
    Ok(())
}

/// In us the program is killed, in eu the server while the program runs.
fn expand_and_kill(stage: &mut Stage) -> Result<(), CliError> {
    let program = running(stage, &["us"], "add-full-name")?;
    kill(program.process)?;
    stage.say("in us the program of the step was killed");
    stage.wait(
        "the release is held",
        |stage| Ok(stage.run_of(NEW)?["hold"].is_object()),
    )?;
    stage.tidegate(&["resume", NEW, "--reason", "the machine is back"])?;
    running(stage, &["us"], "add-full-name")?;
    stage.kill_server("while the column is added")?;
    wait_for_step(stage, "add", "done")
}

fn roll_back(stage: &mut Stage) -> Result<(), CliError> {
    stage.tidegate(&["rollback", NEW, "--all", "--reason", "second thoughts"])?;
    stage.wait_for_phase(NEW, "rolled back")?;
    wait_for_step(stage, "add", "undone")?;
    stage.say("1.1.0 is rolled back, and the new column is gone again");
    stage.load.watch_requests(200)
}

/// In eu the server is killed, in us the program and what watches it, so that nobody knows how it ended.
fn fill_and_kill(stage: &mut Stage) -> Result<(), CliError> {
    let program = running(stage, &["us"], "fill-full-name")?;
    stage.wait("the progress is shown", |stage| {
        Ok(stage.tidegate(&["steps", NEW])?.contains("progress: "))
    })?;
    if let Some(watcher) = parent(program.process) {
        kill(watcher)?;
    }
    kill(program.process)?;
    stage.say("in us the program of the step and its watcher were killed");
    running(stage, &["us"], "fill-full-name")?;
    stage.kill_server("while members are filled")
}

/// The process of a step in one of the cells, once there is one that runs.
fn running(stage: &Stage, cells: &[&str], step: &str) -> Result<StepRun, CliError> {
    let found = RefCell::new(None);
    stage.wait(&format!("{step} runs in {}", cells.join(" or ")), |stage| {
        for cell in cells {
            let last = stage.work_done(cell)?.runs.pop();
            let running = last.filter(|run| run.step == step && parent(run.process).is_some());
            if running.is_some() {
                found.replace(running);
                return Ok(true);
            }
        }
        Ok(false)
    })?;
    found
        .take()
        .ok_or_else(|| CliError::new(format!("{step} does not run")))
}

/// None where the process is gone.
fn parent(process: i32) -> Option<i32> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

fn kill(process: i32) -> Result<(), CliError> {
    let failed = || CliError::new(format!("cannot kill process {process}"));
    let process = Pid::from_raw(process).ok_or_else(failed)?;
    kill_process(process, Signal::KILL).map_err(|error| failed().because(error))
}

fn wait_for_step(stage: &Stage, name: &str, phase: &str) -> Result<(), CliError> {
    stage.wait(&format!("step {name} is {phase} in both cells"), |stage| {
        let run = stage.run_of(NEW)?;
        let steps = run["steps"].as_array().into_iter().flatten();
        let of_step: Vec<_> = steps.filter(|step| step["name"] == name).collect();
        Ok(of_step.len() == 2 && of_step.iter().all(|step| step["phase"] == phase))
    })
}

/// Processes that began steps: five steps each, and in us two more for those that were killed. A server that is killed has none begun
/// again.
const BEGUN: [(&str, usize); 2] = [("eu", 5), ("us", 7)];

/// Each step changed the data once, however often it was begun.
fn check_changes(stage: &mut Stage) -> Result<(), CliError> {
    for (cell, begun) in BEGUN {
        let work = stage.work_done(cell)?;
        let mut changes: Vec<&str> = work.changes.iter().map(|(step, _)| step.as_str()).collect();
        // Filling is many small changes.
        changes.dedup();
        let filled: i64 = work.changes.iter().map(|(_, rows)| rows).sum();
        stage.say(&format!(
            "{cell}: {} processes began steps, {} changes, {filled} rows filled",
            work.runs.len(),
            changes.len()
        ));
        if changes != CHANGES {
            stage.fault(format!("in {cell} the steps changed {changes:?}, not {CHANGES:?}"));
        }
        if work.runs.len() != begun {
            stage.fault(format!(
                "in {cell} {} processes began steps, not {begun}",
                work.runs.len()
            ));
        }
        if filled == 0 {
            stage.fault(format!("in {cell} there was nothing to fill"));
        }
        if work.columns.iter().any(|column| column == "name")
            || !work.columns.iter().any(|column| column == "full_name")
        {
            stage.fault(format!("in {cell} the columns are {:?}", work.columns));
        }
    }
    Ok(())
}

/// Forward, back and forward again for the first wave, forward once for the rest.
fn check_versions(stage: &mut Stage) {
    let seen: Vec<_> = stage.load.versions();
    for (tenant, versions) in seen {
        let first = matches!(tenant.as_str(), "acme" | "dune");
        let expected: &[&str] = if first { &[OLD, NEW, OLD, NEW] } else { &[OLD, NEW] };
        if versions != expected {
            stage.fault(format!("{tenant} was served by {versions:?}, not {expected:?}"));
        }
    }
}
