//! A server whose requests take processor time, in a process of its own.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::hint::black_box;
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What can be asked for, and how many times the mean work each takes.
pub const PATHS: [(&str, f64); 4] = [("/read", 0.4), ("/list", 0.8), ("/search", 1.2), ("/report", 1.6)];

/// Stopped when it is dropped.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    process: Child,
}

impl Server {
    /// One whose mean request takes so many rounds.
    pub fn start(rounds: f64) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(env::current_exe()?)
            .args(["serve", &rounds.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("a server without output")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { address, process })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says where it is, and answers until it is killed.
pub async fn serve(rounds: f64) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = service_fn(move |request: Request<Incoming>| async move {
            let found = PATHS.iter().find(|(path, _)| *path == request.uri().path());
            work(rounds * found.map_or(1.0, |(_, times)| *times));
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"done"))))
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

/// Rounds of arithmetic, as many whatever else the machine does: others on it make them longer.
fn work(rounds: f64) {
    let mut number = 1_u64;
    for _ in 0..rounds as u64 {
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}
