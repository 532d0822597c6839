//! Alerts of the real server about what a real gateway counts, told over HTTP to somebody who listens.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

use serde_json::Value;

use crate::shop::{Shop, get_from};
use crate::workspace::Workspace;

/// Judged every second, and everything but errors left alone: what comes by chance on a busy machine is not what is tested.
const ALERTS: &str = "
watch: {interval: 1s, kinds: [errors]}
channels:
  pager: {uses: webhook, with: {url: 'http://ADDRESS/hook', secret: {file: SECRET}}}
roles:
  developers: {channels: [pager], owner: platform}
routes:
  - {kinds: [errors], role: developers, runbook: 'https://runbooks.example/errors'}
escalate: [{after: 1h, channels: [pager]}]
heartbeat: {channel: pager, every: 1s}
";

/// Somebody who listens on a socket of its own, and remembers what it was told.
#[derive(Clone, Default)]
struct Receiver {
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let receiver = self.clone();
        spawn(move || {
            for stream in listener.incoming().flatten() {
                receiver.hear(stream);
            }
        });
        address
    }

    fn hear(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_ok() {
            let _ = reader
                .get_mut()
                .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
            self.heard
                .lock()
                .unwrap()
                .extend(serde_json::from_slice::<Value>(&body));
        }
    }

    fn heard(&self, kind: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|told| told["type"] == kind).cloned().collect()
    }
}

fn open(receiver: &Receiver) -> Shop {
    let address = receiver.listen();
    let shop = Shop::open_with("300ms", Vec::new(), |workspace| {
        workspace.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let secret = workspace.path("secret").display().to_string();
        let alerts = ALERTS.replace("ADDRESS", &address).replace("SECRET", &secret);
        workspace.write("alerts.yaml", &alerts);
    });
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    shop
}

fn alerts(shop: &Shop, options: &[&str]) -> Vec<Value> {
    let listed = shop.run(&[&["alerts", "list", "--json"], options].concat()).succeeded();
    listed.json()["alerts"].as_array().unwrap().clone()
}

/// Requests of a tenant, each on a connection of its own.
fn ask(shop: &Shop, tenant: &str, times: usize) {
    for _ in 0..times {
        let _ = get_from(shop.gateway, "/points/ada", tenant);
    }
}

#[test]
fn errors_of_a_tenant_are_one_alert_that_is_told_acknowledged_and_resolved() {
    let receiver = Receiver::default();
    let mut shop = open(&receiver);
    std::fs::create_dir_all(shop.workspace.path("data/bolt")).unwrap();
    shop.workspace.write("data/bolt/events.log", "nonsense\n");
    shop.wait_until("the errors are told", |shop| {
        ask(shop, "acme", 20);
        ask(shop, "bolt", 20);
        !receiver.heard("alert.raised").is_empty()
    });
    let told = receiver.heard("alert.raised")[0]["data"].clone();
    assert_eq!(
        (&told["kind"], &told["severity"]),
        (&"errors".into(), &"critical".into())
    );
    assert_eq!(told["tenants"]["names"], serde_json::json!(["bolt"]));
    assert_eq!(told["owner"], "platform");
    let id = told["id"].as_str().unwrap().to_owned();
    shop.run(&["alerts", "list", "--exit-code"])
        .ended_with(3)
        .shows(&id)
        .shows("bolt in eu: requests fail")
        .shows("pager");

    // Another server goes on with it: nothing is told twice, and the errors go on.
    let endpoint = shop.endpoint();
    shop.kill_server();
    shop.serve_at(&endpoint);
    shop.run(&["alerts", "acknowledge", &id, "--reason", "it is the disk"])
        .succeeded();
    shop.wait_until("the acknowledgement is told", |_| {
        !receiver.heard("alert.acknowledged").is_empty()
    });
    assert_eq!(alerts(&shop, &[]).len(), 1);
    shop.run(&["alerts", "show", &id])
        .succeeded()
        .shows("it is the disk")
        .shows("https://runbooks.example/errors")
        .shows("lasts");

    shop.workspace.write("data/bolt/events.log", "");
    shop.wait_until("its end is told", |shop| {
        ask(shop, "bolt", 20);
        !receiver.heard("alert.resolved").is_empty()
    });
    shop.wait_until("it is over", |shop| alerts(shop, &[]).is_empty());
    assert_eq!(alerts(&shop, &["--all"]).len(), 1);
    assert_eq!(receiver.heard("alert.raised").len(), 1);
    assert!(!receiver.heard("heartbeat").is_empty());
    shop.run(&["alerts", "acknowledge", &id])
        .ended_with(4)
        .says("was resolved at");
}

#[test]
fn silences_are_made_listed_and_lifted() {
    let shop = open(&Receiver::default());
    let silence = [
        "alerts",
        "silence",
        "--tenant",
        "bolt",
        "--kind",
        "errors",
        "--for",
        "2h",
        "--reason",
        "moves house",
    ];
    shop.run(&silence)
        .succeeded()
        .shows("errors of tenant bolt")
        .shows("moves house");
    let listed = shop.run(&["alerts", "silences", "--json"]).succeeded().json();
    let id = listed["silences"][0]["id"].as_str().unwrap();
    shop.run(&["alerts", "unsilence", id]).succeeded();
    shop.run(&["alerts", "silences"])
        .succeeded()
        .shows("nothing is silenced");
    shop.run(&["alerts", "tenants"])
        .succeeded()
        .shows("not monitorable")
        .shows("silence would be found of 0 of 3 tenants");
}

#[test]
fn mistakes_in_the_file_are_told_with_file_and_line() {
    let workspace = Workspace::starter();
    let alerts = "channels:\n  pager: {uses: pagr}\nroles:\n  developers: {channels: [pager]}\nroutes:\n  - {kinds: [errors], role: support}\n";
    workspace.write("alerts.yaml", alerts);
    workspace
        .run(&["plan", "release.yaml", "--offline"])
        .ended_with(1)
        .says("alerts.yaml:6:29")
        .says("`roles` does not say where `support` is reached");
    workspace.write("alerts.yaml", &alerts.replace("role: support", "role: developers"));
    workspace
        .run(&["plan", "release.yaml", "--offline"])
        .ended_with(1)
        .says("alerts.yaml:2:17")
        .says("there is no channel `pagr`");
}
