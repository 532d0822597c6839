//! The chores of the house: tidiness, the whole test run, the long simulation, the benchmarks.
//!
//! It refuses to know the product: it depends on no crate of the house, reads the tree as text and starts
//! programs by their argument vector, never through a shell.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to the terminal"
)]

mod bench;
mod program;
mod steps;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <verb>

  tidy                                           check the shape of the tree: sizes, names, walls, links
  test                                           everything CI runs: format, lints, tidy, tests, end to end
  sim --seeds N [--first-seed S] [--json]        run the simulator over many seeds
  bench list                                     what can be measured
  bench NAME [--rounds N] [--seconds N] [--json] measure it beside other programs
  bench evidence [--hours N] [--seed N] [TABLE]  simulate traffic and count who is rolled back
  torture [--switches N] [--faults] [--json]     switch, hand over and kill under load; nothing may be lost
  calendar [--cases N [--seed S]]                compare the calendar with an oracle in Python, on random cases
  workers [--hand-overs N] [--json]              hand work over under load; each event takes effect once
  kills [--runs N]                               kill the server at ten random instants of the demo, N times
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    match arguments.as_slice() {
        ["tidy"] => match tidy::run(&root) {
            Ok(()) => ExitCode::SUCCESS,
            Err(findings) => {
                eprintln!("{findings}");
                ExitCode::FAILURE
            }
        },
        ["test"] => steps::run(&root, is_ci()),
        ["bench", arguments @ ..] => bench::run(&root, arguments),
        ["torture", options @ ..] => program::hand_over(&root, TORTURE, options),
        ["workers", options @ ..] => program::hand_over(&root, WORKERS, options),
        ["kills", options @ ..] => steps::kills(&root, options),
        ["calendar", options @ ..] => steps::calendar(&root, options),
        ["sim", options @ ..] => program::hand_over(&root, SIMULATOR, options),
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The product's own simulator, built with optimisation. It reads its options and writes its report itself.
const SIMULATOR: &[&str] = &["cargo", "run", "--quiet", "--release", "--", "sim"];

/// As it would serve: its times mean nothing without optimisation.
const TORTURE: &[&str] = &["cargo", "run", "--quiet", "--release", "--", "torture"];

/// With the workers of the demo, as they run there.
const WORKERS: &[&str] = &["cargo", "run", "--quiet", "--release", "--", "workers"];

/// The root of the workspace, two levels above this crate: as `cargo` says now, since a target directory may serve several
/// checkouts.
fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest)
        .ancestors()
        .nth(2)
        .expect("crates/xtask lies two levels below the root")
        .to_path_buf()
}

/// A missing tool is a skipped step on a desk and a failure in CI.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
