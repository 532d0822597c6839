//! `tidegate workers`: hands the work of a durable event log over a hundred times, through releases and rollbacks of a real server and
//! its driver, while events arrive and workers are killed or stopped, and counts what each event came to. It is hidden, for it proves
//! the driver to those who work on it. What it does and what it has measured is in `docs/worker.md`.

mod closing;
mod course;
mod process;
mod trouble;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args as Arguments;
use tidegate_loyalty::Artifact;

use self::closing::Closing;
use self::course::Course;
use super::generator::Generator;
use super::releases::Releases;
use super::server::{Patient, Server};
use super::world::{Project, World};
use super::{kills, say};
use crate::error::CliError;
use crate::output;
use crate::traffic::config::Rates;

#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// How often the work changes hands
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub hand_overs: u32,
    /// Of what happens to the workers, and when
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the outcome as one document
    #[arg(long)]
    pub json: bool,
    /// Keep the folder of the run, with its logs
    #[arg(long)]
    pub keep: bool,
}

/// Mostly writes, for it is events that the worker books.
const RATES: Rates = Rates {
    get: 10.0,
    post: 150.0,
    slow_get: 0.0,
    feed: 0.0,
    live: 0.0,
    upload: 0.0,
    http2: 0.0,
    reuse: 0.0,
};
/// Load before the first hand-over.
const WARM_UP: Duration = Duration::from_secs(1);

pub fn run(args: &Args) -> Result<ExitCode, CliError> {
    let began = Instant::now();
    let world = World::make(args.keep, &Project::demo(include_str!("files/workers.yaml")))?;
    let server = Server::start(&world)?;
    let client = Patient::new(&world)?;
    Releases::new(&world, &client, began).install(&Artifact::old())?;
    let mut generator = Generator::start(&world, Server::gateway(&client)?, &RATES)?;
    generator.watch(WARM_UP)?;
    let mut course = Course::new(&world, &client, args.seed);
    for number in 1..=args.hand_overs {
        let done = course.hand_over()?;
        say(began, &format!("hand-over {number}: {done}"));
    }
    let seen = course.finish()?;
    let closing = Closing::new(seen, generator.finish()?);
    kills::check(&world, &client)?;
    drop(server);
    if args.json {
        output::json(&closing.document())?;
    } else {
        output::data(&closing.table(began.elapsed()))?;
    }
    Ok(match closing.is_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
