//! Alertmanager as a process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::super::super::exchange::{Way, address, empty};
use crate::wire::Wire;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Alertmanager {
    pub url: String,
    /// It is killed with this.
    _child: Child,
    _folder: TempDir,
}

impl Alertmanager {
    /// One that tells this receiver. `None` where there is no Alertmanager, on a desk.
    pub async fn telling(receiver: Value) -> Option<Self> {
        let (program, templates) = program().await?;
        let folder = tempfile::tempdir().unwrap();
        let mut receiver = receiver;
        receiver["name"] = json!("people");
        let route = json!({
            "receiver": "people",
            "group_by": ["alertname", "alert_id"],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        });
        let configuration = json!({"route": route, "receivers": [receiver]});
        let file = folder.path().join("alertmanager.yml");
        // JSON is YAML.
        std::fs::write(&file, configuration.to_string()).unwrap();
        let mut child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address="])
            .current_dir(templates)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let port = loop {
            let line = log.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("Alertmanager has ended: {said}"));
            // The port that it was given.
            if let Some((_, address)) = line.split_once("\"Listening on\" address=127.0.0.1:") {
                break address.trim().to_owned();
            }
            said.push_str(&line);
        };
        // What it says is read, so that it can go on.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Some(Self {
            url: format!("http://127.0.0.1:{port}"),
            _child: child,
            _folder: folder,
        })
    }

    /// The alerts that stand, as it shows them.
    pub async fn alerts(&self) -> Vec<Value> {
        let uri = address(&format!("{}/api/v2/alerts", self.url), Way::Open).unwrap();
        let (status, body) = Wire::default()
            .call(empty(http::Method::GET, uri), 1_000_000)
            .await
            .unwrap();
        assert!(status.is_success(), "{status}");
        serde_json::from_slice(&body).unwrap()
    }

    /// Until what it shows is so.
    pub async fn until(&self, what: &str, is_so: impl Fn(&[Value]) -> bool) {
        until(what, async || {
            let alerts = self.alerts().await;
            is_so(&alerts).then_some(()).ok_or_else(|| format!("{alerts:?}"))
        })
        .await;
    }
}

/// Until something has a value.
pub async fn until<T>(what: &str, look: impl AsyncFn() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "not in time: {what}: {seen}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Its program, and where it is started. In CI it has to be found or fetched; on a desk the test is left out.
async fn program() -> Option<(PathBuf, PathBuf)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/notify/alertmanager/tests/fetch.py");
    let why = match Command::new("python3").arg(script).output().await {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8(output.stdout).unwrap();
            let (program, folder) = said.trim().split_once('\n').unwrap();
            return Some((PathBuf::from(program), PathBuf::from(folder)));
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("cannot start python3: {error}"),
    };
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "Alertmanager cannot be fetched: {why}");
    eprintln!("left out, because Alertmanager cannot be fetched: {why}");
    None
}
