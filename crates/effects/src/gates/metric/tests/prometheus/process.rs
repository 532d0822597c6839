//! Prometheus as a process, and exporters that it scrapes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::super::super::server::Asked;
use super::super::super::with::Metric;
use super::json;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Prometheus {
    url: String,
    /// It is killed with this.
    _child: Child,
    _folder: TempDir,
}

/// An instance with this page, by how often it was scraped.
pub async fn exporter(page: impl Fn(u64) -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (page, scrapes) = (Arc::new(page), Arc::new(AtomicU64::new(0)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (page, scrapes) = (Arc::clone(&page), Arc::clone(&scrapes));
            let answer = service_fn(move |_| {
                let text = page(scrapes.fetch_add(1, Ordering::SeqCst) + 1);
                async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text)))) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    address
}

impl Prometheus {
    /// One that scrapes these, twice a second. `None` where there is no Prometheus, on a desk.
    pub async fn scraping(instances: &[SocketAddr]) -> Option<Self> {
        let programs = folder().await?;
        Some(Self::start(&programs, tempfile::tempdir().unwrap(), instances).await)
    }

    /// One that has these samples, in the OpenMetrics format. `None` where there is no Prometheus, on a desk.
    pub async fn with_history(samples: &str) -> Option<Self> {
        let programs = folder().await?;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("samples");
        std::fs::write(&file, samples).unwrap();
        let made = Command::new(programs.join("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .arg(file)
            .arg(folder.path().join("data"))
            .output();
        let made = made.await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(Self::start(&programs, folder, &[]).await)
    }

    async fn start(programs: &Path, folder: TempDir, instances: &[SocketAddr]) -> Self {
        let targets: Vec<String> = instances.iter().map(SocketAddr::to_string).collect();
        let configuration = json!({
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
            "scrape_configs": [{"job_name": "instances", "static_configs": [{"targets": targets}]}],
        });
        let file = folder.path().join("prometheus.yml");
        // JSON is YAML.
        std::fs::write(&file, configuration.to_string()).unwrap();
        let mut child = Command::new(programs.join("prometheus"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
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
            let line = line.unwrap_or_else(|| panic!("Prometheus has ended: {said}"));
            // The port that it was given.
            if let Some((_, address)) = line.split_once("\"Listening on\" address=127.0.0.1:") {
                break address.trim().to_owned();
            }
            said.push_str(&line);
        };
        // What it says is read, so that it can go on.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            _child: child,
            _folder: folder,
        }
    }

    /// What a playbook says to ask this one.
    pub fn with(&self, asked: Value, more: Value) -> Value {
        let mut with = json!({"url": self.url});
        for fields in [asked, more] {
            let Value::Object(fields) = fields else {
                panic!("no fields");
            };
            with.as_object_mut().unwrap().extend(fields);
        }
        with
    }

    /// Until a query has a number.
    pub async fn until(&self, query: &str) {
        let metric = Metric::read(&json!({"url": self.url, "query": query, "at_least": 0})).unwrap();
        let asked = Asked::new(&metric.server, metric.stale_after).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while let Err(lacking) = asked.number(query).await {
            assert!(Instant::now() < deadline, "not in time: {query}: {}", lacking.reason);
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Where Prometheus is. In CI it has to be found or fetched; on a desk the test is left out.
async fn folder() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gates/metric/tests/prometheus/fetch.py");
    let why = match Command::new("python3").arg(script).output().await {
        Ok(output) if output.status.success() => {
            return Some(PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()));
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("cannot start python3: {error}"),
    };
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "Prometheus cannot be fetched: {why}");
    eprintln!("left out, because Prometheus cannot be fetched: {why}");
    None
}
