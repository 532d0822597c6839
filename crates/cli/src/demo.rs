//! `tidegate demo`: real processes, real traffic, a good release and a bad one.
//!
//! Everything runs as it would for a user: a server, its gateway and the slots of two cells as processes of their own, the
//! traffic from a generator that knows nothing of them, the releases through the API. Only the calendar is sped up: the
//! playbook bakes for seconds.

mod closing;
mod generator;
mod journal;
mod releases;
mod server;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args as Arguments;
use tidegate_loyalty::Artifact;

use self::closing::Closing;
use self::generator::Generator;
use self::releases::{Ending, Releases};
use self::server::Server;
use self::world::World;
use crate::error::CliError;
use crate::output;

/// Release a small service to fifty tenants under traffic, once well and once badly
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// End with one JSON document instead of a table
    #[arg(long)]
    pub json: bool,
    /// Keep the folder of the demo, with its logs
    #[arg(long)]
    pub keep: bool,
}

/// Traffic before the first switch: what the new version is judged against.
const HISTORY: Duration = Duration::from_secs(10);

pub fn run(args: &Args) -> Result<ExitCode, CliError> {
    let began = Instant::now();
    let world = World::make(args.keep)?;
    say(
        began,
        &format!("50 tenants in two cells; everything is in {}", world.folder().display()),
    );
    let server = Server::start(&world)?;
    let mut releases = Releases::new(&world, &server, began)?;

    releases.install(&Artifact::old())?;
    let gateway = server.gateway(&world)?;
    say(
        began,
        &format!("1.0.0 serves every tenant through the gateway at http://{gateway}"),
    );
    let mut generator = Generator::start(&world, gateway)?;
    say(
        began,
        "traffic: GET, POST, slow answers, event streams, WebSockets, uploads, HTTP/2; about 160 a second",
    );
    generator.watch(HISTORY)?;

    let good = releases.roll_out(&Artifact::good(), &mut generator)?;
    let bad = releases.roll_out(&world.bad(), &mut generator)?;
    let traffic = generator.finish()?;
    let closing = Closing::new(traffic, vec![good, bad]);
    drop(server);
    if args.json {
        output::json(&closing.document())?;
    } else {
        output::data(&closing.table(began.elapsed()))?;
    }
    Ok(if closing.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A line for whoever watches.
fn say(began: Instant, text: &str) {
    output::message(&format!("{:5.1} s  {text}", began.elapsed().as_secs_f64()));
}

/// What the demo expects of each release; anything else is a failure of the demo.
const EXPECTED: [(&str, Ending); 2] = [("1.1.0", Ending::Completed), ("1.2.0", Ending::RolledBack)];
