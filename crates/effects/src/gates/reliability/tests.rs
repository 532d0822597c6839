use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tidegate_domain::desired::CellDesired;
use tidegate_domain::effect::EffectId;
use tidegate_domain::id::{CellName, ComponentName, Digest, SlotId};
use tidegate_domain::observed::{CellReport, Instance, SlotState};
use tidegate_domain::release::Artifact;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::hands::{Hands, Unused};
use super::super::tests::target;
use super::*;
use crate::drivers::{Disturbance, Disturbing, Driver, Obtaining, OlderGeneration, Once, RunningOnce};

/// Instances on sockets of their own. One that is ended answers nobody, and comes back at another address after a while, or never.
struct Sockets {
    instances: Mutex<BTreeMap<String, (SocketAddr, JoinHandle<()>)>>,
    comes_back_after: Option<Duration>,
    changes: watch::Sender<u64>,
    ended: Mutex<Vec<(String, Disturbance)>>,
}

async fn listening() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let answer =
                service_fn(|_| async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello")))) });
            connections.spawn(async move {
                // Its connections end with it.
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    });
    (address, task)
}

impl Sockets {
    async fn of(count: usize, comes_back_after: Option<Duration>) -> Arc<Self> {
        let mut instances = BTreeMap::new();
        for index in 0..count {
            instances.insert(index.to_string(), listening().await);
        }
        Arc::new(Self {
            instances: Mutex::new(instances),
            comes_back_after,
            changes: watch::Sender::new(0),
            ended: Mutex::default(),
        })
    }

    fn change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.instances
            .lock()
            .unwrap()
            .values()
            .map(|(address, _)| *address)
            .collect()
    }
}

fn here() -> Unused {
    Unused {
        cell: CellName::new("eu").unwrap(),
        component: ComponentName::new("api").unwrap(),
        slot: serde_json::from_value(json!("api-1")).unwrap(),
    }
}

impl Driver for Sockets {
    fn reconcile(&self, _: &CellName, _: u64, _: &CellDesired) -> Result<(), OlderGeneration> {
        Ok(())
    }

    fn observe(&self, _: &CellName) -> CellReport {
        let instances = self.instances.lock().unwrap();
        let ready: Vec<Instance> = instances
            .iter()
            .map(|(id, (address, _))| Instance {
                id: id.clone(),
                address: *address,
            })
            .collect();
        let state = if ready.len() < 2 && self.comes_back_after.is_none() {
            let reason = "ended with code 3".to_owned();
            SlotState::Failed { reason, ready }
        } else {
            SlotState::Ready { ready }
        };
        CellReport {
            generation: 1,
            slots: [(here().slot, state)].into(),
            ownership: 0,
        }
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn obtain<'a>(&'a self, _: &'a Artifact) -> Obtaining<'a> {
        Box::pin(async { Ok(()) })
    }

    fn run_once<'a>(&'a self, _: &'a EffectId, _: Once<'a>) -> RunningOnce<'a> {
        Box::pin(async { Judgement::new(Verdict::Pass, "done") })
    }

    fn disturb<'a>(&'a self, _: &'a CellName, _: &'a SlotId, of: &'a Instance, how: Disturbance) -> Disturbing<'a> {
        Box::pin(async move {
            self.ended.lock().unwrap().push((of.id.clone(), how));
            let gone = self.instances.lock().unwrap().remove(&of.id);
            let (_, task) = gone.ok_or("there is none")?;
            task.abort();
            self.change();
            Ok(())
        })
    }

    fn running(&self) -> BTreeMap<CellName, BTreeMap<SlotId, usize>> {
        BTreeMap::new()
    }

    fn leave_unnamed(&self, _: bool) {}

    fn keep_artifacts(&self, _: &BTreeSet<Digest>) {}
}

/// Brings back whoever was ended, for ever.
async fn keep_up(sockets: Arc<Sockets>) {
    let mut changes = sockets.changes.subscribe();
    while changes.changed().await.is_ok() {
        let Some(after) = sockets.comes_back_after else {
            continue;
        };
        let ended: Vec<String> = sockets.ended.lock().unwrap().iter().map(|(id, _)| id.clone()).collect();
        for id in ended {
            if !sockets.instances.lock().unwrap().contains_key(&id) {
                sleep(after).await;
                let anew = listening().await;
                sockets.instances.lock().unwrap().insert(id, anew);
                sockets.change();
            }
        }
    }
}

struct Ground {
    folder: tempfile::TempDir,
    sockets: Arc<Sockets>,
    target: Target,
}

impl Ground {
    async fn with(instances: usize, comes_back_after: Option<Duration>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sockets = Sockets::of(instances, comes_back_after).await;
        tokio::spawn(keep_up(Arc::clone(&sockets)));
        let target = Target {
            directory: folder.path().to_owned(),
            kept: folder.path().join("kept/first.0"),
            hands: Some(Hands::new(Arc::clone(&sockets) as Arc<dyn Driver>, vec![here()])),
            ..target(&[], &sockets.addresses())
        };
        Self {
            folder,
            sockets,
            target,
        }
    }

    async fn judged(&self, with: &Value) -> Judgement {
        (GATE.run)(with.clone(), self.target.clone()).await
    }

    fn is_there(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }
}

fn usual(disturbances: &Value) -> Value {
    json!({"component": "api", "requests": [{"path": "/"}], "rate": 200, "pause": "300ms", "timeout": "1s",
        "errors_at_most_percent": 5, "disturbances": disturbances})
}

const SOON: Option<Duration> = Some(Duration::from_millis(100));

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_come_back_pass_and_each_has_its_turn() {
    let ground = Ground::with(2, SOON).await;
    let with = usual(&json!([{"do": "restart"}, {"do": "kill", "times": 2, "ready_within": "5s"}]));
    let judged = ground.judged(&with).await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    let ended: Vec<_> = ground.sockets.ended.lock().unwrap().clone();
    let (zero, one) = ("0".to_owned(), "1".to_owned());
    let expected = [
        (zero.clone(), Disturbance::Restart),
        (one, Disturbance::Kill),
        (zero, Disturbance::Kill),
    ];
    assert_eq!(ended, expected);
    for told in [
        "instance 0 in eu was restarted: ready again after",
        "instance 1 in eu was killed",
        "requests failed meanwhile",
    ] {
        assert!(judged.reason.contains(told), "{told}: {}", judged.reason);
    }
    let report = fs::read_to_string(ground.target.kept.join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["disturbances"].as_array().unwrap().len(), 3);
    let sent: u64 = report["load"]
        .as_array()
        .unwrap()
        .iter()
        .map(|second| second["requests"].as_u64().unwrap())
        .sum();
    assert_eq!(sent, judged.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_come_back_fails_and_the_rest_is_left_alone() {
    let ground = Ground::with(2, None).await;
    let with = usual(&json!([{"do": "kill", "ready_within": "300ms"}, {"do": "kill"}]));
    let judged = ground.judged(&with).await;
    assert_eq!(judged.verdict, Verdict::Fail, "{}", judged.reason);
    let told = "instance 0 in eu was killed, and was not ready again in time (failed: ended with code 3)";
    assert!(judged.reason.contains(told), "{}", judged.reason);
    assert_eq!(ground.sockets.ended.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_errors_than_the_budget_fail_where_the_only_instance_is_away() {
    let ground = Ground::with(1, Some(Duration::from_millis(400))).await;
    let mut with = usual(&json!([{"do": "kill"}]));
    let judged = ground.judged(&with).await;
    assert_eq!(judged.verdict, Verdict::Fail, "{}", judged.reason);
    assert!(judged.reason.starts_with("errors: "), "{}", judged.reason);
    with["errors_at_most_percent"] = json!(90);
    let judged = ground.judged(&with).await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_comes_back_whatever_becomes_of_the_gate() {
    let ground = Ground::with(2, SOON).await;
    let dependency = |lose: &str, restore: &str| {
        let command = |script: &str| json!(["sh", "-c", script]);
        usual(
            &json!([{"do": "dependency", "name": "db", "lose": command(lose), "restore": command(restore), "for": "200ms", "ready_within": "1s"}]),
        )
    };
    let judged = ground
        .judged(&dependency("touch away", "rm away && echo x >> restored"))
        .await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    assert!(
        judged.reason.contains("`db` was away for 200ms: ready again after"),
        "{}",
        judged.reason
    );
    assert!(!ground.is_there("away") && ground.is_there("restored") && !ground.is_there("kept/first.0.lost"));
    // It was half lost: it is brought back all the same, and the gate has not done its work.
    let judged = ground
        .judged(&dependency("touch away; echo no such thing >&2; exit 4", "rm away"))
        .await;
    assert_eq!(judged.verdict, Verdict::Error, "{}", judged.reason);
    assert!(
        judged.reason.contains("`sh` ended with code 4: no such thing"),
        "{}",
        judged.reason
    );
    assert!(!ground.is_there("away"));
    // What cannot be brought back is told, and the next run begins with it.
    let judged = ground.judged(&dependency("touch away", "exit 5")).await;
    assert_eq!(judged.verdict, Verdict::Error);
    assert!(
        judged.reason.contains("`db` may still be away: `sh` ended with code 5"),
        "{}",
        judged.reason
    );
    assert!(ground.is_there("away") && ground.is_there("kept/first.0.lost"));
    let judged = ground
        .judged(&dependency("touch away", "rm away; echo x >> again"))
        .await;
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    assert_eq!(
        fs::read_to_string(ground.folder.path().join("again")).unwrap(),
        "x\nx\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_is_dropped_in_between_brings_the_dependency_back() {
    let ground = Ground::with(2, SOON).await;
    let with = usual(
        &json!([{"do": "dependency", "name": "db", "lose": ["touch", "away"], "restore": ["rm", "away"], "for": "10m"}]),
    );
    let gate = tokio::spawn((GATE.run)(with, ground.target.clone()));
    until(|| ground.is_there("away")).await;
    gate.abort();
    until(|| !ground.is_there("away")).await;
    assert!(
        ground.is_there("kept/first.0.lost"),
        "the next run begins with bringing it back"
    );
}

async fn until(is: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn instances_that_tenants_use_are_never_disturbed() {
    let ground = Ground::with(2, SOON).await;
    let with = usual(&json!([{"do": "kill"}]));
    let used = Target {
        hands: Some(Hands::new(Arc::clone(&ground.sockets) as Arc<dyn Driver>, Vec::new())),
        ..ground.target.clone()
    };
    let judged = (GATE.run)(with.clone(), used).await;
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{}", judged.reason);
    assert_eq!(
        judged.needs.as_deref(),
        Some("this gate in the first wave of each cell")
    );
    let unchanged = Target {
        old: ground.target.slots.clone(),
        ..ground.target.clone()
    };
    assert_eq!((GATE.run)(with, unchanged).await.verdict, Verdict::Pass);
    assert!(ground.sockets.ended.lock().unwrap().is_empty());
}

#[test]
fn what_the_gate_cannot_be_told_is_told() {
    let check = |field: &str, value: Value, problem: &str| {
        let mut with = usual(&json!([{"do": "kill"}]));
        with[field] = value;
        let said = (GATE.validate)(&with).unwrap_err();
        assert!(said.contains(problem), "{field}: {said}");
    };
    check("disturbances", json!([]), "between one and 20");
    check(
        "disturbances",
        json!([{"do": "burn"}]),
        "unknown variant `burn`, expected one of `restart`, `kill`, `dependency`",
    );
    check(
        "disturbances",
        json!([{"do": "kill", "times": 0}]),
        "`times` is between 1 and 20",
    );
    check("disturbances", json!([{"do": "kill", "ready_within": "0s"}]), "above 0");
    let half = json!([{"do": "dependency", "name": "db", "lose": ["x"], "restore": []}]);
    check(
        "disturbances",
        half,
        "`restore` of the dependency `db`: `command` names no program",
    );
    let one = json!({"do": "dependency", "name": "db", "lose": ["x"], "restore": ["y"]});
    check("disturbances", json!([one, one]), "two dependencies have the name `db`");
    check("requests", json!([]), "between one and 100");
    check("rate", json!(0), "between 1 and 1000");
    check("errors_at_most_percent", json!(100), "below 100");
    check("pause", json!("11m"), "10m at most");
    assert_eq!((GATE.validate)(&usual(&json!([{"do": "restart"}]))), Ok(()));
}
