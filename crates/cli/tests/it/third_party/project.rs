//! The example project of Radicale in a folder of its own, served by the real executable.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::calendar::events_in;
use crate::shop::free_address;
use crate::workspace::Workspace;

/// Anything that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// The waves of the example, in a hurry.
const PLAYBOOK: &str = "\
name: two-waves
waves:
  - {name: opted-in, select: {opt_in: true}, bake: {least: 3s, longest: 2m, requests: 20}}
  - {name: everybody, select: {rest: true}, bake: {least: 3s, longest: 2m, requests: 40}}
health: {interval: 1s, latency: {quantile: 0.95, ratio: 20, slack_ms: 5000}}
rollback_window: 1h
";

pub struct Project {
    workspace: Workspace,
    gateway: SocketAddr,
    server: Child,
    /// Gateway and instances end when this is let go, however the test ends.
    _lease: File,
}

impl Project {
    /// Serves the example; `None` where its artifacts are not here and cannot be made.
    pub fn serve() -> Option<Self> {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/radicale");
        pack(&example)?;
        let workspace = Workspace::empty();
        copy(&example, workspace.as_ref());
        workspace.write("playbooks/two-waves.yaml", PLAYBOOK);
        let lease = File::create(workspace.path("lease")).unwrap();
        lease.lock().unwrap();
        let gateway = free_address();
        let server = workspace
            .command()
            .args(["serve", "--lease", "lease", "--gateway-listen", &gateway.to_string()])
            // The calendars lie below it.
            .env("HOME", workspace.path("home"))
            .stdout(Stdio::null())
            .stderr(File::create(workspace.path("serve.log")).unwrap())
            .spawn()
            .unwrap();
        let project = Self {
            workspace,
            gateway,
            server,
            _lease: lease,
        };
        project.until("the server answers", |project| {
            project.workspace.run(&["status"]).code == 0
        });
        Some(project)
    }

    /// Where clients come in.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// Runs a verb, which has to end well.
    pub fn run(&self, arguments: &[&str]) {
        let ended = self.workspace.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:#?}\n{}", self.log());
    }

    /// Returns when every tenant is routed to `version` and the gateway has confirmed that.
    pub fn until_all_are_on(&self, version: &str) {
        self.until(&format!("all tenants on {version}"), |project| {
            let document = |verb| project.workspace.run(&[verb, "--json"]).succeeded().json();
            let (tenants, status) = (document("tenants"), document("status"));
            let mut tenants = tenants["tenants"].as_array().unwrap().iter();
            tenants.all(|tenant| tenant["version"] == version) && status["confirmed"] == status["generation"]
        });
    }

    /// The names of all events of a tenant that lie on the disk, in order, as often as they occur.
    pub fn events_on_disk(&self, tenant: &str) -> Vec<String> {
        let calendars = "home/.local/share/radicale/collections/collection-root";
        let calendar = self.workspace.path(calendars).join(tenant).join("work");
        let mut events = Vec::new();
        for entry in fs::read_dir(calendar).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "ics") {
                events.extend(events_in(&fs::read_to_string(path).unwrap()));
            }
        }
        events.sort();
        events
    }

    fn log(&self) -> String {
        fs::read_to_string(self.workspace.path("serve.log")).unwrap_or_default()
    }

    fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !so(self) {
            assert!(Instant::now() < deadline, "not in time: {what}\n{}", self.log());
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // What cannot be ended has ended.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Makes sure of the artifacts. In CI they have to be there; on a desk without an index of packages the test is left out.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was left out")]
fn pack(example: &Path) -> Option<()> {
    let packed = Command::new("python3").arg(example.join("build.py")).output();
    let why = match packed {
        Ok(output) if output.status.success() => return Some(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("cannot start python3: {error}"),
    };
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "Radicale cannot be packed: {why}");
    eprintln!("left out, because Radicale cannot be packed: {why}");
    None
}

/// Copies the files of a folder and of the folders in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
