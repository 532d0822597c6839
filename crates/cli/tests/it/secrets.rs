//! Secrets of a real service under the real executable: its instances have them, and nothing else does.
//!
//! Canaries are planted where secrets are found, and looked for wherever Tidegate writes or answers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::shop::Shop;
use crate::workspace::Workspace;

/// An instance leaves the hash of its secrets in the data of the service, and then is the service.
const COMMAND: &str = r#"[/bin/sh, -c, 'printf %s "$FROM_FILE,$FROM_ENVIRONMENT,$FROM_CREDENTIAL" | sha256sum > "$LOYALTY_DATA/$TIDEGATE_CELL-$TIDEGATE_VERSION"; exec "$0" "$@"', "{artifact}", --component, api,"#;

/// Where the secrets are found. `us` has one that is found elsewhere.
const SECRETS: &str = r"
    requires: [FROM_FILE, FROM_ENVIRONMENT, FROM_CREDENTIAL]
    secrets:
      FROM_FILE: {file: VAULT/file}
      FROM_ENVIRONMENT: {environment: SHOP_SECRET}
      FROM_CREDENTIAL: {credential: shop}
    cells: {us: {secrets: {FROM_FILE: {file: VAULT/file-us}}}}
";

/// A step on data that does as an instance does.
const STEP: &str = r#"
steps:
  - name: check
    kind: expand
    component: api
    command: [/bin/sh, -c, 'printf %s "$FROM_FILE,$FROM_ENVIRONMENT,$FROM_CREDENTIAL" | sha256sum > "$LOYALTY_DATA/step-$TIDEGATE_CELL"']
"#;

/// Secret values, and the folder that they are found in.
struct Vault {
    folder: TempDir,
    /// All that were ever planted.
    canaries: Vec<String>,
    environment: String,
}

impl Vault {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut vault = Self {
            folder,
            canaries: Vec::new(),
            environment: String::new(),
        };
        vault.environment = vault.canary();
        for name in ["file", "file-us", "shop"] {
            vault.plant(name, "\n");
        }
        vault
    }

    fn canary(&mut self) -> String {
        let mut bytes = [0; 32];
        File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
        let canary: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.canaries.push(canary.clone());
        canary
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn plant(&mut self, name: &str, end: &str) {
        let canary = self.canary();
        fs::write(self.path(name), format!("{canary}{end}")).unwrap();
    }

    /// The hash of what an instance in this cell has to have.
    fn hash(&self, cell: &str) -> String {
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap().trim_end().to_owned();
        let file = if cell == "us" { "file-us" } else { "file" };
        let all = format!("{},{},{}", read(file), self.environment, read("shop"));
        let digest: String = Sha256::digest(all).iter().map(|byte| format!("{byte:02x}")).collect();
        digest
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SHOP_SECRET", self.environment.clone()),
            ("CREDENTIALS_DIRECTORY", self.folder.path().display().to_string()),
        ]
    }

    /// A part of a canary that stands in a text. A page of a database may end within it, so that a part is enough.
    fn leak<'a>(&'a self, text: &[u8]) -> Option<&'a str> {
        let text = String::from_utf8_lossy(text);
        let parts = self
            .canaries
            .iter()
            .flat_map(|canary| [&canary[..16], &canary[16..32], &canary[32..48], &canary[48..]]);
        parts.into_iter().find(|part| text.contains(*part))
    }
}

fn open(vault: &Vault) -> Shop {
    Shop::open_with("300ms", vault.variables(), |workspace| {
        let first = "[\"{artifact}\", --component, api,";
        workspace.replace("tidegate.yaml", first, COMMAND);
        let folder = vault.folder.path().display().to_string();
        let secrets = SECRETS.replace("VAULT", &folder);
        let ready = "    ready: {path: /healthz}\n    stop: {grace: 2s}\n    drain";
        workspace.replace(
            "tidegate.yaml",
            ready,
            &format!("{}{ready}", secrets.trim_start_matches('\n')),
        );
    })
}

/// What the instances of a version, or a step, have left.
#[track_caller]
fn has_what_it_shall(shop: &Shop, vault: &Vault, cell: &str, name: &str) {
    let text = fs::read_to_string(shop.workspace.path(&format!("data/{name}"))).unwrap();
    assert_eq!(
        text.split_whitespace().next(),
        Some(vault.hash(cell).as_str()),
        "{name}"
    );
}

/// All that can be read from the API, by its own list of routes, each with its answer.
fn answers(shop: &Shop, version: &str, digest: &str, slot: &str) -> BTreeMap<String, String> {
    let routes = get(shop, "/openapi.json");
    let routes: Value = serde_json::from_str(routes.split_once("\r\n\r\n").unwrap().1).unwrap();
    let paths = routes["paths"].as_object().unwrap().iter();
    let readable = paths.filter(|(_, methods)| methods.get("get").is_some());
    let mut answers = BTreeMap::new();
    // One never ends, and says what the journal says; the other has nothing to say, for no component here is a job.
    let left_out = ["/v1/journal/stream", "/v1/jobs/{component}/logs"];
    for (route, _) in readable.filter(|(route, _)| !left_out.contains(&route.as_str())) {
        let path = route
            .replace("{version}", version)
            .replace("{other}", "1.0.0")
            .replace("{digest}", digest)
            .replace("{step}", "check")
            .replace("{wave}", "first")
            .replace("{name}", "acme")
            .replace("{component}", "api");
        assert!(!path.contains('{'), "{route} has to be filled in");
        let query = match route.as_str() {
            "/v1/logs" => format!("?cell=eu&slot={slot}&instance=0&lines=1000"),
            "/v1/releases/{version}/steps/{step}/logs" => "?cell=eu&lines=1000".to_owned(),
            "/v1/releases/{version}/reservations" => "?tenant=acme".to_owned(),
            _ => String::new(),
        };
        let path = format!("{path}{query}");
        answers.insert(route.clone(), get(shop, &path));
    }
    answers
}

/// An answer, its head included.
#[track_caller]
fn get(shop: &Shop, path: &str) -> String {
    let read = |name: &str| fs::read_to_string(shop.workspace.path(name)).unwrap().trim().to_owned();
    let endpoint = read(".tidegate/endpoint");
    let authority = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let token = read(".tidegate/admin.token");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // This playbook lets nobody reserve a time; what a refusal says is looked at as well.
    let expected = if path.contains("/reservations") { "409" } else { "200" };
    assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{path}: {answer}");
    answer
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&path));
        } else if entry.file_type().unwrap().is_file() {
            files.push(path);
        }
    }
    files
}

/// A release that runs the artifacts of `1.0.0`.
fn write_release(workspace: &Workspace, version: &str, more: &str) {
    let release = fs::read_to_string(workspace.path("1.0.0.yaml")).unwrap();
    let release = release.replace("version: 1.0.0", &format!("version: {version}"));
    workspace.write(&format!("{version}.yaml"), &format!("{release}{more}"));
}

/// What `plan` prints of a release, for people and for programs, and its digest.
fn planned(shop: &Shop, file: &str) -> (Vec<u8>, String) {
    let people = shop.run(&["plan", file]);
    let programs = shop.run(&["plan", file, "--json"]).succeeded();
    let digest = programs.json()["digest"].as_str().unwrap().to_owned();
    let printed = format!("{}{}{}", people.stdout, people.stderr, programs.stdout);
    (printed.into_bytes(), digest)
}

#[test]
fn instances_have_secrets_and_nothing_that_is_written_or_answered_does() {
    let mut vault = Vault::new();
    let shop = open(&vault);
    let mut printed = Vec::new();
    printed.push(planned(&shop, "1.0.0.yaml").0);
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    has_what_it_shall(&shop, &vault, "eu", "eu-1.0.0");
    has_what_it_shall(&shop, &vault, "us", "us-1.0.0");

    // Rotated: another value, and a release that says so.
    vault.plant("file", "\n");
    let reference = |version: &str| format!("FROM_FILE: {{file: {}{version}}}", vault.path("file").display());
    shop.workspace
        .replace("tidegate.yaml", &reference(""), &reference(", version: 2"));
    write_release(&shop.workspace, "1.0.1", &format!("kind: patch\n{STEP}"));
    let (text, digest) = planned(&shop, "1.0.1.yaml");
    printed.push(text);
    shop.run(&["apply", "1.0.1.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    has_what_it_shall(&shop, &vault, "eu", "eu-1.0.1");
    has_what_it_shall(&shop, &vault, "eu", "step-eu");
    assert!(
        !shop.workspace.path("data/us-1.0.1").exists(),
        "us has the value that it had: its slot stays"
    );

    // A value that cannot be handed over, and the reason for that.
    vault.plant("file", "\0");
    let reference = |version: &str| format!("FROM_FILE: {{file: {}{version}}}", vault.path("file").display());
    shop.workspace
        .replace("tidegate.yaml", &reference(", version: 2"), &reference(", version: 3"));
    write_release(&shop.workspace, "1.0.2", "kind: patch\n");
    shop.run(&["apply", "1.0.2.yaml"]).succeeded();
    let reason = format!(
        "cannot get the secret `FROM_FILE` from file `{}`, version 3",
        vault.path("file").display()
    );
    shop.wait_until("the slot has failed", |shop| {
        shop.run(&["status"]).stdout.contains(&reason)
    });

    let cells = files_below(&shop.workspace.path(".tidegate"));
    let instance = |path: &&PathBuf| path.ends_with("0/instance.json") && path.to_string_lossy().contains("/eu/api");
    let slot = cells
        .iter()
        .find(instance)
        .and_then(|path| path.parent()?.parent()?.file_name())
        .unwrap();
    let answers = answers(&shop, "1.0.1", &digest, slot.to_str().unwrap());
    for (route, answer) in &answers {
        assert_eq!(vault.leak(answer.as_bytes()), None, "the answer of {route}");
    }
    for verb in [
        "status",
        "history",
        "releases",
        "diff 1.0.0 1.0.1",
        "steps 1.0.1",
        "journal",
    ] {
        let ended = shop.run(&verb.split(' ').collect::<Vec<_>>());
        printed.push(format!("{}{}", ended.stdout, ended.stderr).into_bytes());
    }
    printed.push(fs::read(shop.workspace.path("serve.log")).unwrap());
    for text in &printed {
        assert_eq!(vault.leak(text), None, "{}", String::from_utf8_lossy(text));
    }
    let files = files_below(&shop.workspace.path(".tidegate"));
    for file in &files {
        let content = fs::read(file).unwrap_or_default();
        assert_eq!(vault.leak(&content), None, "{}", file.display());
    }
    the_search_finds_what_is_there(&vault, &answers, &files);
}

/// References are where values must not be, and values are found where they were planted.
fn the_search_finds_what_is_there(vault: &Vault, answers: &BTreeMap<String, String>, files: &[PathBuf]) {
    let reference = vault.path("file").display().to_string();
    assert!(answers["/v1/plans/{digest}"].contains(&reference));
    assert!(answers["/v1/journal"].contains(&reference), "the reason of the failure");
    let in_files = files.iter().filter(|file| {
        let content = fs::read(file).unwrap_or_default();
        String::from_utf8_lossy(&content).contains(&reference)
    });
    assert!(in_files.count() > 0);
    assert!(files.iter().any(|file| file.ends_with("tidegate.db")));
    for name in ["file", "file-us", "shop"] {
        assert!(vault.leak(&fs::read(vault.path(name)).unwrap()).is_some());
    }
}
