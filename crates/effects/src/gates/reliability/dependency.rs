//! What instances depend on, taken away and brought back by programs of the user.
//!
//! Whatever becomes of the gate, it is brought back: a mark on disk says that something is away, and whoever begins and finds
//! one begins with bringing it back.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::Target;
use super::super::program::{self, Printed, Program, in_words, last_words};
use super::with::{Dependency, With};

/// Something is away as long as this is there. It stands beside what is kept, which goes when the gate is run again.
fn mark(target: &Target) -> PathBuf {
    let mut name = target.kept.file_name().unwrap_or_default().to_owned();
    name.push(".lost");
    target.kept.with_file_name(name)
}

/// Brings back what an earlier run of the gate may have left away.
pub(super) async fn bring_back(with: &With, target: &Target) -> Result<(), String> {
    let mark = mark(target);
    if !mark.exists() {
        return Ok(());
    }
    for dependency in with.dependencies() {
        restore(dependency, target).await?;
    }
    removed(&mark)
}

/// Something that is away. Dropped without [`Away::back`], it is brought back by a program that nobody waits for.
pub(super) struct Away<'w> {
    dependency: &'w Dependency,
    target: &'w Target,
    is_away: bool,
}

impl<'w> Away<'w> {
    /// Takes it away.
    pub async fn lose(dependency: &'w Dependency, target: &'w Target) -> Result<Self, String> {
        let mark = mark(target);
        fs::write(&mark, &dependency.name)
            .map_err(|error| format!("`{}` cannot be written: {error}", mark.display()))?;
        let away = Self {
            dependency,
            target,
            is_away: true,
        };
        match run(dependency, &dependency.lose, target).await {
            Ok(()) => Ok(away),
            // It may have been half done.
            Err(reason) => match away.back().await {
                Ok(()) => Err(reason),
                Err(back) => Err(format!("{reason}; {back}")),
            },
        }
    }

    /// Brings it back.
    pub async fn back(mut self) -> Result<(), String> {
        restore(self.dependency, self.target).await?;
        self.is_away = false;
        removed(&mark(self.target))
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        if self.is_away {
            let command = &self.dependency.restore;
            // Whether it could be started or not, the mark stays, and the next run begins with it.
            let _ = program(self.dependency, command, self.target).prepared().spawn();
        }
    }
}

async fn restore(dependency: &Dependency, target: &Target) -> Result<(), String> {
    let restored = run(dependency, &dependency.restore, target).await;
    restored.map_err(|reason| format!("`{}` may still be away: {reason}", dependency.name))
}

fn program<'p>(dependency: &'p Dependency, command: &'p [String], target: &'p Target) -> Program<'p> {
    Program {
        command,
        environment: &dependency.environment,
        directory: &target.directory,
        told: program::variables(target, &target.slots),
        timeout: dependency.timeout,
    }
}

async fn run(dependency: &Dependency, command: &[String], target: &Target) -> Result<(), String> {
    let (mut output, mut errors) = (Printed::default(), Printed::default());
    let program = program(dependency, command, target);
    let status = program.run(&mut output, &mut errors).await?;
    if status.success() {
        return Ok(());
    }
    let words = last_words(&output, &errors);
    Err(format!("`{}` ended with {}{words}", program.name(), in_words(status)))
}

fn removed(mark: &Path) -> Result<(), String> {
    match fs::remove_file(mark) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("`{}` cannot be removed: {error}", mark.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
