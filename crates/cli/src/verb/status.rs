//! `tidegate status`: release, wave, tenants; what each waits for, and until when.

mod page;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use clap::Args as Arguments;
use tidegate_server::api::Status;

use crate::client::Client;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::output;
use crate::paint::{Paint, Tone};

/// From one look to the next: what is in no journal, such as requests in flight, is not told as it changes.
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
    if args.watch {
        return watch(context);
    }
    let client = context.client()?;
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

/// Follows the server until Ctrl-C, through restarts of it.
fn watch(context: &Context) -> Result<ExitCode, CliError> {
    let mut screen = Screen {
        paint: Paint {
            on: context.color_stdout(),
        },
        page: String::new(),
        drawn: String::new(),
    };
    loop {
        let trouble = match context.client() {
            Ok(client) => follow(&client, &mut screen)?,
            Err(error) => error,
        };
        // Who was refused is not let in by waiting; and what never answered may be the wrong address.
        if trouble.exit == Exit::Refused || screen.page.is_empty() {
            return Err(trouble);
        }
        screen.show(Some(&format!("{trouble}; this was so before:")))?;
        sleep(LOOK_EVERY);
    }
}

/// Draws the page as often as the journal tells news; returns what ended it.
fn follow(client: &Client, screen: &mut Screen) -> Result<CliError, CliError> {
    let mut news = match client.events("/v1/journal/stream") {
        Ok(news) => news,
        Err(error) => return Ok(error),
    };
    loop {
        let status: Status = match client.get("/v1/status") {
            Ok(status) => status,
            Err(error) => return Ok(error),
        };
        screen.page = page::draw(&status, screen.paint);
        screen.show(None)?;
        if let Err(error) = news.wait(LOOK_EVERY) {
            return Ok(error);
        }
    }
}

/// What was drawn last.
struct Screen {
    paint: Paint,
    page: String,
    drawn: String,
}

impl Screen {
    /// Draws the page, with a word above it, where that is not what is drawn already.
    fn show(&mut self, above: Option<&str>) -> Result<(), CliError> {
        let text = match above {
            Some(above) => format!("{}\n\n{}", self.paint.paint(Tone::Bad, above), self.page),
            None => self.page.clone(),
        };
        if text == self.drawn {
            return Ok(());
        }
        let terminal = output::stdout_is_terminal();
        let over = if terminal { OVER_THE_LAST } else { "" };
        let apart = if terminal || self.drawn.is_empty() { "" } else { "\n" };
        output::data(&format!("{over}{apart}{text}"))?;
        self.drawn = text;
        Ok(())
    }
}
