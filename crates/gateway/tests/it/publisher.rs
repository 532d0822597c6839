//! A publisher of tables, as small as the protocol allows.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tidegate_gateway::protocol::{
    COUNTERS_PATH, Confirmed, FOLLOW_PATH, Follow, FollowReply, MIRRORED_PATH, Mark, MirrorCounts, Mirrored,
    MirroredPair, MirroredReply, Report, ReportReply, Tap,
};
use tidegate_gateway::table::Table;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub const TOKEN: &str = "t0k3n";

pub struct Publisher {
    pub address: SocketAddr,
    pub heard: Arc<Mutex<Heard>>,
    table: watch::Sender<Option<Table>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
pub struct Heard {
    pub follows: Vec<Follow>,
    pub reports: Vec<Report>,
    /// Where the gateway persists, so that each confirmation can be checked.
    pub state_dir: Option<PathBuf>,
    pub confirmed_before_persisted: u32,
    /// What is wanted: with its plan, until a report says that the gateway has it.
    pub taps: Vec<Tap>,
    pub mirrored: Vec<Mirrored>,
    /// Reports are taken but not acknowledged.
    pub loses_reports: bool,
}

impl Publisher {
    pub async fn start(address: &str, table: Option<Table>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let table = watch::Sender::new(table);
        let (heard_by_task, tables) = (heard.clone(), table.subscribe());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, tables) = (heard_by_task.clone(), tables.clone());
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(request, heard.clone(), tables.clone()));
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            heard,
            table,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn publish(&self, table: Table) {
        self.table.send_replace(Some(table));
    }

    /// Ends, connections and all.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    pub fn last(&self) -> Option<Follow> {
        self.heard.lock().unwrap().follows.last().cloned()
    }

    pub fn confirmed(&self) -> u64 {
        self.last()
            .and_then(|follow| follow.confirmed)
            .map_or(0, |confirmed| confirmed.generation)
    }

    /// The pairs told so far.
    pub fn pairs(&self) -> Vec<MirroredPair> {
        let heard = self.heard.lock().unwrap();
        heard.mirrored.iter().flat_map(|call| call.pairs.clone()).collect()
    }

    /// What was told last of a tap.
    pub fn counts(&self, tap: &str) -> MirrorCounts {
        let heard = self.heard.lock().unwrap();
        let told = heard.mirrored.iter().rev().find_map(|call| call.taps.get(tap));
        told.copied().unwrap_or_default()
    }

    pub fn marks(&self) -> Vec<Mark> {
        self.heard
            .lock()
            .unwrap()
            .reports
            .iter()
            .flat_map(|report| report.marks.clone())
            .collect()
    }
}

async fn answer(
    request: Request<Incoming>,
    heard: Arc<Mutex<Heard>>,
    tables: watch::Receiver<Option<Table>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    assert_eq!(request.headers()["authorization"], format!("Bearer {TOKEN}"));
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let text = match path.as_str() {
        FOLLOW_PATH => {
            serde_json::to_vec(&follow(serde_json::from_slice(&body).unwrap(), &heard, tables).await).unwrap()
        }
        COUNTERS_PATH => {
            let mut heard = heard.lock().unwrap();
            let report: Report = serde_json::from_slice(&body).unwrap();
            let held = report.taps.clone().unwrap_or_default();
            heard.reports.push(report);
            if heard.loses_reports {
                let mut lost = Response::new(Full::default());
                *lost.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
                return Ok(lost);
            }
            let mut taps = heard.taps.clone();
            for tap in taps.iter_mut().filter(|tap| held.contains(&tap.id)) {
                tap.plan = None;
            }
            let reply = ReportReply {
                taps,
                ..ReportReply::default()
            };
            serde_json::to_vec(&reply).unwrap()
        }
        MIRRORED_PATH => {
            heard
                .lock()
                .unwrap()
                .mirrored
                .push(serde_json::from_slice(&body).unwrap());
            serde_json::to_vec(&MirroredReply {}).unwrap()
        }
        other => panic!("{other}"),
    };
    Ok(Response::new(Full::new(text.into())))
}

async fn follow(follow: Follow, heard: &Mutex<Heard>, mut tables: watch::Receiver<Option<Table>>) -> FollowReply {
    {
        let mut heard = heard.lock().unwrap();
        if let (Some(confirmed), Some(directory)) = (&follow.confirmed, &heard.state_dir) {
            let persisted: Table =
                serde_json::from_slice(&std::fs::read(directory.join("table.json")).unwrap()).unwrap();
            heard.confirmed_before_persisted += u32::from(persisted.generation < confirmed.generation);
        }
        heard.follows.push(follow.clone());
    }
    let is_news = |table: &Option<Table>| {
        table.as_ref().is_some_and(|table| {
            let offered = Confirmed {
                epoch: table.epoch.clone(),
                generation: table.generation,
            };
            let refused = follow.refused.as_ref();
            follow.confirmed.as_ref() != Some(&offered)
                && refused.is_none_or(|refused| refused.generation != offered.generation)
        })
    };
    let wait = tokio::time::timeout(Duration::from_millis(follow.wait_ms), tables.wait_for(is_news)).await;
    let table = wait.ok().and_then(|table| table.ok().and_then(|table| table.clone()));
    FollowReply {
        lease_ms: 5_000,
        table,
        tell_routes: true,
    }
}
