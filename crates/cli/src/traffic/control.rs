//! What the starter of the generator tells it while it sends: one JSON document a line, on stdin.

use std::io::BufRead;

use serde::{Deserialize, Serialize};
use tidegate_loyalty::tenant::Tenant;
use tokio::sync::mpsc;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Control {
    /// These tenants may be answered by this version from now on.
    Switching(Switch),
    /// These tenants must be answered by this version from now on.
    Confirmed(Switch),
    /// Print the version each tenant was last answered by.
    Versions,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    pub tenants: Vec<Tenant>,
    pub version: String,
    /// Microseconds of the monotonic clock.
    pub at_micros: u64,
}

/// Reads on a thread of its own, for reading stdin blocks. The channel closes when stdin does, a line that is no control is handed on
/// as its error.
pub fn follow(mut input: impl BufRead + Send + 'static) -> mpsc::UnboundedReceiver<Result<Control, serde_json::Error>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while matches!(input.read_line(&mut line), Ok(1..)) {
            if !line.trim().is_empty() && sender.send(serde_json::from_str(&line)).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}
