use std::fs;
use std::io::Write as _;

use tempfile::TempDir;

use super::super::super::record::LogLimits;
use super::{Log, last_lines};

#[test]
fn full_files_are_rotated_and_the_oldest_is_dropped() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log");
    let limits = LogLimits {
        file_bytes_max: 10,
        rotated_max: 2,
    };
    let mut log = Log::open(path.clone(), limits);
    for number in 0..7 {
        writeln!(log, "line {number}").unwrap();
    }
    drop(log);
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["log", "log.1", "log.2"]);
    assert_eq!(last_lines(&path, 2).unwrap(), ["line 5", "line 6"]);
    assert_eq!(last_lines(&path, 100).unwrap(), ["line 4", "line 5", "line 6"]);
    assert_eq!(last_lines(&path, 0).unwrap(), [""; 0]);

    // The next life goes on where the last one ended.
    let mut log = Log::open(path.clone(), limits);
    writeln!(log, "!").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "line 6\n!\n");
}

#[test]
fn a_log_that_cannot_be_written_is_dropped_without_an_error() {
    let limits = LogLimits {
        file_bytes_max: 10,
        rotated_max: 0,
    };
    let mut log = Log::open("/proc/no-such-folder/log".into(), limits);
    log.write_all(b"into nothing, and more than a file may hold").unwrap();
}

#[test]
fn without_a_log_there_are_no_lines() {
    let folder = TempDir::new().unwrap();
    assert_eq!(last_lines(&folder.path().join("log"), 5).unwrap(), [""; 0]);
}
