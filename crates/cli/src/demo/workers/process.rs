//! The processes of the worker, found as an operator would: by what the driver has put into their environment.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::demo::world::World;

/// One instance of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    pub cell: String,
    pub version: String,
    pid: Pid,
}

impl Worker {
    /// Every instance of the ledger in the folder of this run.
    pub fn all(world: &World) -> Vec<Self> {
        let folder = world.folder().display().to_string();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let number = entry.file_name().to_str()?.parse().ok()?;
                let variables = variables(&fs::read(entry.path().join("environ")).ok()?);
                let is_ours = variables.get("LOYALTY_DATA")?.starts_with(&folder)
                    && variables.get("TIDEGATE_COMPONENT")? == "ledger";
                Some(Self {
                    cell: variables.get("TIDEGATE_CELL").filter(|_| is_ours)?.clone(),
                    version: variables.get("TIDEGATE_VERSION")?.clone(),
                    pid: Pid::from_raw(number)?,
                })
            })
            .collect()
    }

    /// One that has ended meanwhile is passed over: the driver starts another one.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }
}

fn variables(environ: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(environ);
    let pairs = text.split('\0').filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
