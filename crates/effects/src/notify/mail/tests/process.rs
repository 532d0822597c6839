//! A receiver of mail as a process: aiosmtpd, and Python's parser of mail.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

pub struct Mailbox {
    pub port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    /// It is killed with this.
    _child: Child,
}

/// A mail as it was received.
#[derive(Debug, Deserialize)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub headers: Vec<(String, String)>,
    pub defects: Vec<String>,
    pub text: String,
    pub raw: String,
    pub encrypted: bool,
    pub authenticated: bool,
}

impl Mail {
    /// The one header that is called so.
    pub fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next().unwrap_or_else(|| panic!("no {name}: {self:?}"));
        assert!(found.next().is_none(), "{name} twice: {self:?}");
        value
    }
}

impl Mailbox {
    /// `None` where there is no receiver, on a desk.
    pub async fn open(options: &[&str]) -> Option<Self> {
        let packages = packages().await?;
        let here = folder();
        let mut child = Command::new("python3")
            .arg(here.join("receiver.py"))
            .arg(packages)
            .args(options)
            .arg("--certificate")
            .args([here.join("localhost.pem"), here.join("localhost.key")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("the receiver has ended");
        Some(Self {
            port: port.parse().unwrap(),
            lines,
            _child: child,
        })
    }

    /// The next mail, which has been received.
    pub async fn next(&mut self) -> Mail {
        let line = self.lines.next_line().await.unwrap().expect("the receiver has ended");
        serde_json::from_str(&line).unwrap()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/notify/mail/tests")
}

/// What the receiver is made of. In CI it has to be fetched; on a desk the test is left out.
async fn packages() -> Option<String> {
    let why = match Command::new("python3").arg(folder().join("prepare.py")).output().await {
        Ok(output) if output.status.success() => {
            return Some(String::from_utf8(output.stdout).unwrap().trim().to_owned());
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => format!("cannot start python3: {error}"),
    };
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "a receiver of mail cannot be fetched: {why}");
    eprintln!("left out, because a receiver of mail cannot be fetched: {why}");
    None
}
