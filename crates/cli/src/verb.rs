//! The verbs, one file each. A new verb is a file, a variant here and a line in [`run`].

mod abort;
mod alerts;
mod apply;
mod approve;
mod backup;
mod calendar;
mod changes;
mod command;
mod completions;
mod components;
mod diff;
mod environments;
mod evidence;
mod freeze;
mod gates;
pub mod gateway;
mod history;
mod hold;
mod hotfix;
mod init;
mod jobs;
mod journal;
mod logs;
mod migrations;
mod notices;
mod opt_in;
mod opt_out;
pub mod plan;
mod profile;
mod promote;
mod reject;
mod releases;
mod report;
mod reserve;
mod restore;
mod resume;
mod rollback;
mod serve;
mod shadow;
mod sim;
mod simulate;
mod status;
mod steps;
mod stop;
mod tenants;
mod token;
mod unfreeze;
mod waive;
mod windows;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tidegate_effects::drivers::process::shim;

use crate::context::Context;
use crate::error::CliError;
use crate::{demo, runtime, torture, traffic};

/// Of every document that `--json` prints.
pub const SCHEMA_VERSION: u32 = 1;

/// Takes a release of a multi-tenant service from build to released to every tenant
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, disable_help_subcommand = true)]
pub struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    context: Context,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Args),
    Plan(plan::Args),
    Profile(profile::Args),
    Simulate(simulate::Args),
    Apply(apply::Args),
    Changes(changes::Args),
    Status(status::Args),
    Approve(approve::Args),
    Reject(reject::Args),
    Notices(notices::Args),
    Gates(gates::Args),
    Report(report::Args),
    Reserve(reserve::Args),
    Waive(waive::Args),
    Freeze(freeze::Args),
    Unfreeze(unfreeze::Args),
    OptIn(opt_in::Args),
    OptOut(opt_out::Args),
    Rollback(rollback::Args),
    Hold(hold::Args),
    Resume(resume::Args),
    Promote(promote::Args),
    Abort(abort::Args),
    Releases(releases::Args),
    Components(components::Args),
    Hotfix(hotfix::Args),
    Steps(steps::Args),
    Jobs(jobs::Args),
    Migrations(migrations::Args),
    History(history::Args),
    Journal(journal::Args),
    Diff(diff::Args),
    Environments(environments::Args),
    Evidence(evidence::Args),
    Alerts(alerts::Args),
    Shadow(shadow::Args),
    Tenants(tenants::Args),
    Windows(windows::Args),
    Calendar(calendar::Args),
    Logs(logs::Args),
    Serve(serve::Args),
    Stop(stop::Args),
    Gateway(gateway::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Token(token::Args),
    Demo(demo::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Sim(sim::Args),
    /// Keep one instance of a slot (started by the server)
    #[command(hide = true, disable_help_flag = true)]
    Shim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Send traffic and count what is lost (started by the demo and by tests)
    #[command(hide = true)]
    Traffic {
        config: Option<PathBuf>,
    },
    /// Hand the work of workers over under load and count what is lost (for those who work on the driver)
    #[command(hide = true)]
    Workers(demo::workers::Args),
    /// Make switches under load and count what is lost (for those who work on the gateway)
    #[command(hide = true)]
    Torture(torture::Args),
    /// Run the example service (named in the first line of its artifacts)
    #[command(hide = true, disable_help_flag = true)]
    Loyalty {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Does what the command line says.
pub fn run(line: CommandLine) -> Result<ExitCode, CliError> {
    let CommandLine { verb, context } = line;
    match verb {
        Verb::Init(args) => init::run(&args, &context),
        Verb::Plan(args) => plan::run(&args, &context),
        Verb::Profile(args) => profile::run(&args, &context),
        Verb::Simulate(args) => simulate::run(&args, &context),
        Verb::Apply(args) => apply::run(&args, &context),
        Verb::Changes(args) => changes::run(&args, &context),
        Verb::Status(args) => status::run(&args, &context),
        Verb::Approve(args) => approve::run(&args, &context),
        Verb::Reject(args) => reject::run(&args, &context),
        Verb::Notices(args) => notices::run(&args, &context),
        Verb::Gates(args) => gates::run(&args, &context),
        Verb::Reserve(args) => reserve::run(&args, &context),
        Verb::Report(args) => report::run(&args, &context),
        Verb::Waive(args) => waive::run(&args, &context),
        Verb::Freeze(args) => freeze::run(&args, &context),
        Verb::Unfreeze(args) => unfreeze::run(&args, &context),
        Verb::OptIn(args) => opt_in::run(&args, &context),
        Verb::OptOut(args) => opt_out::run(&args, &context),
        Verb::Rollback(args) => rollback::run(&args, &context),
        Verb::Hold(args) => hold::run(&args, &context),
        Verb::Resume(args) => resume::run(&args, &context),
        Verb::Promote(args) => promote::run(&args, &context),
        Verb::Abort(args) => abort::run(&args, &context),
        Verb::Releases(args) => releases::run(&args, &context),
        Verb::Components(args) => components::run(&args, &context),
        Verb::Hotfix(args) => hotfix::run(&args, &context),
        Verb::Steps(args) => steps::run(&args, &context),
        Verb::Jobs(args) => jobs::run(&args, &context),
        Verb::Migrations(args) => migrations::run(&args, &context),
        Verb::History(args) => history::run(&args, &context),
        Verb::Journal(args) => journal::run(&args, &context),
        Verb::Diff(args) => diff::run(&args, &context),
        Verb::Environments(args) => environments::run(&args, &context),
        Verb::Evidence(args) => evidence::run(&args),
        Verb::Alerts(args) => alerts::run(&args, &context),
        Verb::Shadow(args) => shadow::run(&args, &context),
        Verb::Tenants(args) => tenants::run(&args, &context),
        Verb::Windows(args) => windows::run(&args, &context),
        Verb::Calendar(args) => calendar::run(&args, &context),
        Verb::Logs(args) => logs::run(&args, &context),
        Verb::Serve(args) => serve::run(&args, &context),
        Verb::Stop(args) => stop::run(&args, &context),
        Verb::Gateway(args) => gateway::run(&args, &context),
        Verb::Backup(args) => backup::run(&args, &context),
        Verb::Restore(args) => restore::run(&args, &context),
        Verb::Token(args) => token::run(&args, &context),
        Verb::Demo(args) => demo::run(&args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Sim(args) => sim::run(&args, &context),
        Verb::Shim { arguments } => Ok(shim::run(&arguments)),
        Verb::Traffic { config } => {
            let ended = runtime::serving()?.block_on(traffic::run(config.as_deref()));
            ended.map_err(|error| CliError::new("cannot send traffic").because(error))?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Workers(args) => demo::workers::run(&args),
        Verb::Torture(args) => torture::run(&args),
        Verb::Loyalty { arguments } => {
            let ended = runtime::serving()?.block_on(tidegate_loyalty::main(arguments));
            ended.map_err(|error| CliError::new("cannot run the example service").because(error))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
