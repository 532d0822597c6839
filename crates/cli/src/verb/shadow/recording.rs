//! Recordings: files with a response a line. They may be larger than memory and in any order, so of all but the one that is read
//! through only the places of the lines are kept.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use tidegate_evidence::shadow::Record;

use crate::error::CliError;

/// A longer line is no response that anybody compares.
const LINE_MAX: u64 = 16 << 20;
pub const ONE_RECORD: &str = "write one record for each request: a retry is a request of its own";

/// The records of a file, one after another.
pub struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    /// Of the line that was read last, from 1.
    number: u64,
    /// Where it begins.
    offset: u64,
}

/// The records of a file by their ids.
pub struct Recording {
    lines: Lines,
    places: HashMap<String, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    number: u64,
    is_taken: bool,
}

/// What was found under an id.
pub enum Taken {
    First(Record),
    Again,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Self, CliError> {
        let file = File::open(path).map_err(|error| cannot_read(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 16, file),
            line: Vec::new(),
            number: 0,
            offset: 0,
        })
    }

    /// The next record and its line; empty lines are none.
    pub fn next(&mut self) -> Result<Option<(u64, Record)>, CliError> {
        loop {
            self.offset += self.line.len() as u64;
            self.number += 1;
            if self.read_line()? == 0 {
                return Ok(None);
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some((self.number, self.record()?)));
            }
        }
    }

    /// Where recordings are in one order, what is wanted is mostly in the buffer already.
    fn record_at(&mut self, place: Place) -> Result<Record, CliError> {
        let behind_last = self.offset + self.line.len() as u64;
        let sought = self.reader.seek_relative(place.offset.wrapping_sub(behind_last) as i64);
        sought.map_err(|error| cannot_read(&self.path, error))?;
        (self.offset, self.number) = (place.offset, place.number);
        self.read_line()?;
        self.record()
    }

    fn read_line(&mut self) -> Result<usize, CliError> {
        self.line.clear();
        let mut bounded = (&mut self.reader).take(LINE_MAX + 1);
        let read = bounded.read_until(b'\n', &mut self.line);
        let length = read.map_err(|error| cannot_read(&self.path, error))?;
        if length as u64 > LINE_MAX {
            let problem = format!("the line is longer than {} MiB", LINE_MAX >> 20);
            let help = "leave such responses out, or record the start of their bodies";
            return Err(refused(&self.path, self.number, &problem, help));
        }
        Ok(length)
    }

    fn record(&self) -> Result<Record, CliError> {
        Record::read(self.line.trim_ascii_end())
            .map_err(|misread| refused(&self.path, self.number, &misread.to_string(), misread.remedy))
    }
}

impl Recording {
    /// Reads all lines once, so that a wrong one is told before anything is compared.
    pub fn open(path: &Path) -> Result<Self, CliError> {
        let mut lines = Lines::open(path)?;
        let mut places: HashMap<String, Place> = HashMap::new();
        while let Some((number, record)) = lines.next()? {
            if let Some(first) = places.get(&record.id) {
                let problem = format!("the id `{}` is that of line {}", record.id, first.number);
                return Err(refused(path, number, &problem, ONE_RECORD));
            }
            let place = Place {
                offset: lines.offset,
                number,
                is_taken: false,
            };
            places.insert(record.id, place);
        }
        Ok(Self { lines, places })
    }

    /// The record with this id, which is given out once.
    pub fn take(&mut self, id: &str) -> Result<Option<Taken>, CliError> {
        let Some(place) = self.places.get_mut(id) else {
            return Ok(None);
        };
        if place.is_taken {
            return Ok(Some(Taken::Again));
        }
        place.is_taken = true;
        Ok(Some(Taken::First(self.lines.record_at(*place)?)))
    }

    /// Records that were not taken.
    pub fn left(&self) -> u64 {
        self.places.values().filter(|place| !place.is_taken).count() as u64
    }
}

impl Taken {
    pub fn first(self) -> Option<Record> {
        match self {
            Self::First(record) => Some(record),
            Self::Again => None,
        }
    }
}

/// A line that cannot be compared.
pub fn refused(path: &Path, line: u64, problem: &str, help: &str) -> CliError {
    CliError::new(format!(
        "cannot read the responses of `{}:{line}`: {problem}",
        path.display()
    ))
    .help(help)
}

fn cannot_read(path: &Path, error: std::io::Error) -> CliError {
    CliError::new(format!("cannot read `{}`", path.display())).because(error)
}
