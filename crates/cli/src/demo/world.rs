//! The folder of a demo: project files, artifacts, data, and the lease that ends every process when the demo does.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tidegate_loyalty::{Artifact, Faults};

use crate::context::{Color, Context};
use crate::error::CliError;

/// Tenants of the demo: every fifth opted in to the first wave.
pub const TENANTS: usize = 50;
/// Those of the first wave that the bad release tells wrong totals, and those that it is slow for.
const WRONG: usize = 4;
const SLOW: usize = 2;
pub const CELLS: [&str; 2] = ["eu", "us"];
pub const COMPONENTS: [&str; 3] = ["api", "admin", "ledger"];

pub struct World {
    folder: PathBuf,
    keep: bool,
    /// Held as long as the demo lives: the kernel lets go of it however the demo ends.
    _lease: File,
}

/// The files of the project that is served.
pub struct Project {
    pub service: &'static str,
    /// The text of the only playbook.
    pub playbook: &'static str,
    pub tenants: String,
}

pub struct Tenant {
    pub name: String,
    pub cell: &'static str,
    pub first: bool,
}

impl Project {
    /// Fifty tenants in two cells.
    pub fn demo(playbook: &'static str) -> Self {
        Self {
            service: include_str!("files/tidegate.yaml"),
            playbook,
            tenants: tenants_file(),
        }
    }
}

impl World {
    pub fn make(keep: bool, project: &Project) -> Result<Self, CliError> {
        let folder = std::env::temp_dir().join(format!("tidegate-demo-{}", std::process::id()));
        let failed = |error: io::Error| {
            CliError::new(format!("cannot make the folder of the demo, {}", folder.display()))
                .because(error)
                .help("set TMPDIR to a folder that can be written")
        };
        let lease = Self::lay_out(&folder, project).map_err(failed)?;
        Ok(Self {
            folder,
            keep,
            _lease: lease,
        })
    }

    fn lay_out(folder: &Path, project: &Project) -> io::Result<File> {
        fs::create_dir_all(folder.join("playbooks"))?;
        fs::create_dir_all(folder.join("bin"))?;
        for cell in CELLS {
            fs::create_dir_all(folder.join("data").join(cell))?;
        }
        let lease = File::create(folder.join("lease"))?;
        flock(&lease, FlockOperation::NonBlockingLockExclusive)?;
        // The artifacts name the program in their first line, which takes neither spaces nor long paths.
        symlink(std::env::current_exe()?, folder.join("bin/tidegate"))?;
        fs::write(folder.join("tidegate.yaml"), project.service)?;
        fs::write(folder.join("playbooks/demo.yaml"), project.playbook)?;
        fs::write(folder.join("tenants.yaml"), &project.tenants)?;
        Ok(lease)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn lease(&self) -> PathBuf {
        self.folder.join("lease")
    }

    pub fn data(&self, cell: &str) -> PathBuf {
        self.folder.join("data").join(cell)
    }

    /// How a verb would be called in the folder of the demo.
    pub fn context(&self) -> Context {
        Context {
            project: self.folder.clone(),
            state: None,
            server: None,
            token_file: None,
            color: Color::Never,
        }
    }

    /// Writes artifact and release file of a version; returns the release file. Components that are not named stay as they were
    /// in the first release.
    pub fn release(&self, artifact: &Artifact, components: &[&str]) -> Result<PathBuf, CliError> {
        let version = &artifact.version;
        let program = self.folder.join("bin/tidegate");
        let text = artifact.render(&program).map_err(|error| {
            CliError::new(format!("cannot write the artifact of {version}"))
                .because(error)
                .help("set TMPDIR to a folder with a short path and no space in it")
        })?;
        let file = self.folder.join(format!("loyalty-{version}"));
        let release = self.folder.join(format!("release-{version}.yaml"));
        let written = fs::write(&file, text)
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)))
            .and_then(|()| fs::write(&release, self.release_file(version, components)));
        written.map_err(|error| CliError::new(format!("cannot write release {version}")).because(error))?;
        Ok(release)
    }

    fn release_file(&self, version: &str, changed: &[&str]) -> String {
        let first = Artifact::old().version;
        let data = |cell: &str| format!("{cell}: {{LOYALTY_DATA: \"{}\"}}", self.data(cell).display());
        let cells = CELLS.map(data).join(", ");
        let mut text = format!("version: {version}\ncomponents:\n");
        for component in COMPONENTS {
            let of = if changed.contains(&component) { version } else { &first };
            text.push_str(&format!(
                "  {component}: {{artifact: loyalty-{of}, cells: {{{cells}}}}}\n"
            ));
        }
        text
    }

    /// Wrong for some tenants of the first wave, which no status tells, and slow for some others.
    pub fn bad(&self) -> Artifact {
        let first = tenants().filter(|tenant| tenant.first).map(|tenant| tenant.name);
        let mut first = first.skip(1);
        Artifact::bad(Faults {
            wrong_for: first.by_ref().take(WRONG).collect(),
            slow_for: first.take(SLOW).collect(),
            ..Faults::default()
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed stays in the temporary folder; the demo has said where.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

pub fn tenants() -> impl Iterator<Item = Tenant> {
    (0..TENANTS).map(|number| Tenant {
        name: format!("tenant-{number:02}"),
        cell: CELLS[number % CELLS.len()],
        first: number % 5 == 0,
    })
}

fn tenants_file() -> String {
    let line = |tenant: Tenant| {
        format!(
            "  - {{id: {}, cell: {}, opt_in: {}}}\n",
            tenant.name, tenant.cell, tenant.first
        )
    };
    std::iter::once("tenants:\n".to_owned())
        .chain(tenants().map(line))
        .collect()
}
