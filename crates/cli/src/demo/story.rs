//! `tidegate demo --story NAME`: one course of events under load, played to its end and counted.
//!
//! Each story says what a person does and what must come of it, with the verbs that a person would type. The load knows nothing of it:
//! it writes and reads members of every tenant all the while, and remembers each write that was acknowledged. In the end the databases
//! are read: every such write must be there, once, with the right content, at the right tenant.

mod closing;
mod hotfix;
mod load;
mod schema;
mod stage;
mod tenants;

use std::process::ExitCode;
use std::time::Instant;

use clap::ValueEnum;

use self::closing::Closing;
use self::stage::{Setting, Stage};
use crate::error::CliError;
use crate::output;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Story {
    /// The schema of a database is changed while both versions use it; rolled back midway; every part killed once
    Schema,
    /// A release waits for the second cell, and what tenants run in either is repaired meanwhile
    Hotfix,
    /// Tenants come, move between cells, are suspended and go while a release moves
    Tenants,
}

impl Story {
    fn setting(self) -> Setting {
        match self {
            Story::Schema => schema::SETTING,
            Story::Hotfix => hotfix::SETTING,
            Story::Tenants => tenants::SETTING,
        }
    }

    fn play(self, stage: &mut Stage) -> Result<(), CliError> {
        match self {
            Story::Schema => schema::play(stage),
            Story::Hotfix => hotfix::play(stage),
            Story::Tenants => tenants::play(stage),
        }
    }
}

/// The exit code says whether every figure that must be zero is.
pub fn run(story: Story, json: bool, keep: bool) -> Result<ExitCode, CliError> {
    let began = Instant::now();
    let mut stage = Stage::set(&story.setting(), keep, began)?;
    story.play(&mut stage)?;
    let closing = Closing::of(&stage)?;
    if json {
        output::json(&closing.document())?;
    } else {
        output::data(&closing.table(began.elapsed()))?;
    }
    Ok(match closing.is_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
