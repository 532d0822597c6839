//! A folder of its own, and the executable run in it as a person would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub const EXECUTABLE: &str = env!("CARGO_BIN_EXE_tidegate");

pub struct Workspace {
    folder: TempDir,
}

/// What a run of the executable ended with.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Workspace {
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// With the project that `init` writes.
    pub fn starter() -> Self {
        let workspace = Self::empty();
        workspace.run(&["init"]).succeeded();
        workspace
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn replace(&self, name: &str, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(old), "{name} does not contain `{old}`");
        self.write(name, &text.replace(old, new));
    }

    /// The executable, told nothing by the environment of the test.
    pub fn command(&self) -> Command {
        let mut command = Command::new(EXECUTABLE);
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env("TZ", "UTC");
        for name in ["TIDEGATE_SERVER", "TIDEGATE_TOKEN", "NO_COLOR", "RUST_LOG"] {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command().args(arguments).output().unwrap())
    }

    pub fn with_token(&self, token: &str, arguments: &[&str]) -> Ended {
        Ended::of(
            self.command()
                .env("TIDEGATE_TOKEN", token)
                .args(arguments)
                .output()
                .unwrap(),
        )
    }
}

impl AsRef<Path> for Workspace {
    fn as_ref(&self) -> &Path {
        self.folder.path()
    }
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn succeeded(self) -> Self {
        self.ended_with(0)
    }

    #[track_caller]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Stdout as the one document it must be.
    #[track_caller]
    pub fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        assert_eq!(document["schema_version"], 1, "{self:#?}");
        document
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "does not say `{text}`: {self:#?}");
        self
    }

    #[track_caller]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "does not show `{text}`: {self:#?}");
        self
    }
}
