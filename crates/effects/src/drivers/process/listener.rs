//! Whose answer it is: a port that was free when it was chosen may belong to somebody else by now, who answers as well.

use std::collections::BTreeSet;
use std::fs;

use super::lock;
use super::record::{self, InstanceDirectory, Running};

/// Whether another process than the instance in `directory` listens on `port`. Where the kernel does not let us see, no.
pub(super) fn is_strangers(port: u16, directory: &InstanceDirectory) -> bool {
    let listening = listening(port);
    if listening.is_empty() {
        return false;
    }
    let running: Option<Running> = record::read(&directory.running());
    let child = running.and_then(|running| running.child).map(|child| child.pid);
    let owns = |pid: i32| sockets(pid).is_none_or(|sockets| !sockets.is_disjoint(&listening));
    // Mostly it is the process that was started; else one that it started, which has the lock open as well.
    !child.is_some_and(owns) && !lock::holders(&directory.lock()).is_ok_and(|holders| holders.into_iter().any(owns))
}

/// The sockets that listen on `port`, on any address, by their inodes (proc(5), `/proc/net/tcp`).
fn listening(port: u16) -> BTreeSet<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines.filter_map(|line| listener(line, port)).collect()
}

/// The inode in a line of the kernel's table, if it is of a socket that listens on `port`.
fn listener(line: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
    let listens = *fields.get(3)? == LISTEN && u16::from_str_radix(local_port, 16) == Ok(port);
    if listens { fields.get(9)?.parse().ok() } else { None }
}

/// The sockets that a process has open; `None` where it may not be looked into.
fn sockets(pid: i32) -> Option<BTreeSet<u64>> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let socket = |descriptor: fs::DirEntry| {
        let target = fs::read_link(descriptor.path()).ok()?;
        target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    };
    Some(descriptors.flatten().filter_map(socket).collect())
}

#[cfg(test)]
mod tests;
