//! What a benchmark works with: the product as it is released, and a folder to write in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::target;
use crate::program;

/// A folder for everything that is written on the way. Removed at the end.
pub struct Folder(pub PathBuf);

/// The product as it is released.
pub fn build(root: &Path) -> Result<PathBuf, String> {
    eprintln!("building the product");
    let built = program::command(root, &["cargo", "build", "--release", "--package", "tidegate-cli"])
        .stdout(Stdio::null())
        .status();
    let built = built.map_err(|error| format!("cannot start `cargo`: {error}"))?;
    if !built.success() {
        return Err(format!("`cargo build --release`: {built}"));
    }
    Ok(target()?.join("release/tidegate"))
}

impl Folder {
    pub fn make() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("tidegate-bench-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("cannot make `{}`: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the folder for temporary files, and told nobody anything.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Writes a file that a program is to read.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}
