//! Tenants that move between cells, are suspended, and follow a list, under traffic.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::shop::{Shop, free_address, get_from};

/// Requests of one tenant without a pause, and everything they are answered with that is neither the tenant's version nor the answer
/// of a tenant that moves.
struct Traffic {
    over: Arc<AtomicBool>,
    thread: JoinHandle<(Vec<String>, usize, usize)>,
}

impl Traffic {
    fn begin(gateway: SocketAddr, tenant: &'static str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let (mut wrong, mut served, mut closed) = (Vec::new(), 0, 0);
            while !is_over.load(Ordering::SeqCst) {
                let answer = get_from(gateway, "/points/ada", tenant);
                let answer = answer.unwrap_or_else(|error| error.to_string());
                let has = |line: &str| answer.contains(line);
                let own = has("\nx-loyalty-version: 1.1.0\n") && has(&format!("\nx-loyalty-tenant: {tenant}\n"));
                if answer.starts_with("HTTP/1.1 200") && own {
                    served += 1;
                } else if answer.starts_with("HTTP/1.1 503")
                    && has("\nx-tidegate-error: tenant_moving\n")
                    && has("\nretry-after: ")
                {
                    closed += 1;
                } else {
                    wrong.push(answer);
                }
            }
            (wrong, served, closed)
        });
        Self { over, thread }
    }

    fn end(self) {
        self.over.store(true, Ordering::SeqCst);
        let (wrong, served, closed) = self.thread.join().unwrap();
        assert!(wrong.is_empty(), "{} wrong: {}", wrong.len(), wrong[0]);
        assert!(
            served > 20 && closed > 0,
            "{served} served, {closed} told that it moves"
        );
    }
}

fn tenant(shop: &Shop, name: &str) -> Value {
    let list = shop.run(&["tenants", "--json"]).succeeded().json();
    let tenants = list["tenants"].as_array().unwrap();
    tenants.iter().find(|tenant| tenant["name"] == name).cloned().unwrap()
}

#[test]
fn a_tenant_under_traffic_moves_to_another_cell_while_its_release_is_baked() {
    let shop = Shop::baking();
    let traffic = Traffic::begin(shop.gateway, "acme");
    let ask = ["tenants", "move", "acme", "--cell", "us", "--reason", "more room there"];
    shop.run(&ask).succeeded().says("acme is in cell");
    shop.wait_until("acme has moved", |shop| {
        let acme = tenant(shop, "acme");
        acme["cell"] == "us" && acme.get("moving").is_none()
    });
    shop.wait_until("acme is served", |shop| {
        shop.served_by("acme").as_deref() == Some("1.1.0")
    });
    traffic.end();
    let history = shop.run(&["history", "--tenant", "acme"]).succeeded();
    history.shows("from cell eu to cell us: more room there");
    let back = ["rollback", "1.1.0", "--reason", "a test", "--tenant", "acme"];
    shop.run(&back).succeeded();
    shop.wait_until("acme is back on its version, in its new cell", |shop| {
        shop.served_by("acme").as_deref() == Some("1.0.0") && tenant(shop, "acme")["cell"] == "us"
    });
    let unknown = ["tenants", "move", "acme", "--cell", "moon", "--reason", "a test"];
    shop.run(&unknown)
        .ended_with(4)
        .says("tidegate.yaml has none of that name");
}

#[test]
fn a_suspended_tenant_gets_the_declared_answer_and_a_list_says_who_is_suspended() {
    let shop = Shop::open_with("100ms", Vec::new(), |workspace| {
        let path = workspace.path("tidegate.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let answers = "gateway: {answers: {suspended: {status: 402, text: Closed by us}}, tenant_from";
        workspace.write("tidegate.yaml", &text.replace("gateway: {tenant_from", answers));
    });
    shop.run(&["apply", "1.0.0.yaml", "--wait", "--timeout", "60s"])
        .succeeded();
    shop.run(&["tenants", "suspend", "bolt", "--reason", "unpaid"])
        .succeeded()
        .says("bolt is in cell eu: suspended");
    shop.wait_until("bolt is told so", |shop| {
        let answer = shop.get("/no/such/path", "bolt").unwrap();
        answer.starts_with("HTTP/1.1 402") && answer.contains("Closed by us")
    });
    shop.workspace.write(
        "list.csv",
        "id,cell,suspended\nacme,eu,true\nbolt,eu,\ncato,us,\nduke,us,\n",
    );
    let sync = ["tenants", "sync", "--from", "list.csv"];
    let dry = shop.run(&["tenants", "sync", "--from", "list.csv", "--dry-run"]);
    dry.succeeded()
        .shows("+ duke: added to cell us")
        .says("nothing is done: 3 changes");
    shop.run(&sync)
        .succeeded()
        .shows("~ acme: suspended")
        .shows("~ bolt: resumed");
    shop.run(&sync).succeeded().says("0 changes");
    shop.wait_until("bolt is served", |shop| {
        shop.served_by("bolt").as_deref() == Some("1.0.0")
    });
    shop.wait_until("duke is served", |shop| {
        shop.served_by("duke").as_deref() == Some("1.0.0")
    });
    shop.workspace.write("short.csv", "id,cell\nacme,eu\n");
    let short = ["tenants", "sync", "--from-command", "cat", "short.csv"];
    let refused = shop.run(&short);
    assert_eq!(
        refused.code, 1,
        "a program prints YAML where nothing is said: {refused:#?}"
    );
    let short = [
        "tenants",
        "sync",
        "--format",
        "csv",
        "--from-command",
        "cat",
        "short.csv",
    ];
    shop.run(&short).ended_with(4).says("`--remove-at-most 3`");
    shop.run(&["tenants", "sync", "--from", "short.csv", "--dry-run"])
        .ended_with(4)
        .shows("- bolt: removed")
        .says("this list would be refused: the list lacks 3 of 4 tenants");
}

/// Answers each request with the list, where it has the header, and says that it was refused where it has not.
fn list_server(list: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                request.push(byte[0]);
            }
            let request = String::from_utf8_lossy(&request).to_lowercase();
            let (status, body) = match request.contains("\r\nauthorization: bearer s3cret\r\n") {
                true => ("200 OK", list),
                false => ("401 Unauthorized", ""),
            };
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    address
}

#[test]
fn a_list_comes_from_a_web_server_that_is_told_a_header_from_the_environment() {
    let shop = Shop::installed("100ms");
    let url = format!(
        "http://{}/tenants.csv",
        list_server("id,cell\nacme,eu\nbolt,eu\ncato,us\nduke,us\n")
    );
    let sync = ["tenants", "sync", "--format", "csv", "--from-url", &url];
    shop.run(&sync)
        .ended_with(1)
        .says("answered 401 Unauthorized, so its list does not count");
    let with_header = [&sync[..], &["--header-from-env", "LIST_HEADER"]].concat();
    shop.run(&with_header)
        .ended_with(1)
        .says("the variable `LIST_HEADER` is not set");
    let mut asking = shop.workspace.command();
    let asked = asking
        .args(&with_header)
        .env("LIST_HEADER", "Authorization: Bearer s3cret")
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&asked.stdout),
        String::from_utf8_lossy(&asked.stderr)
    );
    assert!(
        asked.status.success() && said.contains("+ duke: added to cell us"),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
    shop.run(&["tenants", "sync", "--from-url", "http://example.com/tenants.yaml"])
        .ended_with(1)
        .says("would be asked for without encryption");
    let nobody = format!("https://{}/tenants.yaml", free_address());
    shop.run(&["tenants", "sync", "--from-url", &nobody])
        .ended_with(1)
        .says("cannot get the list of tenants from");
}
