use std::fs;
use std::path::Path;

use tidegate_domain::files::{AlertKind, AlertRole, AlertSeverity};
use tidegate_domain::service::{Cell, Seat, Service};
use tidegate_gateway::protocol::{Mark, Report, RequestClasses, SeriesTotals};
use tidegate_store::{Commit, JournalFilter, Memory, Store};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::*;
use crate::counters::Counters;
use crate::fixture::{cell, follow, service, tenant, version};
use crate::gateways::Gateways;

mod grouping;
mod silences;
mod telling;

const SERVICE: &str = "
service: shop
playbook: quick
cells: [{name: eu}, {name: us}]
gateway: {tenant_from: [{header: x-tenant}]}
components: [{name: api, command: ['{artifact}', '{port}']}]
";
const PLAYBOOK: &str = "
name: quick
waves: [{name: all, select: {rest: true}}]
";
/// Errors are the developers', volume is support's.
const ALERTS: &str = "
channels:
  pager: {uses: webhook, with: {url: 'http://127.0.0.1:PORT/hook', secret: {file: SECRET}}}
  desk: {uses: webhook, with: {url: 'http://127.0.0.1:PORT/hook', secret: {file: SECRET}}}
  lead: {uses: webhook, with: {url: 'http://127.0.0.1:PORT/hook', secret: {file: SECRET}}}
roles:
  developers: {channels: [pager], owner: platform}
  support: {channels: [desk], owner: customer care}
routes:
  - {kinds: [volume-drop, volume-spike], role: support, runbook: 'https://runbooks.example/volume'}
  - {kinds: [errors, timeouts, latency], role: developers, runbook: 'https://runbooks.example/errors'}
escalate: [{after: 15m, channels: [lead]}]
";
const TENANTS: usize = 10;
const BUCKET_MS: i64 = 300_000;
/// A Monday.
const BEGIN_MS: i64 = 1_798_416_000_000;
const LEARN: usize = 9 * 288;

/// A shop of ten tenants, half of them in each cell, its gateway and its alerts.
struct Town {
    store: Store,
    folder: tempfile::TempDir,
    control: Control,
    counters: Arc<Counters>,
    gateways: Gateways,
    alerts: Alerts,
    figures: Vec<(u64, u64)>,
    now: Timestamp,
    publisher: String,
}

/// The store after nine days, what was counted by then, and the time.
type Learnt = (Memory, Vec<(u64, u64)>, Timestamp);

/// All tests begin with it.
static LEARNT: OnceCell<Learnt> = OnceCell::const_new();

async fn learn() -> Learnt {
    let mut town = Town::new().await;
    town.goes_on(LEARN, usual).await;
    let Store::Memory(memory) = &town.store else {
        panic!("it is in memory");
    };
    (memory.clone(), town.figures.clone(), town.now)
}

/// What a tenant does in one bucket: requests, and how many of them fail.
type Does = fn(usize) -> (u64, u64);

/// Twenty requests, none of which fails.
fn usual(_: usize) -> (u64, u64) {
    (20, 0)
}

fn write_project(folder: &Path, alerts: &str) {
    let each = (0..TENANTS).map(|n| {
        let customer = if n == 4 { ", customer: globex" } else { "" };
        format!("  - {{id: t{n}, cell: {}{customer}}}\n", ["eu", "us"][n % 2])
    });
    fs::create_dir_all(folder.join("playbooks")).unwrap();
    fs::write(folder.join("tidegate.yaml"), SERVICE).unwrap();
    fs::write(
        folder.join("tenants.yaml"),
        format!("tenants:\n{}", each.collect::<String>()),
    )
    .unwrap();
    fs::write(folder.join("playbooks/quick.yaml"), PLAYBOOK).unwrap();
    fs::write(folder.join("secret"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let secret = folder.join("secret").display().to_string();
    fs::write(folder.join("alerts.yaml"), alerts.replace("SECRET", &secret)).unwrap();
}

impl Town {
    async fn new() -> Self {
        Self::with(ALERTS).await
    }

    async fn with(alerts: &str) -> Self {
        let store = Store::memory();
        let mut state = Service::new(service());
        for name in ["eu", "us"] {
            state.cells.insert(cell(name), Cell::default());
        }
        for n in 0..TENANTS {
            let seat = Seat::new(cell(["eu", "us"][n % 2]), Some(version("1.0.0")), 1);
            state.seats.insert(tenant(&format!("t{n}")), seat);
        }
        let commit = Commit {
            service: service().to_string(),
            state: Some(serde_json::to_string(&state).unwrap()),
            ..Commit::default()
        };
        store.apply(&commit).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        write_project(folder.path(), alerts);
        let control = Control::start(store.clone(), service()).await.unwrap();
        let alerts = Alerts::new(control.clone(), folder.path().to_owned());
        Self {
            gateways: Gateways::load(store.clone(), service()).await.unwrap(),
            counters: Arc::new(Counters::new("s")),
            publisher: "s".to_owned(),
            figures: vec![(0, 0); TENANTS],
            now: Timestamp(BEGIN_MS),
            store,
            folder,
            control,
            alerts,
        }
    }

    /// With all that was usual for nine days.
    async fn learnt() -> Self {
        Self::learnt_with(ALERTS).await
    }

    async fn learnt_with(alerts: &str) -> Self {
        let (store, figures, now) = LEARNT.get_or_init(learn).await;
        let mut town = Self::with(alerts).await;
        town.store = Store::Memory(store.fork());
        (town.figures, town.now) = (figures.clone(), *now);
        town.restart().await;
        // Of the first bucket nobody knows when it began.
        town.goes_on(2, usual).await;
        assert_eq!(town.all().await, []);
        town
    }

    /// The server is killed and another one starts: it has the store alone, and the gateway tells it figures of no known time.
    async fn restart(&mut self) {
        self.control = Control::start(self.store.clone(), service()).await.unwrap();
        self.alerts = Alerts::new(self.control.clone(), self.folder.path().to_owned());
        self.gateways = Gateways::load(self.store.clone(), service()).await.unwrap();
        self.publisher = format!("{}'", self.publisher);
        self.counters = Arc::new(Counters::new(&self.publisher));
    }

    fn eyes(&self) -> Eyes {
        Eyes::new(Arc::clone(&self.counters), self.gateways.clone())
    }

    async fn goes_on(&mut self, buckets: usize, does: Does) {
        for _ in 0..buckets {
            self.now = Timestamp(self.now.0 + BUCKET_MS);
            for (n, figures) in self.figures.iter_mut().enumerate() {
                let (requests, errors) = does(n);
                *figures = (figures.0 + requests, figures.1 + errors);
            }
            self.gateways
                .hear(&follow("a", "1", None, &[]), Instant::now())
                .await
                .unwrap();
            let adopted = self.gateways.was_adopted("a", "1");
            self.counters.take(&self.report(), adopted, self.now);
            self.alerts.look(&self.eyes(), self.now).await.unwrap();
        }
    }

    fn report(&self) -> Report {
        let row = |(n, (requests, errors)): (usize, &(u64, u64))| SeriesTotals {
            tenant: format!("t{n}"),
            version: "1.0.0".to_owned(),
            cell: ["eu", "us"][n % 2].to_owned(),
            requests: RequestClasses {
                successes: requests - errors,
                server_errors: *errors,
                ..RequestClasses::default()
            },
            errors: BTreeMap::new(),
            timeouts: 0,
            error_clients: 0,
            latency: vec![(5, *requests)],
            in_flight: 0,
        };
        Report {
            gateway: "a".to_owned(),
            incarnation: "1".to_owned(),
            publisher: Some(self.publisher.clone()),
            more: false,
            taps: None,
            marks: vec![Mark {
                at_ms: u64::try_from(self.now.0).unwrap(),
                series: self.figures.iter().enumerate().map(row).collect(),
            }],
        }
    }

    /// Time passes, and nobody counts anything.
    async fn look_after(&mut self, minutes: i64) {
        self.now = Timestamp(self.now.0 + minutes * 60_000);
        self.alerts.look(&self.eyes(), self.now).await.unwrap();
    }

    /// Open ones, and those whose end is still to be told.
    async fn all(&self) -> Vec<Alert> {
        let mut alerts = self.alerts.list(false).await.unwrap();
        alerts.sort_by_key(|alert| alert.kind);
        alerts
    }

    /// Messages on their way: the channel and what it is told.
    async fn letters(&self) -> Vec<String> {
        let desk = self.alerts.desk().await.unwrap();
        let letters = desk.book.letters.values();
        let mut letters: Vec<(Timestamp, String)> = letters
            .map(|letter| {
                let told = format!("{}: {}", letter.channel, letter.message.state.as_str());
                (letter.message.at, told)
            })
            .collect();
        letters.sort();
        letters.into_iter().map(|(_, told)| told).collect()
    }

    async fn journal(&self) -> Vec<String> {
        let rows = self
            .store
            .journal(service().as_str(), JournalFilter::All, 0, 1_000)
            .await;
        let rows = rows.unwrap().into_iter().filter(|row| row.kind.starts_with("alert"));
        rows.map(|row| format!("{} by {}", row.kind, row.actor)).collect()
    }
}

/// Whom an alert is about.
fn of(alert: &Alert) -> Vec<String> {
    alert.symptoms.keys().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_silent_tenant_and_one_that_fails_are_found_and_a_restart_changes_nothing() {
    let mut town = Town::learnt().await;
    let trouble: Does = |n| match n {
        3 => (0, 0),
        4 => (20, 14),
        _ => (20, 0),
    };
    // Some evidence, but no alarm; then a kill.
    town.goes_on(1, trouble).await;
    town.restart().await;
    town.goes_on(3, trouble).await;
    let [failing, silent] = &town.all().await[..] else {
        panic!("{:#?}", town.all().await);
    };
    assert_eq!(
        (failing.kind, of(failing)),
        (AlertKind::Errors, vec!["tenant/t4".to_owned()])
    );
    assert_eq!(
        (silent.kind, of(silent)),
        (AlertKind::VolumeDrop, vec!["tenant/t3".to_owned()])
    );
    assert_eq!(
        (failing.severity, failing.receiver.role),
        (AlertSeverity::Critical, AlertRole::Developers)
    );
    assert_eq!(
        (silent.severity, silent.receiver.role),
        (AlertSeverity::Error, AlertRole::Support)
    );
    assert_eq!(words::title(silent), "t3 in us: requests stay away");
    let (ids, mut letters) = ([failing.id.clone(), silent.id.clone()], town.letters().await);
    letters.retain(|letter| letter.ends_with("raised"));
    assert_eq!(letters.len(), 2, "{letters:?}");
    assert!(letters.contains(&"pager: raised".to_owned()) && letters.contains(&"desk: raised".to_owned()));

    // Killed again: neither is raised a second time.
    town.restart().await;
    town.goes_on(4, trouble).await;
    let again: Vec<String> = town.all().await.iter().map(|alert| alert.id.clone()).collect();
    assert_eq!(
        (again, town.letters().await.len()),
        (ids.to_vec(), 4),
        "two are escalated"
    );
    town.goes_on(12, usual).await;
    let states: Vec<State> = town.all().await.iter().map(|alert| alert.state).collect();
    assert_eq!(states, [State::Resolved, State::Resolved]);
    let journal = town.journal().await;
    assert_eq!(
        journal
            .iter()
            .filter(|row| *row == "alert_raised by tidegate/alerts")
            .count(),
        2
    );
    assert_eq!(
        journal
            .iter()
            .filter(|row| *row == "alert_resolved by tidegate/alerts")
            .count(),
        2
    );
}

#[tokio::test]
async fn what_nobody_has_counted_is_no_silence() {
    let mut town = Town::learnt().await;
    // The server is down for an hour, in which the gateway serves.
    town.now = Timestamp(town.now.0 + 12 * BUCKET_MS);
    for figures in &mut town.figures {
        figures.0 += 12 * 20;
    }
    town.restart().await;
    town.goes_on(3, usual).await;
    assert_eq!(town.all().await, []);
}

#[tokio::test]
async fn a_silent_gateway_is_one_page_and_no_silence_of_tenants() {
    let mut town = Town::learnt().await;
    let long_ago = Instant::now().checked_sub(Wait::from_secs(10)).unwrap();
    town.gateways
        .hear(&follow("a", "1", None, &[]), long_ago)
        .await
        .unwrap();
    town.look_after(0).await;
    assert_eq!(town.all().await, [], "not for long");
    for _ in 0..6 {
        town.look_after(5).await;
    }
    let [alert] = &town.all().await[..] else {
        panic!("{:#?}", town.all().await);
    };
    assert_eq!(
        (alert.kind, of(alert)),
        (AlertKind::Watcher, vec!["gateway/a".to_owned()])
    );
    assert_eq!(alert.severity, AlertSeverity::Critical);
    assert_eq!(town.letters().await, ["pager: raised", "lead: escalated"]);
    for figures in &mut town.figures {
        figures.0 += 6 * 20;
    }
    town.goes_on(3, usual).await;
    let [alert] = &town.all().await[..] else {
        panic!("{:#?}", town.all().await);
    };
    assert_eq!(alert.state, State::Resolved);
}

#[tokio::test]
async fn what_is_not_monitorable_is_said() {
    let mut town = Town::new().await;
    let quiet: Does = |n| if n == 9 { (0, 0) } else { (20, 0) };
    town.goes_on(10, quiet).await;
    let because = |watched: &Watched, name: &str| watched.tenants[&tenant(name)].1.clone();
    let watched = town.alerts.watched().await.unwrap();
    assert_eq!(because(&watched, "t1").unwrap(), "less than a day of it has been seen");
    town.goes_on(300, quiet).await;
    let watched = town.alerts.watched().await.unwrap();
    assert_eq!((watched.tenants.len(), because(&watched, "t1")), (TENANTS, None));
    let why = because(&watched, "t9").unwrap();
    assert!(why.starts_with("0.0 requests are expected in a day"), "{why}");
}

#[tokio::test]
async fn a_mistake_in_the_file_is_told_and_what_it_said_before_goes_on() {
    let mut town = Town::learnt().await;
    let mistaken = ALERTS
        .replace("after: 15m", "after: soon")
        .replace("channels: [pager]", "channels: [pagger]");
    write_project(town.folder.path(), &mistaken);
    let trouble: Does = |n| if n == 4 { (20, 14) } else { (20, 0) };
    town.goes_on(3, trouble).await;
    let told = town.alerts.watched().await.unwrap().trouble.unwrap();
    assert!(
        told.contains("alerts.yaml:7:27") && told.contains("did you mean `pager`?"),
        "{told}"
    );
    assert!(
        told.contains("alerts.yaml:12:20") && told.contains("`soon` is not a duration"),
        "{told}"
    );
    assert_eq!(town.letters().await, ["pager: raised"]);
    write_project(town.folder.path(), ALERTS);
    town.look_after(0).await;
    assert_eq!(town.alerts.watched().await.unwrap().trouble, None);
}
