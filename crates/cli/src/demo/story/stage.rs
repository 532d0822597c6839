//! Where a story plays: the project, the server, the load, and the verbs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_loyalty::members::{self, Work};
use tidegate_loyalty::{Artifact, Edition};

use super::load::Load;
use crate::demo::server::{Patient, Server};
use crate::demo::world::{Project, World};
use crate::demo::{kills, say};
use crate::error::CliError;
use crate::runtime;

/// Longer than anything in a story takes, on a machine that is busy with other things too.
const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// What a story begins with.
pub struct Setting {
    pub service: &'static str,
    pub playbook: &'static str,
    /// The tenants that are there from the beginning, by cell.
    pub tenants: &'static [(&'static str, &'static [&'static str])],
}

pub struct Stage {
    pub load: Load,
    pub client: Patient,
    pub world: World,
    cells: Vec<&'static str>,
    server: Server,
    began: Instant,
    /// What the story found wrong besides the figures.
    pub faults: Vec<String>,
    /// For how long nobody answered, each time the server was killed.
    pub gaps: Vec<Duration>,
    pub runtime: tokio::runtime::Runtime,
}

impl Stage {
    /// 1.0.0 for everybody, and the load that stays until the end.
    pub fn set(setting: &Setting, keep: bool, began: Instant) -> Result<Self, CliError> {
        let world = World::make(
            keep,
            &Project {
                service: setting.service,
                playbook: setting.playbook,
                tenants: tenants_file(setting.tenants),
            },
        )?;
        say(began, &format!("everything is in {}", world.folder().display()));
        let server = Server::start(&world)?;
        let client = Patient::new(&world)?;
        let load = Load::new(Server::gateway(&client)?)?;
        let stage = Self {
            load,
            client,
            world,
            cells: setting.tenants.iter().map(|(cell, _)| *cell).collect(),
            server,
            began,
            faults: Vec::new(),
            gaps: Vec::new(),
            runtime: runtime::serving()?,
        };
        stage.artifact("1.0.0", Edition::Old)?;
        let release = stage.release("1.0.0", "")?;
        stage.apply("1.0.0", &release)?;
        stage.wait_for_phase("1.0.0", "completed")?;
        for (cell, tenants) in setting.tenants {
            tenants.iter().for_each(|tenant| stage.load.begin(tenant, cell));
        }
        stage.say("1.0.0 serves every tenant; members are written and read all the while");
        stage.load.watch_requests(200)?;
        Ok(stage)
    }

    pub fn say(&self, text: &str) {
        say(self.began, text);
    }

    pub fn fault(&mut self, what: String) {
        self.say(&format!("wrong: {what}"));
        self.faults.push(what);
    }

    pub fn data(&self, cell: &str) -> PathBuf {
        self.world.data(cell)
    }

    pub fn cells(&self) -> &[&'static str] {
        &self.cells
    }

    /// A version of the service, as one executable file in the folder.
    pub fn artifact(&self, version: &str, edition: Edition) -> Result<String, CliError> {
        let failed = || CliError::new(format!("cannot write the artifact of {version}"));
        let artifact = Artifact {
            version: version.to_owned(),
            edition,
        };
        let text = artifact.render(&self.world.folder().join("bin/tidegate"));
        let text = text.map_err(|error| failed().because(error))?;
        let name = format!("loyalty-{version}");
        let path = self.world.folder().join(&name);
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
            .map_err(|error| failed().because(error))?;
        Ok(name)
    }

    /// The release file of a version whose artifact is there; `rest` is the end of it.
    pub fn release(&self, version: &str, rest: &str) -> Result<String, CliError> {
        let data = |cell: &&str| format!("{cell}: {{LOYALTY_DATA: \"{}\"}}", self.data(cell).display());
        let cells: Vec<String> = self.cells.iter().map(data).collect();
        let cells = cells.join(", ");
        let text = format!(
            "version: {version}\ncomponents:\n  members: {{artifact: loyalty-{version}, cells: {{{cells}}}}}\n{rest}"
        );
        let name = format!("{version}.yaml");
        fs::write(self.world.folder().join(&name), text)
            .map_err(|error| CliError::new(format!("cannot write release {version}")).because(error))?;
        Ok(name)
    }

    /// Types a verb; returns what it prints.
    pub fn tidegate(&self, arguments: &[&str]) -> Result<String, CliError> {
        let typed = format!("tidegate {}", arguments.join(" "));
        self.say(&typed);
        let mut command = Command::new(self.world.folder().join("bin/tidegate"));
        command.args(arguments).current_dir(self.world.folder());
        for name in ["TIDEGATE_SERVER", "TIDEGATE_TOKEN"] {
            command.env_remove(name);
        }
        self.end(&typed, command)
    }

    /// Runs what an artifact does besides serving.
    pub fn work(&self, artifact: &str, cell: &str, arguments: &[&str]) -> Result<String, CliError> {
        let mut command = Command::new(self.world.folder().join(artifact));
        command.args(arguments).env("LOYALTY_DATA", self.data(cell));
        self.end(&format!("{artifact} {}", arguments.join(" ")), command)
    }

    fn end(&self, what: &str, mut command: Command) -> Result<String, CliError> {
        let failed = || CliError::new(format!("`{what}` did not end as the story wants"));
        let ended = command.output().map_err(|error| failed().because(error))?;
        if !ended.status.success() {
            return Err(failed().diagnostics(String::from_utf8_lossy(&ended.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    }

    pub fn apply(&self, version: &str, release: &str) -> Result<(), CliError> {
        let path = self.world.folder().join(release);
        crate::demo::releases::apply(&self.world, &self.client, version, path)
    }

    /// Polls what `look` sees until it holds, and the load goes on meanwhile.
    pub fn wait(&self, what: &str, look: impl Fn(&Self) -> Result<bool, CliError>) -> Result<(), CliError> {
        let until = Instant::now() + WITHIN;
        while !look(self)? {
            if Instant::now() > until {
                let told = self.tidegate(&["status"]).unwrap_or_default();
                return Err(
                    CliError::timed_out(format!("waited {} s in vain: {what}", WITHIN.as_secs()))
                        .diagnostics(told)
                        .help("run it with `--keep` and read server.log in its folder"),
                );
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// What `status` says of a release; null where there is none of the version.
    pub fn run_of(&self, version: &str) -> Result<Value, CliError> {
        let status = self.client.get("/v1/status")?;
        let mut runs = status["releases"].as_array().into_iter().flatten();
        Ok(runs.find(|run| run["version"] == version).cloned().unwrap_or_default())
    }

    pub fn wait_for_phase(&self, version: &str, phase: &str) -> Result<(), CliError> {
        self.wait(&format!("{version} is {phase}"), |stage| {
            Ok(stage.run_of(version)?["phase"] == phase)
        })
    }

    pub fn wait_for_wave(&self, version: &str, wave: &str, is: impl Fn(&Value) -> bool) -> Result<(), CliError> {
        self.wait(
            &format!("wave {wave} of {version} is where the story wants it"),
            |stage| {
                let run = stage.run_of(version)?;
                let mut waves = run["waves"].as_array().into_iter().flatten();
                Ok(waves.any(|found| found["name"] == wave && is(found)))
            },
        )
    }

    /// Every gateway serves what was decided last.
    pub fn wait_for_gateways(&self) -> Result<(), CliError> {
        self.wait("every gateway has confirmed", |stage| {
            let status = stage.client.get("/v1/status")?;
            Ok(status["confirmed"].as_u64() >= status["generation"].as_u64())
        })
    }

    pub fn tenant(&self, name: &str) -> Result<Value, CliError> {
        let list = self.client.get("/v1/tenants")?;
        let mut tenants = list["tenants"].as_array().into_iter().flatten();
        Ok(tenants
            .find(|tenant| tenant["name"] == name)
            .cloned()
            .unwrap_or_default())
    }

    pub fn kill_server(&mut self, while_: &str) -> Result<(), CliError> {
        let gap = self.server.kill_and_start(&self.world)?;
        self.say(&format!("server killed {while_}, back within {} ms", gap.as_millis()));
        self.gaps.push(gap);
        Ok(())
    }

    pub fn work_done(&self, cell: &str) -> Result<Work, CliError> {
        let done = self.runtime.block_on(members::work(&self.data(cell)));
        done.map_err(|error| CliError::new("cannot read what was done to the members").because(error))
    }

    /// The journal is whole, and one process runs for each instance that shall.
    pub fn check_server(&self) -> Result<(), CliError> {
        let journal = self.client.get("/v1/journal/verify")?;
        if journal["whole"] != true {
            return Err(CliError::new(format!("the journal is not whole: {journal}")));
        }
        kills::check(&self.world, &self.client)
    }
}

fn tenants_file(tenants: &[(&str, &[&str])]) -> String {
    let mut text = String::from("tenants:\n");
    for (cell, names) in tenants {
        for (number, name) in names.iter().enumerate() {
            // The first of each cell goes first.
            let first = number == 0;
            text.push_str(&format!("  - {{id: {name}, cell: {cell}, opt_in: {first}}}\n"));
        }
    }
    text
}
