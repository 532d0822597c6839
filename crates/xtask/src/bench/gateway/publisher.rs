//! Whom our gateway follows and reports to: it publishes one table, and takes counters without looking at them.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const FOLLOW: &str = "POST /gateway/v1/follow ";
const NOTHING_NEW: &str = r#"{"lease_ms": 60000, "table": null}"#;
/// Between calls of a gateway that has the table; less than it asks for, so that it never waits in vain.
const WAIT: Duration = Duration::from_millis(900);

/// It answers until this program ends.
pub struct Publisher {
    address: SocketAddr,
}

impl Publisher {
    pub fn start(table: &str) -> Result<Self, String> {
        let listener =
            TcpListener::bind("127.0.0.1:0").map_err(|error| format!("cannot publish the table: {error}"))?;
        let address = listener
            .local_addr()
            .map_err(|error| format!("cannot publish the table: {error}"))?;
        let table: Arc<str> = format!("{{\"lease_ms\": 60000, \"table\": {table}}}").into();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let table = table.clone();
                // The gateway opens another connection where one breaks.
                thread::spawn(move || converse(&stream, &table));
            }
        });
        Ok(Self { address })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Answers one call after the other.
fn converse(stream: &TcpStream, table: &str) -> io::Result<()> {
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
        let reply = if !first.starts_with(FOLLOW) {
            "{}"
        } else if String::from_utf8_lossy(&body).contains("\"confirmed\":null") {
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
