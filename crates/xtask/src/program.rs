//! Starting other programs: by argument vector, never through a shell.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// The command for `argv`, in the root of the workspace. `cargo` is the one that started us, so that every
/// step runs on one toolchain.
pub fn command(root: &Path, argv: &[&str]) -> Command {
    let (program, arguments) = argv.split_first().expect("a command names its program");
    let mut command = match *program {
        "cargo" => Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
        other => Command::new(other),
    };
    command.args(arguments).current_dir(root);
    command
}

/// Whether `probe` can be started and ends well: how a tool is looked for.
pub fn answers(root: &Path, probe: &[&str]) -> bool {
    command(root, probe)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs `argv` to its end. The error is all it printed, standard output first.
pub fn capture(root: &Path, argv: &[&str]) -> Result<String, String> {
    let output = command(root, argv)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start `{}`: {error}", argv[0]))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{stdout}{stderr}`{}`: {}", argv.join(" "), output.status))
}

/// Runs a verb of the product, built as it is released, to its end.
pub fn product(root: &Path, verb: &[&str]) -> Result<String, String> {
    let argv = ["cargo", "run", "--quiet", "--release", "--locked", "--"];
    capture(root, &[&argv[..], verb].concat())
}

/// Runs `argv` with further `options` on our own terminal and gives its exit code back.
pub fn hand_over(root: &Path, argv: &[&str], options: &[&str]) -> ExitCode {
    match command(root, argv).args(options).status() {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("error: cannot start `{}`: {error}", argv[0]);
            ExitCode::FAILURE
        }
    }
}
