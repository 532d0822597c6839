//! The one executable. Until the verbs come: the hidden ones, that the demo and the tests start.

mod traffic;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next();
    let result: Result<(), Box<dyn Error>> = match verb.as_deref().and_then(|verb| verb.to_str()) {
        Some("loyalty") => tidegate_loyalty::main(arguments).await.map_err(Into::into),
        Some("traffic") => {
            let config = arguments.next().map(PathBuf::from);
            traffic::run(config.as_deref()).await.map_err(Into::into)
        }
        _ => return ExitCode::from(2),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the command line is where errors are told")]
fn complain(error: &dyn Error) {
    eprint!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprint!(": {error}");
        cause = error.source();
    }
    eprintln!();
}
