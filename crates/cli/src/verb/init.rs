//! `tidegate init`: a project to start from.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as Arguments;
use tidegate_domain::files::{PLAYBOOKS_FOLDER, SERVICE_FILE, SHIPPED_PLAYBOOKS, Source, starter};

use crate::context::Context;
use crate::error::CliError;
use crate::output;

/// Write a commented project to start from: files, a playbook, a release and the program it releases
#[derive(Debug, Clone, Arguments)]
pub struct Args {
    /// The folder to write to, made where it is missing; by default the project's
    pub directory: Option<PathBuf>,
    /// Write only this one of the playbooks that come with Tidegate
    #[arg(long, value_name = "NAME", value_parser = SHIPPED_PLAYBOOKS.map(|(name, _)| name))]
    pub playbook: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> Result<ExitCode, CliError> {
    let folder = args.directory.as_ref().unwrap_or(&context.project);
    let shipped = SHIPPED_PLAYBOOKS
        .iter()
        .find(|(name, _)| Some(*name) == args.playbook.as_deref());
    if let Some((name, text)) = shipped {
        return write_playbook(folder, name, text);
    }
    let files = starter();
    refuse_to_overwrite(folder, &files)?;
    for file in &files {
        write(&folder.join(&file.path), &file.text)?;
    }
    // What editors read lies in the state folder and is no news.
    let written = files.iter().filter(|file| !file.path.starts_with('.'));
    output::data(
        &written
            .map(|file| format!("{}\n", folder.join(&file.path).display()))
            .collect::<String>(),
    )?;
    let elsewhere = if folder == Path::new(".") {
        String::new()
    } else {
        format!("cd {} && ", folder.display())
    };
    output::message(&format!("next: {elsewhere}tidegate plan release.yaml"));
    Ok(ExitCode::SUCCESS)
}

fn write_playbook(folder: &Path, name: &str, text: &str) -> Result<ExitCode, CliError> {
    let file = Source {
        path: format!("{PLAYBOOKS_FOLDER}/{name}.yaml"),
        text: text.to_owned(),
    };
    refuse_to_overwrite(folder, std::slice::from_ref(&file))?;
    write(&folder.join(&file.path), &file.text)?;
    output::data(&format!("{}\n", folder.join(&file.path).display()))?;
    output::message(&format!("next: write `playbook: {name}` in {SERVICE_FILE}"));
    Ok(ExitCode::SUCCESS)
}

fn refuse_to_overwrite(folder: &Path, files: &[Source]) -> Result<(), CliError> {
    let there = files
        .iter()
        .map(|file| folder.join(&file.path))
        .filter(|path| path.exists());
    let there: Vec<String> = there.map(|path| format!("`{}`", path.display())).collect();
    if there.is_empty() {
        return Ok(());
    }
    Err(CliError::refused(format!(
        "there are files already that a new project would overwrite: {}",
        there.join(", ")
    ))
    .help("name another folder: `tidegate init DIR`"))
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error| CliError::new(format!("cannot write {}", path.display())).because(error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // A file that somebody else has made in the meantime stays theirs.
    let mut file = File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
