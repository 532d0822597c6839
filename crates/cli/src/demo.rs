//! `tidegate demo`: real processes, real traffic, a good release and a bad one.
//!
//! Everything runs as it would for a user: a server, its gateway and the slots of two cells as processes of their own, the
//! traffic from a generator that knows nothing of them, the releases through the API. Only the calendar is sped up: the
//! playbook bakes for seconds.

mod closing;
mod generator;
mod journal;
mod kills;
mod releases;
mod server;
mod story;
pub mod workers;
mod world;

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Args as Arguments;
use tidegate_loyalty::Artifact;

use self::closing::Closing;
use self::generator::Generator;
use self::kills::Killer;
use self::releases::{Ending, Releases};
use self::server::{Patient, Server};
use self::story::Story;
use self::world::{Project, World};
use crate::error::CliError;
use crate::output;
use crate::traffic::config::Rates;

/// Release a small service to fifty tenants under traffic, once well and once badly
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// End with one JSON document instead of a table
    #[arg(long)]
    pub json: bool,
    /// Keep the folder of the demo, with its logs
    #[arg(long)]
    pub keep: bool,
    /// Play a story instead, on a database that real processes write and read
    #[arg(long, value_name = "NAME", conflicts_with_all = ["kills", "seed"])]
    pub story: Option<Story>,
    /// Kill the server so many times meanwhile
    #[arg(long, hide = true, default_value_t = 0)]
    pub kills: u32,
    /// Of the instants at which it is killed
    #[arg(long, hide = true, default_value_t = 0)]
    pub seed: u64,
}

/// Traffic before the first switch: what the new version is judged against.
const HISTORY: Duration = Duration::from_secs(10);

pub fn run(args: &Args) -> Result<ExitCode, CliError> {
    if let Some(story) = args.story {
        return story::run(story, args.json, args.keep);
    }
    let began = Instant::now();
    let world = World::make(args.keep, &Project::demo(include_str!("demo/files/playbook.yaml")))?;
    say(
        began,
        &format!("50 tenants in two cells; everything is in {}", world.folder().display()),
    );
    let server = Mutex::new(Server::start(&world)?);
    let killer = Killer::new(args.kills, args.seed);
    let (played, gaps) = std::thread::scope(|scope| {
        let kills = scope.spawn(|| killer.run(&world, &server));
        let played = play(&world, began);
        killer.stop();
        (played, kills.join())
    });
    let gaps = gaps.map_err(|_| CliError::new("a thread of the demo has panicked"))??;
    let closing = Closing { gaps, ..played? };
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

fn play(world: &World, began: Instant) -> Result<Closing, CliError> {
    let client = Patient::new(world)?;
    let mut releases = Releases::new(world, &client, began);
    releases.install(&Artifact::old())?;
    let gateway = Server::gateway(&client)?;
    say(
        began,
        &format!("1.0.0 serves every tenant through the gateway at http://{gateway}"),
    );
    let mut generator = Generator::start(world, gateway, &Rates::demo())?;
    say(
        began,
        "traffic: GET, POST, slow answers, event streams, WebSockets, uploads, HTTP/2; about 160 a second",
    );
    generator.watch(HISTORY)?;
    let good = releases.roll_out(&Artifact::good(), &mut generator)?;
    let bad = releases.roll_out(&world.bad(), &mut generator)?;
    let traffic = generator.finish()?;
    kills::check(world, &client)?;
    Ok(Closing {
        traffic,
        releases: vec![good, bad],
        gaps: Vec::new(),
    })
}

/// A line for whoever watches.
fn say(began: Instant, text: &str) {
    output::message(&format!("{:5.1} s  {text}", began.elapsed().as_secs_f64()));
}

/// What the demo expects of each release; anything else is a failure of the demo.
const EXPECTED: [(&str, Ending); 2] = [("1.1.0", Ending::Completed), ("1.2.0", Ending::RolledBack)];
