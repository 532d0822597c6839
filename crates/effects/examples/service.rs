//! What the tests of the process driver run: a service with the manners that its environment asks for, and the shim.
//!
//! `service serve` is the service; `service shim ...` is what the driver starts in the place of the product's own verb;
//! `service drive` is a driver in a process of its own, to be killed.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is what the tests of logs look at"
)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::env;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tidegate_domain::desired::CellDesired;
use tidegate_effects::drivers::Driver as _;
use tidegate_effects::drivers::process::{Options, ProcessDriver, shim};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match arguments.split_first() {
        Some((verb, rest)) if verb == "shim" => shim::run(rest),
        Some((verb, _)) if verb == "serve" => serve(),
        Some((verb, rest)) if verb == "drive" => drive(rest),
        Some((verb, _)) if verb == "linger" => linger(),
        Some((verb, _)) if verb == "ready" => exists("READY_FILE"),
        _ => ExitCode::from(2),
    }
}

/// Whether the file that a variable names exists; so it is where the variable is not set.
fn present(variable: &str) -> bool {
    env::var_os(variable).is_none_or(|path| Path::new(&path).exists())
}

fn exists(variable: &str) -> ExitCode {
    if present(variable) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Appends a line to the file that `JOURNAL` names.
fn note(line: &str) {
    if let Some(path) = env::var_os("JOURNAL") {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| writeln!(file, "{line}"))
            .expect("the journal can be written");
    }
}

/// Drives the cell in the file `rest[1]` under the root `rest[0]`, with the lease `rest[2]`, until it is killed.
fn drive(rest: &[OsString]) -> ExitCode {
    let [root, wish, lease] = rest else {
        return ExitCode::from(2);
    };
    let wish: CellDesired = serde_json::from_slice(&std::fs::read(wish).expect("a wish")).expect("JSON");
    let options = Options {
        lease: Some(PathBuf::from(lease)),
        ..Options::default()
    };
    let program = env::current_exe().expect("a program has a file");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let driver = ProcessDriver::new(Path::new(root), program, options).expect("a driver");
        let cell = "north".parse().expect("a name");
        driver.reconcile(&cell, 1, &wish).expect("the first wish");
        std::future::pending().await
    })
}

fn serve() -> ExitCode {
    let _alone = env::var_os("ALONE").map(|path| {
        let file = File::create(path).expect("a file");
        if file.try_lock().is_err() {
            note("two at the same time");
        }
        file
    });
    println!("hello from {}", env::var("TIDEGATE_VERSION").unwrap_or_default());
    note(&format!("start {}", env::var("TIDEGATE_INSTANCE").unwrap_or_default()));
    if let Ok(code) = env::var("EXIT_CODE") {
        eprintln!("cannot reach the database");
        return ExitCode::from(code.parse::<u8>().expect("a code"));
    }
    if env::var_os("LEAVE_BEHIND").is_some() {
        leave_behind();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let code = runtime.expect("a runtime").block_on(answer());
    if env::var_os("END_SLOWLY").is_some() {
        std::thread::sleep(Duration::from_millis(300));
    }
    note(&format!("end {}", env::var("TIDEGATE_INSTANCE").unwrap_or_default()));
    code
}

#[expect(clippy::zombie_processes, reason = "it is meant to outlive this process")]
fn leave_behind() {
    let this = env::current_exe().expect("a program has a file");
    Command::new(this).arg("linger").spawn().expect("this program runs");
}

/// Stays, in a session of its own, where no signal to the instance's group arrives.
fn linger() -> ExitCode {
    rustix::process::setsid().expect("not the leader of a group");
    loop {
        std::thread::park();
    }
}

async fn answer() -> ExitCode {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be caught");
    let port = env::var("PORT").expect("a port").parse().expect("a number");
    while !present("LISTEN_FILE") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let Ok(listener) = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await else {
        eprintln!("port {port} is taken");
        return ExitCode::FAILURE;
    };
    let worker = Arc::new(Worker::default());
    loop {
        tokio::select! {
            _ = terminate.recv(), if env::var_os("IGNORE_TERM").is_none() => return ExitCode::SUCCESS,
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("connections arrive");
                let worker = Arc::clone(&worker);
                tokio::spawn(async move {
                    let service = service_fn(move |request| respond(request, Arc::clone(&worker)));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        }
    }
}

async fn respond(request: Request<Incoming>, worker: Arc<Worker>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let (status, answer) = match parts.uri.path() {
        "/ready" => match present("READY_FILE") {
            true => (StatusCode::OK, json!({})),
            false => (StatusCode::SERVICE_UNAVAILABLE, json!({})),
        },
        "/about" => (StatusCode::OK, about()),
        "/worker/status" => (StatusCode::OK, worker.status()),
        "/worker/activate" => worker.activate(&parse(&body)),
        "/worker/deactivate" => worker.deactivate(&parse(&body)),
        _ => (StatusCode::NOT_FOUND, json!({})),
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = status;
    Ok(response)
}

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

fn about() -> Value {
    let variables: BTreeMap<String, String> = env::vars().collect();
    let arguments: Vec<String> = env::args().collect();
    json!({ "variables": variables, "arguments": arguments, "folder": env::current_dir().expect("a folder") })
}

/// Holds what it is given, and notes every change.
#[derive(Debug, Default)]
struct Worker {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    owned: BTreeMap<String, u64>,
    cell: Option<u64>,
}

impl Worker {
    fn change<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        change(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn status(&self) -> Value {
        self.change(|held| json!({ "version": "any", "owned": held.owned, "cell": held.cell, "lag": {} }))
    }

    fn activate(&self, share: &Value) -> (StatusCode, Value) {
        let version = env::var("TIDEGATE_VERSION").unwrap_or_default();
        self.change(|held| {
            for (tenant, epoch) in tenants(share) {
                note(&format!("activate {version} {tenant} {epoch}"));
                held.owned.insert(tenant, epoch);
            }
            if let Some(epoch) = share["cell"].as_u64() {
                note(&format!("activate {version} cell {epoch}"));
                held.cell = Some(epoch);
            }
        });
        (StatusCode::OK, self.status())
    }

    fn deactivate(&self, share: &Value) -> (StatusCode, Value) {
        let version = env::var("TIDEGATE_VERSION").unwrap_or_default();
        self.change(|held| {
            for (tenant, epoch) in tenants(share) {
                note(&format!("deactivate {version} {tenant} {epoch}"));
                held.owned.remove(&tenant);
            }
            if let Some(epoch) = share["cell"].as_u64() {
                note(&format!("deactivate {version} cell {epoch}"));
                held.cell = None;
            }
        });
        (StatusCode::OK, self.status())
    }
}

fn tenants(share: &Value) -> BTreeMap<String, u64> {
    serde_json::from_value(share["tenants"].clone()).unwrap_or_default()
}
