//! What gates have left for people to look at goes when it is old: a folder for each release, and in it one for each gate of a wave.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

/// Removes what the last run of a gate has left before this time.
pub(super) fn drop_kept(gates: &Path, before: SystemTime) -> io::Result<()> {
    let releases = match fs::read_dir(gates) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        releases => releases?,
    };
    for release in releases {
        let release = release?.path();
        for gate in fs::read_dir(&release)? {
            let gate = gate?.path();
            // Each run makes it anew.
            if fs::metadata(&gate)?.modified()? < before {
                fs::remove_dir_all(&gate)?;
            }
        }
        match fs::remove_dir(&release) {
            Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
