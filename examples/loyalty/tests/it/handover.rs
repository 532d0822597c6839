//! Handing work over a hundred times while events arrive, from workers that answer, that are killed, and that are stopped and
//! wake up later: each event takes effect once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::process::Signal;
use serde_json::{Value, json};
use tidegate_loyalty::audit::{self, WorkerAudit};
use tidegate_loyalty::events::{Effect, Event, EventLog};
use tidegate_loyalty::ledger::Ledger;

use crate::instance::{Instance, get, post, until};

const TENANTS: [&str; 3] = ["acme", "blue", "coral"];
const HANDOVERS: u64 = 100;

/// How the old worker behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Old {
    Answers,
    IsKilled,
    IsStopped,
}

#[test]
fn each_event_takes_effect_once() {
    let data = tempfile::tempdir().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let writers = TENANTS.map(|tenant| write(data.path(), tenant, &over));
    let mut workers = [(); 2].map(|()| Instance::start(data.path(), "ledger"));
    activate(&workers[0], 1);
    for epoch in 2..=HANDOVERS + 1 {
        let [new, old] = [epoch, epoch + 1].map(|place| usize::try_from(place - 1).unwrap() % 2);
        let behaviour = match epoch % 5 {
            0 => Old::IsKilled,
            1 | 3 => Old::IsStopped,
            _ => Old::Answers,
        };
        match behaviour {
            Old::Answers => {
                control(&workers[old], "deactivate", epoch - 1);
            }
            Old::IsKilled => workers[old].kill(),
            Old::IsStopped => workers[old].signal(Signal::STOP),
        }
        activate(&workers[new], epoch);
        let before = booked(data.path());
        until("the new worker books", || booked(data.path()) > before);
        match behaviour {
            Old::Answers => {}
            Old::IsKilled => workers[old] = Instance::start(data.path(), "ledger"),
            Old::IsStopped => wake(&workers[old]),
        }
    }
    workers.iter().for_each(|worker| worker.signal(Signal::CONT));
    over.store(true, Ordering::Relaxed);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    until("everything is booked", || audited(data.path()).lost == 0);
    let audit = audited(data.path());
    assert_eq!((audit.doubled, audit.wrong_totals), (0, 0), "{audit:?}");
    assert!(
        audit.events > HANDOVERS * TENANTS.len() as u64,
        "too little load: {audit:?}"
    );
}

/// Appends one event after the other as the api component does.
fn write(data: &Path, tenant: &'static str, over: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (directory, over) = (data.join(tenant), Arc::clone(over));
    std::thread::spawn(move || {
        let mut log = EventLog::open(&directory).unwrap();
        let mut number = 0;
        while !over.load(Ordering::Relaxed) {
            number += 1;
            let event = Event {
                number,
                id: format!("{tenant}-{number}"),
                member: format!("m{}", number % 5),
                effect: Effect::Earned { points: 3 },
            };
            let mut log = log.lock().unwrap();
            log.catch_up().unwrap();
            log.append(&[event]).unwrap();
            drop(log);
            // The pace of the load, which nothing waits for.
            std::thread::sleep(std::time::Duration::from_millis(4));
        }
    })
}

fn activate(worker: &Instance, epoch: u64) {
    let status = control(worker, "activate", epoch);
    for tenant in TENANTS {
        assert_eq!(status["owned"][tenant], epoch, "{status}");
    }
}

/// It goes on where it was stopped, by an epoch that is over, and finds out by itself.
fn wake(worker: &Instance) {
    worker.signal(Signal::CONT);
    until("the woken worker lets go", || {
        let (_, status) = get(worker.address, "/worker/status").unwrap();
        status["owned"] == json!({})
    });
}

fn control(worker: &Instance, verb: &str, epoch: u64) -> Value {
    let epochs: serde_json::Map<_, _> = TENANTS
        .iter()
        .map(|tenant| ((*tenant).to_owned(), json!(epoch)))
        .collect();
    let body = json!({"tenants": epochs}).to_string();
    let (status, document) = post(worker.address, &format!("/worker/{verb}"), "", &body).unwrap();
    assert_eq!(status, 200, "{verb} {epoch}: {document}");
    document
}

fn booked(data: &Path) -> u64 {
    TENANTS
        .iter()
        .map(|tenant| Ledger::newest(&data.join(tenant)).unwrap().events())
        .sum()
}

fn audited(data: &Path) -> WorkerAudit {
    let mut sum = WorkerAudit::default();
    for tenant in TENANTS {
        sum.add(audit::tenant(data, &tenant.parse().unwrap()).unwrap().worker);
    }
    sum
}
