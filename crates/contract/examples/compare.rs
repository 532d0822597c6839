//! Compares two documents in files and says what it found, and what that took.
//!
//! `cargo run --release -p tidegate-contract --example compare -- OLD.json NEW.json`

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it reads files and measures, and says so on standard output"
)]

use std::error::Error;
use std::time::Instant;

use tidegate_contract::{Documents, Level, Policy, compare};

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut documents = Vec::new();
    for name in std::env::args().skip(1) {
        documents.push(Documents::new(serde_json::from_str(&std::fs::read_to_string(name)?)?));
    }
    let [old, new] = documents.as_slice() else {
        return Err("two files are compared: `compare OLD.json NEW.json`".into());
    };
    let read = start.elapsed();
    let comparison = compare(old, new)?;
    let compared = start.elapsed() - read;
    for change in &comparison.changes {
        println!(
            "{:?} {} {} {} ({} operations): {}",
            change.level(Policy::Contract),
            change.rule,
            change.operations.first().map_or("", String::as_str),
            change.path,
            change.operations.len(),
            change.message
        );
    }
    let count = |level| {
        comparison
            .changes
            .iter()
            .filter(|change| change.level(Policy::Contract) == level)
            .count()
    };
    println!(
        "{} breaking, {} unknown, {} compatible; read in {} ms, compared in {} ms",
        count(Level::Breaking),
        count(Level::Unknown),
        count(Level::Compatible),
        read.as_millis(),
        compared.as_millis()
    );
    Ok(())
}
