//! The output of an instance, bounded: when a file is full it is rotated, and the oldest is dropped.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::super::record::LogLimits;

/// Written to without ever failing: an instance must not stand still because its log cannot grow. What cannot be
/// written is dropped.
#[derive(Debug)]
pub(in super::super) struct Log {
    path: PathBuf,
    limits: LogLimits,
    file: Option<File>,
    bytes: u64,
}

impl Log {
    /// Goes on at the end of what is there.
    pub fn open(path: PathBuf, limits: LogLimits) -> Self {
        let mut log = Self {
            path,
            limits,
            file: None,
            bytes: 0,
        };
        log.reopen();
        log
    }

    fn reopen(&mut self) {
        let opened = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path);
        self.file = opened.ok();
        let length = |file: &File| file.metadata().map(|metadata| metadata.len());
        self.bytes = self.file.as_ref().and_then(|file| length(file).ok()).unwrap_or(0);
    }

    fn rotate(&mut self) {
        for number in (1..self.limits.rotated_max).rev() {
            let _ = fs::rename(rotated(&self.path, number), rotated(&self.path, number + 1));
        }
        if self.limits.rotated_max > 0 {
            let _ = fs::rename(&self.path, rotated(&self.path, 1));
        } else {
            let _ = fs::remove_file(&self.path);
        }
        self.reopen();
    }
}

/// The file that was full `number` rotations ago.
fn rotated(path: &Path, number: u32) -> PathBuf {
    path.with_extension(number.to_string())
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes > 0 && self.bytes.saturating_add(bytes.len() as u64) > self.limits.file_bytes_max {
            self.rotate();
        }
        if let Some(file) = &mut self.file
            && file.write_all(bytes).is_ok()
        {
            self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The last `count` lines of the log at `path`, oldest first, over all its files.
pub(in super::super) fn last_lines(path: &Path, count: usize) -> io::Result<Vec<String>> {
    let mut lines: VecDeque<String> = VecDeque::new();
    let mut number = 0;
    while lines.len() < count {
        let name = if number == 0 {
            path.to_owned()
        } else {
            rotated(path, number)
        };
        let file = match File::open(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        let mut last = VecDeque::new();
        for line in BufReader::new(file).split(b'\n') {
            if last.len() == count - lines.len() {
                last.pop_front();
            }
            last.push_back(String::from_utf8_lossy(&line?).into_owned());
        }
        last.append(&mut lines);
        lines = last;
        number += 1;
    }
    Ok(lines.into())
}

#[cfg(test)]
mod tests;
