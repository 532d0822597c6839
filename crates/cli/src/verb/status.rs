//! `tidegate status`: release, wave, tenants; what each waits for, and until when.

mod page;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args as Arguments;
use tidegate_server::api::Status;

use crate::client::Client;
use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::paint::Paint;

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Moves the cursor home and clears what is below: the page is drawn over the last one.
const OVER_THE_LAST: &str = "\x1b[H\x1b[J";

/// Show what moves, what waits and for what
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// Draw it again whenever it changes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// Print one JSON document
    #[arg(long, conflicts_with = "watch")]
    pub json: bool,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let client = context.client()?;
    if args.watch {
        return watch(&client, context);
    }
    let status: Status = client.get("/v1/status")?;
    if args.json {
        output::json(&status)?;
    } else {
        output::data(&page::draw(
            &status,
            Paint {
                on: context.color_stdout(),
            },
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn watch(client: &Client, context: &Context) -> Result<ExitCode, CliError> {
    let terminal = output::stdout_is_terminal();
    let mut drawn = String::new();
    loop {
        let status: Status = client.get("/v1/status")?;
        let page = page::draw(
            &status,
            Paint {
                on: context.color_stdout(),
            },
        );
        if page != drawn {
            let over = if terminal { OVER_THE_LAST } else { "" };
            let apart = if terminal || drawn.is_empty() { "" } else { "\n" };
            output::data(&format!("{over}{apart}{page}"))?;
            drawn = page;
        }
        sleep(LOOK_EVERY);
    }
}
