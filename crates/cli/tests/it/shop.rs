//! The example service under a real server: real processes, real sockets, real files. When the shop is dropped, the lease
//! that all of them run under is let go, and nothing is left.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_loyalty::Artifact;

use crate::workspace::{EXECUTABLE, Ended, Workspace};

/// Everything that the tests wait for takes well below a second on an idle machine.
const WITHIN: Duration = Duration::from_secs(30);

const SERVICE: &str = r#"
service: loyalty
playbook: two-waves
cells: [{name: eu}, {name: us}]
gateway: {tenant_from: [{header: x-tenant}]}
components:
  - name: api
    command: ["{artifact}", --component, api, --port, "{port}", --linger-ms, "100"]
    environment: {LOYALTY_DATA: FOLDER}
    ready: {path: /healthz}
    stop: {grace: 2s}
    drain: {requests: 1s, streams: 1s}
  - name: ledger
    kind: worker
    ownership: tenant
    command: ["{artifact}", --component, ledger, --port, "{port}", --linger-ms, "100"]
    environment: {LOYALTY_DATA: FOLDER}
    ready: {path: /healthz}
    stop: {grace: 2s}
"#;

const TENANTS: &str = "
tenants:
  - {id: acme, cell: eu, opt_in: true}
  - {id: bolt, cell: eu}
  - {id: cato, cell: us}
";

/// Without traffic there is no verdict: a wave passes when its longest time is over.
const PLAYBOOK: &str = "
name: two-waves
waves:
  - {name: first, select: {opt_in: true}, bake: {least: 100ms, longest: FIRST, requests: 1}}
  - {name: rest, select: {rest: true}, bake: {least: 100ms, longest: 200ms, requests: 1}}
on_inconclusive: pass
rollback_window: 1h
";

pub struct Shop {
    pub workspace: Workspace,
    pub gateway: SocketAddr,
    server: Option<Child>,
    /// What the server is started with besides.
    variables: Vec<(&'static str, String)>,
    _lease: File,
}

impl Shop {
    /// The files and a server; nothing is released yet. `first_bake` is the longest bake of the first wave.
    pub fn open(first_bake: &str) -> Self {
        Self::open_with(first_bake, Vec::new(), |_| {})
    }

    /// With a server that has these variables, and files that are changed before it reads them.
    pub fn open_with(
        first_bake: &str,
        variables: Vec<(&'static str, String)>,
        change: impl FnOnce(&Workspace),
    ) -> Self {
        let workspace = Workspace::empty();
        let data = workspace.path("data");
        std::fs::create_dir_all(&data).unwrap();
        workspace.write("tidegate.yaml", &SERVICE.replace("FOLDER", data.to_str().unwrap()));
        workspace.write("tenants.yaml", TENANTS);
        workspace.write("playbooks/two-waves.yaml", &PLAYBOOK.replace("FIRST", first_bake));
        let lease = File::create(workspace.path("lease")).unwrap();
        lease.lock().unwrap();
        change(&workspace);
        let mut shop = Self {
            workspace,
            gateway: free_address(),
            server: None,
            variables,
            _lease: lease,
        };
        shop.write_release(&Artifact::old());
        shop.write_release(&Artifact::good());
        shop.serve();
        shop
    }

    /// With 1.0.0 for everybody.
    pub fn installed(first_bake: &str) -> Self {
        let shop = Self::open(first_bake);
        shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
            .succeeded();
        shop
    }

    /// `1.1.0.yaml` and its artifact.
    pub fn write_release(&self, artifact: &Artifact) {
        let version = &artifact.version;
        let text = artifact.render(EXECUTABLE.as_ref()).unwrap();
        self.workspace.write(&format!("loyalty-{version}"), &text);
        let listed = format!("{{artifact: loyalty-{version}}}");
        let release = format!("version: {version}\ncomponents: {{api: {listed}, ledger: {listed}}}\n");
        self.workspace.write(&format!("{version}.yaml"), &release);
    }

    pub fn serve(&mut self) {
        self.serve_at("127.0.0.1:0");
    }

    /// Where the API is served now.
    pub fn endpoint(&self) -> String {
        let text = std::fs::read_to_string(self.workspace.path(".tidegate/endpoint")).unwrap();
        text.trim().trim_start_matches("http://").to_owned()
    }

    /// A gateway that follows this address is adopted as it runs.
    pub fn serve_at(&mut self, listen: &str) {
        // What an earlier server wrote must not be taken for what this one writes.
        let _ = std::fs::remove_file(self.workspace.path(".tidegate/endpoint"));
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.workspace.path("serve.log"))
            .unwrap();
        let gateway = self.gateway.to_string();
        let mut server = self.workspace.command();
        server.args(["serve", "--lease", "lease", "--gateway-listen", &gateway]);
        server.args(["--listen", listen]);
        server.envs(self.variables.iter().map(|(name, value)| (name, value)));
        self.server = Some(server.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let deadline = Instant::now() + WITHIN;
        while self.run(&["status"]).code != 0 {
            let ended = self.server().try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "it does not serve: {ended:?}\n{}",
                self.log()
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// At once, as a power cut would.
    pub fn kill_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    pub fn server(&mut self) -> &mut Child {
        self.server.as_mut().expect("it serves")
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.workspace.run(arguments)
    }

    pub fn status(&self) -> Value {
        self.run(&["status", "--json"]).succeeded().json()
    }

    /// 1.1.0 for the first wave, which is being baked.
    pub fn baking() -> Self {
        let shop = Self::installed("1h");
        shop.run(&["apply", "1.1.0.yaml"]).succeeded();
        shop.wait_until("the first wave is baked", |shop| {
            shop.status()["releases"][1]["waves"][0]["stage"] == "bake"
        });
        assert_eq!(shop.served_by("acme").as_deref(), Some("1.1.0"));
        shop
    }

    /// What the gateway answers to this tenant: the version that served it.
    pub fn served_by(&self, tenant: &str) -> Option<String> {
        let answer = self.get("/points/ada", tenant).ok()?;
        let version = answer.lines().find_map(|line| line.strip_prefix("x-loyalty-version: "));
        version.map(str::to_owned)
    }

    pub fn get(&self, path: &str, tenant: &str) -> std::io::Result<String> {
        self.send(path, tenant)?.read()
    }

    /// A request that is left in flight.
    pub fn begin(&self, path: &str, tenant: &str) -> InFlight {
        self.send(path, tenant).unwrap()
    }

    fn send(&self, path: &str, tenant: &str) -> std::io::Result<InFlight> {
        send_to(self.gateway, path, tenant)
    }

    #[track_caller]
    pub fn wait_until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + WITHIN;
        while !so(self) {
            let in_time = Instant::now() < deadline;
            assert!(
                in_time,
                "not so within {WITHIN:?}: {what}\n{}\n{:#?}",
                self.log(),
                self.run(&["status"])
            );
            sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.workspace.path("serve.log")).unwrap_or_default()
    }
}

/// A request whose answer nobody has read.
pub struct InFlight(TcpStream);

impl InFlight {
    pub fn ends(self) -> String {
        self.read().unwrap()
    }

    fn read(mut self) -> std::io::Result<String> {
        let mut answer = String::new();
        self.0.read_to_string(&mut answer)?;
        Ok(answer.replace("\r\n", "\n"))
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// What a gateway answers, for threads that outlive a borrow of the shop.
pub fn get_from(gateway: SocketAddr, path: &str, tenant: &str) -> std::io::Result<String> {
    send_to(gateway, path, tenant)?.read()
}

fn send_to(gateway: SocketAddr, path: &str, tenant: &str) -> std::io::Result<InFlight> {
    let mut stream = TcpStream::connect(gateway)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: loyalty\r\nx-tenant: {tenant}\r\nconnection: close\r\n\r\n"
    )?;
    Ok(InFlight(stream))
}

pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
