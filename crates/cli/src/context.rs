//! What every verb is told: where the project is, where the server is, and how to print.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::client::Client;
use crate::error::CliError;

/// The folder beside tidegate.yaml where a server keeps its state.
pub const STATE_FOLDER: &str = ".tidegate";

/// Options that every verb understands.
#[derive(Debug, Clone, Args)]
pub struct Context {
    /// The folder that holds tidegate.yaml
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub project: PathBuf,
    /// Where the server keeps its state; by default `.tidegate` in the project
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The server's address, such as http://127.0.0.1:7070; also TIDEGATE_SERVER; by default the one serving this project
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// A file that holds the token to use; also TIDEGATE_TOKEN; by default the first token of the server of this project
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// When to color what is printed
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

impl Context {
    pub fn state_dir(&self) -> PathBuf {
        self.state.clone().unwrap_or_else(|| self.project.join(STATE_FOLDER))
    }

    /// Whether what goes to stderr is colored.
    pub fn color_stderr(&self) -> bool {
        self.color_on(std::io::stderr().is_terminal())
    }

    /// Whether what goes to stdout is colored.
    pub fn color_stdout(&self) -> bool {
        self.color_on(std::io::stdout().is_terminal())
    }

    fn color_on(&self, terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// The server this project is served by, if it says where it is.
    pub fn endpoint(&self) -> Option<String> {
        let given = self.server.clone().or_else(|| std::env::var("TIDEGATE_SERVER").ok());
        given.or_else(|| read_line(&self.state_dir().join("endpoint")))
    }

    /// The server this project is served by, or the way to have one.
    pub fn known_endpoint(&self) -> Result<String, CliError> {
        self.endpoint().ok_or_else(|| {
            CliError::new(format!(
                "no server is known for the project in `{}`",
                self.project.display()
            ))
            .help("start one with `tidegate serve`, or name one with `--server URL`")
        })
    }

    /// A client for the server, with its token.
    pub fn client(&self) -> Result<Client, CliError> {
        Client::new(&self.known_endpoint()?, self.token("admin.token")?)
    }

    /// The token to use; `default` is the file of the state folder that is read where none was given.
    pub fn token(&self, default: &str) -> Result<String, CliError> {
        if let Some(file) = &self.token_file {
            return read_line(file).ok_or_else(|| {
                CliError::new(format!("cannot read a token from `{}`", file.display()))
                    .help("the file must hold one token; `tidegate token create` makes one")
            });
        }
        if let Ok(token) = std::env::var("TIDEGATE_TOKEN") {
            return Ok(token);
        }
        let file = self.state_dir().join(default);
        read_line(&file).ok_or_else(|| {
            CliError::new(format!("no token was given, and `{}` cannot be read", file.display()))
                .help("set TIDEGATE_TOKEN or use `--token-file FILE`")
        })
    }
}

fn read_line(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
