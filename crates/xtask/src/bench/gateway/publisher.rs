//! Whom our gateway follows and reports to: it publishes one table, takes counters without looking at them, and wishes that requests are mirrored.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const FOLLOW: &str = "POST /gateway/v1/follow ";
const COUNTERS: &str = "POST /gateway/v1/counters ";
const MIRRORED: &str = "POST /gateway/v1/mirrored ";
const NOTHING_NEW: &str = r#"{"lease_ms": 60000, "table": null}"#;
/// Between calls of a gateway that has the table; less than it asks for, so that it never waits in vain.
const WAIT: Duration = Duration::from_millis(900);

/// It answers until this program ends.
pub struct Publisher {
    address: SocketAddr,
    pub wish: Arc<Wish>,
}

/// What is to be mirrored, and how much was.
#[derive(Default)]
pub struct Wish {
    /// The tap in JSON; empty for none.
    tap: Mutex<String>,
    mirrored: AtomicU64,
}

impl Wish {
    /// Nothing was mirrored yet.
    pub fn set(&self, tap: String) {
        *self.tap.lock().unwrap_or_else(PoisonError::into_inner) = tap;
        self.mirrored.store(0, Ordering::Relaxed);
    }

    /// As told last.
    pub fn mirrored(&self) -> u64 {
        self.mirrored.load(Ordering::Relaxed)
    }

    /// The answer to a report: the plan only to a gateway that does not have it.
    fn reply(&self, report: &str) -> String {
        let tap = self.tap.lock().unwrap_or_else(PoisonError::into_inner);
        let id = tap.split('"').nth(3).unwrap_or_default();
        let tap = if !tap.is_empty() && report.contains(&format!("\"{id}\"")) {
            format!("{{\"id\": \"{id}\", \"lease_ms\": 10000}}")
        } else {
            tap.clone()
        };
        format!("{{\"publisher\": \"benchmark\", \"taps\": [{tap}]}}")
    }

    fn take(&self, mirrored: &str) {
        let told = mirrored.split("\"mirrored\":").nth(1);
        let digits = told.and_then(|told| told.split(|digit: char| !digit.is_ascii_digit()).next());
        if let Some(count) = digits.and_then(|digits| digits.parse().ok()) {
            self.mirrored.store(count, Ordering::Relaxed);
        }
    }
}

impl Publisher {
    pub fn start(table: &str) -> Result<Self, String> {
        let listener =
            TcpListener::bind("127.0.0.1:0").map_err(|error| format!("cannot publish the table: {error}"))?;
        let address = listener
            .local_addr()
            .map_err(|error| format!("cannot publish the table: {error}"))?;
        let wish = Arc::<Wish>::default();
        let wished = wish.clone();
        let table: Arc<str> = format!("{{\"lease_ms\": 60000, \"table\": {table}}}").into();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (table, wish) = (table.clone(), wished.clone());
                // The gateway opens another connection where one breaks.
                thread::spawn(move || converse(&stream, &table, &wish));
            }
        });
        Ok(Self { address, wish })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Answers one call after the other.
fn converse(stream: &TcpStream, table: &str, wish: &Wish) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut line = String::new();
        while reader.read_line(&mut line)? > 0 && !line.trim().is_empty() {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body);
        let told;
        let reply = if first.starts_with(COUNTERS) {
            told = wish.reply(&body);
            &told
        } else if first.starts_with(MIRRORED) {
            wish.take(&body);
            "{}"
        } else if !first.starts_with(FOLLOW) {
            "{}"
        } else if body.contains("\"confirmed\":null") {
            table
        } else {
            thread::sleep(WAIT);
            NOTHING_NEW
        };
        let mut stream = stream;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{reply}",
            reply.len()
        )?;
    }
}
